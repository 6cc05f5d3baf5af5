/// What a record and a group cost: allocations and memory, counted, not timed.

import CAllocationCount
import StreamEngine
import StreamSQL
import Testing

@Suite("The cost of records and groups") struct CostTests {
    private static let schema = InputSchema(
        recordFormat: .init(recordFormatType: "JSON", mappingParameters: .init(json: .init(recordRowPath: "$"))),
        recordColumns: [
            .init(name: "id", mapping: "$.id", sqlType: "VARCHAR(20)"),
            .init(name: "kind", mapping: "$.kind", sqlType: "VARCHAR(8)"),
            .init(name: "place", mapping: "$.place", sqlType: "VARCHAR(16)"), .init(name: "at", mapping: "$.at", sqlType: "BIGINT"),
            .init(name: "value", mapping: "$.value", sqlType: "DOUBLE"),
            .init(name: "smooth", mapping: "$.smooth", sqlType: "DOUBLE"),
        ])
    private static let groups = """
        CREATE STREAM O ("id" VARCHAR(20), "kind" VARCHAR(8), "place" VARCHAR(16), a DOUBLE, b DOUBLE, c DOUBLE, n BIGINT);
        CREATE PUMP P AS INSERT INTO O SELECT STREAM "id", "kind", "place", AVG("value"), AVG("smooth"), SUM("value"), COUNT(*)
        FROM S GROUP BY "id", "kind", "place", FLOOR((S.ROWTIME - TIMESTAMP '1970-01-01 00:00:00') SECOND / 60 TO SECOND);
        """
    private static let pass = """
        CREATE STREAM O ("id" VARCHAR(20), "kind" VARCHAR(8), "place" VARCHAR(16), "at" BIGINT, "value" DOUBLE, "smooth" DOUBLE);
        CREATE PUMP P AS INSERT INTO O SELECT STREAM "id", "kind", "place", "at", "value", "smooth" FROM S;
        """

    private static func text(_ number: Int, _ ids: Int) -> [UInt8] {
        Array(
            "{\"id\":\"s-\(10_000_000 + number % ids)\",\"kind\":\"\(number % 2 == 0 ? "temp" : "hum")\",\"place\":\"st-\(1_000_000 + number % ids / 10)\",\"at\":\(1_700_000_000_000 + number),\"value\":0.\(1000 + number % 9000),\"smooth\":0.\(100_000 + number % 900_000)}"
                .utf8)
    }

    /// Records in pieces of 5000, as a run hands them on.
    private func pieces(_ count: Int, ids: Int) -> [(list: RecordList, bytes: [UInt8])] {
        stride(from: 0, to: count, by: 5000).map { first in
            var list = RecordList([])
            var bytes: [UInt8] = []
            list.begin(rowtime: 1_700_000_040_000, arrivalMilliseconds: 1_700_000_040_000, shardID: "")
            for number in first..<(first + 5000) {
                let start = bytes.count
                bytes += Self.text(number, ids)
                list.append(data: start..<bytes.count, partitionKey: { _ in }, sequenceNumber: { "" })
            }
            list.endPart()
            return (list, bytes)
        }
    }

    private func dataflow(_ sql: String, _ decoder: RecordDecoder) throws -> Dataflow {
        let input = StreamSchema(name: "S", columns: decoder.columns)
        return try Dataflow(Planner.plan(sql, inputs: [input]), inputs: [input], seed: 1, queryStartMilliseconds: 0)
    }

    @Test("from bytes to rows, a hundred records take less than three allocations", arguments: [groups, pass])
    func allocations(sql: String) throws {
        let decoder = try RecordDecoder(Self.schema, metadata: [])
        var dataflow = try dataflow(sql, decoder)
        let schema = try #require(dataflow.outputSchemas.first { $0.name == "O" })
        let encoder = RowEncoder(columns: schema.columns, format: .json)
        let pieces = pieces(40_000, ids: 1000)
        var (text, ends) = ([UInt8](), [Int]())
        func play(_ piece: (list: RecordList, bytes: [UInt8])) throws {
            let decoded = piece.bytes.withUnsafeBytes { bytes in decoder.decode(piece.list) { $1(bytes) } }
            try dataflow.insert(decoded.batch, into: "S", errors: decoded.errors)
            text.removeAll(keepingCapacity: true)
            ends.removeAll(keepingCapacity: true)
            for (_, rows) in dataflow.takeOutput() { encoder.encode(rows, into: &text, ends: &ends) }
        }
        // Tables and dictionaries have their size after these.
        for piece in pieces[..<2] { try play(piece) }
        let before = allocations_of_this_thread()
        for piece in pieces[2...] { try play(piece) }
        let perRecord = Double(allocations_of_this_thread() - before) / 30_000
        #expect(perRecord < 0.03 && perRecord > 0, "\(perRecord) allocations a record")
    }

    @Test("a group of the weather application takes less than 200 bytes, and is accounted for")
    func bytesOfGroup() throws {
        let decoder = try RecordDecoder(Self.schema, metadata: [])
        var dataflow = try dataflow(Self.groups, decoder)
        let groups = 200_000
        var taken = 0
        for piece in pieces(groups, ids: groups) {
            let batch = piece.bytes.withUnsafeBytes { bytes in decoder.decode(piece.list) { $1(bytes) }.batch }
            let before = bytes_held_by_this_thread()
            try dataflow.insert(batch, into: "S")
            taken += bytes_held_by_this_thread() - before
        }
        let perGroup = Double(taken) / Double(groups)
        #expect(perGroup < 200, "\(perGroup) bytes a group")
        // The bound on state counts what is in use and not the room beside it, so it may be told more or less, but not far from the truth.
        #expect(dataflow.stateBytes > taken * 2 / 3, "\(dataflow.stateBytes) accounted for, \(taken) taken")
        #expect(dataflow.stateBytes < taken * 2, "\(dataflow.stateBytes) accounted for, \(taken) taken")
    }
}
