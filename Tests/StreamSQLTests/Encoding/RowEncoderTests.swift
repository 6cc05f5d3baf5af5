/// Rows → text, and back.

import StreamSQL
import Testing

@Suite("RowEncoder") struct RowEncoderTests {
    private let columns = [
        ColumnDefinition("A", .integer), ColumnDefinition("b\"c", .varchar(40)),
        ColumnDefinition("D", .decimal(precision: 18, scale: 4)),
        ColumnDefinition("E", .double), ColumnDefinition("R", .real), ColumnDefinition("F", .boolean),
        ColumnDefinition("G", .timestamp),
        ColumnDefinition("H", .date), ColumnDefinition("I", .time), ColumnDefinition("J", .varbinary(9)),
    ]

    private func batch(_ rows: [[SQLValue]]) -> ColumnBatch {
        ColumnBatch(
            rowtimes: rows.indices.map { Int64($0) },
            columns: columns.enumerated().map { index, column in Column(column.type, values: rows.map { $0[index] }) })
    }

    private let rows: [[SQLValue]] = [
        [
            .integer(-7), .text("tab\t\"q\" \\ \u{1} é日😀\n"), .integer(900_719_925_474_099_303), .double(0.1),
            .double(Double(Float(0.1))),
            .boolean(true), .integer(1_622_538_000_007), .integer(-1), .integer(86_399_000), .binary([0, 1, 255, 254]),
        ],
        [
            .null, .text(""), .integer(-5), .double(1e300), .double(-0.0), .boolean(false), .integer(-1), .integer(0), .integer(0),
            .binary([]),
        ],
        Array(repeating: .null, count: 10),
    ]

