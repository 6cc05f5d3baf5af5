// The CRC-32 of Intel ISA-L behind a prefixed symbol. Apart from CISAL, so that the AWS protocol does not bring compression with it.
#ifndef CCRC32_H
#define CCRC32_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32 (that of gzip, zlib and Ethernet; RFC 1952, section 8) of `count` bytes, going on from the checksum of the bytes before them
/// (0 when there are none).
uint32_t CCRC32_crc32(uint32_t previous, const void *bytes, size_t count);

#endif
