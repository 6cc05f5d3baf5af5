// libzstd behind prefixed symbols: one stream in each direction (RFC 8878).
#include "CZstd.h"

#include <zstd.h>

// Our opaque types are libzstd's contexts under another name, so that its header stays out of Swift.
CZstd_compressor *CZstd_compressor_create(int level, int checksum) {
    ZSTD_CCtx *context = ZSTD_createCCtx();
    if (context == NULL) return NULL;
    if (ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, checksum))) {
        ZSTD_freeCCtx(context);
        return NULL;
    }
    return (CZstd_compressor *)context;
}

void CZstd_compressor_destroy(CZstd_compressor *compressor) { ZSTD_freeCCtx((ZSTD_CCtx *)compressor); }

int CZstd_compress(
    CZstd_compressor *compressor, const void *input, size_t input_count, size_t *consumed, void *output, size_t output_count,
    size_t *produced, int finish) {
    ZSTD_inBuffer in = {input, input_count, 0};
    ZSTD_outBuffer out = {output, output_count, 0};
    size_t left = ZSTD_compressStream2((ZSTD_CCtx *)compressor, &out, &in, finish ? ZSTD_e_end : ZSTD_e_continue);
    *consumed = in.pos;
    *produced = out.pos;
    if (ZSTD_isError(left)) return CZstd_invalid;
    return finish && left == 0 ? CZstd_done : CZstd_more;
}

CZstd_decompressor *CZstd_decompressor_create(int window_log) {
    ZSTD_DCtx *context = ZSTD_createDCtx();
    if (context == NULL) return NULL;
    if (ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, window_log))) {
        ZSTD_freeDCtx(context);
        return NULL;
    }
    return (CZstd_decompressor *)context;
}

void CZstd_decompressor_destroy(CZstd_decompressor *decompressor) { ZSTD_freeDCtx((ZSTD_DCtx *)decompressor); }

int CZstd_decompress(
    CZstd_decompressor *decompressor, const void *input, size_t input_count, size_t *consumed, void *output,
    size_t output_count, size_t *produced) {
    ZSTD_inBuffer in = {input, input_count, 0};
    ZSTD_outBuffer out = {output, output_count, 0};
    size_t left = ZSTD_decompressStream((ZSTD_DCtx *)decompressor, &out, &in);
    *consumed = in.pos;
    *produced = out.pos;
    if (ZSTD_isError(left)) return CZstd_invalid;
    return left == 0 ? CZstd_done : CZstd_more;
}
