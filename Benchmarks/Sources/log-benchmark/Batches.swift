/// The batches that are appended: records of 100 to 200 bytes, 150 on average, no keys, not compressed.

import RecordBatch

/// A set of batches made beforehand, so that what is measured is the log and not the making of records.
struct Batches: Sendable {
    let prepared: [RecordBatch]
    let recordsEach: Int
    /// Bytes of the records' values on average over the set.
    let valueBytesEach: Double
    /// Bytes of a batch on average over the set.
    let bytesEach: Double

    init(count: Int, recordsEach: Int) {
        var random = SplitMix(state: UInt64(recordsEach))
        var bytes = 0
        var valueBytes = 0
        var made: [RecordBatch] = []
        for _ in 0..<count {
            // Lengths come in pairs that add up to 300, so that every set has the same average.
            let lengths = (0..<(recordsEach + 1) / 2).flatMap { _ -> [Int] in
                let length = 100 + Int(random.next() % 101)
                return [length, 300 - length]
            }
            let exact = recordsEach == 1 ? [150] : Array(lengths.prefix(recordsEach))
            let batch = Batches.build(exact, &random)
            bytes += batch.bytes.count
            valueBytes += exact.reduce(0, +)
            made.append(batch)
        }
        prepared = made
        self.recordsEach = recordsEach
        bytesEach = Double(bytes) / Double(count)
        valueBytesEach = Double(valueBytes) / Double(count)
    }

    /// The batch for the n-th append of a caller.
    func batch(_ n: Int) -> RecordBatch { prepared[n % prepared.count] }

    /// Builds a batch anew, as a service does with records that came over a socket.
    static func build(_ lengths: [Int], _ random: inout SplitMix) -> RecordBatch {
        do {
            var builder = RecordBatchBuilder(
                baseTimestamp: 1_700_000_000_000, expectedBytes: 128 + lengths.reduce(0) { $0 + $1 + 12 })
            for length in lengths {
                let value = (0..<length).map { _ in UInt8(32 + random.next() % 95) }
                try builder.append(key: nil, value: value, timestamp: 1_700_000_000_000)
            }
            return try builder.finish()
        } catch {
            give(up: "a batch cannot be built: \(error)")
        }
    }
}

/// A small generator, so that runs are alike.
struct SplitMix {
    var state: UInt64
    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
