/// Snappy blocks through libsnappy (the one file that holds its pointers), and the frame that Kafka's Java client puts around them.

import CSnappy

enum Snappy {
    /// Appends one compressed block of at most 4 GiB.
    static func compressBlock(_ input: UnsafeRawBufferPointer, into output: inout GrowingBuffer) throws(CodecError) {
        let room = CSnappy_compress_room(input.count)
        guard output.makeRoom(room) else { throw .outOfMemory(.snappy) }
        let count = CSnappy_compress(input.baseAddress, input.count, output.unused.baseAddress, output.unused.count)
        guard count > 0 else { throw .outOfMemory(.snappy) }
        output.wrote(count)
    }

    /// Appends the content of one block.
    static func decompressBlock(
        _ input: UnsafeRawBufferPointer, maxBytes: Int, into output: inout GrowingBuffer
    ) throws(CodecError) {
        var length = 0
        guard CSnappy_content_length(input.baseAddress, input.count, &length) != 0 else { throw .invalid(.snappy) }
        guard length >= 0, length <= maxBytes - output.count else { throw .tooLarge(.snappy, maxBytes: maxBytes) }
        // Room for one byte at least: the library wants an address even for nothing.
        guard output.makeRoom(max(1, length)) else { throw .outOfMemory(.snappy) }
        guard CSnappy_decompress(input.baseAddress, input.count, output.unused.baseAddress, length) != 0 else {
            throw .invalid(.snappy)
        }
        output.wrote(length)
    }
}

// MARK: - Kafka's frame

/// The stream format of the library that Kafka's Java client uses: a header of 16 bytes, then blocks with their length before them.
enum SnappyKafkaFrame {
    /// 0x82 "SNAPPY" 0.
    static let magic: [UInt8] = [0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0x00]
    /// Version 1, readable by version 1: each a big-endian `Int32`.
    private static let versions: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 1]
    static let header = magic + versions
    private static let headerBytes = 16
    private static let blockBytes = 32 << 10

    static func compress(_ input: UnsafeRawBufferPointer, into output: inout GrowingBuffer) throws(CodecError) {
        guard output.append(header) else { throw .outOfMemory(.snappy) }
        var start = 0
        while start < input.count {
            let end = min(input.count, start + blockBytes)
            let lengthPosition = output.count
            guard output.append([0, 0, 0, 0]) else { throw .outOfMemory(.snappy) }
            try Snappy.compressBlock(UnsafeRawBufferPointer(rebasing: input[start..<end]), into: &output)
            let length = UInt32(truncatingIfNeeded: output.count - lengthPosition - 4)
            output.overwrite(length.bigEndian, at: lengthPosition)
            start = end
        }
    }

    /// Reads the frame, or a single block without one, as other clients write it.
    static func decompress(
        _ input: UnsafeRawBufferPointer, maxBytes: Int, into output: inout GrowingBuffer
    ) throws(CodecError) {
        guard input.starts(with: magic) else {
            guard !input.isEmpty else { throw .truncated(.snappy) }
            return try Snappy.decompressBlock(input, maxBytes: maxBytes, into: &output)
        }
        guard input.count >= headerBytes else { throw .truncated(.snappy) }
        var position = headerBytes
        while position < input.count {
            guard input.count - position >= 4 else { throw .truncated(.snappy) }
            let length = Int(UInt32(bigEndian: input.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
            position += 4
            guard length <= input.count - position else { throw .truncated(.snappy) }
            let block = UnsafeRawBufferPointer(rebasing: input[position..<position + length])
            try Snappy.decompressBlock(block, maxBytes: maxBytes, into: &output)
            position += length
        }
    }
}
