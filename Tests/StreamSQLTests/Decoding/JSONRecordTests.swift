/// JSON records → rows.

import StreamSQL
import Testing

@Suite("JSON records") struct JSONRecordTests {
    private let ticker = jsonSchema([("TICKER", "VARCHAR(4)", "$.ticker"), ("PRICE", "DECIMAL(6,2)", "$.price")])

    @Test("flat records give a row each, members in any order, missing ones NULL")
    func flat() throws {
        let (batch, errors) = try decode(
            #"{"ticker":"AMZN","price":1.25}"#, #" {"price": 3, "more": [1, {"a": 2}], "ticker": "TBV"} "#, "{}",
            #"{"Ticker":"X","price":null}"#, as: ticker)
        #expect(errors.isEmpty)
        #expect(
            printed(batch, names: ["T", "P"]) == [
                #"{"T":"AMZN","P":1.25}"#, #"{"T":"TBV","P":3.00}"#, #"{"T":null,"P":null}"#, #"{"T":null,"P":null}"#,
            ])
        #expect(batch.rowtimes == [1000, 2000, 3000, 4000])
    }

    @Test("of a name that occurs again the last value counts; names may be escaped")
    func names() throws {
        let (batch, errors) = try decode(
            #"{"price":1,"price":2,"price":3}"#, #"{"\u0070rice":4,"tick\u0065r":"\u00e9\n"}"#, as: ticker)
        #expect(errors.isEmpty)
        #expect(printed(batch) == [#"{"C0":null,"C1":3.00}"#, #"{"C0":"é\n","C1":4.00}"#])
    }

    @Test("a record that does not fit is an error with its bytes, and gives no row")
    func recordErrors() throws {
        let (batch, errors) = try decode(
            #"{"ticker":"A","price":1}"#, #"{"ticker":"B","price":1.234}"#, "not json", #"{"ticker":"C","price":2}"#, "[1]", "",
            as: ticker)
        #expect(printed(batch).count == 2)
        #expect(errors.map(\.record) == [1, 2, 4, 5])
        #expect(errors.map(\.rowsBefore) == [1, 1, 2, 2])
        #expect(errors[0].name == "Coercion error")
        #expect(errors[0].message == "Column PRICE: '1.234' does not fit DECIMAL(6,2).")
        #expect(errors[0].data == Array(#"{"ticker":"B","price":1.234}"#.utf8))
        #expect(errors[0].rowtime == 2000)
        #expect(errors[1].name == "Coercion error")
    }

    @Test(
        "a text that is not JSON is no record",
        arguments: [
            "{", "}", "{]", "[}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{\"a\":1 \"b\":2}", "{\"a\":01}", "{\"a\":1.}",
            "{\"a\":.5}",
            "{\"a\":+1}", "{\"a\":1e}", "{\"a\":--1}", "{\"a\":1x}", "{\"a\":tru}", "{\"a\":truex}", "{\"a\":nul}", "{\"a\":NaN}",
            "{\"a\":\"}",
            "{\"a\":\"\n\"}", "{\"a\":\"\\q\"}", "{\"a\":\"\\u12g4\"}", "{\"a\":1} x", "{1:2}",
            "{\"a\":[1,]}",
            "{\"a\":[1 2]}", "{\"a\"::1}", "\u{FEFF}{}", "{'a':1}", "{\"a\":\"\\\"}", "{\"a\":tr ue}", "nullx", "{\"a\":[}",
        ])
    func notJSON(_ text: String) throws {
        let (batch, errors) = try decode(text, as: jsonSchema([("B", "INT", "$.b")]))
        #expect(batch.count == 0)
        #expect(errors.map(\.name) == ["Coercion error"])
    }

    @Test("text that is not UTF-8, and nesting without end, are errors")
    func hostile() throws {
        let schema = jsonSchema([("B", "INT", "$.b")])
        for bytes: [UInt8] in [[0x22, 0xFF, 0x22], [0x7B, 0x22, 0xC3, 0x22, 0x3A, 0x31, 0x7D], [0xED, 0xA0, 0x80]] {
            #expect(try decode([bytes], schema).errors.count == 1)
        }
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 100_000)
        #expect(try decode([deep], schema).errors.map(\.message) == ["The record is not JSON: values are nested too deeply."])
        let closed = Array(("{\"b\":1,\"c\":" + String(repeating: "[", count: 200) + String(repeating: "]", count: 200) + "}").utf8)
        #expect(printed(try decode([closed], schema).batch) == [#"{"C0":1}"#])
    }

