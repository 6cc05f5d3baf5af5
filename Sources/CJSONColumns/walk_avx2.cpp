// The walk over records for x86 processors with AVX2.
#if defined(__x86_64__)
#include <charconv>
#include <cstring>
#include <immintrin.h>

#include "decoder.h"
#include "hash.h"

#define COLUMNS_SSE41 1
#pragma clang attribute push(__attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt"))), apply_to = function)
#include "numbers.h"
#include "walk.h"
#pragma clang attribute pop

size_t columns::walk_avx2(CJSONColumns_decoder &decoder) { return walk(decoder); }
#endif
