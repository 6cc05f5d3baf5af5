// The instructions that Swift does not show: begin to fetch a cache line that will be read soon; of two vectors the larger and the
// smaller floats, place by place. What Swift writes for the latter comes apart into a dozen instructions where its optimiser sees that
// only halves of the outcome are used together.
#ifndef CINSTRUCTIONS_H
#define CINSTRUCTIONS_H

static inline void prefetch_line(const void *address) { __builtin_prefetch(address, 0, 3); }

typedef float four_floats __attribute__((ext_vector_type(4)));
typedef int four_ints __attribute__((ext_vector_type(4)));

// a where it is larger, else b.
static inline four_floats larger_floats(four_floats a, four_floats b) {
#ifdef __SSE__
    return __builtin_ia32_maxps(a, b);
#else
    four_ints isLarger = a > b;
    return (four_floats)((isLarger & (four_ints)a) | (~isLarger & (four_ints)b));
#endif
}

// a where it is smaller, else b.
static inline four_floats smaller_floats(four_floats a, four_floats b) {
#ifdef __SSE__
    return __builtin_ia32_minps(a, b);
#else
    four_ints isSmaller = a < b;
    return (four_floats)((isSmaller & (four_ints)a) | (~isSmaller & (four_ints)b));
#endif
}

#endif
