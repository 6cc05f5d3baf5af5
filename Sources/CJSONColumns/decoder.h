// What a decoder holds: the plan of a schema, the columns under construction, the shape of the last records.
#ifndef CJSONCOLUMNS_DECODER_H
#define CJSONCOLUMNS_DECODER_H

#include <memory>
#include <simdjson.h>
#include <string>
#include <vector>

#include "CJSONColumns.h"
#include "text.h"

namespace columns {

struct Column {
    CJSONColumns_column plan;
    // The number of the JSON text in which it last had a value: finds names that occur twice, and columns without a value.
    uint64_t last_text = 0;
    bool has_nulls = false;
    // One byte a row, 1 where it is NULL.
    std::vector<uint8_t> nulls;
    // Exact numbers and datetimes, or the bits of doubles.
    std::vector<uint64_t> words;
    std::vector<uint8_t> booleans;
    std::unique_ptr<Texts> texts;

    bool is_text() const {
        return plan.kind == CJSONCOLUMNS_TEXT || plan.kind == CJSONCOLUMNS_PADDED_TEXT || plan.kind == CJSONCOLUMNS_OTHER;
    }
};

struct Member {
    // With its quotes.
    std::string name;
    int32_t column;
    uint32_t child;
    // Of an object: the number of the JSON text in which it last occurred.
    uint64_t last_text = 0;
};

// A member as it stood in an earlier record.
struct Remembered {
    // With its quotes, and room to read 32 bytes.
    uint8_t name[32] = {};
    uint32_t length = 0;
    // Bits of the first `length` bytes.
    uint32_t mask = 0;
    // Of the object's members, or -1 for one that does not matter.
    int32_t member = -1;
    // What its value is; nullptr when it is no column.
    Column *column = nullptr;
};

struct Object {
    std::vector<Member> members;
    std::vector<Remembered> remembered;
};

}  // namespace columns

struct CJSONColumns_decoder {
    std::vector<columns::Column> columns;
    std::vector<columns::Object> objects;
    std::vector<uint32_t> wanted;
    size_t rows = 0;
    // Rows that the columns have room for.
    size_t room = 0;
    // The number of the JSON text at hand.
    uint64_t text = 0;
    // How many wanted columns have a value in it.
    size_t given = 0;

    simdjson::dom::parser parser;
    // Records one after the other, a line feed after each.
    std::vector<uint8_t> chunk;
    // Where each record of the chunk begins, and the chunk's end.
    std::vector<uint32_t> starts;
    // How many rows there are after each record of the chunk.
    std::vector<size_t> row_ends;
    // How many records the next chunk may have.
    size_t chunk_records = 1;

    void make_room(size_t count) {
        if (count <= room) return;
        const size_t wider = std::max(count, room * 2);
        for (const uint32_t index : wanted) {
            columns::Column &column = columns[index];
            column.nulls.resize(wider);
            if (column.is_text()) column.texts->reserve(wider);
            else if (column.plan.kind == CJSONCOLUMNS_BOOLEAN) column.booleans.resize(wider);
            else column.words.resize(wider);
        }
        // Only now: what could not be widened for lack of memory is tried again.
        room = wider;
    }

    // Takes back the rows from `count` on.
    void truncate(size_t count) {
        for (const uint32_t index : wanted) {
            columns::Column &column = columns[index];
            if (column.has_nulls) {
                for (size_t row = count; row <= rows && row < room; row++) column.nulls[row] = 0;
            }
            if (column.texts) column.texts->truncate(count);
        }
        rows = count;
    }
};

namespace columns {

inline void set_null(Column &column, size_t row) {
    column.has_nulls = true;
    column.nulls[row] = 1;
    if (column.is_text()) column.texts->set_null(row);
    else if (column.plan.kind == CJSONCOLUMNS_BOOLEAN) column.booleans[row] = 0;
    else column.words[row] = 0;
}

// Ends the row at hand: columns without a value in it are NULL.
inline void end_row(CJSONColumns_decoder &decoder) {
    if (decoder.given != decoder.wanted.size()) {
        for (const uint32_t index : decoder.wanted) {
            Column &column = decoder.columns[index];
            if (column.last_text != decoder.text) set_null(column, decoder.rows);
        }
    }
    decoder.rows++;
}

// Reads the records of the chunk whose structure simdjson has found. Returns how many are as expected; of the next one rows may be left.
using Walk = size_t (*)(CJSONColumns_decoder &decoder);
size_t walk_anywhere(CJSONColumns_decoder &decoder);
#if defined(__x86_64__)
size_t walk_avx2(CJSONColumns_decoder &decoder);
#endif

}  // namespace columns

#endif
