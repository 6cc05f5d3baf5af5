// simdjson finds where tokens begin and checks UTF-8 and strings (its first stage); this file checks the grammar and notes where
// each value begins and ends. The second stage is not used because it turns numbers into doubles and forgets their digits.

#include "CSimdjson.h"

#include <cstring>
#include <new>
#include <simdjson.h>
#include <vector>

using simdjson::error_code;

struct CSimdjson_tokenizer {
    simdjson::dom::parser parser;
    std::vector<CSimdjson_token> tokens;
    // Indices of the containers that are open.
    std::vector<uint32_t> open;
};

namespace {

bool is_digit(uint8_t byte) { return byte >= '0' && byte <= '9'; }

bool is_blank(uint8_t byte) { return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r'; }

// The end of the number that begins at `at`, or 0.
size_t number_end(const uint8_t *text, size_t at, size_t length) {
    if (at < length && text[at] == '-') at++;
    if (at >= length || !is_digit(text[at])) return 0;
    if (text[at] == '0') {
        at++;
    } else {
        while (at < length && is_digit(text[at])) at++;
    }
    if (at < length && text[at] == '.') {
        at++;
        if (at >= length || !is_digit(text[at])) return 0;
        while (at < length && is_digit(text[at])) at++;
    }
    if (at < length && (text[at] | 0x20) == 'e') {
        at++;
        if (at < length && (text[at] == '+' || text[at] == '-')) at++;
        if (at >= length || !is_digit(text[at])) return 0;
        while (at < length && is_digit(text[at])) at++;
    }
    return at;
}

// Whether one of the eight bytes is this one.
bool has_byte(uint64_t word, uint8_t byte) {
    const uint64_t difference = word ^ (0x0101010101010101u * byte);
    return ((difference - 0x0101010101010101u) & ~difference & 0x8080808080808080u) != 0;
}

bool is_hex(uint8_t byte) { return is_digit(byte) || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'f'); }

// Finds the quote that closes the string whose first character is at `at`; 0 when an escape is malformed.
size_t string_end(const uint8_t *text, size_t at, size_t length, bool *escaped) {
    while (at < length) {
        // Eight bytes at a time while none of them is a quote or a backslash.
        while (at + 8 <= length) {
            uint64_t word;
            std::memcpy(&word, text + at, 8);
            if (has_byte(word, '"') || has_byte(word, '\\')) break;
            at += 8;
        }
        if (at >= length) return 0;
        while (at < length && text[at] != '"' && text[at] != '\\') at++;
        if (at >= length) return 0;
        if (text[at] == '"') return at;
        *escaped = true;
        if (at + 1 >= length) return 0;
        if (text[at + 1] == 'u') {
            if (at + 6 > length) return 0;
            for (size_t digit = at + 2; digit < at + 6; digit++) {
                if (!is_hex(text[digit])) return 0;
            }
            at += 6;
            continue;
        }
        if (text[at + 1] == 0 || !std::strchr("\"\\/bfnrt", text[at + 1])) return 0;
        at += 2;
    }
    return 0;
}

CSimdjson_status status_of(error_code error) {
    switch (error) {
    case simdjson::UTF8_ERROR: return CSIMDJSON_NOT_UTF8;
    case simdjson::UNCLOSED_STRING:
    case simdjson::UNESCAPED_CHARS: return CSIMDJSON_BAD_STRING;
    case simdjson::EMPTY: return CSIMDJSON_EMPTY;
    case simdjson::CAPACITY:
    case simdjson::MEMALLOC: return CSIMDJSON_TOO_LARGE;
    default: return CSIMDJSON_BAD_STRUCTURE;
    }
}

// What may stand at the next structural character.
enum class Expect { value, value_or_end, key, key_or_end, colon, comma_or_end, nothing };

CSimdjson_status walk(CSimdjson_tokenizer &t, const uint8_t *text, size_t length, uint32_t max_depth, bool many) {
    const uint32_t *starts = t.parser.implementation->structural_indexes.get();
    const uint32_t count = t.parser.implementation->n_structural_indexes;
    t.tokens.clear();
    t.open.clear();
    Expect expect = Expect::value;

    for (uint32_t i = 0; i < count; i++) {
        const uint32_t at = starts[i];
        if (at >= length) break;
        const uint8_t byte = text[at];
        const bool value_fits = expect == Expect::value || expect == Expect::value_or_end;
        // The end of a scalar; containers and punctuation have none here.
        size_t end = 0;
        uint32_t kind = 0;
        switch (byte) {
        case '{':
        case '[': {
            if (!value_fits && !(many && expect == Expect::nothing)) return expect == Expect::nothing ? CSIMDJSON_TRAILING : CSIMDJSON_BAD_STRUCTURE;
            if (t.open.size() >= max_depth) return CSIMDJSON_TOO_DEEP;
            t.open.push_back(uint32_t(t.tokens.size()));
            t.tokens.push_back({uint32_t(byte == '{' ? CSIMDJSON_OBJECT : CSIMDJSON_ARRAY), at, 0, 0});
            expect = byte == '{' ? Expect::key_or_end : Expect::value_or_end;
            continue;
        }
        case '}':
        case ']': {
            const bool is_object = byte == '}';
            if (t.open.empty()) return CSIMDJSON_BAD_STRUCTURE;
            CSimdjson_token &container = t.tokens[t.open.back()];
            if ((container.kind == CSIMDJSON_OBJECT) != is_object) return CSIMDJSON_BAD_STRUCTURE;
            if (expect != Expect::comma_or_end && expect != (is_object ? Expect::key_or_end : Expect::value_or_end))
                return CSIMDJSON_BAD_STRUCTURE;
            container.end = at + 1;
            container.next = uint32_t(t.tokens.size());
            t.open.pop_back();
            expect = t.open.empty() ? Expect::nothing : Expect::comma_or_end;
            continue;
        }
        case ':':
            if (expect != Expect::colon) return CSIMDJSON_BAD_STRUCTURE;
            expect = Expect::value;
            continue;
        case ',':
            if (expect != Expect::comma_or_end) return expect == Expect::nothing ? CSIMDJSON_TRAILING : CSIMDJSON_BAD_STRUCTURE;
            expect = t.tokens[t.open.back()].kind == CSIMDJSON_OBJECT ? Expect::key : Expect::value;
            continue;
        default: break;
        }

        const bool is_key = expect == Expect::key || expect == Expect::key_or_end;
        if (!value_fits && !is_key) return expect == Expect::nothing ? CSIMDJSON_TRAILING : CSIMDJSON_BAD_STRUCTURE;
        if (byte == '"') {
            bool escaped = false;
            end = string_end(text, at + 1, length, &escaped);
            if (end == 0) return escaped ? CSIMDJSON_BAD_ESCAPE : CSIMDJSON_BAD_STRING;
            const uint32_t next = uint32_t(t.tokens.size()) + 1;
            t.tokens.push_back({uint32_t(escaped ? CSIMDJSON_ESCAPED_STRING : CSIMDJSON_STRING), at + 1, uint32_t(end), next});
            expect = is_key ? Expect::colon : t.open.empty() ? Expect::nothing : Expect::comma_or_end;
            continue;
        }
        if (is_key) return CSIMDJSON_BAD_STRUCTURE;
        if (byte == '-' || is_digit(byte)) {
            kind = CSIMDJSON_NUMBER;
            end = number_end(text, at, length);
            if (end == 0) return CSIMDJSON_BAD_NUMBER;
        } else {
            const char *word = byte == 't' ? "true" : byte == 'f' ? "false" : "null";
            kind = byte == 't' ? CSIMDJSON_TRUE : byte == 'f' ? CSIMDJSON_FALSE : CSIMDJSON_NULL;
            const size_t size = std::strlen(word);
            if (length - at < size || std::memcmp(text + at, word, size) != 0) return CSIMDJSON_BAD_LITERAL;
            end = at + size;
        }
        // Between a scalar and the next token there is nothing but blanks: stage one marks only where a run of other bytes begins.
        const size_t until = i + 1 < count && starts[i + 1] < length ? starts[i + 1] : length;
        for (size_t rest = end; rest < until; rest++) {
            if (!is_blank(text[rest])) return kind == CSIMDJSON_NUMBER ? CSIMDJSON_BAD_NUMBER : CSIMDJSON_BAD_LITERAL;
        }
        t.tokens.push_back({kind, at, uint32_t(end), uint32_t(t.tokens.size()) + 1});
        expect = t.open.empty() ? Expect::nothing : Expect::comma_or_end;
    }
    if (t.tokens.empty()) return CSIMDJSON_EMPTY;
    return expect == Expect::nothing ? CSIMDJSON_OK : CSIMDJSON_BAD_STRUCTURE;
}

}  // namespace

