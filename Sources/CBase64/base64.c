// Base64 both ways: a scalar loop, and vectors of 16 and 32 characters after W. Mula and D. Lemire, "Faster Base64 Encoding and Decoding
// Using AVX2 Instructions", ACM Transactions on the Web 12 (3), 2018.

#include "CBase64.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

static const char alphabet[65] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#define NO 0xFF
#define NO4 NO, NO, NO, NO
#define NO16 NO4, NO4, NO4, NO4
// The value of each character; NO for those outside the alphabet.
static const uint8_t values[256] = {
    NO16, NO16,
    NO4, NO4, NO, NO, NO, 62, NO, NO, NO, 63,
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, NO, NO, NO,
    NO, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NO, NO, NO, NO, NO,
    NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NO, NO, NO, NO, NO,
    NO16, NO16, NO16, NO16, NO16, NO16, NO16, NO16,
};

static void encode_scalar(const uint8_t *bytes, size_t count, uint8_t *characters) {
    for (; count >= 3; count -= 3, bytes += 3, characters += 4) {
        const uint32_t word = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
        characters[0] = alphabet[word >> 18];
        characters[1] = alphabet[word >> 12 & 63];
        characters[2] = alphabet[word >> 6 & 63];
        characters[3] = alphabet[word & 63];
    }
    if (count == 0) return;
    const uint32_t word = (uint32_t)bytes[0] << 16 | (count == 2 ? (uint32_t)bytes[1] << 8 : 0);
    characters[0] = alphabet[word >> 18];
    characters[1] = alphabet[word >> 12 & 63];
    characters[2] = count == 2 ? alphabet[word >> 6 & 63] : '=';
    characters[3] = '=';
}

static size_t decode_scalar(const uint8_t *characters, size_t count, uint8_t *bytes) {
    size_t at = 0;
    for (; count - at >= 4; at += 4, bytes += 3) {
        const uint8_t a = values[characters[at]], b = values[characters[at + 1]];
        const uint8_t c = values[characters[at + 2]], d = values[characters[at + 3]];
        if ((a | b | c | d) & 0xC0) break;
        bytes[0] = (uint8_t)(a << 2 | b >> 4);
        bytes[1] = (uint8_t)(b << 4 | c >> 2);
        bytes[2] = (uint8_t)(c << 6 | d);
    }
    return at;
}

#if defined(__x86_64__)

