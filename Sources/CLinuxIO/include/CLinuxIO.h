/// What Linux offers for files beyond POSIX, and Swift's Glibc does not show.
#ifndef MILLRACE_CLINUXIO_H
#define MILLRACE_CLINUXIO_H

/// Lets the writes of a descriptor pass the page cache by (O_DIRECT). Returns 0, or -1 where the file system cannot.
int millrace_set_direct(int descriptor);

/// Begins to write the dirty pages of a file to the drive (sync_file_range), without waiting and without any promise.
void millrace_start_writeback(int descriptor);

#endif
