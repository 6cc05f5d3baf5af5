/// What Linux and its C library offer beyond POSIX, and Swift's Glibc does not show.
#ifndef MILLRACE_CLINUXIO_H
#define MILLRACE_CLINUXIO_H

/// Lets the writes of a descriptor pass the page cache by (O_DIRECT). Returns 0, or -1 where the file system cannot.
int millrace_set_direct(int descriptor);

/// Begins to write the dirty pages of a file to the drive (sync_file_range), without waiting and without any promise.
void millrace_start_writeback(int descriptor);

/// Lets each arena of the allocator keep so many bytes that were freed, and takes blocks from so many bytes on from the system one by one.
void millrace_keep_freed(int bytes, int mapped_from);

#endif
