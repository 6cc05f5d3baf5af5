// libsnappy behind prefixed symbols: single blocks.
#include "CSnappy.h"

#include <snappy-c.h>

size_t CSnappy_compress_room(size_t input_count) { return snappy_max_compressed_length(input_count); }

size_t CSnappy_compress(const void *input, size_t input_count, void *output, size_t output_count) {
    size_t count = output_count;
    return snappy_compress(input, input_count, output, &count) == SNAPPY_OK ? count : 0;
}

int CSnappy_content_length(const void *input, size_t input_count, size_t *length) {
    return snappy_uncompressed_length(input, input_count, length) == SNAPPY_OK;
}

int CSnappy_decompress(const void *input, size_t input_count, void *output, size_t output_count) {
    size_t count = output_count;
    return snappy_uncompress(input, input_count, output, &count) == SNAPPY_OK && count == output_count;
}
