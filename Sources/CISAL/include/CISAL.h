// Intel ISA-L behind prefixed symbols: CRC32C, gzip.
#ifndef CISAL_H
#define CISAL_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `count` bytes, going on from the checksum of the bytes before them
/// (0 when there are none). Initial value and final inversion are dealt with here.
uint32_t CISAL_crc32c(uint32_t previous, const void *bytes, size_t count);

/// What a step of a stream came to.
enum CISAL_status {
    /// It stopped for want of input or of room for output; call again.
    CISAL_more = 0,
    /// The stream is complete.
    CISAL_done = 1,
    /// The input is not a gzip stream, or is damaged.
    CISAL_invalid = -1,
};

/// A gzip compressor: header with modification time 0, one member.
typedef struct CISAL_deflater CISAL_deflater;
/// `level` is 0 ... 3. NULL when memory is short.
CISAL_deflater *CISAL_deflater_create(int level);
void CISAL_deflater_destroy(CISAL_deflater *deflater);
/// Consumes input and produces output, as far as both go. `finish`: no input follows this one.
int CISAL_deflate(
    CISAL_deflater *deflater, const void *input, size_t input_count, size_t *consumed, void *output, size_t output_count,
    size_t *produced, int finish);

/// A gzip decompressor; members that follow one another are one stream. Checks each member's CRC and length.
typedef struct CISAL_inflater CISAL_inflater;
/// NULL when memory is short.
CISAL_inflater *CISAL_inflater_create(void);
void CISAL_inflater_destroy(CISAL_inflater *inflater);
/// Consumes input and produces output, as far as both go. `CISAL_done` at the end of a member; a call with more input begins the next.
int CISAL_inflate(
    CISAL_inflater *inflater, const void *input, size_t input_count, size_t *consumed, void *output, size_t output_count,
    size_t *produced);

#endif
