/// The clock, refusals and bounds of a dataflow.

import StreamEngine
import StreamSQL
import Testing

@Suite("Dataflow")
struct DataflowTests {
    private let counting =
        "CREATE STREAM A (k VARCHAR(8), n BIGINT); CREATE PUMP P AS INSERT INTO A SELECT STREAM k, COUNT(*) FROM S GROUP BY k, STEP(S.ROWTIME BY INTERVAL '10' SECOND);"

    private func row(_ rowtime: Int64, key: String = "a") -> ColumnBatch {
        ColumnBatch(
            rowtimes: [rowtime],
            columns: [
                Column(.varchar(8), values: [.text(key)]), Column(.integer, values: [.integer(1)]),
                Column(.double, values: [.null]),
                Column(.decimal(precision: 9, scale: 2), values: [.null]),
            ])
    }

    @Test("the next deadline is the end of the earliest open window, and passing it emits the window")
    func deadline() throws {
        var dataflow = try Flow.make(counting)
        #expect(dataflow.nextDeadlineMilliseconds == nil)
        try dataflow.insert(row(12_345), into: "S")
        #expect(dataflow.clockMilliseconds == 12_345)
        #expect(dataflow.nextDeadlineMilliseconds == 20_000)
        try dataflow.advance(to: 19_999)
        #expect(dataflow.takeOutput().isEmpty)
        try dataflow.advance(to: 20_000)
        let output = dataflow.takeOutput()
        #expect(output.map(\.stream) == ["A"])
        #expect(output.first?.batch.rowtimes == [20_000])
        #expect(dataflow.nextDeadlineMilliseconds == nil)
    }

    @Test("a move of the clock backwards changes nothing")
    func clockBackwards() throws {
        var dataflow = try Flow.make(counting)
        try dataflow.insert(row(12_345), into: "S")
        try dataflow.advance(to: 5)
        #expect(dataflow.clockMilliseconds == 12_345)
    }

