/// A digest of what a disk was asked to do, to show that two runs were the same.

internal import StableHash

/// Over operations, paths, offsets and bytes; the bytes in words of eight.
struct DiskDigest: Sendable {
    private var hash = FNV1a()
    var value: UInt64 { hash.value }

    mutating func add(_ word: UInt64) { hash.add(word) }

    mutating func add(path: String) {
        for byte in path.utf8 { add(UInt64(byte)) }
    }

    mutating func add(_ operation: DiskOperation, _ path: String) {
        add(UInt64(operation.index))
        add(path: path)
    }

    mutating func add(_ bytes: UnsafeRawBufferPointer, at offset: UInt64) {
        add(offset)
        add(UInt64(bytes.count))
        var position = 0
        while position + 8 <= bytes.count {
            add(bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position += 8
        }
        while position < bytes.count {
            add(UInt64(bytes[position]))
            position += 1
        }
    }
}
