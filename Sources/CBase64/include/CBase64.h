// Base64 (RFC 4648, section 4) with the vector instructions that the processor has. Debian 12 has no library for it.
#ifndef CBASE64_H
#define CBASE64_H

#include <stddef.h>
#include <stdint.h>

// Which instructions are used; for tests, which run each of them.
typedef enum {
    CBASE64_SCALAR = 0,
    CBASE64_SSSE3 = 1,
    CBASE64_AVX2 = 2,
} CBase64_level;

// The best that this processor has.
CBase64_level CBase64_best(void);

// Writes the (count + 2) / 3 * 4 characters that stand for the bytes, padding included.
void CBase64_encode(const uint8_t *bytes, size_t count, uint8_t *characters);

// Decodes groups of four characters up to the first group that holds anything else than the alphabet, padding included, or is not
// whole. Returns how many characters were decoded: 3 bytes are written for every 4 of them. There must be room for count / 4 * 3 bytes,
// which may be written to past those that are returned.
size_t CBase64_decode_prefix(const uint8_t *characters, size_t count, uint8_t *bytes);

// The same with no better instructions than these.
void CBase64_encode_with(CBase64_level level, const uint8_t *bytes, size_t count, uint8_t *characters);
size_t CBase64_decode_prefix_with(CBase64_level level, const uint8_t *characters, size_t count, uint8_t *bytes);

#endif