// The 16 characters of 12 bytes, which lie in the lower part of a vector.
__attribute__((target("ssse3"))) static inline __m128i encoded_16(__m128i bytes) {
    const __m128i spread = _mm_shuffle_epi8(bytes, _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
    const __m128i first = _mm_mulhi_epu16(_mm_and_si128(spread, _mm_set1_epi32(0x0FC0FC00)), _mm_set1_epi32(0x04000040));
    const __m128i second = _mm_mullo_epi16(_mm_and_si128(spread, _mm_set1_epi32(0x003F03F0)), _mm_set1_epi32(0x01000010));
    const __m128i sextets = _mm_or_si128(first, second);
    // What is added to a sextet depends on its range: 0...25, 26...51, the ten digits, 62, 63.
    const __m128i shifts = _mm_setr_epi8('A', 'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                                         '0' - 52, '0' - 52, '+' - 62, '/' - 63, 0, 0);
    const __m128i ranges =
        _mm_sub_epi8(_mm_subs_epu8(sextets, _mm_set1_epi8(51)), _mm_cmpgt_epi8(sextets, _mm_set1_epi8(25)));
    return _mm_add_epi8(sextets, _mm_shuffle_epi8(shifts, ranges));
}

__attribute__((target("ssse3"))) static void encode_ssse3(const uint8_t *bytes, size_t count, uint8_t *characters) {
    // 16 bytes are read for 12.
    for (; count >= 16; count -= 12, bytes += 12, characters += 16)
        _mm_storeu_si128((__m128i *)characters, encoded_16(_mm_loadu_si128((const __m128i *)bytes)));
    encode_scalar(bytes, count, characters);
}

__attribute__((target("avx2"))) static inline __m256i encoded_32(__m256i bytes) {
    const __m256i spread = _mm256_shuffle_epi8(
        bytes, _mm256_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10, 1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10));
    const __m256i first = _mm256_mulhi_epu16(_mm256_and_si256(spread, _mm256_set1_epi32(0x0FC0FC00)), _mm256_set1_epi32(0x04000040));
    const __m256i second =
        _mm256_mullo_epi16(_mm256_and_si256(spread, _mm256_set1_epi32(0x003F03F0)), _mm256_set1_epi32(0x01000010));
    const __m256i sextets = _mm256_or_si256(first, second);
    const __m256i shifts = _mm256_broadcastsi128_si256(
        _mm_setr_epi8('A', 'a' - 26, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52, '0' - 52,
                      '+' - 62, '/' - 63, 0, 0));
    const __m256i ranges = _mm256_sub_epi8(
        _mm256_subs_epu8(sextets, _mm256_set1_epi8(51)), _mm256_cmpgt_epi8(sextets, _mm256_set1_epi8(25)));
    return _mm256_add_epi8(sextets, _mm256_shuffle_epi8(shifts, ranges));
}

__attribute__((target("avx2"))) static void encode_avx2(const uint8_t *bytes, size_t count, uint8_t *characters) {
    // 28 bytes are read for 24.
    for (; count >= 28; count -= 24, bytes += 24, characters += 32) {
        const __m256i both = _mm256_inserti128_si256(
            _mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)bytes)), _mm_loadu_si128((const __m128i *)(bytes + 12)), 1);
        _mm256_storeu_si256((__m256i *)characters, encoded_32(both));
    }
    encode_ssse3(bytes, count, characters);
}

// A character is in the alphabet where the bits of its two halves, looked up in these, have none in common.
#define LOWER_HALVES 0x15, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11, 0x13, 0x1A, 0x1B, 0x1B, 0x1B, 0x1A
#define UPPER_HALVES 0x10, 0x10, 0x01, 0x02, 0x04, 0x08, 0x04, 0x08, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x10
// What is added to a character, by its upper half; '/' takes the place before that of '+'.
#define SHIFTS 0, 16, 19, 4, -65, -65, -71, -71, 0, 0, 0, 0, 0, 0, 0, 0

__attribute__((target("ssse3"))) static size_t decode_ssse3(const uint8_t *characters, size_t count, uint8_t *bytes) {
    const __m128i low_mask = _mm_set1_epi8(0x2F);
    size_t at = 0;
    // 16 bytes are written for 12, so there must be room for them.
    for (; count - at >= 24; at += 16, bytes += 12) {
        const __m128i text = _mm_loadu_si128((const __m128i *)(characters + at));
        const __m128i upper = _mm_and_si128(_mm_srli_epi32(text, 4), low_mask);
        const __m128i lower = _mm_and_si128(text, low_mask);
        const __m128i wrong = _mm_and_si128(_mm_shuffle_epi8(_mm_setr_epi8(LOWER_HALVES), lower),
                                            _mm_shuffle_epi8(_mm_setr_epi8(UPPER_HALVES), upper));
        if (_mm_movemask_epi8(_mm_cmpeq_epi8(wrong, _mm_setzero_si128())) != 0xFFFF) break;
        const __m128i places = _mm_add_epi8(_mm_cmpeq_epi8(text, low_mask), upper);
        const __m128i sextets = _mm_add_epi8(text, _mm_shuffle_epi8(_mm_setr_epi8(SHIFTS), places));
        const __m128i pairs = _mm_maddubs_epi16(sextets, _mm_set1_epi32(0x01400140));
        const __m128i words = _mm_madd_epi16(pairs, _mm_set1_epi32(0x00011000));
        _mm_storeu_si128((__m128i *)bytes, _mm_shuffle_epi8(words, _mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1)));
    }
    return at + decode_scalar(characters + at, count - at, bytes);
}

