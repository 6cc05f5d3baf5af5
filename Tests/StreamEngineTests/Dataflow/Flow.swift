/// What dataflow tests share: a program over one stream of random rows, and ways to play them.

import StreamEngine
import StreamSQL

/// A small generator with a seed, so that a failure can be played again.
struct Dice: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }
    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state &* 0x2545_F491_4F6C_DD1D
    }
}

enum Flow {
    static let input = StreamSchema(
        name: "S",
        columns: [
            ColumnDefinition("K", .varchar(8)), ColumnDefinition("V", .integer), ColumnDefinition("D", .double),
            ColumnDefinition("M", .decimal(precision: 9, scale: 2)),
        ])

    static func make(_ sql: String, limits: Dataflow.Limits = .init()) throws -> Dataflow {
        try Dataflow(Planner.plan(sql, inputs: [input]), inputs: [input], seed: 11, queryStartMilliseconds: nil, limits: limits)
    }

    /// Rows with NULLs, repeated times, gaps, and few keys.
    static func rows(_ count: Int, seed: UInt64) -> ColumnBatch {
        var dice = Dice(seed: seed)
        var builder = ColumnBatchBuilder(input.columns.map(\.type))
        var time: Int64 = 1_622_538_000_000
        let keys = ["a", "bb", "", "größe", "e"]
        for _ in 0..<count {
            switch Int.random(in: 0..<20, using: &dice) {
            case 0: time += Int64.random(in: 20_000...200_000, using: &dice)
            case 1...9: time += Int64.random(in: 1...3_000, using: &dice)
            default: break
            }
            builder.rowtimes.append(time)
            if Int.random(in: 0..<9, using: &dice) == 0 {
                builder.columns[0].appendNull()
            } else {
                builder.columns[0].append(.text(keys[Int.random(in: 0..<keys.count, using: &dice)]))
            }
            if Int.random(in: 0..<9, using: &dice) == 0 {
                builder.columns[1].appendNull()
            } else {
                builder.columns[1].append(Int64.random(in: -3...9, using: &dice))
            }
            if Int.random(in: 0..<9, using: &dice) == 0 {
                builder.columns[2].appendNull()
            } else {
                builder.columns[2].append(Double.random(in: -1...1, using: &dice))
            }
            builder.columns[3].append(Int64.random(in: -99_999...99_999, using: &dice))
        }
        return builder.finish()
    }

    /// The rows of each stream as lines of text, in their order.
    static func lines(_ output: [(stream: String, batch: ColumnBatch)], of dataflow: Dataflow) -> [String: [String]] {
        var lines: [String: [String]] = [:]
        for (stream, batch) in output {
            guard let schema = dataflow.outputSchemas.first(where: { $0.name == stream }) else { continue }
            let encoder = RowEncoder(columns: schema.columns, format: .json)
            for row in 0..<batch.count {
                var bytes: [UInt8] = []
                encoder.encodeRow(row, of: batch, into: &bytes)
                lines[stream, default: []].append("\(batch.rowtimes[row]) \(String(decoding: bytes, as: UTF8.self))")
            }
        }
        return lines
    }
}
