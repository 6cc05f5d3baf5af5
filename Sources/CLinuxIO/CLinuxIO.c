#define _GNU_SOURCE
#include "CLinuxIO.h"

#include <fcntl.h>

int millrace_set_direct(int descriptor) {
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0) return -1;
    return fcntl(descriptor, F_SETFL, flags | O_DIRECT);
}

void millrace_start_writeback(int descriptor) { sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE); }

#ifdef __GLIBC__
#include <malloc.h>
#endif

void millrace_keep_freed(int bytes, int mapped_from) {
#ifdef __GLIBC__
    mallopt(M_TRIM_THRESHOLD, bytes);
    mallopt(M_MMAP_THRESHOLD, mapped_from);
#else
    (void)bytes;
    (void)mapped_from;
#endif
}
