// The yardstick: what the disk takes to make 4096 bytes durable.

#define _GNU_SOURCE
#include "load.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { block = 4096, blocks = 4096 };
static char bytes[block];

struct written_file write_ahead(const char *directory) {
    char path[4096];
    snprintf(path, sizeof path, "%s/door-load-disk.%d", directory, (int)getpid());
    const int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) fail(path);
    unlink(path);
    memset(bytes, 'x', sizeof bytes);
    // Written before, as the journal's files are: what is measured is no growth of the file.
    for (int index = 0; index < blocks; index++) {
        if (pwrite(file, bytes, block, (off_t)index * block) != block) fail("write");
    }
    if (fsync(file) != 0) fail("fsync");
    return (struct written_file){file};
}

void make_durable(struct written_file written, size_t number) {
    if (pwrite(written.file, bytes, block, (off_t)(number % blocks) * block) != block) fail("write");
    if (fdatasync(written.file) != 0) fail("fdatasync");
}

int measure_disk(const struct options *options) {
    const struct written_file written = write_ahead(options->directory);
    const size_t room = 1 << 20;
    uint32_t *latencies = reserve(room * sizeof *latencies);
    size_t count = 0;
    const double began = seconds_now();
    for (double now = began; now < began + options->seconds && count < room; count++) {
        make_durable(written, count);
        const double end = seconds_now();
        latencies[count] = (uint32_t)((end - now) * 1e9);
        now = end;
    }
    print_latencies(latencies, count);
    free(latencies);
    close(written.file);
    return 0;
}
