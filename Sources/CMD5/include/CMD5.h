// MD5 (RFC 1321) of eight short messages at once: Kinesis routes every record by that of its partition key. No secrets hang on it.
//
// No library of Debian 12 hashes several messages side by side, which takes a fifth of the time; for one message there is libcrypto.
#ifndef CMD5_H
#define CMD5_H

#include <stddef.h>
#include <stdint.h>

enum {
    // The longest message, in bytes: with its padding it fits one block.
    CMD5_longest = 55,
};

// Where a message lies in a buffer.
typedef struct {
    uint32_t start, length;
} CMD5_range;

// How many messages this processor hashes at once: 8, or 0 where it cannot.
size_t CMD5_lanes(void);

// Of so many messages of one buffer, none longer than `CMD5_longest`: 16 bytes each, in their order. Only where `CMD5_lanes` is not 0.
void CMD5_digest_lanes(const uint8_t *buffer, const CMD5_range *messages, uint8_t *digests);

#endif
