// The loop: every connection has one request under way; epoll tells whose answer has come.

#define _GNU_SOURCE
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

int connect_to(const char *address) {
    char host[64] = {0};
    const char *colon = strrchr(address, ':');
    if (colon == NULL || (size_t)(colon - address) >= sizeof host) {
        fprintf(stderr, "door-load: the address is HOST:PORT with an IPv4 host, not %s\n", address);
        exit(64);
    }
    memcpy(host, address, (size_t)(colon - address));
    struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1))};
    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &place.sin_addr) != 1) fail(address);
    const int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (file < 0) fail("socket");
    if (connect(file, (struct sockaddr *)&place, sizeof place) != 0) fail("connect");
    const int on = 1;
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return file;
}

static void send_some(struct connection *connection, int poll) {
    while (connection->sent < connection->request.length) {
        const ssize_t count =
            send(connection->file, connection->request.start + connection->sent, connection->request.length - connection->sent, 0);
        if (count < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN) fail("send");
            struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.ptr = connection};
            epoll_ctl(poll, EPOLL_CTL_MOD, connection->file, &event);
            return;
        }
        connection->sent += (size_t)count;
    }
}

static void begin(struct connection *connection, const struct options *options, const struct exchange *exchange, int poll) {
    exchange->ask(connection, options);
    // The request is sealed where it is sent: what that takes is the client's own time.
    if (connection->secured != NULL) connection->request = seal(connection->secured, connection->request);
    connection->sent = 0;
    connection->received_count = 0;
    connection->looked = 0;
    connection->answers = 0;
    connection->body_start = 0;
    connection->began = seconds_now();
    send_some(connection, poll);
}

// Takes what has come. Returns 0 when there is no more for now.
static int receive_some(struct connection *connection) {
    if (connection->received_room - connection->received_count < 64 << 10) {
        connection->received_room = connection->received_room * 2 + (256 << 10);
        connection->received = realloc(connection->received, connection->received_room);
        if (connection->received == NULL) fail("memory for an answer");
    }
    // One byte stays free, so that text functions find an end.
    const size_t room = connection->received_room - connection->received_count - 1;
    size_t cipher_size = room;
    char *place = connection->secured == NULL ? connection->received + connection->received_count
                                              : cipher_room(connection->secured, &cipher_size);
    const ssize_t count = recv(connection->file, place, cipher_size, 0);
    if (count == 0) {
        errno = 0;
        fail("the server closed a connection");
    }
    if (count < 0) {
        if (errno == EAGAIN || errno == EINTR) return 0;
        fail("recv");
    }
    connection->received_count += connection->secured == NULL
                                      ? (size_t)count
                                      : open_some(connection->secured, (size_t)count, connection->received + connection->received_count, room);
    connection->received[connection->received_count] = 0;
    return 1;
}

static double processor_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

struct totals {
    uint64_t requests, records;
    uint32_t *latencies;
    size_t latency_room;
};

static void note(struct totals *totals, uint64_t records, double seconds) {
    if (totals->requests == totals->latency_room) {
        totals->latency_room = totals->latency_room * 2 + 65536;
        totals->latencies = realloc(totals->latencies, totals->latency_room * sizeof *totals->latencies);
        if (totals->latencies == NULL) fail("memory for latencies");
    }
    totals->latencies[totals->requests++] = seconds < 4 ? (uint32_t)(seconds * 1e9) : UINT32_MAX;
    totals->records += records;
}

int drive(const struct options *options, struct exchange exchange) {
    const int poll = epoll_create1(EPOLL_CLOEXEC);
    if (poll < 0) fail("epoll");
    struct connection *connections = calloc((size_t)options->connections, sizeof *connections);
    if (connections == NULL) fail("memory for connections");
    for (int index = 0; index < options->connections; index++) {
        struct connection *connection = &connections[index];
        connection->file = connect_to(options->address);
        connection->index = index;
        connection->secured = secure(connection->file, options);
        fcntl(connection->file, F_SETFL, O_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        if (epoll_ctl(poll, EPOLL_CTL_ADD, connection->file, &event) != 0) fail("epoll");
    }
    struct totals totals = {0};
    const double began = seconds_now(), processor_began = processor_seconds();
    // What is measured begins after a twentieth, when all is warm.
    const double warm = options->requests > 0 ? began : began + options->seconds / 20;
    double measured_from = began, now = began;
    int is_warm = options->requests > 0;
    uint64_t begun = 0;
    int open = 0;
    for (int index = 0; index < options->connections; index++) {
        if (options->requests > 0 && begun == options->requests) break;
        begin(&connections[index], options, &exchange, poll);
        begun++;
        open++;
    }
    struct epoll_event events[64];
    while (open > 0) {
        const int count = epoll_wait(poll, events, 64, 10000);
        if (count < 0 && errno != EINTR) fail("epoll");
        if (count == 0) {
            errno = 0;
            fail("no answer for ten seconds");
        }
        for (int index = 0; index < count; index++) {
            struct connection *connection = events[index].data.ptr;
            if (events[index].events & EPOLLOUT) {
                send_some(connection, poll);
                if (connection->sent == connection->request.length) {
                    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
                    epoll_ctl(poll, EPOLL_CTL_MOD, connection->file, &event);
                }
            }
            if (!(events[index].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) || !receive_some(connection)) continue;
            uint64_t records = 0;
            if (!exchange.answer(connection, options, &records)) continue;
            now = seconds_now();
            if (!is_warm && now >= warm) {
                is_warm = 1;
                measured_from = now;
            } else if (is_warm) {
                note(&totals, records, now - connection->began);
            }
            if (options->requests > 0 ? begun < options->requests : now < began + options->seconds) {
                begin(connection, options, &exchange, poll);
                begun++;
            } else {
                open--;
            }
        }
    }
    const double seconds = now - measured_from;
    printf("requests %llu\nseconds %.3f\nrequests_per_second %.1f\nrecords_per_second %.1f\n", (unsigned long long)totals.requests, seconds,
           totals.requests / seconds, totals.records / seconds);
    print_latencies(totals.latencies, totals.requests);
    printf("client_cpu_seconds %.3f\n", processor_seconds() - processor_began);
    return totals.requests > 0 ? 0 : 1;
}
