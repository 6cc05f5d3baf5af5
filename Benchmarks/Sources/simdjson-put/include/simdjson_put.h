// A put's body read by simdjson's on-demand parser, to be timed beside the door's own: for `Benchmarks/run door-parsers` only.
#ifndef SIMDJSON_PUT_H
#define SIMDJSON_PUT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct simdjson_put_parser simdjson_put_parser;

simdjson_put_parser *simdjson_put_create(void);
void simdjson_put_destroy(simdjson_put_parser *parser);

// How many bytes past the text must be readable.
size_t simdjson_put_padding(void);

// Reads a PutRecord, or with `many` a PutRecords: looks for all members, copies the stream's name and the keys and decodes the data into the arena,
// which needs the text's length. Returns how many bytes that took, 0 when the text is no such request.
size_t simdjson_put_read(simdjson_put_parser *parser, const uint8_t *text, size_t length, int many, uint8_t *arena, size_t *records);

#ifdef __cplusplus
}
#endif

#endif
