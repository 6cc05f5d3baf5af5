/// Rows of several inputs, played turn by turn and in larger pieces.

import RecordBatch
import StreamEngine
import StreamSQL
import StreamStore
import StreamStoreTesting
import Testing

@Suite("Inputs that take turns")
struct InterleavedRowsTests {
    private static let inputs = ["S1", "S2", "S3"].map { StreamSchema(name: $0, columns: Flow.input.columns) }
    private static let program = """
        CREATE STREAM A (k VARCHAR(8), v INTEGER);
        CREATE STREAM B (k VARCHAR(8), n BIGINT, d DOUBLE);
        CREATE STREAM C (n BIGINT);
        CREATE PUMP P1 AS INSERT INTO A SELECT STREAM k, 10 / v FROM S1 UNION ALL SELECT STREAM k, v FROM S2;
        CREATE PUMP P2 AS INSERT INTO A SELECT STREAM 'third', v FROM S3 WHERE v > 0;
        CREATE PUMP P3 AS INSERT INTO B SELECT STREAM k, COUNT(*), SUM(d) FROM S2 GROUP BY k, STEP(S2.ROWTIME BY INTERVAL '5' SECOND);
        CREATE PUMP P4 AS INSERT INTO C SELECT STREAM COUNT(*) FROM A GROUP BY STEP(A.ROWTIME BY INTERVAL '3' SECOND);
        """

    /// A record: a row of one of the inputs, or none.
    private struct Record {
        var input: Int
        var row: Int?
        var rowtime: Int64
    }

    private func records(_ rows: ColumnBatch, seed: UInt64) -> [Record] {
        var dice = Dice(seed: seed)
        var input = 0
        return (0..<rows.count).flatMap { row -> [Record] in
            if Int.random(in: 0..<3, using: &dice) > 0 { input = Int.random(in: 0..<3, using: &dice) }
            let record = Record(input: input, row: row, rowtime: rows.rowtimes[row])
            let failed = Record(input: (input + row) % 3, row: nil, rowtime: rows.rowtimes[row])
            return Int.random(in: 0..<8, using: &dice) == 0 ? [record, failed] : [record]
        }
    }

    /// Records as one piece.
    private func interleaved(_ records: ArraySlice<Record>, _ rows: ColumnBatch) -> InterleavedRows {
        var inputs: [InputRows] = []
        var turns: [InterleavedRows.Turn] = []
        var places: [Int: Int] = [:]
        var counts = [Int](repeating: 0, count: 3)
        for record in records {
            let place = places[record.input] ?? inputs.count
            if place == inputs.count {
                places[record.input] = place
                inputs.append(InputRows(stream: Self.inputs[record.input].name, batch: rows.slice(0..<0)))
            }
            if let row = record.row {
                inputs[place].batch.append(contentsOf: rows.slice(row..<(row + 1)))
            } else {
                inputs[place].errors.append(
                    RecordError(
                        record: counts[place], rowsBefore: inputs[place].batch.count, rowtime: record.rowtime,
                        failure: RowFailure("Bad", "It is bad."), data: [UInt8(records.startIndex % 7)]))
            }
            counts[place] += 1
            if turns.last?.input == place { turns.removeLast() }
            turns.append(InterleavedRows.Turn(input: place, recordEnd: counts[place], rowEnd: inputs[place].batch.count))
        }
        return InterleavedRows(inputs, turns: turns)
    }

    private func play(_ rows: ColumnBatch, seed: UInt64, pieces: ClosedRange<Int>) throws -> [String: [String]] {
        var dataflow = try Dataflow(
            Planner.plan(Self.program, inputs: Self.inputs), inputs: Self.inputs, seed: 1, queryStartMilliseconds: nil)
        let all = records(rows, seed: seed)
        var dice = Dice(seed: seed + 1)
        var output: [(stream: String, batch: ColumnBatch)] = []
        var start = 0
        while start < all.count {
            let end = min(all.count, start + Int.random(in: pieces, using: &dice))
            var piece = interleaved(all[start..<end], rows)
            for input in piece.inputs.indices {
                for error in piece.inputs[input].errors.indices { piece.inputs[input].errors[error].data = [] }
            }
            try dataflow.insert(piece)
            output += dataflow.takeOutput()
            start = end
        }
        try dataflow.finish()
        output += dataflow.takeOutput()
        return Flow.lines(output, of: dataflow)
    }

