/// Batches at rest and on the wire: their bytes with what the log has decided, and whether every one of them is right.

extension RecordBatch {
    /// Whether these bytes are the batch that was stored, to the last bit.
    ///
    /// A batch's CRC covers everything from the attributes on. The 21 bytes before are base offset, length, leader epoch, version and the CRC itself: all
    /// of them are known to whoever stored it, so no second checksum over the batch is needed.
    /// - Parameters:
    ///   - baseOffset: as the log set it, with leader epoch 0.
    ///   - crc: the batch's own, kept elsewhere too.
    public static func isIntact(_ bytes: UnsafeRawBufferPointer, baseOffset: Int64, crc: UInt32) -> Bool {
        guard bytes.count >= BatchLayout.records,
            bytes.bigEndian(at: BatchLayout.baseOffset, as: Int64.self) == baseOffset,
            Int(bytes.bigEndian(at: BatchLayout.batchLength, as: Int32.self)) == bytes.count - BatchLayout.lengthPrefix,
            bytes.bigEndian(at: BatchLayout.leaderEpoch, as: Int32.self) == 0,
            bytes.bigEndian(at: BatchLayout.magic, as: Int8.self) == BatchLayout.currentMagic,
            bytes.bigEndian(at: BatchLayout.crc, as: UInt32.self) == crc
        else { return false }
        return CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[BatchLayout.attributes...])) == crc
    }

    /// The bytes before the part that is the same wherever the batch is stored: base offset, length, leader epoch.
    public static var decidedBytes: Int { BatchLayout.magic }

    /// Writes the batch as it is on the wire and on the disk.
    /// - Parameter target: has the length of the batch.
    public func write(to target: UnsafeMutableRawBufferPointer) {
        precondition(target.count == bytes.count)
        bytes.withUnsafeBytes { target.copyMemory(from: $0) }
        writeDecided(to: target)
    }

    /// Writes the first `decidedBytes`.
    public func writeDecided(to target: UnsafeMutableRawBufferPointer) {
        target.setBigEndian(baseOffset, at: BatchLayout.baseOffset)
        target.setBigEndian(Int32(truncatingIfNeeded: bytes.count - BatchLayout.lengthPrefix), at: BatchLayout.batchLength)
        target.setBigEndian(leaderEpoch, at: BatchLayout.leaderEpoch)
    }

    /// The batch as it is on the wire and on the disk, copied. For tests and rare paths.
    public var wireBytes: [UInt8] {
        [UInt8](unsafeUninitializedCapacity: bytes.count) { buffer, count in
            write(to: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<bytes.count]))
            count = bytes.count
        }
    }

    /// Whether the bytes have what the log decided in its place.
    public var isAsStored: Bool {
        bytes.withUnsafeBytes { bytes in
            bytes.bigEndian(at: BatchLayout.baseOffset, as: Int64.self) == baseOffset
                && bytes.bigEndian(at: BatchLayout.leaderEpoch, as: Int32.self) == leaderEpoch
        }
    }

    /// Batches as they are on the wire, in as few pieces as there can be without copying them: for one `writev` of all.
    ///
    /// Batches that stand one behind the other in memory are one piece. Of one that does not have its base offset in its bytes the first 16 bytes are a
    /// piece of their own.
    public static func wireSlices(_ batches: some Collection<RecordBatch>) -> [BatchBytes] {
        let heads = SharedMemory(byteCount: batches.reduce(0) { $0 + ($1.isAsStored ? 0 : decidedBytes) })
        var slices: [BatchBytes] = []
        var place = 0
        for batch in batches {
            guard !batch.isAsStored else {
                if let joined = slices.last?.joined(batch.bytes) {
                    slices[slices.count - 1] = joined
                } else {
                    slices.append(batch.bytes)
                }
                continue
            }
            batch.writeDecided(to: UnsafeMutableRawBufferPointer(rebasing: heads.bytes[place..<place + decidedBytes]))
            slices.append(BatchBytes(heads, place..<place + decidedBytes))
            slices.append(batch.bytes.slice(decidedBytes..<batch.bytes.count))
            place += decidedBytes
        }
        return slices
    }
}
