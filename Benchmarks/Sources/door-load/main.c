// A load for Millrace's HTTP door and for Redis Streams: requests are made ahead of time, and one thread with epoll drives all connections,
// so that as little as possible of the two processors is the client's. Prints `name value` lines; Benchmarks/compare puts them together.

#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char usage[] =
    "Usage: door-load COMMAND [OPTIONS]\n"
    "  put      PutRecord, or PutRecords with --records over 1, to --stream at --address\n"
    "  get      GetRecords of up to 10,000 records, a shard for each connection, over and over from the start\n"
    "  update   UpdateItem of --items leases of --bytes in the table --stream, each under the condition that owner and counter are as they were\n"
    "  xadd     Redis: XADD, --records of them pipelined; one answer counts when the last of them has come\n"
    "  xrange   Redis: XRANGE COUNT 10000, over and over from the start\n"
    "  idle     opens --connections, asks each for /healthz once, prints `open N` and holds them until its input ends\n"
    "  disk     4096 bytes and one fdatasync, over and over, in a pre-written file in --directory\n"
    "  floor    serves `put` at --address with the least that a durable answer takes: 4096 bytes and one fdatasync in --directory\n"
    "  --ca FILE speaks TLS and trusts the certificates in FILE (put and get).\n"
    "Options: --address HOST:PORT --stream NAME --connections N --records N --bytes N --seconds S --requests N --shards N --items N --directory DIR\n"
    "  --requests ends after so many requests instead of --seconds.\n";

double seconds_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

void *reserve(size_t bytes) {
    void *memory = malloc(bytes > 0 ? bytes : 1);
    if (memory == NULL) {
        fprintf(stderr, "door-load: no memory for %zu bytes\n", bytes);
        exit(1);
    }
    return memory;
}

void fail(const char *what) {
    fprintf(stderr, "door-load: %s: %s\n", what, errno ? strerror(errno) : "failed");
    exit(1);
}

static int by_value(const void *left, const void *right) {
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return a < b ? -1 : a > b;
}

void print_latencies(uint32_t *nanoseconds, size_t count) {
    if (count == 0) return;
    qsort(nanoseconds, count, sizeof *nanoseconds, by_value);
    printf("median_us %.1f\np90_us %.1f\np99_us %.1f\n", nanoseconds[count / 2] / 1e3, nanoseconds[count * 9 / 10] / 1e3,
           nanoseconds[count * 99 / 100] / 1e3);
}

// Numbers that only look random (xorshift; Marsaglia, 2003): the same requests in every run.
uint64_t next_random(void) {
    static uint64_t state = 0x9E3779B97F4A7C15u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void read_options(int count, char **arguments, struct options *options) {
    static const struct option known[] = {
        {"address", required_argument, 0, 'a'},  {"stream", required_argument, 0, 's'},  {"connections", required_argument, 0, 'c'},
        {"records", required_argument, 0, 'r'},  {"bytes", required_argument, 0, 'b'},   {"seconds", required_argument, 0, 't'},
        {"ca", required_argument, 0, 'A'},
        {"requests", required_argument, 0, 'n'}, {"shards", required_argument, 0, 'h'},  {"directory", required_argument, 0, 'd'},
        {"items", required_argument, 0, 'i'},
        {0, 0, 0, 0},
    };
    int option;
    while ((option = getopt_long(count, arguments, "", known, NULL)) != -1) {
        switch (option) {
        case 'a': options->address = optarg; break;
        case 's': options->stream = optarg; break;
        case 'A': options->authority = optarg; break;
        case 'd': options->directory = optarg; break;
        case 'c': options->connections = atoi(optarg); break;
        case 'r': options->records = atoi(optarg); break;
        case 'b': options->bytes = atoi(optarg); break;
        case 'h': options->shards = atoi(optarg); break;
        case 'i': options->items = atoi(optarg); break;
        case 't': options->seconds = atof(optarg); break;
        case 'n': options->requests = strtoull(optarg, NULL, 10); break;
        default: fputs(usage, stderr); exit(64);
        }
    }
    if (options->connections < 1 || options->records < 1 || options->bytes < 0 || options->shards < 1 ||
        options->items < 1) {
        fputs(usage, stderr);
        exit(64);
    }
}

int main(int count, char **arguments) {
    struct options options = {
        .address = "127.0.0.1:4566", .stream = "bench", .directory = ".", .connections = 1, .records = 1, .bytes = 150, .shards = 1, .items = 16,
        .seconds = 3,
    };
    if (count < 2) {
        fputs(usage, stderr);
        return 64;
    }
    read_options(count - 1, arguments + 1, &options);
    signal(SIGPIPE, SIG_IGN);
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
    const char *command = arguments[1];
    if (strcmp(command, "put") == 0) return drive(&options, make_put(&options));
    if (strcmp(command, "get") == 0) return drive(&options, make_get(&options));
    if (strcmp(command, "update") == 0) return drive(&options, make_update(&options));
    if (strcmp(command, "xadd") == 0) return drive(&options, make_xadd(&options));
    if (strcmp(command, "xrange") == 0) return drive(&options, make_xrange(&options));
    if (strcmp(command, "idle") == 0) return hold_idle(&options);
    if (strcmp(command, "disk") == 0) return measure_disk(&options);
    if (strcmp(command, "floor") == 0) return serve_floor(&options);
    fputs(usage, stderr);
    return 64;
}