CSimdjson_tokenizer *CSimdjson_tokenizer_create(void) { return new (std::nothrow) CSimdjson_tokenizer(); }

void CSimdjson_tokenizer_destroy(CSimdjson_tokenizer *tokenizer) { delete tokenizer; }

CSimdjson_status CSimdjson_tokenize(
    CSimdjson_tokenizer *tokenizer, const uint8_t *text, size_t length, uint32_t max_depth, bool many,
    const CSimdjson_token **tokens, size_t *count) {
    *tokens = nullptr;
    *count = 0;
    if (length == 0) return CSIMDJSON_EMPTY;
    if (length >= 0xFFFFFF00u) return CSIMDJSON_TOO_LARGE;
    try {
        simdjson::dom::parser &parser = tokenizer->parser;
        if (parser.capacity() < length || !parser.implementation) {
            // Doubling keeps a run of growing records from allocating for each of them.
            size_t capacity = parser.capacity() * 2;
            if (capacity < length) capacity = length;
            if (capacity < 4096) capacity = 4096;
            error_code error = parser.allocate(capacity);
            if (error != simdjson::SUCCESS) return status_of(error);
        }
        error_code error = parser.implementation->stage1(text, length, simdjson::stage1_mode::regular);
        if (error != simdjson::SUCCESS) return status_of(error);
        CSimdjson_status status = walk(*tokenizer, text, length, max_depth, many);
        if (status != CSIMDJSON_OK) return status;
    } catch (const std::bad_alloc &) {
        return CSIMDJSON_TOO_LARGE;
    }
    *tokens = tokenizer->tokens.data();
    *count = tokenizer->tokens.size();
    return CSIMDJSON_OK;
}

bool CSimdjson_is_utf8(const uint8_t *bytes, size_t length) {
    return simdjson::validate_utf8(reinterpret_cast<const char *>(bytes), length);
}