    @Test("rows, windows and failures are those of the turns by themselves", arguments: 1...8)
    func sameAsTurns(seed: Int) throws {
        let rows = Flow.rows(300, seed: UInt64(seed))
        let single = try play(rows, seed: UInt64(seed), pieces: 1...1)
        #expect(single.keys.sorted() == ["A", "B", "C", "error_stream"])
        for pieces in [2...5, 1...90, 1000...1000] {
            let larger = try play(rows, seed: UInt64(seed), pieces: pieces)
            for (stream, lines) in single {
                #expect(larger[stream] == lines, "\(stream) in pieces of \(pieces), seed \(seed)")
            }
        }
    }

    @Test("a turn with times before those of the last one is refused, and nothing is played")
    func decreasing() throws {
        var dataflow = try Dataflow(
            Planner.plan(Self.program, inputs: Self.inputs), inputs: Self.inputs, seed: 1, queryStartMilliseconds: nil)
        let rows = Flow.rows(2, seed: 3)
        var earlier = rows
        earlier.rowtimes = rows.rowtimes.map { $0 - 1000 }
        let piece = InterleavedRows(
            [InputRows(stream: "S1", batch: rows), InputRows(stream: "S2", batch: earlier)],
            turns: [.init(input: 0, recordEnd: 2, rowEnd: 2), .init(input: 1, recordEnd: 2, rowEnd: 2)])
        #expect(throws: DataflowError.self) { try dataflow.insert(piece) }
        #expect(dataflow.takeOutput().isEmpty && dataflow.clockMilliseconds == .min)
    }

    private static let joined = """
        CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "v" INTEGER);
        CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "k", "v" FROM "SOURCE_SQL_STREAM_001"
          UNION ALL SELECT STREAM "k", "v" FROM "SOURCE_SQL_STREAM_002" UNION ALL SELECT STREAM "k", "v" FROM "SOURCE_SQL_STREAM_003";
        """

    @Test("shards that alternate record by record give their rows in the order of arrival, each under its record's key")
    func alternatingShards() async throws {
        var found: [[String]] = []
        for pieceBytes in [1, 500, 1 << 20] {
            var world = try await ApplicationWorld(code: Self.joined, output: "OUT", columns: ApplicationRunTests.columns)
            world.definition.inputs[0].parallelism = 3
            var limits = ApplicationRun.Limits()
            limits.pieceBytes = pieceBytes
            var run = try await world.run(start: .trimHorizon, limits: limits)
            var input = SeededRandom(state: 9)
            for number in 0..<400 {
                let record = number % 29 == 5 ? "no JSON" : #"{"k":"k\#(number % 10)","v":\#(number)}"#
                try await world.put([record], shard: UInt32(input.next() % 3), key: "key \(number)")
                // Of one arrival time the lower shard comes first.
                world.store.advance(milliseconds: Int64(1 + input.next() % 2))
            }
            while try await run.cycle() {}
            let records = try world.store.batches(of: ShardReference(world.derived.id, ShardID(0))).flatMap {
                try $0.batch.records()
            }
            found.append(records.map { String(decoding: ($0.key ?? []) + [UInt8(ascii: " ")] + ($0.value ?? []), as: UTF8.self) })
        }
        let expected = (0..<400).filter { $0 % 29 != 5 }.map { #"key \#($0) {"k":"k\#($0 % 10)","v":\#($0)}"# }
        for rows in found { #expect(rows == expected) }
    }
}
