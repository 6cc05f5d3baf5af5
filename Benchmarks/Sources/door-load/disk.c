// The yardstick: what the disk takes to make 4096 bytes durable.

#define _GNU_SOURCE
#include "load.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int measure_disk(const struct options *options) {
    enum { block = 4096, blocks = 4096 };
    char path[4096];
    snprintf(path, sizeof path, "%s/door-load-disk.%d", options->directory, (int)getpid());
    const int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) fail(path);
    unlink(path);
    static char bytes[block];
    memset(bytes, 'x', sizeof bytes);
    // Written before, as the journal's files are: what is measured is no growth of the file.
    for (int index = 0; index < blocks; index++) {
        if (pwrite(file, bytes, block, (off_t)index * block) != block) fail("write");
    }
    if (fsync(file) != 0) fail("fsync");
    const size_t room = 1 << 20;
    uint32_t *latencies = reserve(room * sizeof *latencies);
    size_t count = 0;
    const double began = seconds_now();
    for (double now = began; now < began + options->seconds && count < room; count++) {
        if (pwrite(file, bytes, block, (off_t)(count % blocks) * block) != block) fail("write");
        if (fdatasync(file) != 0) fail("fdatasync");
        const double end = seconds_now();
        latencies[count] = (uint32_t)((end - now) * 1e9);
        now = end;
    }
    print_latencies(latencies, count);
    free(latencies);
    close(file);
    return 0;
}
