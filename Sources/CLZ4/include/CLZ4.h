// liblz4 behind prefixed symbols: the frame format, one stream in each direction.
#ifndef CLZ4_H
#define CLZ4_H

#include <stddef.h>
#include <stdint.h>

/// What a step of a stream came to.
enum CLZ4_status {
    /// It stopped for want of input or of room for output; call again.
    CLZ4_more = 0,
    /// The frame is complete.
    CLZ4_done = 1,
    /// The input is not an LZ4 frame, or is damaged.
    CLZ4_invalid = -1,
};

/// Writes frames of independent 64 KiB blocks without content size: the only kind that all Kafka clients read.
typedef struct CLZ4_compressor CLZ4_compressor;
/// With `checksum` the frame ends in one of its content. NULL when memory is short.
CLZ4_compressor *CLZ4_compressor_create(int checksum);
void CLZ4_compressor_destroy(CLZ4_compressor *compressor);
/// The room for output that a step needs at least.
size_t CLZ4_compress_room(const CLZ4_compressor *compressor);
/// Consumes some input and produces output. `finish`: no input follows this one.
int CLZ4_compress(
    CLZ4_compressor *compressor, const void *input, size_t input_count, size_t *consumed, void *output, size_t output_count,
    size_t *produced, int finish);

typedef struct CLZ4_decompressor CLZ4_decompressor;
/// NULL when memory is short.
CLZ4_decompressor *CLZ4_decompressor_create(void);
void CLZ4_decompressor_destroy(CLZ4_decompressor *decompressor);
/// Consumes input and produces output, as far as both go. `CLZ4_done` at the end of a frame; a call with more input begins the next.
int CLZ4_decompress(
    CLZ4_decompressor *decompressor, const void *input, size_t input_count, size_t *consumed, void *output, size_t output_count,
    size_t *produced);

#endif
