// Reads records from the places that simdjson's first stage found. Included once for each kind of processor, in a namespace of its own.
//
// The members' order of the records before is a guess: a member that is where it was costs one comparison for its name. The first stage has
// checked UTF-8, that strings are closed and that there are no control characters in them, so no string spans two records.

namespace {

using namespace columns;

// Deeper nesting is left to the complete decoder.
constexpr unsigned most_levels = 32;
// The members of an object whose places are remembered.
constexpr size_t most_remembered = 128;

inline bool is_blank(uint8_t byte) { return byte <= ' ' && (byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t'); }

// The walk over one chunk. `text` may be read 64 bytes past its end; `at` is the index of the next structural character.
struct Walker {
    CJSONColumns_decoder &decoder;
    const uint8_t *const text;
    const uint32_t *at;
    // The first structural character after the record at hand; the bytes there may be read.
    const uint32_t *end;

    bool value(Column &column);
    bool usual_value(Column &column);
    bool new_member(Object &object, size_t place, unsigned level);
    bool string_value(Column &column, const uint8_t *start, const uint8_t *closing);
    bool number_value(Column &column, const uint8_t *start, const uint8_t *end);
    bool object(Object &object, unsigned level);
    bool member(Object &object, int32_t index, unsigned level);
    bool skip(unsigned level);
    bool record();

    uint8_t byte() const { return text[*at]; }
    // After the value that begins at `at`: the byte after its last one, blanks at the end left out.
    const uint8_t *value_end() const {
        const uint8_t *last = text + at[1];
        while (is_blank(last[-1])) last--;
        return last;
    }

    void give(Column &column, uint64_t word) {
        if (!column.plan.is_wanted) return;
        column.words[decoder.rows] = word;
        decoder.given++;
    }
    void give(Column &column, const uint8_t *start, size_t length) {
        if (!column.plan.is_wanted) return;
        column.texts->set(decoder.rows, start, length);
        decoder.given++;
    }
    void give_double(Column &column, double value) {
        uint64_t word;
        std::memcpy(&word, &value, 8);
        give(column, word);
    }
    bool give_text(Column &column, const uint8_t *start, size_t length);
};

inline bool is_word(const uint8_t *start, const uint8_t *end, const char *word, size_t length) {
    return size_t(end - start) == length && std::memcmp(start, word, length) == 0;
}

// Whether there is a backslash among the bytes.
inline bool has_escape(const uint8_t *start, const uint8_t *end) {
#if defined(COLUMNS_SSE41)
    const __m128i backslash = _mm_set1_epi8('\\');
    const auto length = size_t(end - start);
    if (length <= 16) {
        const auto hits = unsigned(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i *>(start)), backslash)));
        return (hits & ((1u << length) - 1)) != 0;
    }
    for (; start < end; start += 16) {
        auto hits = unsigned(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i *>(start)), backslash)));
        const auto left = size_t(end - start);
        if (left < 16) hits &= (1u << left) - 1;
        if (hits) return true;
    }
    return false;
#else
    return start < end && std::memchr(start, '\\', size_t(end - start)) != nullptr;
#endif
}

inline bool is_ascii(const uint8_t *start, const uint8_t *end) {
    uint8_t all = 0;
    for (; start < end; start++) all |= *start;
    return all < 0x80;
}

inline bool read_number(const uint8_t *start, const uint8_t *end, Number &number) {
#if defined(COLUMNS_SSE41)
    if (whole_number(start, end, number)) return true;
#endif
    return take_number(start, end, number) && number.end == end;
}

// MARK: Values

// Text of one byte a character.
bool Walker::give_text(Column &column, const uint8_t *start, size_t length) {
    if (length > column.plan.length) return false;
    if (column.plan.kind == CJSONCOLUMNS_TEXT) {
        give(column, start, length);
        return true;
    }
    uint8_t padded[256];
    if (column.plan.length > sizeof padded) return false;
    std::memcpy(padded, start, length);
    std::memset(padded + length, ' ', column.plan.length - length);
    give(column, padded, column.plan.length);
    return true;
}

bool Walker::number_value(Column &column, const uint8_t *start, const uint8_t *end) {
    Number number;
    if (!read_number(start, end, number)) return false;
    double real;
    int64_t digits;
    switch (column.plan.kind) {
    case CJSONCOLUMNS_DOUBLE:
        if (!nearest(number, real)) return false;
        give_double(column, real);
        return true;
    case CJSONCOLUMNS_EXACT:
        if (!exact(number, column.plan.scale, column.plan.minimum, column.plan.maximum, digits)) return false;
        give(column, uint64_t(digits));
        return true;
    case CJSONCOLUMNS_REAL:
        if (!nearest_real(number, real)) return false;
        give_double(column, real);
        return true;
    case CJSONCOLUMNS_TEXT:
    case CJSONCOLUMNS_PADDED_TEXT: return give_text(column, start, size_t(end - start));
    default: return false;
    }
}

