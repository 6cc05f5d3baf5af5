/// CSV records → rows.

import StreamSQL
import Testing

@Suite("CSV records") struct CSVRecordTests {
    private let schema = csvSchema([("NAME", "VARCHAR(8)"), ("AGE", "INTEGER"), ("RATE", "DECIMAL(5,2)")])

    @Test("lines give rows; missing fields are NULL, further ones are ignored")
    func lines() throws {
        let (batch, errors) = try decode("ann,30,1.5\nbob,,2\n\ncid,7", "dan,1,2,3,4\r\n", "", as: schema)
        #expect(errors.isEmpty)
        #expect(
            printed(batch) == [
                #"{"C0":"ann","C1":30,"C2":1.50}"#, #"{"C0":"bob","C1":null,"C2":2.00}"#, #"{"C0":"cid","C1":7,"C2":null}"#,
                #"{"C0":"dan","C1":1,"C2":2.00}"#,
            ])
        #expect(batch.rowtimes == [1000, 1000, 1000, 2000])
    }

    @Test("quotes keep delimiters, line ends and quotes; an empty quoted field is empty text")
    func quotes() throws {
        let (batch, errors) = try decode("\"a,\"\"b\"\"\n\",1,2\n\"\",2,\n", as: schema)
        #expect(errors.isEmpty)
        #expect(printed(batch) == [#"{"C0":"a,\"b\"\n","C1":1,"C2":2.00}"#, #"{"C0":"","C1":2,"C2":null}"#])
    }

    @Test("delimiters may be anything that can be told apart")
    func delimiters() throws {
        let odd = csvSchema([("A", "INT"), ("B", "INT")], row: ";;", column: "||")
        #expect(printed(try decode("1||2;;3||4;;", as: odd).batch) == [#"{"C0":1,"C1":2}"#, #"{"C0":3,"C1":4}"#])
        let tabs = csvSchema([("A", "INT"), ("B", "INT")], row: "\\n", column: "\\t")
        #expect(printed(try decode("1\t2\n3\t", as: tabs).batch) == [#"{"C0":1,"C1":2}"#, #"{"C0":3,"C1":null}"#])
    }

    @Test("a record with a field that does not fit gives an error and no rows")
    func recordErrors() throws {
        let (batch, errors) = try decode("ann,30,1\nbob,x,2", "\"open", "ok,1,1", as: schema)
        #expect(printed(batch) == [#"{"C0":"ok","C1":1,"C2":1.00}"#])
        #expect(errors.map(\.message) == ["Field 2: 'x' does not fit INTEGER.", "A quoted field is not closed."])
        #expect(try decode([[0x61, 0xFF]], schema).errors.map(\.name) == ["Coercion error"])
    }
}
