// Counts what the calling thread takes from the heap, so that a test can say that something takes nothing.
#ifndef C_ALLOCATION_COUNT_H
#define C_ALLOCATION_COUNT_H

unsigned long allocations_of_this_thread(void);

// What it has taken in bytes, as malloc rounds it, less what it gave back.
long bytes_held_by_this_thread(void);

// Lets the allocation of this number from now on fail, once; 0 for none. For stretches without Swift code, which cannot do without memory.
void fail_allocation_of_this_thread(unsigned long number);

#endif
