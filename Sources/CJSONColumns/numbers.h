// Numbers and datetimes from text, in the usual forms; what has another form is not taken.
#ifndef CJSONCOLUMNS_NUMBERS_H
#define CJSONCOLUMNS_NUMBERS_H

#include <charconv>
#include <cstdint>
#include <cstring>

#include "hash.h"
#if defined(COLUMNS_SSE41)
#include <immintrin.h>
#endif

// In no namespace that is shared: each kind of processor has its own.
namespace {

using columns::load8;


inline bool is_digit(uint8_t byte) { return uint8_t(byte - '0') < 10; }

// Whether eight bytes are digits.
inline bool eight_digits(uint64_t word) {
    return ((word & 0xF0F0F0F0F0F0F0F0) | (((word + 0x0606060606060606) & 0xF0F0F0F0F0F0F0F0) >> 4)) == 0x3333333333333333;
}

// The number that eight digits stand for, the first the most significant.
inline uint64_t eight_digits_value(uint64_t word) {
    word -= 0x3030303030303030;
    word = word * 10 + (word >> 8);
    return (((word & 0x000000FF000000FF) * 0x000F424000000064) + (((word >> 16) & 0x000000FF000000FF) * 0x0000271000000001)) >> 32;
}

// A number as JSON writes it.
struct Number {
    bool is_negative;
    // All digits as one number; meaningless with more than 19 of them.
    uint64_t digits;
    unsigned digit_count;
    // Digits after the point.
    unsigned fraction;
    bool has_exponent;
    const uint8_t *start, *end;
};

// Adds the digits at `p`. Up to eight bytes past `end` may be read.
inline const uint8_t *take_digits(const uint8_t *p, const uint8_t *end, uint64_t &value, unsigned &count) {
    while (p + 8 <= end) {
        const uint64_t word = load8(p);
        if (!eight_digits(word)) break;
        value = value * 100000000 + eight_digits_value(word);
        count += 8;
        p += 8;
    }
    while (p < end && is_digit(*p)) {
        value = value * 10 + (*p - '0');
        count++;
        p++;
    }
    return p;
}

// Reads a number at `p`; false when there is none in JSON's form.
inline bool take_number(const uint8_t *p, const uint8_t *end, Number &number) {
    number.start = p;
    number.is_negative = p < end && *p == '-';
    if (number.is_negative) p++;
    number.digits = 0;
    number.digit_count = 0;
    number.fraction = 0;
    number.has_exponent = false;
    const uint8_t *whole = p;
    p = take_digits(p, end, number.digits, number.digit_count);
    if (number.digit_count == 0 || (*whole == '0' && number.digit_count > 1)) return false;
    if (p < end && *p == '.') {
        const unsigned before = number.digit_count;
        p = take_digits(p + 1, end, number.digits, number.digit_count);
        number.fraction = number.digit_count - before;
        if (number.fraction == 0) return false;
    }
    if (p < end && (*p | 0x20) == 'e') {
        number.has_exponent = true;
        p++;
        if (p < end && (*p == '+' || *p == '-')) p++;
        if (p >= end || !is_digit(*p)) return false;
        while (p < end && is_digit(*p)) p++;
    }
    number.end = p;
    return true;
}

#if defined(COLUMNS_SSE41)

// For a text of `length` characters with its point at `point` (or `length` without one): where each of its digits goes so that the last
// one is the sixteenth byte.
struct DigitShuffles {
    alignas(16) uint8_t of[17][17][16];
    constexpr DigitShuffles() : of() {
        for (unsigned length = 0; length <= 16; length++) {
            for (unsigned point = 0; point <= 16; point++) {
                for (unsigned at = 0; at < 16; at++) of[length][point][at] = 0x80;
                unsigned at = 16;
                for (unsigned source = length; source-- > 0;) {
                    if (source != point) of[length][point][--at] = uint8_t(source);
                }
            }
        }
    }
};
constexpr DigitShuffles digit_shuffles;

// As `take_number`, for a text of which all belongs to the number and 16 bytes can be read; false also where it is long or has an exponent.
inline bool whole_number(const uint8_t *p, const uint8_t *end, Number &number) {
    number.start = p;
    number.end = end;
    number.has_exponent = false;
    number.is_negative = *p == '-';
    p += number.is_negative;
    const auto length = size_t(end - p);
    if (length - 1 > 15) return false;
    const __m128i digits = _mm_sub_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i *>(p)), _mm_set1_epi8('0'));
    const __m128i nine = _mm_set1_epi8(9);
    const auto are_digits = unsigned(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_max_epu8(digits, nine), nine)));
    const unsigned others = ~are_digits & ((1u << length) - 1);
    unsigned point = unsigned(length);
    if (others != 0) {
        point = unsigned(__builtin_ctz(others));
        if (p[point] != '.' || (others & (others - 1)) != 0 || point == 0 || point + 1 == length) return false;
    }
    if (*p == '0' && point > 1) return false;
    number.digit_count = unsigned(length) - (others != 0);
    number.fraction = others != 0 ? unsigned(length) - point - 1 : 0;
    const __m128i order = _mm_load_si128(reinterpret_cast<const __m128i *>(digit_shuffles.of[length][point]));
    const __m128i aligned = _mm_shuffle_epi8(digits, order);
    const __m128i pairs = _mm_maddubs_epi16(aligned, _mm_set_epi8(1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10, 1, 10));
    const __m128i fours = _mm_madd_epi16(pairs, _mm_set_epi16(1, 100, 1, 100, 1, 100, 1, 100));
    const __m128i eights = _mm_madd_epi16(_mm_packus_epi32(fours, fours), _mm_set_epi16(1, 10000, 1, 10000, 1, 10000, 1, 10000));
    const auto both = uint64_t(_mm_cvtsi128_si64(eights));
    number.digits = (both & 0xFFFFFFFF) * 100000000 + (both >> 32);
    return true;
}