__attribute__((target("avx2"))) static size_t decode_avx2(const uint8_t *characters, size_t count, uint8_t *bytes) {
    const __m256i lower_halves = _mm256_broadcastsi128_si256(_mm_setr_epi8(LOWER_HALVES));
    const __m256i upper_halves = _mm256_broadcastsi128_si256(_mm_setr_epi8(UPPER_HALVES));
    const __m256i shifts = _mm256_broadcastsi128_si256(_mm_setr_epi8(SHIFTS));
    const __m256i low_mask = _mm256_set1_epi8(0x2F);
    const __m256i order = _mm256_broadcastsi128_si256(_mm_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1));
    size_t at = 0;
    // 32 bytes are written for 24.
    for (; count - at >= 44; at += 32, bytes += 24) {
        const __m256i text = _mm256_loadu_si256((const __m256i *)(characters + at));
        const __m256i upper = _mm256_and_si256(_mm256_srli_epi32(text, 4), low_mask);
        const __m256i lower = _mm256_and_si256(text, low_mask);
        if (!_mm256_testz_si256(_mm256_shuffle_epi8(lower_halves, lower), _mm256_shuffle_epi8(upper_halves, upper))) break;
        const __m256i places = _mm256_add_epi8(_mm256_cmpeq_epi8(text, low_mask), upper);
        const __m256i sextets = _mm256_add_epi8(text, _mm256_shuffle_epi8(shifts, places));
        const __m256i pairs = _mm256_maddubs_epi16(sextets, _mm256_set1_epi32(0x01400140));
        const __m256i words = _mm256_shuffle_epi8(_mm256_madd_epi16(pairs, _mm256_set1_epi32(0x00011000)), order);
        _mm256_storeu_si256((__m256i *)bytes, _mm256_permutevar8x32_epi32(words, _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 3, 7)));
    }
    return at + decode_ssse3(characters + at, count - at, bytes);
}

CBase64_level CBase64_best(void) {
    static int known = -1;
    int level = __atomic_load_n(&known, __ATOMIC_RELAXED);
    if (level < 0) {
        __builtin_cpu_init();
        level = __builtin_cpu_supports("avx2") ? CBASE64_AVX2 : __builtin_cpu_supports("ssse3") ? CBASE64_SSSE3 : CBASE64_SCALAR;
        __atomic_store_n(&known, level, __ATOMIC_RELAXED);
    }
    return (CBase64_level)level;
}

#else

CBase64_level CBase64_best(void) { return CBASE64_SCALAR; }

#endif

void CBase64_encode_with(CBase64_level level, const uint8_t *bytes, size_t count, uint8_t *characters) {
#if defined(__x86_64__)
    if (level > CBase64_best()) level = CBase64_best();
    if (level == CBASE64_AVX2) return encode_avx2(bytes, count, characters);
    if (level == CBASE64_SSSE3) return encode_ssse3(bytes, count, characters);
#endif
    (void)level;
    encode_scalar(bytes, count, characters);
}

size_t CBase64_decode_prefix_with(CBase64_level level, const uint8_t *characters, size_t count, uint8_t *bytes) {
#if defined(__x86_64__)
    if (level > CBase64_best()) level = CBase64_best();
    if (level == CBASE64_AVX2) return decode_avx2(characters, count, bytes);
    if (level == CBASE64_SSSE3) return decode_ssse3(characters, count, bytes);
#endif
    (void)level;
    return decode_scalar(characters, count, bytes);
}

void CBase64_encode(const uint8_t *bytes, size_t count, uint8_t *characters) {
    CBase64_encode_with(CBase64_best(), bytes, count, characters);
}

size_t CBase64_decode_prefix(const uint8_t *characters, size_t count, uint8_t *bytes) {
    return CBase64_decode_prefix_with(CBase64_best(), characters, count, bytes);
}
