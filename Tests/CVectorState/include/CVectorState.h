// Whether the upper halves of the vector registers are in use: then scalar code of the baseline's kind is slow.
#ifndef C_VECTOR_STATE_H
#define C_VECTOR_STATE_H

#include <stdbool.h>

// False also where the processor cannot tell.
bool upper_halves_are_in_use(void);

#endif
