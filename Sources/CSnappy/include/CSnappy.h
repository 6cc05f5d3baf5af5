// libsnappy behind prefixed symbols: single blocks.
#ifndef CSNAPPY_H
#define CSNAPPY_H

#include <stddef.h>

/// The room that a compressed block takes at most.
size_t CSnappy_compress_room(size_t input_count);
/// The length of the compressed block, or 0 when `output_count` is less than `CSnappy_compress_room`.
size_t CSnappy_compress(const void *input, size_t input_count, void *output, size_t output_count);
/// Sets the length that a block states for its content; returns 0 when it states none.
int CSnappy_content_length(const void *input, size_t input_count, size_t *length);
/// Decompresses a block into exactly the room it states; returns 0 when it is damaged.
int CSnappy_decompress(const void *input, size_t input_count, void *output, size_t output_count);

#endif
