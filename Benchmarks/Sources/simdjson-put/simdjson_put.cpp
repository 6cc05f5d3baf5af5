// A put's body read by simdjson's on-demand parser.

#include "simdjson_put.h"

#include <cstring>
#include <new>
#include <simdjson.h>
#include <string_view>

// Base64 is decoded by the same code as the door's, so that the parsers alone differ. Its header is for C.
extern "C" size_t CBase64_decode_prefix(const uint8_t *characters, size_t count, uint8_t *bytes);

using namespace simdjson;

struct simdjson_put_parser {
    ondemand::parser parser;
};

namespace {

struct arena {
    uint8_t *bytes;
    size_t count = 0;

    bool copy(std::string_view text) {
        memcpy(bytes + count, text.data(), text.size());
        count += text.size();
        return true;
    }

    bool decode(std::string_view text) {
        if (text.size() % 4 != 0) return false;
        const auto *characters = reinterpret_cast<const uint8_t *>(text.data());
        const size_t done = CBase64_decode_prefix(characters, text.size(), bytes + count);
        count += done / 4 * 3;
        if (done == text.size()) return true;
        // The last group is the one with padding.
        if (text.size() - done != 4 || characters[text.size() - 1] != '=') return false;
        uint8_t group[4] = {characters[done], characters[done + 1], characters[done + 2], 'A'};
        const size_t kept = group[2] == '=' ? 1 : 2;
        if (kept == 1) group[2] = 'A';
        uint8_t last[4];
        if (CBase64_decode_prefix(group, 4, last) != 4) return false;
        memcpy(bytes + count, last, kept);
        count += kept;
        return true;
    }
};

// A member of a record; false when it is none or not right.
bool read_member(std::string_view name, ondemand::value value, arena &arena) {
    std::string_view text;
    if (value.get_string().get(text) != SUCCESS) return false;
    if (name == "Data") return arena.decode(text);
    if (name == "PartitionKey" || name == "ExplicitHashKey" || name == "StreamName" || name == "StreamARN") return arena.copy(text);
    return false;
}

bool read_record(ondemand::object object, arena &arena) {
    for (auto field : object) {
        std::string_view name;
        if (field.unescaped_key().get(name) != SUCCESS || !read_member(name, field.value(), arena)) return false;
    }
    return true;
}

// Whether nothing follows the value that was read.
bool is_at_end(ondemand::document &document) {
    const char *place;
    return document.current_location().get(place) == OUT_OF_BOUNDS;
}

}  // namespace

simdjson_put_parser *simdjson_put_create(void) { return new (std::nothrow) simdjson_put_parser; }
void simdjson_put_destroy(simdjson_put_parser *parser) { delete parser; }
size_t simdjson_put_padding(void) { return SIMDJSON_PADDING; }

size_t simdjson_put_read(simdjson_put_parser *parser, const uint8_t *text, size_t length, int many, uint8_t *bytes, size_t *records) {
    arena arena{bytes};
    *records = 0;
    ondemand::document document;
    const padded_string_view view(text, length, length + SIMDJSON_PADDING);
    if (parser->parser.iterate(view).get(document) != SUCCESS) return 0;
    ondemand::object whole;
    if (document.get_object().get(whole) != SUCCESS) return 0;
    if (!many) {
        *records = 1;
        return read_record(whole, arena) && is_at_end(document) ? arena.count : 0;
    }
    for (auto field : whole) {
        std::string_view name;
        if (field.unescaped_key().get(name) != SUCCESS) return 0;
        if (name != "Records") {
            if (!read_member(name, field.value(), arena)) return 0;
            continue;
        }
        ondemand::array array;
        if (field.value().get_array().get(array) != SUCCESS) return 0;
        for (auto element : array) {
            ondemand::object record;
            if (element.get_object().get(record) != SUCCESS || !read_record(record, arena)) return 0;
            ++*records;
        }
    }
    return is_at_end(document) ? arena.count : 0;
}
