// liblz4 behind prefixed symbols: the frame format, one stream in each direction.
#include "CLZ4.h"

#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>

struct CLZ4_compressor {
    LZ4F_cctx *context;
    LZ4F_preferences_t preferences;
    int has_begun;
};

// liblz4 takes input only when there is room for the worst case, so it is fed in pieces of one block.
enum { piece = 64 << 10 };

CLZ4_compressor *CLZ4_compressor_create(int checksum) {
    CLZ4_compressor *compressor = calloc(1, sizeof *compressor);
    if (compressor == NULL) return NULL;
    if (LZ4F_isError(LZ4F_createCompressionContext(&compressor->context, LZ4F_VERSION))) {
        free(compressor);
        return NULL;
    }
    compressor->preferences.frameInfo.blockSizeID = LZ4F_max64KB;
    compressor->preferences.frameInfo.blockMode = LZ4F_blockIndependent;
    compressor->preferences.frameInfo.contentChecksumFlag =
        checksum ? LZ4F_contentChecksumEnabled : LZ4F_noContentChecksum;
    return compressor;
}

void CLZ4_compressor_destroy(CLZ4_compressor *compressor) {
    if (compressor == NULL) return;
    LZ4F_freeCompressionContext(compressor->context);
    free(compressor);
}

size_t CLZ4_compress_room(const CLZ4_compressor *compressor) {
    return LZ4F_HEADER_SIZE_MAX + LZ4F_compressBound(piece, &compressor->preferences);
}

int CLZ4_compress(
    CLZ4_compressor *compressor, const void *input, size_t input_count, size_t *consumed, void *output, size_t output_count,
    size_t *produced, int finish) {
    *consumed = 0;
    *produced = 0;
    if (output_count < CLZ4_compress_room(compressor)) return CLZ4_more;
    if (!compressor->has_begun) {
        size_t count = LZ4F_compressBegin(compressor->context, output, output_count, &compressor->preferences);
        if (LZ4F_isError(count)) return CLZ4_invalid;
        compressor->has_begun = 1;
        *produced = count;
        return CLZ4_more;
    }
    if (input_count > 0) {
        size_t step = input_count < piece ? input_count : piece;
        size_t count = LZ4F_compressUpdate(compressor->context, output, output_count, input, step, NULL);
        if (LZ4F_isError(count)) return CLZ4_invalid;
        *consumed = step;
        *produced = count;
        return CLZ4_more;
    }
    if (!finish) return CLZ4_more;
    size_t count = LZ4F_compressEnd(compressor->context, output, output_count, NULL);
    if (LZ4F_isError(count)) return CLZ4_invalid;
    *produced = count;
    return CLZ4_done;
}

// Our opaque type is liblz4's context under another name, so that its header stays out of Swift.
CLZ4_decompressor *CLZ4_decompressor_create(void) {
    LZ4F_dctx *context = NULL;
    if (LZ4F_isError(LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) return NULL;
    return (CLZ4_decompressor *)context;
}

void CLZ4_decompressor_destroy(CLZ4_decompressor *decompressor) {
    LZ4F_freeDecompressionContext((LZ4F_dctx *)decompressor);
}

int CLZ4_decompress(
    CLZ4_decompressor *decompressor, const void *input, size_t input_count, size_t *consumed, void *output, size_t output_count,
    size_t *produced) {
    size_t in = input_count;
    size_t out = output_count;
    size_t left = LZ4F_decompress((LZ4F_dctx *)decompressor, output, &out, input, &in, NULL);
    *consumed = LZ4F_isError(left) ? 0 : in;
    *produced = LZ4F_isError(left) ? 0 : out;
    if (LZ4F_isError(left)) return CLZ4_invalid;
    return left == 0 ? CLZ4_done : CLZ4_more;
}