bool Walker::string_value(Column &column, const uint8_t *start, const uint8_t *closing) {
    if (has_escape(start, closing)) return false;
    const auto length = size_t(closing - start);
    int64_t time;
    switch (column.plan.kind) {
    case CJSONCOLUMNS_TEXT:
        // Text has at most as many characters as bytes, so nothing is cut.
        if (length > column.plan.length) return false;
        give(column, start, length);
        return true;
    case CJSONCOLUMNS_PADDED_TEXT: return is_ascii(start, closing) && give_text(column, start, length);
    case CJSONCOLUMNS_DATE:
        if (length != 10 || !take_date(start, closing, time)) return false;
        break;
    case CJSONCOLUMNS_TIME:
        if (!take_time(start, closing, time)) return false;
        break;
    case CJSONCOLUMNS_TIMESTAMP:
        if (!take_timestamp(start, closing, time)) return false;
        break;
    case CJSONCOLUMNS_EXACT:
    case CJSONCOLUMNS_DOUBLE:
    case CJSONCOLUMNS_REAL: return length > 0 && number_value(column, start, closing);
    default: return false;
    }
    give(column, uint64_t(time));
    return true;
}

// The value of a column at `at`; moves behind it.
__attribute__((noinline)) bool Walker::value(Column &column) {
    if (column.last_text == decoder.text) return false;
    column.last_text = decoder.text;
    const uint8_t *start = text + *at;
    const uint8_t *last = value_end();
    bool is_taken;
    if (*start == '"') {
        is_taken = last[-1] == '"' && last - start > 1 && string_value(column, start + 1, last - 1);
    } else if (*start == '-' || is_digit(*start)) {
        is_taken = number_value(column, start, last);
    } else if (is_word(start, last, "null", 4)) {
        if (column.plan.is_wanted) {
            set_null(column, decoder.rows);
            decoder.given++;
        }
        is_taken = true;
    } else {
        const bool truth = *start == 't';
        is_taken = column.plan.kind == CJSONCOLUMNS_BOOLEAN &&
            (truth ? is_word(start, last, "true", 4) : is_word(start, last, "false", 5));
        if (is_taken && column.plan.is_wanted) {
            column.booleans[decoder.rows] = truth;
            decoder.given++;
        }
    }
    at++;
    return is_taken;
}

// A value that does not matter, at `at`; moves behind it.
bool Walker::skip(unsigned level) {
    const uint8_t *start = text + *at;
    if (*start == '{' || *start == '[') {
        if (level >= most_levels) return false;
        const bool is_object = *start == '{';
        const uint8_t close = is_object ? '}' : ']';
        at++;
        if (byte() == close) {
            at++;
            return true;
        }
        while (true) {
            if (is_object) {
                if (byte() != '"' || !skip(level + 1) || byte() != ':') return false;
                at++;
            }
            if (!skip(level + 1)) return false;
            const uint8_t next = byte();
            at++;
            if (next == close) return true;
            if (next != ',') return false;
        }
    }
    const uint8_t *last = value_end();
    at++;
    if (*start == '"') return last[-1] == '"' && last - start > 1 && !has_escape(start + 1, last - 1);
    if (*start == '-' || is_digit(*start)) {
        Number number;
        return read_number(start, last, number);
    }
    return is_word(start, last, "null", 4) || is_word(start, last, "true", 4) || is_word(start, last, "false", 5);
}

// MARK: Objects

// The member of a name, which is remembered for its place. Not found is -1.
__attribute__((noinline)) int32_t find_member(
    CJSONColumns_decoder &decoder, Object &object, size_t place, const uint8_t *name, size_t length) {
    int32_t found = -1;
    for (size_t index = 0; index < object.members.size(); index++) {
        const std::string &own = object.members[index].name;
        if (own.size() == length && std::memcmp(own.data(), name, length) == 0) {
            found = int32_t(index);
            break;
        }
    }
    if (place >= most_remembered || length > sizeof Remembered::name) return found;
    if (object.remembered.size() <= place) object.remembered.resize(place + 1);
    Remembered &remembered = object.remembered[place];
    std::memcpy(remembered.name, name, length);
    remembered.length = uint32_t(length);
    remembered.mask = length == 32 ? ~0u : (1u << length) - 1;
    remembered.member = found;
    const int32_t column = found < 0 ? -1 : object.members[size_t(found)].column;
    remembered.column = column < 0 ? nullptr : &decoder.columns[size_t(column)];
    return found;
}

// Whether a name stands at `p`, where 32 bytes can be read.
inline bool is_remembered(const Remembered &name, const uint8_t *p) {
#if defined(COLUMNS_SSE41)
    const __m256i same = _mm256_cmpeq_epi8(
        _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)), _mm256_loadu_si256(reinterpret_cast<const __m256i *>(name.name)));
    return (uint32_t(_mm256_movemask_epi8(same)) & name.mask) == name.mask && name.length > 0;