    @Test(
        "values are coerced as the mapping table says",
        arguments: [
            ("null", "INT", "null"), ("null", "VARCHAR(4)", "null"), ("true", "INT", "1"), ("false", "DECIMAL(5,2)", "0.00"),
            ("true", "DOUBLE", "1.0"),
            ("true", "BOOLEAN", "true"), ("true", "VARCHAR(9)", "\"true\""), ("false", "VARCHAR(2)", "\"fa\""),
            ("true", "TIMESTAMP", "error"),
            ("true", "VARBINARY(2)", "\"AQ==\""), ("true", "BINARY(2)", "\"AAE=\""), ("5", "INT", "5"), ("-5", "TINYINT", "-5"),
            ("128", "TINYINT", "error"),
            ("123.4", "INT", "error"), ("123.0", "INT", "123"), ("1.5e1", "INT", "15"), ("1e400", "DOUBLE", "error"),
            ("1e400", "INT", "error"),
            ("1e-400", "DECIMAL(5,2)", "error"), ("0e999999999999", "INT", "0"), ("9007199254740993", "BIGINT", "9007199254740993"),
            ("-9223372036854775808", "BIGINT", "-9223372036854775808"), ("9223372036854775808", "BIGINT", "error"),
            ("90071992547409.9303", "DECIMAL(18,4)", "90071992547409.9303"), ("1000.00", "DECIMAL(5,2)", "error"),
            ("0.1", "REAL", "0.1"),
            ("16777217", "REAL", "16777216.0"), ("0", "BOOLEAN", "false"), ("-0.0e5", "BOOLEAN", "false"),
            ("0.001", "BOOLEAN", "true"),
            ("12.50", "VARCHAR(9)", "\"12.50\""), ("5", "DATE", "error"), ("5", "VARBINARY(3)", "error"), ("\"12\"", "INT", "12"),
            ("\" 12.5 \"", "DOUBLE", "12.5"), ("\"12x\"", "INT", "error"), ("\"\"", "INT", "error"),
            ("\"TRUE\"", "BOOLEAN", "true"),
            ("\"yes\"", "BOOLEAN", "false"), ("\"abcdef\"", "VARCHAR(4)", "\"abcd\""), ("\"ab\"", "CHAR(4)", "\"ab  \""),
            ("\"日本語\"", "VARCHAR(2)", "\"日本\""), ("\"1992-02-14\"", "DATE", "\"1992-02-14\""),
            ("\"1992-02-14\"", "TIMESTAMP", "\"1992-02-14 00:00:00.000\""),
            ("\"1992-02-14 18:35:44.0\"", "TIMESTAMP", "\"1992-02-14 18:35:44.000\""),
            ("\"2021-06-01T09:00:00.123456\"", "TIMESTAMP", "\"2021-06-01 09:00:00.123\""),
            ("\"2021-06-01T09:00:00Z\"", "TIMESTAMP", "\"2021-06-01 09:00:00.000\""),
            ("\"2021-06-01T09:00:00+02:00\"", "TIMESTAMP", "\"2021-06-01 07:00:00.000\""),
            ("\"2021-06-01 23:30:00.25-0130\"", "TIMESTAMP", "\"2021-06-02 01:00:00.250\""),
            ("\"2021-06-01T00:30:00+01\"", "DATE", "\"2021-05-31\""), ("\"2021-06-01T09:00:00+25:00\"", "TIMESTAMP", "error"),
            ("\"2021-06-01T09:00:00+02:0\"", "TIMESTAMP", "error"), ("\"2021-06-01T09:00:00Z+02\"", "TIMESTAMP", "error"),
            ("\"0001-01-01T00:00:00+01:00\"", "TIMESTAMP", "error"),
            ("\"2021-06-01 9:00:00\"", "TIMESTAMP", "\"2021-06-01 09:00:00.000\""),
            ("\"18:35:44\"", "TIME", "\"18:35:44\""), ("\"1992-02-30\"", "DATE", "error"), ("\"now\"", "TIMESTAMP", "error"),
            ("\"X'3F67A2'\"", "VARBINARY(8)", "\"P2ei\""), ("\"X'3F6'\"", "VARBINARY(8)", "error"),
            ("\"\\ud83d\\ude00\"", "VARCHAR(4)", "\"😀\""),
            ("\"\\ud83d\"", "VARCHAR(4)", "\"\u{FFFD}\""), ("\"\\u0000\"", "VARCHAR(4)", "\"\\u0000\""),
            ("[1, {\"a\": 2}]", "VARCHAR(40)", "\"[1, {\\\"a\\\": 2}]\""),
            ("{\"a\": 1}", "VARCHAR(4)", "\"{\\\"a\\\"\""), ("[1]", "INT", "error"), ("{}", "BOOLEAN", "error"),
        ])
    func coercion(_ value: String, _ type: String, _ expected: String) throws {
        #expect(try coerced(value, type) == expected)
    }

    @Test("paths reach into objects and arrays")
    func paths() throws {
        let schema = jsonSchema([
            ("A", "INT", "$.a.b.c"), ("B", "INT", "$.list[1]"), ("C", "VARCHAR(99)", "$.list[0:]"),
            ("D", "VARCHAR(9)", "$['odd name'].x"),
            ("E", "VARCHAR(99)", "$.a"),
        ])
        let (batch, errors) = try decode(
            #"{"a":{"b":{"c":7}},"list":[1, 2 ,3],"odd name":{"x":"y"}}"#, "{\"a\":{\"b\":5},\"list\":[1]}", as: schema)
        #expect(errors.isEmpty)
        #expect(
            printed(batch) == [
                #"{"C0":7,"C1":2,"C2":"[1, 2 ,3]","C3":"y","C4":"{\"b\":{\"c\":7}}"}"#,
                #"{"C0":null,"C1":null,"C2":"[1]","C3":null,"C4":"{\"b\":5}"}"#,
            ])
    }

