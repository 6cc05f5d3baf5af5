/// The replay command: lines, files, failures.

import StreamEngine
import Testing

@Suite("Replay")
struct ReplayTests {
    private let program = "CREATE STREAM A (k VARCHAR(4), v INTEGER); CREATE PUMP P AS INSERT INTO A SELECT STREAM k, v FROM S;"
    private let schema =
        #"{"streams": {"S": {"columns": [{"name": "K", "type": "VARCHAR(4)"}, {"name": "V", "type": "INTEGER"}]}}}"#

    private func run(_ input: String, schema: String? = nil, program: String? = nil, advanceTo: Int64? = nil) -> (
        String, ReplayCommand.Outcome
    ) {
        let command = ReplayCommand(
            program: ReplayFile(name: "p.sql", contents: Array((program ?? self.program).utf8)),
            schema: ReplayFile(name: "s.json", contents: Array((schema ?? self.schema).utf8)),
            input: ReplayFile(name: "i.ndjson", contents: Array(input.utf8)), advanceTo: advanceTo)
        var output: [UInt8] = []
        let outcome = command.run { output += $0 }
        return (String(decoding: output, as: UTF8.self), outcome)
    }

    private let line = #"{"stream": "S", "rowtime_ms": 5, "row": {"K": "a", "V": 1}}"#

    @Test("lines may end in CR LF, be empty, or lack an end")
    func lineEnds() {
        let (output, outcome) = run("\r\n\(line)\r\n\n  \n\(line)")
        #expect(outcome.status == .success && outcome.messages.isEmpty)
        let wanted = #"{"stream":"A","rowtime_ms":5,"row":{"K":"a","V":1}}"# + "\n"
        #expect(output == wanted + wanted)
    }