#else
    return name.length > 0 && std::memcmp(p, name.name, name.length) == 0;
#endif
}

bool Walker::member(Object &owner, int32_t index, unsigned level) {
    if (index < 0) return skip(level);
    Member &member = owner.members[size_t(index)];
    if (member.column >= 0) return value(decoder.columns[size_t(member.column)]);
    if (member.last_text == decoder.text) return false;
    member.last_text = decoder.text;
    const uint8_t first = byte();
    if (first == '{') return level < most_levels && object(decoder.objects[member.child], level + 1);
    // No object: its columns have no value.
    return first != '[' && skip(level);
}

// The value of a column at `at` in its usual form; moves behind it. Otherwise `value` decides.
__attribute__((always_inline)) inline bool Walker::usual_value(Column &column) {
    const uint8_t *start = text + at[0];
    const uint8_t *last = text + at[1];
    const auto kind = column.plan.kind;
    if (kind == CJSONCOLUMNS_TEXT) {
        if (*start != '"' || last[-1] != '"' || column.last_text == decoder.text) return value(column);
        const auto length = size_t(last - start) - 2;
        if (last - start < 2 || length > column.plan.length || has_escape(start + 1, last - 1)) return false;
        column.last_text = decoder.text;
        at++;
        if (!column.plan.is_wanted) return true;
        column.texts->set(decoder.rows, start + 1, length);
        decoder.given++;
        return true;
    }
#if defined(COLUMNS_SSE41)
    if (kind == CJSONCOLUMNS_DOUBLE || kind == CJSONCOLUMNS_EXACT) {
        Number number;
        if (column.last_text == decoder.text || !whole_number(start, last, number)) return value(column);
        uint64_t word;
        if (kind == CJSONCOLUMNS_DOUBLE) {
            if (number.digit_count > 15) return value(column);
            const double real = small(number);
            std::memcpy(&word, &real, 8);
        } else {
            int64_t digits;
            if (!exact(number, column.plan.scale, column.plan.minimum, column.plan.maximum, digits)) return false;
            word = uint64_t(digits);
        }
        column.last_text = decoder.text;
        at++;
        if (!column.plan.is_wanted) return true;
        column.words[decoder.rows] = word;
        decoder.given++;
        return true;
    }
#endif
    return value(column);
}

// A member that is not where it was: finds out what it is and reads its value.
__attribute__((noinline)) bool Walker::new_member(Object &object, size_t place, unsigned level) {
    const uint8_t *name = text + *at;
    if (*name != '"') return false;
    const uint8_t *last = value_end();
    if (last[-1] != '"' || last - name < 2 || has_escape(name + 1, last - 1)) return false;
    const int32_t index = find_member(decoder, object, place, name, size_t(last - name));
    at++;
    if (byte() != ':') return false;
    at++;
    return member(object, index, level);
}

// The object at `at`; moves behind it.
bool Walker::object(Object &object, unsigned level) {
    at++;
    if (byte() == '}') {
        at++;
        return true;
    }
    const Remembered *guess = object.remembered.data();
    const Remembered *guesses_end = guess + object.remembered.size();
    for (size_t place = 0;; place++, guess++) {
        if (guess < guesses_end && is_remembered(*guess, text + at[0])) {
            if (text[at[1]] != ':') return false;
            at += 2;
            if (guess->column) {
                if (!usual_value(*guess->column)) return false;
            } else if (!member(object, guess->member, level)) {
                return false;
            }
        } else {
            if (!new_member(object, place, level)) return false;
            // What is remembered may have moved.
            guess = object.remembered.data() + place;
            guesses_end = object.remembered.data() + object.remembered.size();
        }
        const uint8_t next = byte();
        at++;
        if (next == '}') return true;
        if (next != ',') return false;
    }
}

// The rows of a record that ends at `end`.
inline bool Walker::record() {
    if (at == end) return false;
    do {
        if (byte() != '{') return false;
        decoder.text++;
        decoder.given = 0;
        decoder.make_room(decoder.rows + 1);
        if (!object(decoder.objects[0], 1) || at > end) return false;
        end_row(decoder);
    } while (at < end);
    return true;
}

size_t walk(CJSONColumns_decoder &decoder) {
    const uint32_t *structure = decoder.parser.implementation->structural_indexes.get();
    const uint32_t *last = structure + decoder.parser.implementation->n_structural_indexes;
    Walker walker{decoder, decoder.chunk.data(), structure, structure};
    const size_t count = decoder.starts.size() - 1;
    for (size_t index = 0; index < count; index++) {
        // Records have their own structure: no string goes on over the line feed between them.
        walker.at = walker.end;
        const uint32_t limit = decoder.starts[index + 1];
        while (walker.end < last && *walker.end < limit) walker.end++;
        const size_t rows = decoder.rows;
        if (!walker.record()) {
            decoder.truncate(rows);
            return index;
        }
        decoder.row_ends[index] = decoder.rows;
    }
    return count;
}

}  // namespace
