/// Batches that can be told apart wherever they are found: each carries a number.

internal import HostSimulation
internal import RecordBatch

/// A batch as it was handed in.
struct MarkedBatch {
    /// The key of the first record begins with this: "MiLLTAG1".
    static let magic: UInt64 = 0x3147_4154_4C4C_694D
    static let keySize = 16

    var number: Int
    /// Which append it belongs to.
    var append: Int
    var log: Int
    var batch: RecordBatch
    /// Where in the batch's bytes the marker stands.
    var markerPlace: Int

    /// - Parameter bytes: of the value of each record.
    init?(
        number: Int, append: Int, log: Int, records: Int, bytes: Int, producer: ProducerStamp? = nil,
        _ random: inout SeededGenerator
    ) {
        var builder = RecordBatchBuilder(baseTimestamp: 0, expectedBytes: 96 + records * (bytes + 24))
        builder.producer = producer
        var value = [UInt8](repeating: 0, count: bytes)
        var place = 0
        while place < bytes {
            var word = random.next()
            for _ in 0..<min(8, bytes - place) {
                value[place] = UInt8(truncatingIfNeeded: word)
                word >>= 8
                place += 1
            }
        }
        var key: [UInt8] = []
        key.reserveCapacity(MarkedBatch.keySize)
        withUnsafeBytes(of: MarkedBatch.magic.littleEndian) { key.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt64(number).littleEndian) { key.append(contentsOf: $0) }
        do {
            for record in 0..<records { try builder.append(key: record == 0 ? key : nil, value: value, timestamp: 0) }
            batch = try builder.finish()
        } catch {
            return nil
        }
        self.number = number
        self.append = append
        self.log = log
        guard let place = batch.bytes.withUnsafeBytes({ MarkedBatch.place(in: $0) }) else { return nil }
        markerPlace = place
    }

    /// Where the marker stands in the bytes of a batch.
    static func place(in bytes: UnsafeRawBufferPointer) -> Int? {
        // Past the batch's header and the first record's length (one to three bytes) and four fields of one byte.
        for place in 66...68 where place + keySize <= bytes.count {
            if bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self) == magic.littleEndian { return place }
        }
        return nil
    }

    /// The number of a batch that was read.
    static func number(of batch: RecordBatch) -> Int? {
        batch.bytes.withUnsafeBytes { bytes in
            place(in: bytes).map {
                Int(truncatingIfNeeded: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 + 8, as: UInt64.self)))
            }
        }
    }

    /// Whether a batch that was read is this one, but for the base offset.
    func isSame(as other: RecordBatch) -> Bool {
        batch.bytes.count == other.bytes.count
            && batch.bytes.withUnsafeBytes { mine in
                other.bytes.withUnsafeBytes { theirs in mine[8...].elementsEqual(theirs[8...]) }
            }
    }

    var byteCount: Int { batch.bytes.count }
}
