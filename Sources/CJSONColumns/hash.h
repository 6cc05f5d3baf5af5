// A seeded hash of short texts: 64-bit products folded, as wyhash and its kin do.
#ifndef CJSONCOLUMNS_HASH_H
#define CJSONCOLUMNS_HASH_H

#include <cstdint>
#include <cstring>

namespace columns {

inline uint64_t load8(const uint8_t *p) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    return word;
}

inline uint64_t load4(const uint8_t *p) {
    uint32_t word;
    std::memcpy(&word, p, 4);
    return word;
}

inline uint64_t fold(uint64_t a, uint64_t b) {
    const auto product = static_cast<unsigned __int128>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

inline uint64_t hash(const uint8_t *p, size_t length, uint64_t seed) {
    const uint64_t k0 = 0xa0761d6478bd642f, k1 = 0xe7037ed1a0b428db;
    uint64_t state = seed ^ k0;
    uint64_t a, b;
    if (length <= 16) {
        if (length >= 8) {
            a = load8(p);
            b = load8(p + length - 8);
        } else if (length >= 4) {
            a = load4(p);
            b = load4(p + length - 4);
        } else if (length > 0) {
            a = uint64_t(p[0]) << 16 | uint64_t(p[length >> 1]) << 8 | p[length - 1];
            b = 0;
        } else {
            a = b = 0;
        }
    } else {
        size_t rest = length;
        while (rest > 16) {
            state = fold(load8(p) ^ k1, load8(p + 8) ^ state);
            p += 16;
            rest -= 16;
        }
        a = load8(p + rest - 16);
        b = load8(p + rest - 8);
    }
    return fold(k1 ^ length, fold(a ^ k1, b ^ state));
}

}  // namespace columns

#endif
