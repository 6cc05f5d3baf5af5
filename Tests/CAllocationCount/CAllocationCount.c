// The test program's own malloc and its kin: they count and hand on to glibc's.
#include "CAllocationCount.h"

#include <errno.h>
#include <malloc.h>
#include <stddef.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static _Thread_local unsigned long count;
static _Thread_local long held;
static _Thread_local unsigned long until_failure;

unsigned long allocations_of_this_thread(void) { return count; }
long bytes_held_by_this_thread(void) { return held; }

void fail_allocation_of_this_thread(unsigned long number) { until_failure = number; }

// Whether it is this one that fails.
static int fails(void) {
    if (until_failure == 0 || --until_failure > 0) return 0;
    errno = ENOMEM;
    return 1;
}

static void *counted(void *memory) {
    count++;
    if (memory) held += malloc_usable_size(memory);
    return memory;
}

void *malloc(size_t size) { return fails() ? NULL : counted(__libc_malloc(size)); }

void *calloc(size_t number, size_t size) { return fails() ? NULL : counted(__libc_calloc(number, size)); }

void *realloc(void *old, size_t size) {
    if (fails()) return NULL;
    if (old) held -= malloc_usable_size(old);
    return counted(__libc_realloc(old, size));
}

void *aligned_alloc(size_t alignment, size_t size) { return counted(__libc_memalign(alignment, size)); }

void *memalign(size_t alignment, size_t size) { return counted(__libc_memalign(alignment, size)); }

int posix_memalign(void **result, size_t alignment, size_t size) {
    *result = counted(__libc_memalign(alignment, size));
    return *result ? 0 : ENOMEM;
}

void free(void *memory) {
    if (memory) held -= malloc_usable_size(memory);
    __libc_free(memory);
}
