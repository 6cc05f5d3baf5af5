// The calls: gathers records into chunks, has simdjson find their structure, and walks over it.

#include "CJSONColumns.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "decoder.h"

using namespace columns;

namespace {

// Fits into a processor's own cache together with the structure found in it.
constexpr size_t chunk_bytes = 64 << 10;
constexpr size_t most_chunk_records = 1024;
// How far past its end a chunk may be read.
constexpr size_t overread = 64;

Walk best_walk() {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2")) return walk_avx2;
#endif
    return walk_anywhere;
}

// Copies records into the chunk, a line feed after each; at least one. Returns how many.
size_t gather(CJSONColumns_decoder &decoder, const uint8_t *buffer, const CJSONColumns_span *records, size_t count) {
    size_t taken = 0, bytes = 0;
    while (taken < count && taken < decoder.chunk_records && (taken == 0 || bytes + records[taken].length < chunk_bytes)) {
        bytes += size_t(records[taken].length) + 1;
        taken++;
    }
    if (decoder.chunk.size() < bytes + overread) decoder.chunk.resize(std::max(bytes, chunk_bytes) + overread);
    decoder.starts.resize(taken + 1);
    decoder.row_ends.resize(taken);
    uint8_t *to = decoder.chunk.data();
    for (size_t index = 0; index < taken; index++) {
        decoder.starts[index] = uint32_t(to - decoder.chunk.data());
        const size_t length = records[index].length;
        if (length > 0) std::memcpy(to, buffer + records[index].start, length);
        to += length;
        *to++ = '\n';
    }
    std::memset(to, ' ', overread);
    decoder.starts[taken] = uint32_t(bytes);
    return taken;
}

// Whether the chunk's strings are closed and it is UTF-8.
bool find_structure(CJSONColumns_decoder &decoder) {
    simdjson::dom::parser &parser = decoder.parser;
    const size_t bytes = decoder.starts.back();
    if (parser.capacity() < bytes || !parser.implementation) {
        if (parser.allocate(std::max(bytes, chunk_bytes + 1)) != simdjson::SUCCESS) throw std::bad_alloc();
    }
    return parser.implementation->stage1(decoder.chunk.data(), bytes, simdjson::stage1_mode::regular) == simdjson::SUCCESS;
}

size_t decode(
    CJSONColumns_decoder &decoder, const uint8_t *buffer, const CJSONColumns_span *records, size_t count, size_t *row_ends) {
    static const Walk walk = best_walk();
    size_t taken = 0;
    while (taken < count) {
        const size_t gathered = gather(decoder, buffer, records + taken, count - taken);
        const size_t walked = find_structure(decoder) ? walk(decoder) : 0;
        std::copy_n(decoder.row_ends.begin(), walked, row_ends + taken);
        taken += walked;
        if (walked == gathered) {
            decoder.chunk_records = std::min(decoder.chunk_records * 2, most_chunk_records);
            continue;
        }
        // The chunks after a record that is not as expected are small, so that such records cost others little.
        decoder.chunk_records = 1;
        if (walked > 0 || gathered == 1) break;
    }
    return taken;
}

// Where there is no memory for a value, those of its row that were set are taken back.
template <typename Body> bool without_throwing(CJSONColumns_decoder &decoder, Body body) {
    try {
        body();
        return true;
    } catch (const std::bad_alloc &) {
        decoder.truncate(decoder.rows);
        return false;
    }
}

}  // namespace