    @Test(
        "a line that is wrong ends the replay with its number",
        arguments: [
            (#"{"stream": "S", "rowtime_ms": 5, "row": {"K": "a", "V": 1}"#, "i.ndjson:3: not a JSON object"),
            (#"[]"#, "i.ndjson:3: not a JSON object"),
            (#"{"rowtime_ms": 5, "row": {}}"#, "i.ndjson:3: \"stream\" is missing"),
            (#"{"stream": "S", "row": {}}"#, "i.ndjson:3: \"rowtime_ms\" is missing"),
            (#"{"stream": "S", "rowtime_ms": 5.5, "row": {}}"#, "i.ndjson:3: \"rowtime_ms\" must be"),
            (#"{"stream": "S", "rowtime_ms": 4, "row": {}}"#, "i.ndjson:3: \"rowtime_ms\" is 4"),
            (#"{"stream": "T", "rowtime_ms": 5, "row": {}}"#, "i.ndjson:3: there is no stream 'T'"),
            (#"{"stream": "S", "rowtime_ms": 5}"#, "i.ndjson:3: \"row\" is missing"),
            (#"{"stream": "S", "rowtime_ms": 5, "record": "{}"}"#, "i.ndjson:3: \"row\" is missing"),
            (#"{"stream": "S", "rowtime_ms": 5, "row": {}, "record": "{}"}"#, "i.ndjson:3: a line has one of"),
            (#"{"stream": "S", "rowtime_ms": 5, "row": {"V": "x"}}"#, "i.ndjson:3: "),
            (#"{"stream": "S", "rowtime_ms": 5, "row": {"V": 3000000000}}"#, "i.ndjson:3: "),
            (#"{"stream": "S", "rowtime_ms": 5, "rows": {}}"#, "i.ndjson:3: \"rows\" is not known"),
        ])
    func wrongLines(_ wrong: String, _ message: String) {
        let (output, outcome) = run("\(line)\n\n\(wrong)\n\(line)\n")
        #expect(outcome.status == .failed)
        #expect(outcome.messages.count == 1 && outcome.messages[0].hasPrefix(message), "\(outcome.messages)")
        #expect(!output.contains("\"rowtime_ms\":5.5"))
    }

    @Test(
        "a schema that is wrong is named",
        arguments: [
            ("{", "s.json: is not JSON"), ("[]", "s.json: "), (#"{"streams": {"S": {}}}"#, "s.json: stream 'S' needs"),
            (#"{"streams": {"S": {"columns": []}}}"#, "s.json: 'S' has no columns"),
            (#"{"streams": {"S": {"columns": [{"name": "K", "type": "TEXT"}]}}}"#, "s.json: 'S', column 'K'"),
            (#"{"streams": {"S": {"columns": [{"name": "K"}]}}}"#, "s.json: \"type\" is missing"),
            (
                #"{"streams": {"S": {"columns": [{"name": "K", "type": "DATE"}, {"name": "K", "type": "DATE"}]}}}"#,
                "s.json: 'S' has two columns 'K'"
            ),
            (
                #"{"streams": {"S": {"input_schema": {"RecordFormat": {"RecordFormatType": "XML"}, "RecordColumns": [{"Name": "A", "SqlType": "DATE"}]}}}}"#,
                "s.json: stream 'S': input_schema: "
            ),
        ])
    func wrongSchemas(_ schema: String, _ message: String) {
        let (output, outcome) = run(line, schema: schema)
        #expect(outcome.status == .failed && output.isEmpty)
        #expect(outcome.messages.first?.hasPrefix(message) == true, "\(outcome.messages)")
    }

    @Test("a program that is refused gives its errors and no rows")
    func refused() {
        let (output, outcome) = run(
            line, program: "CREATE STREAM A (v INTEGER);\nCREATE PUMP P AS INSERT INTO A SELECT STREAM nope FROM S;")
        #expect(output.isEmpty && outcome.status == .programRefused)
        #expect(outcome.messages.count == 1 && outcome.messages[0].hasPrefix("2:"))
    }

    @Test("a file that is not there is named")
    func missingFile() {
        let missing = ReplayFile(path: "/nowhere/at/all.sql")
        let outcome = ReplayCommand(
            program: missing, schema: ReplayFile(name: "s.json", contents: Array(schema.utf8)), input: missing
        ).run { _ in }
        #expect(outcome.status == .failed)
        #expect(outcome.messages == ["/nowhere/at/all.sql: No such file or directory"])
    }

    @Test("what the output throws ends the replay")
    func closedOutput() {
        struct Closed: Error {}
        let command = ReplayCommand(
            program: ReplayFile(name: "p.sql", contents: Array(program.utf8)),
            schema: ReplayFile(name: "s.json", contents: Array(schema.utf8)),
            input: ReplayFile(name: "i.ndjson", contents: Array(line.utf8)))
        #expect(command.run { _ in throw Closed() }.status == .failed)
    }

    @Test("the ends of time end no process")
    func extremeTimes() {
        let program = """
            CREATE STREAM A (t TIMESTAMP, n BIGINT);
            CREATE STREAM B (t TIMESTAMP, c TIMESTAMP);
            CREATE PUMP P AS INSERT INTO A SELECT STREAM ROWTIME, COUNT(*) FROM S GROUP BY FLOOR(S.ROWTIME TO MONTH);
            CREATE PUMP Q AS INSERT INTO A SELECT STREAM ROWTIME, COUNT(*) FROM S GROUP BY STEP(S.ROWTIME BY INTERVAL '7' SECOND);
            CREATE PUMP R AS INSERT INTO B SELECT STREAM S.ROWTIME, CURRENT_TIMESTAMP FROM S ORDER BY FLOOR(S.ROWTIME TO DAY), v;
            """
        let times: [Int64] = [-62_135_596_800_000, -62_135_596_799_999, -1, 0, 253_402_300_799_998, 253_402_300_799_999]
        let lines = times.map { #"{"stream": "S", "rowtime_ms": \#($0), "row": {"K": "a", "V": 1}}"# + "\n" }.joined()
        let (_, outcome) = run(lines, program: program, advanceTo: 253_402_300_799_999)
        #expect(outcome.status == .success, "\(outcome.messages)")
    }

    @Test(
        "times outside the calendar are errors of the line",
        arguments: [Int64.min, -5_000_000_000_000_000_000, -62_135_596_800_001, 253_402_300_800_000, .max])
    func timesOutsideTheCalendar(time: Int64) {
        for name in ["rowtime_ms", "approximate_arrival_ms"] {
            let other = name == "rowtime_ms" ? "" : #""rowtime_ms": 0, "#
            let (_, outcome) = run(
                line + "\n" + #"{"stream": "S", \#(other)"\#(name)": \#(time), "row": {"K": "a", "V": 1}}"# + "\n")
            #expect(outcome.status == .failed)
            #expect(
                outcome.messages.first?.hasSuffix(":2: \"\(name)\" is \(time), outside the years 0001 to 9999") == true,
                "\(outcome.messages)")
        }
        let (_, outcome) = run(line, advanceTo: time)
        #expect(outcome.status == .usage)
    }
}
