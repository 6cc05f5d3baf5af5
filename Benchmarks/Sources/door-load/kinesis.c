// The Kinesis API over HTTP/1.1 with keep-alive: PutRecord, PutRecords and GetRecords.

#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void refuse(const struct connection *connection) {
    fprintf(stderr, "door-load: an answer that is not the expected one: %.600s\n", connection->received);
    exit(1);
}

int has_answer(struct connection *connection) {
    if (connection->body_start == 0) {
        const char *end = memmem(connection->received, connection->received_count, "\r\n\r\n", 4);
        if (end == NULL) return 0;
        const char *length = strcasestr(connection->received, "\ncontent-length:");
        if (strncmp(connection->received, "HTTP/1.1 200", 12) != 0 || length == NULL || length > end) refuse(connection);
        connection->body_start = (size_t)(end + 4 - connection->received);
        connection->body_length = strtoull(length + 16, NULL, 10);
    }
    return connection->received_count >= connection->body_start + connection->body_length;
}

struct bytes http_request(const struct options *options, const char *version, const char *target, const char *body, size_t length) {
    struct bytes request;
    request.start = reserve(length + 512);
    const int head = snprintf(
        request.start, 512,
        "POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-amz-json-%s\r\nX-Amz-Target: %s\r\n"
        "Content-Length: %zu\r\n\r\n",
        options->address, version, target, length);
    memcpy(request.start + head, body, length);
    request.length = (size_t)head + length;
    return request;
}

static struct bytes kinesis_request(const struct options *options, const char *operation, const char *body, size_t length) {
    char target[64];
    snprintf(target, sizeof target, "Kinesis_20131202.%s", operation);
    return http_request(options, "1.1", target, body, length);
}

// MARK: Puts

static struct bytes *put_requests;
static size_t put_request_count;

static size_t write_entry(char *to, int number, int bytes) {
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *at = to;
    at += sprintf(at, "\"PartitionKey\":\"key-%08d\",\"Data\":\"", number);
    for (int left = bytes; left > 0; left -= 3) {
        const uint64_t bits = next_random() >> 20;
        at[0] = alphabet[bits & 63];
        at[1] = left == 1 ? alphabet[bits >> 6 & 48] : alphabet[bits >> 6 & 63];
        at[2] = left == 1 ? '=' : left == 2 ? alphabet[bits >> 12 & 60] : alphabet[bits >> 12 & 63];
        at[3] = left < 3 ? '=' : alphabet[bits >> 18 & 63];
        at += 4;
    }
    *at++ = '"';
    return (size_t)(at - to);
}

static void ask_put(struct connection *connection, const struct options *options) {
    static size_t next;
    (void)options;
    connection->request = put_requests[next++ % put_request_count];
}

static int answer_put(struct connection *connection, const struct options *options, uint64_t *records) {
    if (!has_answer(connection)) return 0;
    if (options->records > 1 && strncmp(connection->received + connection->body_start, "{\"FailedRecordCount\":0,", 23) != 0)
        refuse(connection);
    *records = (uint64_t)options->records;
    return 1;
}

struct exchange make_put(const struct options *options) {
    const size_t entry = (size_t)options->bytes / 3 * 4 + 128;
    put_request_count = options->records > 1 ? 64 : 4096;
    put_requests = reserve(put_request_count * sizeof *put_requests);
    char *body = reserve((size_t)options->records * entry + 256);
    int number = 0;
    for (size_t index = 0; index < put_request_count; index++) {
        size_t at = (size_t)sprintf(body, "{\"StreamName\":\"%s\",", options->stream);
        if (options->records == 1) {
            at += write_entry(body + at, number++, options->bytes);
        } else {
            at += (size_t)sprintf(body + at, "\"Records\":[");
            for (int record = 0; record < options->records; record++) {
                at += (size_t)sprintf(body + at, record > 0 ? ",{" : "{");
                at += write_entry(body + at, number++, options->bytes);
                body[at++] = '}';
            }
            body[at++] = ']';
        }
        body[at++] = '}';
        put_requests[index] = kinesis_request(options, options->records == 1 ? "PutRecord" : "PutRecords", body, at);
    }
    free(body);
    return (struct exchange){ask_put, answer_put};
}

// MARK: Reads

// Copies the text that follows a name in an answer; returns 0 where the name is not there.
static int copy_text(const struct connection *connection, const char *name, char *to, size_t room) {
    // An iterator stands at the end.
    const char *body = connection->received + connection->body_start;
    const size_t tail = connection->body_length < 1024 ? connection->body_length : 1024;
    const char *found = memmem(body + connection->body_length - tail, tail, name, strlen(name));
    if (found == NULL) return 0;
    found += strlen(name);
    const char *end = strchr(found, '"');
    if (end == NULL || (size_t)(end - found) >= room) return 0;
    memcpy(to, found, (size_t)(end - found));
    to[end - found] = 0;
    return 1;
}

static void ask_get(struct connection *connection, const struct options *options) {
    char body[800];
    free(connection->own);
    if (connection->position[0] == 0) {
        snprintf(body, sizeof body, "{\"StreamName\":\"%s\",\"ShardId\":\"shardId-%012d\",\"ShardIteratorType\":\"TRIM_HORIZON\"}",
                 options->stream, connection->index % options->shards);
        connection->request = kinesis_request(options, "GetShardIterator", body, strlen(body));
    } else {
        snprintf(body, sizeof body, "{\"ShardIterator\":\"%s\",\"Limit\":10000}", connection->position);
        connection->request = kinesis_request(options, "GetRecords", body, strlen(body));
    }
    connection->own = connection->request.start;
}

static int answer_get(struct connection *connection, const struct options *options, uint64_t *records) {
    (void)options;
    if (!has_answer(connection)) return 0;
    const char *body = connection->received + connection->body_start;
    *records = 0;
    if (connection->position[0] == 0) {
        if (!copy_text(connection, "\"ShardIterator\":\"", connection->position, sizeof connection->position)) refuse(connection);
        return 1;
    }
    // One brace for each record and one for the answer; base64 has none.
    uint64_t braces = 0;
    for (size_t index = 0; index < connection->body_length; index++) braces += body[index] == '{';
    *records = braces - 1;
    if (!copy_text(connection, "\"NextShardIterator\":\"", connection->position, sizeof connection->position)) refuse(connection);
    // At the tip it starts again.
    if (*records == 0) connection->position[0] = 0;
    return 1;
}

struct exchange make_get(const struct options *options) {
    (void)options;
    return (struct exchange){ask_get, answer_get};
}

// MARK: Idle connections

int hold_idle(const struct options *options) {
    int *files = reserve((size_t)options->connections * sizeof *files);
    int open = 0;
    char request[128], answer[4096];
    const int length = snprintf(request, sizeof request, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", options->address);
    for (int index = 0; index < options->connections; index++) {
        files[index] = connect_to(options->address);
        if (send(files[index], request, (size_t)length, 0) != length) continue;
        if (recv(files[index], answer, sizeof answer, 0) > 12 && strncmp(answer, "HTTP/1.1 200", 12) == 0) open++;
    }
    printf("open %d\n", open);
    fflush(stdout);
    while (fgets(answer, sizeof answer, stdin) != NULL) {}
    int alive = 0;
    for (int index = 0; index < options->connections; index++) {
        errno = 0;
        if (recv(files[index], answer, sizeof answer, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN) alive++;
    }
    printf("alive %d\n", alive);
    return open == options->connections && alive == open ? 0 : 1;
}
