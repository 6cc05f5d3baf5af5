// XGETBV with 1 tells which parts of the state are not as at the start (Intel SDM volume 1, 13.6): 2 is the upper half of the 256-bit registers, 6 that of
// the 512-bit ones.
#include "CVectorState.h"

#if defined(__x86_64__)
#include <cpuid.h>

bool upper_halves_are_in_use(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE)) return false;
    if (!__get_cpuid_count(0xd, 1, &a, &b, &c, &d) || !(a & 4)) return false;
    __asm__ volatile("xgetbv" : "=a"(a), "=d"(d) : "c"(1));
    return (a & (1u << 2 | 1u << 6)) != 0;
}
#else
bool upper_halves_are_in_use(void) { return false; }
#endif
