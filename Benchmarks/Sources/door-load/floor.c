// The floor: the least that a durable answer takes on this machine. One epoll loop reads requests of the door's size, writes 4096 bytes into a
// pre-written file, makes them durable with one fdatasync for all that have come, and answers as many bytes as the door does. Nothing is
// understood, nothing is stored: what the door takes beyond this is its own.

#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { most_events = 64, request_room = 64 << 10 };

// A connection of a client.
struct guest {
    int file;
    size_t count;
    char request[request_room];
};

// What PutRecord answers, in length: head and body.
static const char answer[] =
    "HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.1\r\nx-amzn-RequestId: 00000000-0000-0000-0000-000000000000\r\n"
    "x-amz-id-2: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n"
    "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 110\r\n\r\n"
    "{\"ShardId\":\"shardId-000000000000\",\"SequenceNumber\":\"00000000000000000000000000000000000000000000000000000000\"}\n";

static int listen_on(const char *address) {
    char host[64] = {0};
    const char *colon = strrchr(address, ':');
    if (colon == NULL || (size_t)(colon - address) >= sizeof host) fail("the address is HOST:PORT with an IPv4 host");
    memcpy(host, address, (size_t)(colon - address));
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1))};
    if (inet_pton(AF_INET, host, &place.sin_addr) != 1) fail(address);
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0 || bind(file, (struct sockaddr *)&place, sizeof place) != 0 || listen(file, 1024) != 0) fail("listen");
    socklen_t length = sizeof place;
    if (getsockname(file, (struct sockaddr *)&place, &length) != 0) fail("getsockname");
    printf("ready %s:%d\n", host, ntohs(place.sin_port));
    fflush(stdout);
    return file;
}

static void welcome(int listener, int poll) {
    struct guest *guest = calloc(1, sizeof *guest);
    if (guest == NULL) fail("memory for a connection");
    guest->file = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (guest->file < 0) fail("accept");
    const int on = 1;
    setsockopt(guest->file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = guest};
    if (epoll_ctl(poll, EPOLL_CTL_ADD, guest->file, &event) != 0) fail("epoll");
}

// Whether a whole request has come, which is taken; a connection that has ended is closed.
static int take_request(struct guest *guest) {
    const ssize_t count = recv(guest->file, guest->request + guest->count, sizeof guest->request - guest->count - 1, 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (count <= 0) {
        close(guest->file);
        free(guest);
        return 0;
    }
    guest->count += (size_t)count;
    guest->request[guest->count] = 0;
    const char *end = strstr(guest->request, "\r\n\r\n"), *length = strcasestr(guest->request, "\ncontent-length:");
    if (end == NULL) return 0;
    if (length == NULL || length > end) fail("a request without Content-Length");
    if (guest->count < (size_t)(end + 4 - guest->request) + strtoull(length + 16, NULL, 10)) return 0;
    guest->count = 0;
    return 1;
}

int serve_floor(const struct options *options) {
    signal(SIGPIPE, SIG_IGN);
    const struct written_file written = write_ahead(options->directory);
    const int listener = listen_on(options->address), poll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL}, events[most_events];
    if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event) != 0) fail("epoll");
    for (size_t commits = 0;;) {
        const int count = epoll_wait(poll, events, most_events, -1);
        if (count < 0 && errno != EINTR) fail("epoll");
        struct guest *asked[most_events];
        int waiting = 0;
        for (int index = 0; index < count; index++) {
            struct guest *guest = events[index].data.ptr;
            if (guest == NULL) {
                welcome(listener, poll);
            } else if (take_request(guest)) {
                asked[waiting++] = guest;
            }
        }
        if (waiting == 0) continue;
        make_durable(written, commits++);
        for (int index = 0; index < waiting; index++) {
            if (send(asked[index]->file, answer, sizeof answer - 1, 0) != sizeof answer - 1) fail("send");
        }
    }
}
