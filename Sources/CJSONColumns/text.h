// A column of texts under construction: codes of a dictionary while texts come again, else one after the other.
#ifndef CJSONCOLUMNS_TEXT_H
#define CJSONCOLUMNS_TEXT_H

#include <cstdint>
#include <cstring>
#include <vector>

#include "hash.h"

namespace columns {

// Equality of texts of the same length.
inline bool same(const uint8_t *a, const uint8_t *b, size_t length) {
    if (length >= 8 && length <= 16) return load8(a) == load8(b) && load8(a + length - 8) == load8(b + length - 8);
    return std::memcmp(a, b, length) == 0;
}

class Texts {
public:
    explicit Texts(uint64_t seed) : seed_(seed) { begin_dictionary(); }

    bool is_coded() const { return is_coded_; }
    uint64_t lineage() const { return lineage_; }
    const std::vector<uint8_t> &dictionary_bytes() const { return entry_bytes_; }
    const std::vector<uint64_t> &dictionary_ends() const { return entry_ends_; }
    const uint32_t *codes() const { return codes_.data(); }
    const std::vector<uint8_t> &bytes() const { return bytes_; }
    const std::vector<uint64_t> &ends() const { return ends_; }

    // Makes room for so many rows.
    void reserve(size_t rows) {
        if (codes_.size() < rows) codes_.resize(rows);
        if (!is_coded_) ends_.reserve(rows);
    }

    // Sets the text of the row after the last one, which is `row`. There is room for it.
    __attribute__((always_inline)) inline void set(size_t row, const uint8_t *text, size_t length) {
        if (is_coded_) {
            codes_[row] = find(row, text, length);
            if (is_coded_) return;
        }
        append_plain(text, length);
    }

    // That row has no text.
    void set_null(size_t row) {
        if (is_coded_) codes_[row] = 0; else ends_.push_back(bytes_.size());
    }

    // Takes back the rows from `rows` on, and what is left of one for which there was no memory.
    void truncate(size_t rows) {
        if (is_coded_) return;
        if (ends_.size() > rows) ends_.resize(rows);
        bytes_.resize(ends_.empty() ? 0 : ends_.back());
    }

    // Forgets the rows, of which there are so many.
    void clear(size_t rows) {
        seen_rows_ += is_coded_ ? rows : 0;
        bytes_.clear();
        ends_.clear();
        if (!is_coded_ && ++plain_pieces_ >= plain_patience) begin_dictionary();
    }

private:
    __attribute__((noinline)) void append_plain(const uint8_t *text, size_t length) {
        bytes_.insert(bytes_.end(), text, text + length);
        ends_.push_back(bytes_.size());
    }

    // A dictionary may have so many entries at once, and beyond that one for every few rows.
    static constexpr size_t free_entries = 4096, rows_per_entry = 4, most_entries = 1 << 17, most_bytes = 8 << 20;
    // After so many pieces without one a dictionary is tried again.
    static constexpr unsigned plain_patience = 64;

    struct Slot {
        uint32_t code;
        uint32_t hash;
    };

    void begin_dictionary() {
        is_coded_ = true;
        lineage_++;
        plain_pieces_ = 0;
        seen_rows_ = 0;
        entry_bytes_.clear();
        entry_ends_.assign(1, 0);
        slots_.assign(64, Slot{0, 0});
    }

    __attribute__((always_inline)) inline uint32_t find(size_t row, const uint8_t *text, size_t length) {
        if (length == 0) return 0;
        const uint64_t hashed = hash(text, length, seed_);
        const size_t mask = slots_.size() - 1;
        size_t slot = hashed & mask;
        while (const uint32_t code = slots_[slot].code) {
            if (slots_[slot].hash == uint32_t(hashed >> 32)) {
                const uint64_t start = entry_ends_[code - 1];
                if (entry_ends_[code] - start == length && same(entry_bytes_.data() + start, text, length)) return code;
            }
            slot = (slot + 1) & mask;
        }
        return add(row, text, length, hashed, slot);
    }

    __attribute__((noinline)) uint32_t add(size_t row, const uint8_t *text, size_t length, uint64_t hashed, size_t slot) {
        const size_t count = entry_ends_.size();
        if (count >= most_entries || entry_bytes_.size() + length > most_bytes ||
            (count >= free_entries && count * rows_per_entry > seen_rows_ + row)) {
            write_out(row);
            return 0;
        }
        // Room first: bytes without their end would belong to the next text.
        make_room(entry_ends_);
        entry_bytes_.insert(entry_bytes_.end(), text, text + length);
        entry_ends_.push_back(entry_bytes_.size());
        slots_[slot] = {uint32_t(count), uint32_t(hashed >> 32)};
        if (count * 2 > slots_.size()) grow();
        return uint32_t(count);
    }

    void grow() {
        std::vector<Slot> slots(slots_.size() * 4, Slot{0, 0});
        const size_t mask = slots.size() - 1;
        for (size_t code = 1; code < entry_ends_.size(); code++) {
            const uint64_t start = entry_ends_[code - 1];
            const uint64_t hashed = hash(entry_bytes_.data() + start, entry_ends_[code] - start, seed_);
            size_t slot = hashed & mask;
            while (slots[slot].code) slot = (slot + 1) & mask;
            slots[slot] = {uint32_t(code), uint32_t(hashed >> 32)};
        }
        slots_.swap(slots);
    }

    // The first `rows` rows one after the other: a dictionary is not worth it. They stay coded when memory is short.
    void write_out(size_t rows) {
        bytes_.clear();
        ends_.clear();
        ends_.reserve(codes_.size());
        for (size_t row = 0; row < rows; row++) {
            const uint32_t code = codes_[row];
            if (code > 0) {
                bytes_.insert(bytes_.end(), entry_bytes_.begin() + long(entry_ends_[code - 1]), entry_bytes_.begin() + long(entry_ends_[code]));
            }
            ends_.push_back(bytes_.size());
        }
        is_coded_ = false;
    }

    static void make_room(std::vector<uint64_t> &ends) {
        if (ends.size() == ends.capacity()) ends.reserve(ends.size() * 2);
    }

    const uint64_t seed_;
    bool is_coded_ = true;
    uint64_t lineage_ = 0;
    unsigned plain_pieces_ = 0;
    // Rows that the dictionary has served in pieces before this one.
    size_t seen_rows_ = 0;
    std::vector<uint8_t> entry_bytes_;
    std::vector<uint64_t> entry_ends_;
    std::vector<Slot> slots_;
    std::vector<uint32_t> codes_;
    std::vector<uint8_t> bytes_;
    std::vector<uint64_t> ends_;
};

}  // namespace columns

#endif
