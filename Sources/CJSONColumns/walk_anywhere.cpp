// The walk over records for any processor.
#include <cstring>

#include "decoder.h"
#include "numbers.h"
#include "walk.h"

size_t columns::walk_anywhere(CJSONColumns_decoder &decoder) { return walk(decoder); }