#endif

inline uint64_t power_of_ten(unsigned exponent) {
    static constexpr uint64_t powers[] = {
        1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000, 100000000000, 1000000000000,
        10000000000000, 100000000000000, 1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000};
    return powers[exponent];
}

// The unscaled digits of a column's scale; false when the number does not fit as it is.
inline bool exact(const Number &number, uint32_t scale, int64_t minimum, int64_t maximum, int64_t &value) {
    if (number.has_exponent || number.fraction > scale) return false;
    const unsigned zeroes = scale - number.fraction;
    if (number.digit_count + zeroes > 18) return false;
    const auto magnitude = int64_t(number.digits * power_of_ten(zeroes));
    value = number.is_negative ? -magnitude : magnitude;
    return value >= minimum && value <= maximum;
}

// The nearest double of at most 15 digits without an exponent.
inline double small(const Number &number) {
    static constexpr double powers[] = {1,    1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    // The quotient of two exact doubles is rounded once, hence right.
    const double magnitude = double(int64_t(number.digits)) / powers[number.fraction];
    return number.is_negative ? -magnitude : magnitude;
}

// The nearest double; false beyond the range.
inline bool nearest(const Number &number, double &value) {
    if (!number.has_exponent && number.digit_count <= 15) {
        value = small(number);
        return true;
    }
    const auto *first = reinterpret_cast<const char *>(number.start), *last = reinterpret_cast<const char *>(number.end);
    const auto [end, error] = std::from_chars(first, last, value);
    return error == std::errc() && end == last && value - value == 0;
}

// The nearest 32-bit number; false beyond the range.
inline bool nearest_real(const Number &number, double &value) {
    const auto *first = reinterpret_cast<const char *>(number.start), *last = reinterpret_cast<const char *>(number.end);
    float real;
    const auto [end, error] = std::from_chars(first, last, real);
    value = real;
    return error == std::errc() && end == last && value - value == 0;
}

// Days from 1970-01-01 to a date of the proleptic Gregorian calendar.
inline int64_t days_from_civil(int64_t year, unsigned month, unsigned day) {
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const auto year_of_era = unsigned(year - era * 400);
    const unsigned day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + int64_t(year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year) - 719468;
}

inline bool two_digits(const uint8_t *p, unsigned &value) {
    if (!is_digit(p[0]) || !is_digit(p[1])) return false;
    value = unsigned(p[0] - '0') * 10 + (p[1] - '0');
    return true;
}

// yyyy-MM-dd
inline bool take_date(const uint8_t *p, const uint8_t *end, int64_t &days) {
    unsigned century, year, month, day;
    if (end - p < 10 || !two_digits(p, century) || !two_digits(p + 2, year) || p[4] != '-' || !two_digits(p + 5, month) ||
        p[7] != '-' || !two_digits(p + 8, day))
        return false;
    year += century * 100;
    static constexpr uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || month < 1 || month > 12 || day < 1) return false;
    const bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > lengths[month - 1] + unsigned(month == 2 && is_leap)) return false;
    days = days_from_civil(year, month, day);
    return true;
}

// HH:mm:ss with up to nine digits of fraction, to the end.
inline bool take_time(const uint8_t *p, const uint8_t *end, int64_t &milliseconds) {
    unsigned hour, minute, second;
    if (end - p < 8 || !two_digits(p, hour) || p[2] != ':' || !two_digits(p + 3, minute) || p[5] != ':' ||
        !two_digits(p + 6, second) || hour > 23 || minute > 59 || second > 59)
        return false;
    milliseconds = ((hour * 60 + minute) * 60 + second) * 1000;
    p += 8;
    if (p == end) return true;
    if (*p++ != '.' || end - p < 1 || end - p > 9) return false;
    for (unsigned unit = 100; p < end; p++, unit /= 10) {
        if (!is_digit(*p)) return false;
        milliseconds += (*p - '0') * unit;
    }
    return true;
}

// A date, or a date and a time with `T` or a blank between them and perhaps `Z` at the end.
inline bool take_timestamp(const uint8_t *p, const uint8_t *end, int64_t &milliseconds) {
    int64_t days, time;
    if (!take_date(p, end, days)) return false;
    milliseconds = days * 86400000;
    p += 10;
    if (p == end) return true;
    if (*p != ' ' && *p != 'T') return false;
    p++;
    if (end > p && end[-1] == 'Z') end--;
    if (!take_time(p, end, time)) return false;
    milliseconds += time;
    return true;
}

}  // namespace

#endif
