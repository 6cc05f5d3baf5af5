// Lines a second of PCRE2 (interpreted, and compiled for the processor) and RE2 over a file of lines, one thread: what `sql-benchmark regex` prints of ours.
// Usage: regex-peers FILE ROUNDS PATTERN...   Prints a line a pattern: matches, then millions of lines per second of PCRE2, PCRE2 with JIT and RE2.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <re2/re2.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <vector>

static double processorSeconds() {
    timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

template <typename Match>
static double rate(const std::vector<std::string>& lines, int rounds, long& matches, Match match) {
    std::vector<double> rates;
    for (int round = 0; round <= rounds; ++round) {
        matches = 0;
        const double begun = processorSeconds();
        for (const auto& line : lines) matches += match(line);
        rates.push_back(lines.size() / (processorSeconds() - begun) / 1e6);
    }
    // The first one is not counted.
    std::sort(rates.begin() + 1, rates.end());
    return rates[1 + rounds / 2];
}

int main(int count, char** arguments) {
    if (count < 4) return 64;
    std::vector<std::string> lines;
    std::ifstream file(arguments[1]);
    for (std::string line; std::getline(file, line);) lines.push_back(line);
    const int rounds = std::atoi(arguments[2]);
    for (int place = 3; place < count; ++place) {
        const char* pattern = arguments[place];
        int error;
        PCRE2_SIZE offset;
        pcre2_code* code =
            pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern), PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_NO_UTF_CHECK, &error, &offset, nullptr);
        if (!code) return 1;
        pcre2_match_data* data = pcre2_match_data_create_from_pattern(code, nullptr);
        pcre2_match_context* context = pcre2_match_context_create(nullptr);
        pcre2_set_match_limit(context, 1'000'000);
        long found[3] = {0, 0, 0};
        auto pcre = [&](const std::string& line) {
            return pcre2_match(code, reinterpret_cast<PCRE2_SPTR>(line.data()), line.size(), 0, PCRE2_NO_UTF_CHECK, data, context) > 0;
        };
        const double plain = rate(lines, rounds, found[0], pcre);
        pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
        const double compiled = rate(lines, rounds, found[1], pcre);
        RE2 expression(pattern);
        const int groups = expression.NumberOfCapturingGroups() + 1;
        std::vector<re2::StringPiece> captured(groups);
        const double automaton = rate(lines, rounds, found[2], [&](const std::string& line) {
            return expression.Match(line, 0, line.size(), RE2::UNANCHORED, captured.data(), groups);
        });
        std::printf("%ld %ld %ld %.2f %.2f %.2f\n", found[0], found[1], found[2], plain, compiled, automaton);
        pcre2_match_context_free(context);
        pcre2_match_data_free(data);
        pcre2_code_free(code);
    }
}
