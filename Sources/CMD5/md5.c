// MD5's block function (RFC 1321) on vectors of eight numbers, one of each message.

#include "CMD5.h"

#include <string.h>

typedef uint32_t lanes_8 __attribute__((vector_size(32)));

#define LANES 8

#define F(x, y, z) ((z) ^ ((x) & ((y) ^ (z))))
#define G(x, y, z) ((y) ^ ((z) & ((x) ^ (y))))
#define H(x, y, z) ((x) ^ (y) ^ (z))
#define I(x, y, z) ((y) ^ ((x) | ~(z)))
#define STEP(f, a, b, c, d, word, shift, constant) \
    a += f(b, c, d) + (word) + (constant); \
    a = (a << (shift)) | (a >> (32 - (shift))); \
    a += b;

// All 64 steps on the variables a, b, c, d.
#define ROUNDS(w) \
    STEP(F, a, b, c, d, w[0], 7, 0xD76AA478u) STEP(F, d, a, b, c, w[1], 12, 0xE8C7B756u) \
    STEP(F, c, d, a, b, w[2], 17, 0x242070DBu) STEP(F, b, c, d, a, w[3], 22, 0xC1BDCEEEu) \
    STEP(F, a, b, c, d, w[4], 7, 0xF57C0FAFu) STEP(F, d, a, b, c, w[5], 12, 0x4787C62Au) \
    STEP(F, c, d, a, b, w[6], 17, 0xA8304613u) STEP(F, b, c, d, a, w[7], 22, 0xFD469501u) \
    STEP(F, a, b, c, d, w[8], 7, 0x698098D8u) STEP(F, d, a, b, c, w[9], 12, 0x8B44F7AFu) \
    STEP(F, c, d, a, b, w[10], 17, 0xFFFF5BB1u) STEP(F, b, c, d, a, w[11], 22, 0x895CD7BEu) \
    STEP(F, a, b, c, d, w[12], 7, 0x6B901122u) STEP(F, d, a, b, c, w[13], 12, 0xFD987193u) \
    STEP(F, c, d, a, b, w[14], 17, 0xA679438Eu) STEP(F, b, c, d, a, w[15], 22, 0x49B40821u) \
    STEP(G, a, b, c, d, w[1], 5, 0xF61E2562u) STEP(G, d, a, b, c, w[6], 9, 0xC040B340u) \
    STEP(G, c, d, a, b, w[11], 14, 0x265E5A51u) STEP(G, b, c, d, a, w[0], 20, 0xE9B6C7AAu) \
    STEP(G, a, b, c, d, w[5], 5, 0xD62F105Du) STEP(G, d, a, b, c, w[10], 9, 0x02441453u) \
    STEP(G, c, d, a, b, w[15], 14, 0xD8A1E681u) STEP(G, b, c, d, a, w[4], 20, 0xE7D3FBC8u) \
    STEP(G, a, b, c, d, w[9], 5, 0x21E1CDE6u) STEP(G, d, a, b, c, w[14], 9, 0xC33707D6u) \
    STEP(G, c, d, a, b, w[3], 14, 0xF4D50D87u) STEP(G, b, c, d, a, w[8], 20, 0x455A14EDu) \
    STEP(G, a, b, c, d, w[13], 5, 0xA9E3E905u) STEP(G, d, a, b, c, w[2], 9, 0xFCEFA3F8u) \
    STEP(G, c, d, a, b, w[7], 14, 0x676F02D9u) STEP(G, b, c, d, a, w[12], 20, 0x8D2A4C8Au) \
    STEP(H, a, b, c, d, w[5], 4, 0xFFFA3942u) STEP(H, d, a, b, c, w[8], 11, 0x8771F681u) \
    STEP(H, c, d, a, b, w[11], 16, 0x6D9D6122u) STEP(H, b, c, d, a, w[14], 23, 0xFDE5380Cu) \
    STEP(H, a, b, c, d, w[1], 4, 0xA4BEEA44u) STEP(H, d, a, b, c, w[4], 11, 0x4BDECFA9u) \
    STEP(H, c, d, a, b, w[7], 16, 0xF6BB4B60u) STEP(H, b, c, d, a, w[10], 23, 0xBEBFBC70u) \
    STEP(H, a, b, c, d, w[13], 4, 0x289B7EC6u) STEP(H, d, a, b, c, w[0], 11, 0xEAA127FAu) \
    STEP(H, c, d, a, b, w[3], 16, 0xD4EF3085u) STEP(H, b, c, d, a, w[6], 23, 0x04881D05u) \
    STEP(H, a, b, c, d, w[9], 4, 0xD9D4D039u) STEP(H, d, a, b, c, w[12], 11, 0xE6DB99E5u) \
    STEP(H, c, d, a, b, w[15], 16, 0x1FA27CF8u) STEP(H, b, c, d, a, w[2], 23, 0xC4AC5665u) \
    STEP(I, a, b, c, d, w[0], 6, 0xF4292244u) STEP(I, d, a, b, c, w[7], 10, 0x432AFF97u) \
    STEP(I, c, d, a, b, w[14], 15, 0xAB9423A7u) STEP(I, b, c, d, a, w[5], 21, 0xFC93A039u) \
    STEP(I, a, b, c, d, w[12], 6, 0x655B59C3u) STEP(I, d, a, b, c, w[3], 10, 0x8F0CCC92u) \
    STEP(I, c, d, a, b, w[10], 15, 0xFFEFF47Du) STEP(I, b, c, d, a, w[1], 21, 0x85845DD1u) \
    STEP(I, a, b, c, d, w[8], 6, 0x6FA87E4Fu) STEP(I, d, a, b, c, w[15], 10, 0xFE2CE6E0u) \
    STEP(I, c, d, a, b, w[6], 15, 0xA3014314u) STEP(I, b, c, d, a, w[13], 21, 0x4E0811A1u) \
    STEP(I, a, b, c, d, w[4], 6, 0xF7537E82u) STEP(I, d, a, b, c, w[11], 10, 0xBD3AF235u) \
    STEP(I, c, d, a, b, w[2], 15, 0x2AD7D2BBu) STEP(I, b, c, d, a, w[9], 21, 0xEB86D391u)

