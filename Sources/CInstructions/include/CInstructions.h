// The instructions that Swift does not show: begin to fetch a cache line that will be read soon; of two vectors the larger and the
// smaller floats, place by place. What Swift writes for the latter comes apart into a dozen instructions where its optimiser sees that
// only halves of the outcome are used together; copy a short text while looking for bytes that JSON escapes.
#ifndef CINSTRUCTIONS_H
#define CINSTRUCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

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

// Copies a text whose bytes stand for themselves in a JSON string. False at a quote, a backslash or a control character: what was written then means
// nothing. From `from` on `readable` bytes can be read, of which `length` are the text; at `to` 16 bytes more than the text can be written.
static inline bool copy_unescaped(uint8_t *to, const uint8_t *from, size_t length, size_t readable) {
    size_t at = 0;
#ifdef __SSE2__
    const __m128i control = _mm_set1_epi8(0x1f), quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    for (; at < length && at + 16 <= readable; at += 16) {
        const __m128i block = _mm_loadu_si128((const __m128i *)(from + at));
        _mm_storeu_si128((__m128i *)(to + at), block);
        const __m128i special = _mm_or_si128(
            _mm_cmpeq_epi8(_mm_min_epu8(block, control), block),
            _mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)));
        unsigned mask = (unsigned)_mm_movemask_epi8(special);
        if (length - at < 16) mask &= (1u << (length - at)) - 1;
        if (mask) return false;
    }
#endif
    for (; at < length; at++) {
        const uint8_t byte = from[at];
        if (byte < 0x20 || byte == '"' || byte == '\\') return false;
        to[at] = byte;
    }
    return true;
}

// Copies bytes, up to 15 more than asked for: so many more can be read at `from` and written at `to`.
static inline void copy_padded(uint8_t *to, const uint8_t *from, size_t length) {
    for (size_t at = 0; at < length; at += 16) __builtin_memcpy(to + at, from + at, 16);
}

#endif
