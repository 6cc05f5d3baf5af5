/// Batches at rest: their own CRC, with what else is known of them, tells whether every byte is right.

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
}