    @Test("rows that do not belong are refused and change nothing")
    func refusals() throws {
        var dataflow = try Flow.make(counting)
        try dataflow.insert(row(12_345), into: "S")
        #expect(throws: DataflowError.unknownInput("A")) { try dataflow.insert(row(12_345), into: "A") }
        #expect(throws: DataflowError.unknownInput("T")) { try dataflow.insert(row(12_345), into: "T") }
        #expect(throws: DataflowError.timeDecreases(stream: "S", rowtime: 12_344, clock: 12_345)) {
            try dataflow.insert(row(12_344), into: "S")
        }
        var short = row(12_346)
        short.columns.removeLast()
        #expect(throws: DataflowError.wrongColumns(stream: "S")) { try dataflow.insert(short, into: "S") }
        var uneven = row(12_346)
        uneven.columns[0] = Column(.varchar(8), values: [])
        #expect(throws: DataflowError.wrongColumns(stream: "S")) { try dataflow.insert(uneven, into: "S") }
        try dataflow.advance(to: 20_000)
        #expect(dataflow.takeOutput().first?.batch.columns[1].integers == [1])
    }

    @Test("only wanted streams are kept for the caller")
    func wantedStreams() throws {
        var dataflow = try Flow.make(
            "CREATE STREAM A (v INTEGER); CREATE STREAM B (v INTEGER); CREATE PUMP P AS INSERT INTO A SELECT STREAM v FROM S; CREATE PUMP Q AS INSERT INTO B SELECT STREAM 1 / (v - 1) FROM A;"
        )
        dataflow.wantedStreams = ["error_stream"]
        try dataflow.insert(row(1), into: "S")
        #expect(dataflow.takeOutput().map(\.stream) == ["error_stream"])
        #expect(dataflow.errorRowCount == 1)
        dataflow.wantedStreams = nil
        try dataflow.insert(row(2), into: "S")
        #expect(dataflow.takeOutput().map(\.stream).sorted() == ["A", "error_stream"])
    }

    @Test("a record that failed is reported at its place among the rows")
    func recordErrors() throws {
        var dataflow = try Flow.make(
            "CREATE STREAM A (v INTEGER); CREATE PUMP P AS INSERT INTO A SELECT STREAM 1 / (v - 1) FROM S;")
        let columns = zip(Flow.input.columns, ["VARCHAR(8)", "INTEGER", "DOUBLE", "DECIMAL(9,2)"]).map { column, type in
            InputSchema.RecordColumn(name: column.name, mapping: "$.\(column.name)", sqlType: type)
        }
        let format = InputSchema.RecordFormat(recordFormatType: "JSON", mappingParameters: .init(json: .init(recordRowPath: "$")))
        let decoder = try RecordDecoder(InputSchema(recordFormat: format, recordColumns: columns), metadata: [])
        var bytes: [UInt8] = []
        var records: [SourceRecord] = []
        for (text, rowtime) in [("first", 5), (#"{"V":1}"#, 10), ("second", 15), (#"{"V":1}"#, 20), ("third", 25)]
            as [(String, Int64)]
        {
            records.append(SourceRecord(data: bytes.count..<(bytes.count + text.utf8.count), rowtime: rowtime))
            bytes += text.utf8
        }
        let decoded = decoder.decode(records, in: bytes)
        try dataflow.insert(decoded.batch, into: "S", errors: decoded.errors)
        let errors = try #require(dataflow.takeOutput().first { $0.stream == "error_stream" }?.batch)
        #expect(errors.rowtimes == [5, 10, 15, 20, 25])
        #expect(errors.columns[2].value(at: 2) == .text("Coercion error"))
        #expect(errors.columns[5].value(at: 4) == .text("7468697264"))
        #expect(errors.columns[6].isNull(0) && !errors.columns[6].isNull(1))
        #expect(dataflow.clockMilliseconds == 25)
    }

    @Test("past the bound of state the dataflow says so, and goes on saying so")
    func stateBound() throws {
        var dataflow = try Flow.make(counting, limits: .init(stateBytes: 20_000))
        var failure: DataflowError?
        for number in 0..<2000 where failure == nil {
            do { try dataflow.insert(row(0, key: "k\(number)"), into: "S") } catch { failure = error }
        }
        guard case .stateTooLarge(let bytes, limit: 20_000)? = failure else {
            Issue.record("no bound: \(String(describing: failure))")
            return
        }
        #expect(bytes > 20_000 && bytes < 40_000)
        #expect(throws: DataflowError.self) { try dataflow.advance(to: 1_000_000) }
        #expect(throws: DataflowError.self) { try dataflow.insert(row(1_000_000), into: "S") }
    }

    @Test("state does not grow from window to window")
    func stateIsLetGo() throws {
        var dataflow = try Flow.make(counting)
        var largest = 0
        for number in 0..<5000 {
            try dataflow.insert(row(Int64(number) * 1000, key: "k\(number)"), into: "S")
            largest = max(largest, dataflow.stateBytes)
        }
        #expect(largest < 4000)
    }

    @Test("pumps that feed each other are refused")
    func cycle() throws {
        let a = StreamSchema(name: "A", columns: [ColumnDefinition("V", .integer)])
        let b = StreamSchema(name: "B", columns: [ColumnDefinition("V", .integer)])
        let program = Program(
            streams: [a, b],
            pumps: [
                Pump(name: "P", target: "A", query: .stream(b), isStopped: false),
                Pump(name: "Q", target: "B", query: .stream(a), isStopped: false),
            ])
        #expect(throws: DataflowError.unusablePlan("the pumps P, Q feed each other")) {
            _ = try Dataflow(program, inputs: [], seed: 0, queryStartMilliseconds: nil)
        }
    }

    @Test("the end of the input closes what is open as the clock would, and nothing comes after it")
    func endOfInput() throws {
        let nested = """
            CREATE STREAM A (k VARCHAR(8), n BIGINT); CREATE STREAM B (n BIGINT, total BIGINT);
            CREATE PUMP P AS INSERT INTO A SELECT STREAM k, COUNT(*) FROM S GROUP BY k, STEP(S.ROWTIME BY INTERVAL '10' SECOND);
            CREATE PUMP Q AS INSERT INTO B SELECT STREAM COUNT(*), SUM(n) FROM A GROUP BY FLOOR(A.ROWTIME TO MINUTE);
            """
        let rows = Flow.rows(200, seed: 9)
        var ended = try Flow.make(nested)
        try ended.insert(rows, into: "S")
        try ended.finish()
        let last = try #require(rows.rowtimes.last)
        #expect(ended.clockMilliseconds == last)
        #expect(ended.nextDeadlineMilliseconds == nil)
        var advanced = try Flow.make(nested)
        try advanced.insert(rows, into: "S")
        try advanced.advance(to: last + 86_400_000)
        #expect(Flow.lines(ended.takeOutput(), of: ended) == Flow.lines(advanced.takeOutput(), of: advanced))
        #expect(throws: DataflowError.inputEnded) { try ended.insert(row(last), into: "S") }
        #expect(throws: DataflowError.inputEnded) { try ended.finish() }
        var restored = try Flow.make(nested)
        try restored.restore(from: ended.snapshot())
        #expect(throws: DataflowError.inputEnded) { try restored.advance(to: .max) }
    }

    @Test("a window without an end leaves at the end of the input, with the clock's time")
    func endlessWindow() throws {
        var dataflow = try Flow.make(
            "CREATE STREAM A (n BIGINT); CREATE PUMP P AS INSERT INTO A SELECT STREAM COUNT(*) FROM S GROUP BY FLOOR((S.ROWTIME - TIMESTAMP '1970-01-01 00:00:00') DAY(10) / 100000 TO DAY);"
        )
        try dataflow.insert(row(12_345), into: "S")
        try dataflow.advance(to: 20_000)
        #expect(dataflow.nextDeadlineMilliseconds == nil)
        try dataflow.finish()
        #expect(dataflow.takeOutput().first?.batch.rowtimes == [20_000])
    }

    @Test("a window over CURRENT_TIMESTAMP ends by the query's start, and not by the row's time")
    func windowOverQueryStart() throws {
        let sql =
            "CREATE STREAM A (n BIGINT); CREATE PUMP P AS INSERT INTO A SELECT STREAM COUNT(*) FROM S GROUP BY FLOOR((S.ROWTIME - CURRENT_TIMESTAMP) SECOND / 10 TO SECOND);"
        var dataflow = try Dataflow(
            Planner.plan(sql, inputs: [Flow.input]), inputs: [Flow.input], seed: 0, queryStartMilliseconds: 3_000)
        for time in [5_000, 12_999, 13_000, 14_000] as [Int64] { try dataflow.insert(row(time), into: "S") }
        #expect(dataflow.nextDeadlineMilliseconds == 23_000)
        try dataflow.finish()
        let output = dataflow.takeOutput()
        #expect(output.flatMap { $0.batch.rowtimes } == [13_000, 23_000])
        #expect(output.flatMap { $0.batch.columns[0].integers } == [2, 2])
    }
}
