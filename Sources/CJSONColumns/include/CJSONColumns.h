// JSON records to columns: simdjson's first stage over many records at once, then one walk over what it found. No C++ type crosses this line.
//
// It takes the records that are as a schema expects them: JSON objects whose members have names without escapes and occur once, values
// that fit their columns as they are. It stops at any other record and leaves nothing of it; the caller decodes that one by other means
// and goes on with the next. So it need not be complete, but what it takes must be exactly what the complete decoder would give.
#ifndef CJSONCOLUMNS_H
#define CJSONCOLUMNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    // Takes NULL only.
    CJSONCOLUMNS_OTHER = 0,
    CJSONCOLUMNS_BOOLEAN = 1,
    // Exact numbers as digits without a point, `scale` of them after it, from `minimum` to `maximum`.
    CJSONCOLUMNS_EXACT = 2,
    CJSONCOLUMNS_DOUBLE = 3,
    // 32 bits, kept as 64.
    CJSONCOLUMNS_REAL = 4,
    // At most `length` characters.
    CJSONCOLUMNS_TEXT = 5,
    // Padded with blanks to `length` characters.
    CJSONCOLUMNS_PADDED_TEXT = 6,
    // Days, milliseconds of the day, milliseconds since 1970.
    CJSONCOLUMNS_DATE = 7,
    CJSONCOLUMNS_TIME = 8,
    CJSONCOLUMNS_TIMESTAMP = 9,
} CJSONColumns_kind;

typedef struct {
    CJSONColumns_kind kind;
    // False: values are checked but not kept.
    bool is_wanted;
    uint32_t length;
    uint32_t scale;
    int64_t minimum, maximum;
} CJSONColumns_column;

// A member of an object that matters. Objects are numbered; the record is number 0.
typedef struct {
    uint32_t object;
    const uint8_t *name;
    size_t name_length;
    // What its value is: a column, or (-1) an object with members that matter.
    int32_t column;
    uint32_t child;
} CJSONColumns_member;

// A record within a buffer.
typedef struct {
    uint32_t start, length;
} CJSONColumns_span;

typedef struct CJSONColumns_decoder CJSONColumns_decoder;

// `seed` keeps chosen texts from making the dictionaries slow. NULL when there is no memory.
CJSONColumns_decoder *CJSONColumns_create(
    const CJSONColumns_column *columns, size_t column_count, const CJSONColumns_member *members, size_t member_count, uint64_t seed);
void CJSONColumns_destroy(CJSONColumns_decoder *decoder);

// Appends the rows of records, one for each JSON text in a record (there may be several, with blanks between them).
// Returns how many records were taken; fewer than `count` when one is not as expected, or memory is short. `row_ends` becomes the number of all
// rows after each record taken.
size_t CJSONColumns_decode(
    CJSONColumns_decoder *decoder, const uint8_t *buffer, const CJSONColumns_span *records, size_t count, size_t *row_ends);

// Rows decoded by other means: one value for each wanted column, then the row's end. False when memory is short.
bool CJSONColumns_append_null(CJSONColumns_decoder *decoder, size_t column);
// A word: an exact number, a datetime, the bits of a double, or a boolean as 0 or 1.
bool CJSONColumns_append_word(CJSONColumns_decoder *decoder, size_t column, uint64_t word);
bool CJSONColumns_append_text(CJSONColumns_decoder *decoder, size_t column, const uint8_t *text, size_t length);
void CJSONColumns_end_row(CJSONColumns_decoder *decoder);

// How many rows there are.
size_t CJSONColumns_rows(const CJSONColumns_decoder *decoder);

// A column of all rows, valid until the next call that changes the decoder.
typedef struct {
    // One byte a row, 1 where it is NULL; NULL pointer when no row is.
    const uint8_t *nulls;
    // EXACT and datetimes: int64_t; DOUBLE and REAL: double; BOOLEAN: uint8_t of 0 and 1; texts: see below.
    const void *values;
    // Texts are either codes (values are uint32_t) of a dictionary or one after the other (values are their bytes, `ends` one a row).
    bool is_coded;
    const uint8_t *bytes;
    size_t byte_count;
    // Of the dictionary's texts (code 0 is the empty text), or of the rows'.
    const uint64_t *ends;
    size_t end_count;
    // Changes when a dictionary is begun anew: until then codes mean the same.
    uint64_t dictionary;
} CJSONColumns_result;

CJSONColumns_result CJSONColumns_column_result(const CJSONColumns_decoder *decoder, size_t column);

// Forgets the rows; keeps dictionaries and memory.
void CJSONColumns_clear(CJSONColumns_decoder *decoder);

#ifdef __cplusplus
}
#endif

#endif