CJSONColumns_decoder *CJSONColumns_create(
    const CJSONColumns_column *columns, size_t column_count, const CJSONColumns_member *members, size_t member_count, uint64_t seed) {
    try {
        auto decoder = std::make_unique<CJSONColumns_decoder>();
        decoder->columns.resize(column_count);
        for (size_t index = 0; index < column_count; index++) {
            Column &column = decoder->columns[index];
            column.plan = columns[index];
            if (!column.plan.is_wanted) continue;
            decoder->wanted.push_back(uint32_t(index));
            if (column.is_text()) column.texts = std::make_unique<Texts>(seed + index * 0x9e3779b97f4a7c15);
        }
        size_t objects = 1;
        for (size_t index = 0; index < member_count; index++) {
            const size_t child = members[index].column < 0 ? members[index].child : 0;
            objects = std::max(objects, std::max(size_t(members[index].object), child) + 1);
        }
        decoder->objects.resize(objects);
        for (size_t index = 0; index < member_count; index++) {
            const CJSONColumns_member &member = members[index];
            const std::string name(reinterpret_cast<const char *>(member.name), member.name_length);
            decoder->objects[member.object].members.push_back({"\"" + name + "\"", member.column, member.child, 0});
        }
        return decoder.release();
    } catch (const std::bad_alloc &) {
        return nullptr;
    }
}

void CJSONColumns_destroy(CJSONColumns_decoder *decoder) { delete decoder; }

size_t CJSONColumns_decode(
    CJSONColumns_decoder *decoder, const uint8_t *buffer, const CJSONColumns_span *records, size_t count, size_t *row_ends) {
    const size_t rows = decoder->rows;
    try {
        return decode(*decoder, buffer, records, count, row_ends);
    } catch (const std::bad_alloc &) {
        decoder->truncate(rows);
        return 0;
    }
}

bool CJSONColumns_append_null(CJSONColumns_decoder *decoder, size_t index) {
    return without_throwing(*decoder, [&] {
        decoder->make_room(decoder->rows + 1);
        set_null(decoder->columns[index], decoder->rows);
    });
}

bool CJSONColumns_append_word(CJSONColumns_decoder *decoder, size_t index, uint64_t word) {
    return without_throwing(*decoder, [&] {
        decoder->make_room(decoder->rows + 1);
        Column &column = decoder->columns[index];
        if (column.plan.kind == CJSONCOLUMNS_BOOLEAN) column.booleans[decoder->rows] = word != 0;
        else column.words[decoder->rows] = word;
    });
}

bool CJSONColumns_append_text(CJSONColumns_decoder *decoder, size_t index, const uint8_t *text, size_t length) {
    return without_throwing(*decoder, [&] {
        decoder->make_room(decoder->rows + 1);
        decoder->columns[index].texts->set(decoder->rows, text, length);
    });
}

void CJSONColumns_end_row(CJSONColumns_decoder *decoder) { decoder->rows++; }

size_t CJSONColumns_rows(const CJSONColumns_decoder *decoder) { return decoder->rows; }

CJSONColumns_result CJSONColumns_column_result(const CJSONColumns_decoder *decoder, size_t index) {
    const Column &column = decoder->columns[index];
    CJSONColumns_result result{};
    result.nulls = column.has_nulls ? column.nulls.data() : nullptr;
    if (column.is_text()) {
        const Texts &texts = *column.texts;
        result.is_coded = texts.is_coded();
        result.values = texts.codes();
        const auto &bytes = texts.is_coded() ? texts.dictionary_bytes() : texts.bytes();
        const auto &ends = texts.is_coded() ? texts.dictionary_ends() : texts.ends();
        result.bytes = bytes.data();
        result.byte_count = bytes.size();
        result.ends = ends.data();
        result.end_count = ends.size();
        result.dictionary = texts.lineage();
    } else if (column.plan.kind == CJSONCOLUMNS_BOOLEAN) {
        result.values = column.booleans.data();
    } else {
        result.values = column.words.data();
    }
    return result;
}

void CJSONColumns_clear(CJSONColumns_decoder *decoder) {
    for (const uint32_t index : decoder->wanted) {
        Column &column = decoder->columns[index];
        if (column.has_nulls) std::fill(column.nulls.begin(), column.nulls.end(), uint8_t(0));
        column.has_nulls = false;
        if (column.texts) column.texts->clear(decoder->rows);
    }
    decoder->rows = 0;
}
