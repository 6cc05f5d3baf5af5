/// Schemas that are guessed from records.

import StreamSQL
import Testing

@Suite("Inferred schemas") struct InferredSchemaTests {
    private func infer(_ records: String...) -> InferredSchema? { try? InferredSchema(of: records.map { Array($0.utf8) }) }

    private func columns(_ inferred: InferredSchema?) -> [String] {
        (inferred?.schema.recordColumns ?? []).map { "\($0.name) \($0.mapping ?? "-") \($0.sqlType)" }
    }

    @Test("the demo stream of the service: texts, numbers, a time")
    func ticker() throws {
        let inferred = infer(
            #"{"EVENT_TIME":"2016-11-21T09:50:00.123","TICKER_SYMBOL":"AMZN","SECTOR":"TECHNOLOGY","CHANGE":-1.5,"PRICE":12}"#,
            #"{"EVENT_TIME":"2016-11-21 09:50:01","TICKER_SYMBOL":"TBV","SECTOR":"HEALTHCARE","CHANGE":2,"PRICE":3000000000}"#)
        #expect(
            columns(inferred) == [
                "EVENT_TIME $.EVENT_TIME TIMESTAMP", "TICKER_SYMBOL $.TICKER_SYMBOL VARCHAR(4)", "SECTOR $.SECTOR VARCHAR(16)",
                "CHANGE $.CHANGE DOUBLE", "PRICE $.PRICE BIGINT",
            ])
        #expect(inferred?.schema.recordFormat.recordFormatType == "JSON")
        #expect(inferred?.schema.recordFormat.mappingParameters?.json?.recordRowPath == "$")
        #expect(inferred?.rows.first == ["2016-11-21 09:50:00.123", "AMZN", "TECHNOLOGY", "-1.5", "12"])
        #expect(inferred?.rows.count == 2)
    }

    @Test("members of members are columns, arrays are texts, reserved words and strange names are made usable")
    func shapes() {
        let inferred = infer(
            #"{"a":{"x":1,"deep":{"x":2}},"time":"noon","order":true,"list":[1,2],"odd name":1,"k.v":2,"n":null,"X":3}"#, "{}")
        #expect(
            columns(inferred) == [
                "x $.a.x INTEGER", "deep_x $.a.deep.x INTEGER", "COL_time $.time VARCHAR(4)", "COL_order $.order BOOLEAN",
                "list $.list VARCHAR(8)", "odd_name $.odd name INTEGER", "k.v $['k.v'] INTEGER", "n $.n VARCHAR(4)",
                "X_2 $.X INTEGER",
            ])
        #expect(inferred?.rows == [["1", "2", "noon", "true", "[1,2]", "1", "2", nil, "3"], [String?](repeating: nil, count: 9)])
    }

    @Test("values of several kinds are text; a column that is missing is NULL")
    func mixtures() {
        let inferred = infer(#"{"a":1,"b":true}"#, #"{"a":"eleven","b":0}"#, #"{"c":"é"}"#)
        #expect(columns(inferred) == ["a $.a VARCHAR(8)", "b $.b VARCHAR(8)", "c $.c VARCHAR(4)"])
        #expect(inferred?.rows == [["1", "true", nil], ["eleven", "0", nil], [nil, nil, "é"]])
    }

    @Test("arrays of objects give a row an element; several documents in a record give a row each")
    func rows() {
        let inferred = infer(#"[{"a":1},{"a":2}]"#)
        #expect(inferred?.schema.recordFormat.mappingParameters?.json?.recordRowPath == "$[0:]")
        #expect(inferred?.rows == [["1"], ["2"]])
        #expect(infer("{\"a\":1}\n{\"a\":2}\n")?.rows == [["1"], ["2"]])
    }

    @Test("lines of fields, by the delimiter that cuts them alike", arguments: [",", "\t", "|", ";"])
    func csv(_ delimiter: String) {
        let inferred = infer(
            ["1", "ab", "1.5", "2016-11-21 09:50:00"].joined(separator: delimiter),
            ["2", "\"c\(delimiter)d\"", "", "2016-11-21 09:51:00"].joined(separator: delimiter) + "\n")
        #expect(inferred?.schema.recordFormat.recordFormatType == "CSV")
        #expect(inferred?.schema.recordFormat.mappingParameters?.csv?.recordColumnDelimiter == delimiter)
        #expect(columns(inferred) == ["COL_1 - INTEGER", "COL_2 - VARCHAR(4)", "COL_3 - DOUBLE", "COL_4 - TIMESTAMP"])
        #expect(
            inferred?.rows == [
                ["1", "ab", "1.5", "2016-11-21 09:50:00.000"], ["2", "c\(delimiter)d", nil, "2016-11-21 09:51:00.000"],
            ])
    }

    @Test("a first record of names names the columns; within a record of rows it is text like the rest")
    func header() {
        let inferred = infer("ticker,price\n", "AMZN,1\nTBV,2\n")
        #expect(columns(inferred) == ["ticker - VARCHAR(4)", "price - INTEGER"])
        #expect(inferred?.rows == [["AMZN", "1"], ["TBV", "2"]])
        #expect(columns(infer("ticker,price\nAMZN,1\n")) == ["COL_1 - VARCHAR(8)", "COL_2 - VARCHAR(8)"])
    }

    @Test("what tells nothing gives no schema")
    func nothing() {
        #expect(infer() == nil)
        #expect(infer("") == nil)
        #expect(infer("{}") == nil)
        #expect(infer("one line of prose", "and another one") == nil)
        #expect(throws: InferredSchema.Failure.self) { try InferredSchema(of: [[0xFF, 0xFE, 0x00]]) }
        do {
            _ = try InferredSchema(of: [#"{"a":1}"#, "oops", "no"].map { Array($0.utf8) })
            Issue.record("two of three have no form")
        } catch { #expect(error.record == Array("oops".utf8)) }
    }

    @Test("records that are not like the others are passed over")
    func strangers() {
        #expect(infer(#"{"a":1}"#, "oops", #"{"a":2}"#)?.rows == [["1"], ["2"]])
    }

    @Test("deep, wide and hostile records end, with at most a thousand columns")
    func hostile() {
        let deep = String(repeating: #"{"a":"#, count: 200) + "1" + String(repeating: "}", count: 200)
        #expect(columns(infer(deep)).count == 1)
        let wide = "{" + (0..<3_000).map { "\"m\($0)\":\($0)" }.joined(separator: ",") + "}"
        #expect(columns(infer(wide)).count == 1_000)
        #expect(columns(infer(#"{"a'\".b":1,"":2}"#)) == ["COL_ $[''] INTEGER"])
        #expect(infer(#"{"a":1e999}"#)?.rows == [["1e999"]])
    }

    @Test("names that begin alike and rows that are many take no longer for it, and few are shown", .timeLimit(.minutes(1)))
    func costly() {
        // Each name was tried with all numbers that the ones before it had got.
        let alike = String(repeating: "z", count: 130)
        let names = infer("{" + (0..<1_000).map { "\"\(alike)\($0)\":1" }.joined(separator: ",") + "}")
        #expect(columns(names).count == 1_000)
        // All rows were made, as texts, of all columns.
        let wide = "{" + (0..<1_000).map { "\"m\($0)\":1" }.joined(separator: ",") + "}"
        let tall = "[" + repeatElement("{}", count: 100_000).joined(separator: ",") + "]"
        let table = infer(wide, tall, wide)
        #expect(table?.rows.count == 1 && table?.records.count == 1)
        #expect(infer(tall, wide)?.rows.isEmpty == true)
    }
}
