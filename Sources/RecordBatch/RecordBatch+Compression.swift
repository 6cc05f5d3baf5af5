/// A batch compressed, or taken out of its compression, after it was built: everything else of it stays.

public import Codecs

extension RecordBatch {
    /// The same batch with its records compressed, as a producer that compresses would have sent it.
    ///
    /// Length, codec bits and CRC change; every other field and every record stays. The batch stays as it is when it is compressed
    /// already; when it would not become shorter; when its records take more than `defaultMaxDecompressedBytes`, for then most readers
    /// would refuse it; when its CRC is wrong, for a new one would hide the damage; and when memory for the codec is short.
    public func compressed(with codec: CompressionCodec) -> RecordBatch {
        guard codec != .none, self.codec == .none, bytes.count - BatchLayout.records <= Self.defaultMaxDecompressedBytes,
            checkCRC()
        else { return self }
        let shorter = try? bytes.withUnsafeBytes { bytes throws(CodecError) in
            try codec.compress(bytes.part(BatchLayout.records...), after: bytes.part(..<BatchLayout.records))
        }
        guard var shorter, shorter.count < bytes.count else { return self }
        Self.seal(&shorter, codec: codec)
        return RecordBatch(built: BatchBytes(shorter), recordCount: recordCount, baseOffset: baseOffset, leaderEpoch: leaderEpoch)
    }

    /// The same batch with its records as they were before compression; itself when they are not compressed.
    /// - Parameter maxBytes: the most its records may become.
    /// - Throws: `.codec`; `.checksumMismatch`, for a new CRC would hide the damage; `.invalid` when what comes out is too short for
    ///   the batch's records or longer than the format can say.
    public func decompressed(maxBytes: Int = RecordBatch.defaultMaxDecompressedBytes) throws(RecordBatchError) -> RecordBatch {
        guard codec != .none else { return self }
        if !checkCRC() {
            let (stored, computed) = checksums()
            throw .checksumMismatch(stored: stored, computed: computed)
        }
        var longer = Array(bytes.slice(0..<BatchLayout.records))
        do {
            try bytes.withUnsafeBytes { bytes in
                try codec.withDecompressed(bytes.part(BatchLayout.records...), maxBytes: maxBytes) { longer += $0 }
            }
        } catch let error as CodecError {
            throw .codec(error)
        } catch {
            preconditionFailure("the body above throws nothing")
        }
        guard longer.count <= Self.maxLength else {
            throw .invalid(.batchLength, value: Int64(longer.count), rule: "a batch has at most \(Self.maxLength) bytes")
        }
        Self.seal(&longer, codec: .none)
        return try RecordBatch(intact: BatchBytes(longer)).settingBaseOffset(baseOffset, leaderEpoch: leaderEpoch)
    }

    /// Makes length, codec bits and CRC those of the bytes that stand there.
    private static func seal(_ bytes: inout [UInt8], codec: CompressionCodec) {
        bytes.withUnsafeMutableBytes { bytes in
            let attributes: Int16 = UnsafeRawBufferPointer(bytes).bigEndian(at: BatchLayout.attributes)
            bytes.setBigEndian(
                Int32(truncatingIfNeeded: bytes.count - BatchLayout.lengthPrefix), at: BatchLayout.batchLength)
            bytes.setBigEndian(
                attributes & ~BatchAttributes.codec | Int16(codec.rawValue), at: BatchLayout.attributes)
            let covered = UnsafeRawBufferPointer(rebasing: bytes[BatchLayout.attributes...])
            bytes.setBigEndian(CRC32C.checksum(covered), at: BatchLayout.crc)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// The bytes of a range that lies inside.
    fileprivate func part(_ range: some RangeExpression<Int>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: self[range])
    }
}
