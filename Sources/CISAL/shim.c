// Intel ISA-L behind prefixed symbols: CRC32C, gzip.
#include "CISAL.h"

#include <isa-l.h>
#include <stdlib.h>
#include <string.h>

// ISA-L counts in 32 bits; what is longer goes in pieces of this size.
enum { piece = 1 << 30 };

// ISA-L returns with the upper halves of the vector registers in use. While they are, every scalar instruction that is not of AVX's kind waits for
// what its register held before: arithmetic on doubles was measured to take three times as long, until something else cleared them.
static void leave_vectors(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx")) __asm__ volatile("vzeroupper" ::: "memory");
#endif
}

uint32_t CISAL_crc32c(uint32_t previous, const void *bytes, size_t count) {
    // crc32_iscsi works on the register itself, which the standard inverts before the first byte and after the last.
    const unsigned char *next = bytes;
    uint32_t value = ~previous;
    while (count > 0) {
        int step = count > piece ? piece : (int)count;
        value = crc32_iscsi((unsigned char *)next, step, value);
        next += step;
        count -= (size_t)step;
    }
    leave_vectors();
    return ~value;
}

struct CISAL_deflater {
    struct isal_zstream stream;
    uint8_t *level_buffer;
};

CISAL_deflater *CISAL_deflater_create(int level) {
    static const uint32_t sizes[] = {
        0, ISAL_DEF_LVL1_DEFAULT, ISAL_DEF_LVL2_DEFAULT, ISAL_DEF_LVL3_DEFAULT,
    };
    if (level < 0 || level > 3) return NULL;
    CISAL_deflater *deflater = malloc(sizeof *deflater);
    if (deflater == NULL) return NULL;
    isal_deflate_init(&deflater->stream);
    deflater->level_buffer = NULL;
    if (sizes[level] > 0) {
        deflater->level_buffer = malloc(sizes[level]);
        if (deflater->level_buffer == NULL) {
            free(deflater);
            return NULL;
        }
    }
    deflater->stream.level = (uint32_t)level;
    deflater->stream.level_buf = deflater->level_buffer;
    deflater->stream.level_buf_size = sizes[level];
    // IGZIP_GZIP writes the ten-byte header with modification time 0 and operating system "unknown".
    deflater->stream.gzip_flag = IGZIP_GZIP;
    deflater->stream.flush = NO_FLUSH;
    return deflater;
}

void CISAL_deflater_destroy(CISAL_deflater *deflater) {
    if (deflater == NULL) return;
    free(deflater->level_buffer);
    free(deflater);
}

int CISAL_deflate(
    CISAL_deflater *deflater, const void *input, size_t input_count, size_t *consumed, void *output, size_t output_count,
    size_t *produced, int finish) {
    struct isal_zstream *stream = &deflater->stream;
    uint32_t in = input_count > piece ? piece : (uint32_t)input_count;
    uint32_t out = output_count > piece ? piece : (uint32_t)output_count;
    stream->next_in = (uint8_t *)input;
    stream->avail_in = in;
    stream->next_out = output;
    stream->avail_out = out;
    stream->end_of_stream = finish && in == input_count;
    int result = isal_deflate(stream);
    leave_vectors();
    *consumed = in - stream->avail_in;
    *produced = out - stream->avail_out;
    if (result != COMP_OK) return CISAL_invalid;
    return stream->internal_state.state == ZSTATE_END ? CISAL_done : CISAL_more;
}

struct CISAL_inflater {
    struct inflate_state state;
};

static void begin_member(struct inflate_state *state) {
    isal_inflate_reset(state);
    state->crc_flag = ISAL_GZIP;
}

CISAL_inflater *CISAL_inflater_create(void) {
    CISAL_inflater *inflater = malloc(sizeof *inflater);
    if (inflater == NULL) return NULL;
    isal_inflate_init(&inflater->state);
    inflater->state.crc_flag = ISAL_GZIP;
    return inflater;
}

void CISAL_inflater_destroy(CISAL_inflater *inflater) { free(inflater); }

int CISAL_inflate(
    CISAL_inflater *inflater, const void *input, size_t input_count, size_t *consumed, void *output, size_t output_count,
    size_t *produced) {
    struct inflate_state *state = &inflater->state;
    if (state->block_state == ISAL_BLOCK_FINISH) begin_member(state);
    uint32_t in = input_count > piece ? piece : (uint32_t)input_count;
    uint32_t out = output_count > piece ? piece : (uint32_t)output_count;
    state->next_in = (uint8_t *)input;
    state->avail_in = in;
    state->next_out = output;
    state->avail_out = out;
    int result = isal_inflate(state);
    leave_vectors();
    *consumed = in - state->avail_in;
    *produced = out - state->avail_out;
    if (result < 0) return CISAL_invalid;
    return state->block_state == ISAL_BLOCK_FINISH ? CISAL_done : CISAL_more;
}