static const uint32_t initial[4] = {0x67452301u, 0xEFCDAB89u, 0x98BADCFEu, 0x10325476u};

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "MD5's words are little-endian, and so must be those of the processor"
#endif

#if defined(__x86_64__)

__attribute__((target("avx2"))) void CMD5_digest_lanes(const uint8_t *buffer, const CMD5_range *messages, uint8_t *digests) {
    union {
        lanes_8 vectors[16];
        uint32_t words[16][LANES];
    } w;
    memset(&w, 0, sizeof w);
    for (int lane = 0; lane < LANES; lane++) {
        const uint32_t length = messages[lane].length;
        uint32_t last = 0;
        const uint8_t *message = buffer + messages[lane].start;
        for (uint32_t word = 0; word < length / 4; word++) memcpy(&w.words[word][lane], message + 4 * word, 4);
        for (uint32_t byte = length & ~3u; byte < length; byte++) last |= (uint32_t)message[byte] << 8 * (byte & 3);
        w.words[length / 4][lane] = last | 0x80u << 8 * (length & 3);
        w.words[14][lane] = length * 8;
    }
    lanes_8 a = {0}, b = {0}, c = {0}, d = {0};
    a += initial[0];
    b += initial[1];
    c += initial[2];
    d += initial[3];
    ROUNDS(w.vectors)
    a += initial[0];
    b += initial[1];
    c += initial[2];
    d += initial[3];
    for (int lane = 0; lane < LANES; lane++) {
        const uint32_t digest[4] = {a[lane], b[lane], c[lane], d[lane]};
        memcpy(digests + 16 * lane, digest, 16);
    }
}

size_t CMD5_lanes(void) {
    static int known = -1;
    int has = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (has < 0) {
        __builtin_cpu_init();
        has = __builtin_cpu_supports("avx2") != 0;
        __atomic_store_n(&known, has, __ATOMIC_RELAXED);
    }
    return has ? LANES : 0;
}

#else

size_t CMD5_lanes(void) { return 0; }

void CMD5_digest_lanes(const uint8_t *buffer, const CMD5_range *messages, uint8_t *digests) {
    (void)buffer;
    (void)messages;
    (void)digests;
}

#endif
