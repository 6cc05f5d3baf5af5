// libzstd behind prefixed symbols: one stream in each direction (RFC 8878).
#ifndef CZSTD_H
#define CZSTD_H

#include <stddef.h>
#include <stdint.h>

/// What a step of a stream came to.
enum CZstd_status {
    /// It stopped for want of input or of room for output; call again.
    CZstd_more = 0,
    /// The frame is complete.
    CZstd_done = 1,
    /// The input is not a zstd frame, or is damaged.
    CZstd_invalid = -1,
};

typedef struct CZstd_compressor CZstd_compressor;
/// `level` as zstd counts; with `checksum` the frame ends in one of its content. NULL when memory is short.
CZstd_compressor *CZstd_compressor_create(int level, int checksum);
void CZstd_compressor_destroy(CZstd_compressor *compressor);
/// Consumes input and produces output, as far as both go. `finish`: no input follows this one.
int CZstd_compress(
    CZstd_compressor *compressor, const void *input, size_t input_count, size_t *consumed, void *output, size_t output_count,
    size_t *produced, int finish);

typedef struct CZstd_decompressor CZstd_decompressor;
/// Frames that look back further than 2^`window_log` bytes are refused. NULL when memory is short.
CZstd_decompressor *CZstd_decompressor_create(int window_log);
void CZstd_decompressor_destroy(CZstd_decompressor *decompressor);
/// Consumes input and produces output, as far as both go. `CZstd_done` at the end of a frame; a call with more input begins the next.
int CZstd_decompress(
    CZstd_decompressor *decompressor, const void *input, size_t input_count, size_t *consumed, void *output,
    size_t output_count, size_t *produced);

#endif
