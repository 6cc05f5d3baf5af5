// What Swift sees of simdjson. Each function has a .cpp of its own; no C++ type crosses this line.
#ifndef CSIMDJSON_H
#define CSIMDJSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// Tokens of a JSON text, for readers that need each value's own bytes: numbers with all their digits, objects as they were written.

typedef enum {
    CSIMDJSON_NULL = 0,
    CSIMDJSON_FALSE = 1,
    CSIMDJSON_TRUE = 2,
    CSIMDJSON_NUMBER = 3,
    // Without the quotes.
    CSIMDJSON_STRING = 4,
    // As above, but with backslash escapes in it, all of them well formed.
    CSIMDJSON_ESCAPED_STRING = 5,
    // From the opening bracket to after the closing one.
    CSIMDJSON_ARRAY = 6,
    // Its tokens are a string for each key, followed by the value's.
    CSIMDJSON_OBJECT = 7,
} CSimdjson_kind;

typedef struct {
    uint32_t kind;
    // The value's bytes in the text.
    uint32_t start, end;
    // The index of the first token after the value and what is inside it.
    uint32_t next;
} CSimdjson_token;

typedef enum {
    CSIMDJSON_OK = 0,
    CSIMDJSON_EMPTY = 1,
    CSIMDJSON_NOT_UTF8 = 2,
    // An open string, or a control character inside one.
    CSIMDJSON_BAD_STRING = 3,
    CSIMDJSON_BAD_NUMBER = 4,
    CSIMDJSON_BAD_LITERAL = 5,
    CSIMDJSON_BAD_STRUCTURE = 6,
    CSIMDJSON_TOO_DEEP = 7,
    // 4 GiB or more, or no memory.
    CSIMDJSON_TOO_LARGE = 8,
    CSIMDJSON_BAD_ESCAPE = 9,
    CSIMDJSON_TRAILING = 10,
} CSimdjson_status;

typedef struct CSimdjson_tokenizer CSimdjson_tokenizer;

// NULL when there is no memory.
CSimdjson_tokenizer *CSimdjson_tokenizer_create(void);
void CSimdjson_tokenizer_destroy(CSimdjson_tokenizer *tokenizer);

// Checks a whole JSON text and finds its tokens, the outermost value first. They stay valid until the next call.
// The text needs no padding and may be of any length; nesting deeper than `max_depth` is refused. With `many` there may be further objects and
// arrays after the first value; each one's token follows the last of the one before.
CSimdjson_status CSimdjson_tokenize(
    CSimdjson_tokenizer *tokenizer, const uint8_t *text, size_t length, uint32_t max_depth, bool many, const CSimdjson_token **tokens,
    size_t *count);

bool CSimdjson_is_utf8(const uint8_t *bytes, size_t length);

#ifdef __cplusplus
}
#endif

#endif
