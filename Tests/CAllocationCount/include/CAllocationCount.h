// Counts what the calling thread takes from the heap, so that a test can say that something takes nothing.
#ifndef C_ALLOCATION_COUNT_H
#define C_ALLOCATION_COUNT_H

unsigned long allocations_of_this_thread(void);

// What it has taken in bytes, as malloc rounds it, less what it gave back.
long bytes_held_by_this_thread(void);

#endif