    @Test("an array in a record gives a row for each element, scalars repeated")
    func flattening() throws {
        let schema = jsonSchema([("ID", "INT", "$.id"), ("X", "INT", "$.p[0:].x"), ("Y", "VARCHAR(3)", "$.p[0:].y")])
        let (batch, errors) = try decode(
            #"{"id":1,"p":[{"x":10,"y":"a"},{"x":11},{"z":0}]}"#, #"{"id":2,"p":[]}"#, #"{"id":3}"#,
            #"{"id":4,"p":[{"x":1},{"x":"bad"}]}"#,
            #"{"id":5,"p":{"x":1}}"#, as: schema)
        #expect(errors.map(\.record) == [3])
        #expect(
            printed(batch) == [
                #"{"C0":1,"C1":10,"C2":"a"}"#, #"{"C0":1,"C1":11,"C2":null}"#, #"{"C0":1,"C1":null,"C2":null}"#,
                #"{"C0":2,"C1":null,"C2":null}"#, #"{"C0":3,"C1":null,"C2":null}"#, #"{"C0":5,"C1":null,"C2":null}"#,
            ])
        #expect(batch.rowtimes == [1000, 1000, 1000, 2000, 3000, 5000])
    }

    @Test("RecordRowPath finds the rows inside a record")
    func rowPath() throws {
        let columns = [("X", "INT", "$.x")]
        let inner = try decode(#"{"a":{"b":{"x":1}}}"#, as: jsonSchema(columns, rowPath: "$.a.b"))
        #expect(printed(inner.batch) == [#"{"C0":1}"#])
        let list = try decode(
            #"{"a":{"b":[{"x":1},{"x":2}]}}"#, #"{"a":{"b":[]}}"#, #"{"a":1}"#, as: jsonSchema(columns, rowPath: "$.a.b[0:]"))
        // An array always gives at least one row.
        #expect(printed(list.batch) == [#"{"C0":1}"#, #"{"C0":2}"#, #"{"C0":null}"#])
        #expect(list.errors.map(\.name) == ["Coercion error"])
        #expect(list.errors.map(\.record) == [2])
        let top = try decode(#"[{"x":1},{"x":2},3]"#, as: jsonSchema(columns, rowPath: "$[0:]"))
        #expect(printed(top.batch) == [#"{"C0":1}"#, #"{"C0":2}"#, #"{"C0":null}"#])
    }

    @Test("a record whose row path finds no object is an error", arguments: ["$", "$.a", "$.a[0:]"])
    func noObject(rowPath: String) throws {
        // The path $.y.z keeps the usual schema's short way out.
        let schema = jsonSchema([("X", "INT", "$.x"), ("Z", "INT", "$.y.z")], rowPath: rowPath)
        let bad =
            rowPath == "$"
            ? ["[]", #"[{"x":1}]"#, "null", "7", #""x""#]
            : rowPath == "$.a"
                ? [#"{"a":[{"x":1}]}"#, #"{"a":null}"#, #"{"a":7}"#] : [#"{"a":[1]}"#, #"{"a":[null,[]]}"#, #"{"a":null}"#]
        let (batch, errors) = try decode(bad.map { Array($0.utf8) }, schema)
        #expect(batch.count == 0)
        #expect(errors.map(\.name) == bad.map { _ in "Coercion error" })
        let arrays = jsonSchema([("X", "INT", "$[0]"), ("Y", "INT", "$[1].z")])
        #expect(printed(try decode(#"[1,{"z":2}]"#, as: arrays).batch) == [#"{"C0":1,"C1":2}"#])
    }

    @Test("metadata columns follow the mapped ones; a mapped column of the same name takes their place")
    func metadata() throws {
        let schema = jsonSchema([("X", "INT", "$.x"), ("PARTITION_KEY", "VARCHAR(5)", "$.k")])
        let (batch, errors) = try decode([Array(#"{"x":1,"k":"own"}"#.utf8)], schema, metadata: MetadataColumn.allCases)
        #expect(errors.isEmpty)
        #expect(
            try RecordDecoder(schema).columns.map(\.name) == [
                "X", "PARTITION_KEY", "APPROXIMATE_ARRIVAL_TIME", "SEQUENCE_NUMBER", "SHARD_ID",
            ])
        #expect(printed(batch) == [#"{"C0":1,"C1":"own","C2":"1970-01-01 00:00:00.007","C3":"0","C4":"shardId-000000000001"}"#])
    }

    @Test("a record that lies outside its buffer is an error")
    func outside() throws {
        let records = [SourceRecord(data: 5..<90, rowtime: 1)]
        #expect(try RecordDecoder(ticker, metadata: []).decode(records, in: [1, 2, 3]).errors.count == 1)
    }
}
