/// The steps of a run by themselves: decoding, computing, writing rows.

import RecordBatch
import StreamEngine
import StreamSQL
import StreamStore
import StreamStoreTesting

/// Measures the values that a run is made of, in pieces of the size in which it uses them.
struct Steps {
    private static let pieceBytes = 1 << 20
    private static let stream = "SOURCE_SQL_STREAM_001"
    private let input: StoredInput
    private let decoder: RecordDecoder
    private let plan: Program

    init(_ input: StoredInput) throws {
        self.input = input
        decoder = try RecordDecoder(input.program.schema, metadata: [])
        plan = try Planner.plan(input.program.code, inputs: [StreamSchema(name: Self.stream, columns: decoder.columns)])
    }

    /// Prints nanoseconds of CPU a record for each step.
    func report() throws {
        var pieces: [(bytes: [UInt8], records: [SourceRecord])] = []
        let gather = try ProcessTime.of { pieces = try gathered() }
        show("gather", gather.seconds)

        var batches: [ColumnBatch] = []
        let decode = ProcessTime.of { batches = pieces.map { decoder.decode($0.records, in: $0.bytes).batch } }
        show("decode", decode.seconds)

        var dataflow = try Dataflow(
            plan, inputs: [StreamSchema(name: Self.stream, columns: decoder.columns)], seed: 1,
            queryStartMilliseconds: RecordMaker.start)
        dataflow.wantedStreams = [input.program.output]
        var rows: [ColumnBatch] = []
        let compute = try ProcessTime.of {
            for batch in batches {
                try dataflow.insert(batch, into: Self.stream)
                rows += dataflow.takeOutput().map(\.batch)
            }
            try dataflow.advance(to: input.store.now)
            rows += dataflow.takeOutput().map(\.batch)
        }
        show("compute", compute.seconds)

        guard let schema = dataflow.outputSchemas.first(where: { $0.name == input.program.output }) else { return }
        let encoder = RowEncoder(columns: schema.columns, format: .json)
        let output = ProcessTime.of {
            for batch in rows {
                var text: [UInt8] = []
                var ends: [Int] = []
                encoder.encode(batch, into: &text, ends: &ends)
            }
        }
        show("output", output.seconds)
    }

    private func gathered() throws -> [(bytes: [UInt8], records: [SourceRecord])] {
        var pieces: [(bytes: [UInt8], records: [SourceRecord])] = []
        var bytes: [UInt8] = []
        var records: [SourceRecord] = []
        for stored in input.store.batches(of: ShardReference(input.source.id, ShardID(0))) {
            try stored.batch.forEachRecord { record in
                let start = bytes.count
                if let value = record.value { bytes.append(contentsOf: value) }
                records.append(SourceRecord(data: start..<bytes.count, rowtime: stored.arrivalMilliseconds))
            }
            if bytes.count >= Self.pieceBytes {
                pieces.append((bytes, records))
                bytes = []
                records = []
            }
        }
        return pieces + [(bytes, records)]
    }

    private func show(_ step: String, _ seconds: Double) {
        print("  \(step): \(Measure.short(seconds * 1e9 / Double(input.records))) ns a record")
    }
}
