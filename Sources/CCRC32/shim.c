// The CRC-32 of Intel ISA-L behind a prefixed symbol.
#include "CCRC32.h"

#include <isa-l.h>

// ISA-L returns with the upper halves of the vector registers in use, which slows down what follows: see CISAL.
static void leave_vectors(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx")) __asm__ volatile("vzeroupper" ::: "memory");
#endif
}

uint32_t CCRC32_crc32(uint32_t previous, const void *bytes, size_t count) {
    // It inverts before and after by itself.
    uint32_t value = crc32_gzip_refl(previous, bytes, count);
    leave_vectors();
    return value;
}
