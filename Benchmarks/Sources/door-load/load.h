// What the files of the load share.
#ifndef LOAD_H
#define LOAD_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct options {
    const char *address, *stream, *directory;
    // A file of certificates to trust; NULL speaks in clear.
    const char *authority;
    int connections, records, bytes, shards, items;
    double seconds;
    // 0: as many as fit `seconds`.
    uint64_t requests;
};

struct bytes {
    char *start;
    size_t length;
};

// One connection: what it is sending, what it has received.
struct connection {
    int file;
    int index;
    struct bytes request;
    size_t sent;
    char *received;
    size_t received_count, received_room;
    double began;
    // How far `answer` has looked.
    size_t looked;
    // Answers of a pipeline that have come.
    int answers;
    // The body of an answer, once its head is known.
    size_t body_start, body_length;
    // Where a reader goes on.
    char position[600];
    // Its own request, where each depends on the answer before.
    char *own;
    // NULL in clear.
    struct secured *secured;
};

// What is asked and how an answer is read.
struct exchange {
    // Sets the next request.
    void (*ask)(struct connection *connection, const struct options *options);
    // Whether the whole answer has come; then `records` tells how many records it was about. Ends the program on an error.
    int (*answer)(struct connection *connection, const struct options *options, uint64_t *records);
};

double seconds_now(void);
void *reserve(size_t bytes);
void fail(const char *what);
void print_latencies(uint32_t *nanoseconds, size_t count);
uint64_t next_random(void);

struct exchange make_put(const struct options *options);
struct exchange make_get(const struct options *options);
struct exchange make_update(const struct options *options);
struct exchange make_xadd(const struct options *options);
struct exchange make_xrange(const struct options *options);

int connect_to(const char *address);
// Whether the whole answer is there; its body lies at `body_start`. Ends the program where it is not a success.
int has_answer(struct connection *connection);
// A request of the JSON protocols; `target` as in X-Amz-Target, `version` as in the content type.
struct bytes http_request(const struct options *options, const char *version, const char *target, const char *body, size_t length);
// Shakes hands on a socket that blocks. NULL where there is no authority.
struct secured *secure(int file, const struct options *options);
// Seals a request; the bytes are there until the next one.
struct bytes seal(struct secured *secured, struct bytes request);
// Room for what comes from the socket, and what was said in so many bytes that came, put at `opened`; returns how many bytes that is.
char *cipher_room(struct secured *secured, size_t *room);
size_t open_some(struct secured *secured, size_t count, char *opened, size_t room);

int drive(const struct options *options, struct exchange exchange);
int hold_idle(const struct options *options);
// A file whose blocks were all written once.
struct written_file {
    int file;
};
struct written_file write_ahead(const char *directory);
// Writes one of its blocks of 4096 bytes and makes that durable; `number` says which, from the start again past the last.
void make_durable(struct written_file written, size_t number);
// Does not return.
int serve_floor(const struct options *options);
int measure_disk(const struct options *options);

#endif