    @Test("JSON rows hold every column in order, with all digits and minimal escapes")
    func json() {
        #expect(
            printed(batch(rows), names: columns.map(\.name)) == [
                #"{"A":-7,"b\"c":"tab\t\"q\" \\ \u0001 é日😀\n","D":90071992547409.9303,"E":0.1,"R":0.1,"F":true,"#
                    + #""G":"2021-06-01 09:00:00.007","H":"1969-12-31","I":"23:59:59","J":"AAH//g=="}"#,
                #"{"A":null,"b\"c":"","D":-0.0005,"E":1e+300,"R":-0.0,"F":false,"G":"1969-12-31 23:59:59.999","H":"1970-01-01","#
                    + #""I":"00:00:00","J":""}"#,
                #"{"A":null,"b\"c":null,"D":null,"E":null,"R":null,"F":null,"G":null,"H":null,"I":null,"J":null}"#,
            ])
    }

    @Test("CSV rows quote what needs it, end with the delimiter and leave NULL empty")
    func csv() {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        RowEncoder(columns: columns, format: .csv).encode(batch(rows), into: &bytes, ends: &ends)
        let lines = zip([0] + ends, ends).map { String(decoding: bytes[$0..<$1], as: UTF8.self) }
        #expect(
            lines == [
                "-7,\"tab\t\"\"q\"\" \\ \u{1} é日😀\n\",90071992547409.9303,0.1,0.1,true,2021-06-01 09:00:00.007,1969-12-31,23:59:59,AAH//g==\n",
                ",\"\",-0.0005,1e+300,-0.0,false,1969-12-31 23:59:59.999,1970-01-01,00:00:00,\n", ",,,,,,,,,\n",
            ])
    }

    /// Random rows; finite doubles of any bits.
    private func randomRows(_ count: Int) -> [[SQLValue]] {
        let scalars = Array("aZ09 \"\\,\n\r\t|;é日😀\u{0}\u{7F}\u{2028}".unicodeScalars)
        return (0..<count).map { _ in
            let text = String(String.UnicodeScalarView((0..<Int.random(in: 0...12)).compactMap { _ in scalars.randomElement() }))
            var double = Double(bitPattern: UInt64.random(in: 0 ... .max))
            if !double.isFinite { double = 0 }
            var real = Float(bitPattern: UInt32.random(in: 0 ... .max))
            if !real.isFinite { real = 0 }
            let row: [SQLValue] = [
                .integer(Int64(Int32.random(in: .min ... .max))), .text(text),
                .integer(Int64.random(in: -999_999_999_999_999_999...999_999_999_999_999_999)), .double(double),
                .double(Double(real)),
                .boolean(.random()), .integer(Int64.random(in: -62_135_596_800_000...253_402_300_799_999)),
                .integer(Int64.random(in: -719_162...2_932_896)), .integer(Int64.random(in: 0..<86_400) * 1000),
                .binary((0..<Int.random(in: 0...9)).map { _ in UInt8.random(in: 0...255) }),
            ]
            return row.map { Int.random(in: 0..<10) == 0 ? .null : $0 }
        }
    }

    @Test("many rows at once are written as each by itself")
    func manyRows() {
        let some = batch(randomRows(700))
        let doubles: [Double] = (0..<4000).map { number in
            let digits = Double(Int.random(in: -9_999_999_999...9_999_999_999))
            let scales: [Double] = [1, 10, 1e3, 1e4, 1e5, 1e7, 1e8, 1e9, 1e12]
            return number % 5 == 0 ? Double.random(in: -2e6...2e6) : digits / scales[number % scales.count]
        }
        let edges: [Double] = [
            0, -0.0, 1e-4, 0.00009999, 0.00012345, 1e10, 9_999_999_999, 9_999_999_999.5, -1, 0.1 + 0.2, 100, .leastNonzeroMagnitude,
            1.5e300, 1e15,
            1e16, .greatestFiniteMagnitude, 0.12345678, 0.123456789, 123_456.78901234,
        ]
        let integers =
            [0, 1, 9, 10, 99, 100, 101, 1000, 10_005, .max, .min, -1, -10] + (0..<900).map { _ in Int64.random(in: .min ... .max) }
        expectSame(some, columns)
        expectSame(
            ColumnBatch(
                rowtimes: [Int64](repeating: 0, count: doubles.count + edges.count),
                columns: [Column(.double, .doubles(doubles + edges))]), [ColumnDefinition("D", .double)])
        expectSame(
            ColumnBatch(
                rowtimes: [Int64](repeating: 0, count: integers.count), columns: [Column(.bigint, .integers(integers))]),
            [ColumnDefinition("I", .bigint)])
        let long = Column(.varchar(60_000), values: (0..<9).map { .text(String(repeating: "x", count: $0 * 6000)) })
        expectSame(
            ColumnBatch(rowtimes: [Int64](repeating: 0, count: 9), columns: [long]), [ColumnDefinition("L", .varchar(60_000))])
    }

    private func expectSame(_ batch: ColumnBatch, _ columns: [ColumnDefinition]) {
        let encoder = RowEncoder(columns: columns, format: .json)
        // What is there already stays.
        var bytes = Array("before".utf8)
        var ends: [Int] = []
        encoder.encode(batch, into: &bytes, ends: &ends)
        var (single, singleEnds) = (Array("before".utf8), [Int]())
        for row in 0..<batch.count {
            encoder.encodeRow(row, of: batch, into: &single)
            singleEnds.append(single.count)
        }
        #expect(ends == singleEnds)
        #expect(bytes == single)
    }

    @Test("rows written as JSON are read back the same")
    func jsonRoundTrip() throws {
        let original = batch(randomRows(500))
        var bytes: [UInt8] = []
        var ends: [Int] = []
        RowEncoder(columns: columns, format: .json).encode(original, into: &bytes, ends: &ends)
        let decoder = RowDecoder(columns)
        var builder = decoder.makeBuilder()
        for (index, range) in zip([0] + ends, ends).enumerated() {
            try decoder.append(
                Array(bytes[range.0..<range.1]), record: SourceRecord(data: 0..<0, rowtime: Int64(index)), to: &builder)
        }
        compare(builder.finish(), original)
    }

    @Test("rows written as CSV are read back the same by an input of that format")
    func csvRoundTrip() throws {
        let original = batch(randomRows(500))
        var bytes: [UInt8] = []
        var ends: [Int] = []
        RowEncoder(columns: columns, format: .csv).encode(original, into: &bytes, ends: &ends)
        let schema = csvSchema(columns.map { ($0.name, $0.type.description) })
        let records = zip([0] + ends, ends).enumerated().map { SourceRecord(data: $1.0..<$1.1, rowtime: Int64($0)) }
        let (batch, errors) = try RecordDecoder(schema, metadata: []).decode(records, in: bytes)
        #expect(errors.isEmpty)
        compare(batch, original, emptyBinaryIsNull: true)
    }

    private func compare(_ batch: ColumnBatch, _ original: ColumnBatch, emptyBinaryIsNull: Bool = false) {
        #expect(batch.rowtimes == original.rowtimes)
        for (index, column) in original.columns.enumerated() {
            for row in 0..<min(batch.count, original.count) {
                var expected = column.value(at: row)
                if emptyBinaryIsNull && expected == .binary([]) { expected = .null }
                #expect(batch.columns[index].value(at: row) == expected, "\(columns[index].name) row \(row)")
            }
        }
    }
}
