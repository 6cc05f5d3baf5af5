/// Objects by column names → rows.

import StreamSQL
import Testing

@Suite("RowDecoder") struct RowDecoderTests {
    private let columns = [
        ColumnDefinition("METER", .varchar(8)), ColumnDefinition("KWH", .decimal(precision: 18, scale: 4)),
        ColumnDefinition("N", .bigint),
        ColumnDefinition("R", .real), ColumnDefinition("D", .double), ColumnDefinition("B", .boolean),
        ColumnDefinition("TS", .timestamp),
        ColumnDefinition("DAY", .date), ColumnDefinition("T", .time), ColumnDefinition("BIN", .varbinary(9)),
    ]

    private func row(_ text: String, metadata: [MetadataColumn] = []) throws -> String {
        let decoder = RowDecoder(columns, metadata: metadata)
        var builder = decoder.makeBuilder()
        let record = SourceRecord(data: 0..<0, rowtime: 5, partitionKey: "k", sequenceNumber: "3")
        try decoder.append(Array(text.utf8), record: record, to: &builder)
        let batch = builder.finish()
        #expect(batch.rowtimes == [5])
        return printed(batch, names: decoder.columns.map(\.name))[0]
    }

    @Test("a full row comes back as it was written")
    func full() throws {
        let text =
            #"{"METER":"m-7 日","KWH":90071992547409.9303,"N":9007199254740993,"R":0.1,"D":0.1,"B":true,"TS":"2021-06-01 09:00:00.001","#
            + #""DAY":"2021-06-01","T":"09:00:00","BIN":"AAH/"}"#
        #expect(try row(text) == text)
    }

    @Test("missing columns are NULL, unknown ones and misfits are errors")
    func misfits() throws {
        #expect(try row(#"{"N":1}"#).hasPrefix(#"{"METER":null,"KWH":null,"N":1,"R":null"#))
        for bad in [
            #"{"OTHER":1}"#, #"{"n":1}"#, #"{"N":"1"}"#, #"{"N":1.5}"#, #"{"METER":5}"#, #"{"B":1}"#, #"{"B":"true"}"#,
            #"{"KWH":1.23456}"#,
            #"{"TS":5}"#, #"{"TS":"yesterday"}"#, #"{"BIN":"?"}"#, #"{"D":"1"}"#, #"{"METER":[1]}"#, "[1]", "", "{",
        ] {
            #expect(throws: RowFailure.self, "\(bad)") { try row(bad) }
        }
    }

    @Test("metadata fill their columns")
    func metadata() throws {
        #expect(
            try row("{}", metadata: [.partitionKey, .sequenceNumber]).hasSuffix(
                #""BIN":null,"PARTITION_KEY":"k","SEQUENCE_NUMBER":"3"}"#))
    }

    @Test("a failed row leaves the builder as it was")
    func rollback() throws {
        let decoder = RowDecoder([ColumnDefinition("A", .integer), ColumnDefinition("B", .integer)])
        var builder = decoder.makeBuilder()
        let record = SourceRecord(data: 0..<0, rowtime: 5)
        try decoder.append(Array(#"{"A":1,"B":2}"#.utf8), record: record, to: &builder)
        #expect(throws: RowFailure.self) { try decoder.append(Array(#"{"A":3,"B":"x"}"#.utf8), record: record, to: &builder) }
        try decoder.append(Array(#"{"B":4}"#.utf8), record: record, to: &builder)
        #expect(printed(builder.finish()) == [#"{"C0":1,"C1":2}"#, #"{"C0":null,"C1":4}"#])
    }

    @Test("the members of an object keep their own text")
    func fields() throws {
        let fields = try JSONField.read(
            Array(#"{"stream":"S\n","rowtime_ms":1622538000000,"row": {"A": [1]} ,"x":[null],"y":null,"z":true}"#.utf8))
        #expect(
            fields == [
                JSONField(name: "stream", value: .string("S\n")), JSONField(name: "rowtime_ms", value: .number("1622538000000")),
                JSONField(name: "row", value: .object(Array(#"{"A": [1]}"#.utf8))),
                JSONField(name: "x", value: .array(Array("[null]".utf8))),
                JSONField(name: "y", value: .null), JSONField(name: "z", value: .boolean(true)),
            ])
        #expect(throws: JSONError.self) { try JSONField.read(Array("[]".utf8)) }
    }
}
