// Redis Streams over RESP: XADD, alone or pipelined, and XRANGE.

#define _GNU_SOURCE
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void refuse(const struct connection *connection) {
    fprintf(stderr, "door-load: an answer that is not the expected one: %.600s\n", connection->received + connection->looked);
    exit(1);
}

// MARK: XADD

static struct bytes *adds;
static size_t add_count;

static void ask_xadd(struct connection *connection, const struct options *options) {
    static size_t next;
    (void)options;
    connection->request = adds[next++ % add_count];
}

// An answer of XADD is a text: `$LENGTH`, a line end, the id, a line end.
static int answer_xadd(struct connection *connection, const struct options *options, uint64_t *records) {
    while (connection->answers < options->records) {
        const char *at = connection->received + connection->looked, *end = connection->received + connection->received_count;
        if (at == end) return 0;
        if (*at != '$') refuse(connection);
        const char *line = memchr(at, '\n', (size_t)(end - at));
        if (line == NULL) return 0;
        const long length = strtol(at + 1, NULL, 10);
        if (length <= 0) refuse(connection);
        if (end - line - 1 < length + 2) return 0;
        connection->looked = (size_t)(line + 1 + length + 2 - connection->received);
        connection->answers++;
    }
    *records = (uint64_t)options->records;
    return 1;
}

struct exchange make_xadd(const struct options *options) {
    add_count = options->records > 1 ? 64 : 4096;
    adds = reserve(add_count * sizeof *adds);
    for (size_t index = 0; index < add_count; index++) {
        char *at = reserve((size_t)options->records * ((size_t)options->bytes + 128));
        adds[index].start = at;
        for (int record = 0; record < options->records; record++) {
            at += sprintf(at, "*5\r\n$4\r\nXADD\r\n$%zu\r\n%s\r\n$1\r\n*\r\n$1\r\nv\r\n$%d\r\n", strlen(options->stream), options->stream,
                          options->bytes);
            for (int byte = 0; byte < options->bytes; byte++) *at++ = (char)(next_random() >> 20);
            *at++ = '\r';
            *at++ = '\n';
        }
        adds[index].length = (size_t)(at - adds[index].start);
    }
    return (struct exchange){ask_xadd, answer_xadd};
}

// MARK: XRANGE

static void ask_xrange(struct connection *connection, const struct options *options) {
    char start[64];
    if (connection->own == NULL) connection->own = reserve(512);
    // An exclusive start: after the last id that was seen.
    const int length = snprintf(start, sizeof start, "%s%.48s", connection->position[0] ? "(" : "-", connection->position);
    connection->request.start = connection->own;
    connection->request.length = (size_t)snprintf(
        connection->own, 512, "*6\r\n$6\r\nXRANGE\r\n$%zu\r\n%s\r\n$%d\r\n%s\r\n$1\r\n+\r\n$5\r\nCOUNT\r\n$5\r\n10000\r\n",
        strlen(options->stream), options->stream, length, start);
    connection->body_length = 0;
}

// The number of a line such as `*12` or `$7`; -1 where the line has not come.
static long header(struct connection *connection, char kind, const char **at, const char *end) {
    if (*at == end) return -1;
    if (**at != kind) refuse(connection);
    const char *line = memchr(*at, '\n', (size_t)(end - *at));
    if (line == NULL) return -1;
    const long number = strtol(*at + 1, NULL, 10);
    *at = line + 1;
    return number;
}

// Each element is `*2`, the id, `*2`, name, value.
static int answer_xrange(struct connection *connection, const struct options *options, uint64_t *records) {
    (void)options;
    const char *end = connection->received + connection->received_count;
    if (connection->body_start == 0) {
        const char *at = connection->received;
        const long count = header(connection, '*', &at, end);
        if (count < 0) return 0;
        connection->body_length = (size_t)count;
        connection->looked = connection->body_start = (size_t)(at - connection->received);
    }
    while ((size_t)connection->answers < connection->body_length) {
        const char *at = connection->received + connection->looked;
        if (header(connection, '*', &at, end) < 0) return 0;
        const long id_length = header(connection, '$', &at, end);
        if (id_length < 0 || end - at < id_length + 2) return 0;
        const char *id = at;
        at += id_length + 2;
        if (header(connection, '*', &at, end) < 0) return 0;
        for (int part = 0; part < 2; part++) {
            const long length = header(connection, '$', &at, end);
            if (length < 0 || end - at < length + 2) return 0;
            at += length + 2;
        }
        connection->answers++;
        connection->looked = (size_t)(at - connection->received);
        if ((size_t)connection->answers == connection->body_length) {
            memcpy(connection->position, id, (size_t)id_length);
            connection->position[id_length] = 0;
        }
    }
    *records = connection->body_length;
    if (connection->body_length == 0) connection->position[0] = 0;
    return 1;
}

struct exchange make_xrange(const struct options *options) {
    (void)options;
    return (struct exchange){ask_xrange, answer_xrange};
}
