/// Records decoded many at once give exactly what they give one by one.

import StreamSQL
import Testing

@Suite("JSON records to columns") struct JSONColumnsTests {
    /// SplitMix64, so that a failure can be repeated.
    private struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
            return z ^ (z >> 31)
        }
    }

    private static let schema = jsonSchema([
        ("text", "VARCHAR(8)", "$.text"), ("other", "VARCHAR(200)", "$.other"), ("padded", "CHAR(4)", "$.padded"),
        ("tiny", "TINYINT", "$.tiny"), ("whole", "INTEGER", "$.whole"), ("big", "BIGINT", "$.big"),
        ("amount", "DECIMAL(9,2)", "$.amount"), ("real", "REAL", "$.real"), ("double", "DOUBLE", "$.double"),
        ("flag", "BOOLEAN", "$.flag"), ("day", "DATE", "$.day"), ("clock", "TIME", "$.clock"), ("time", "TIMESTAMP", "$.time"),
        ("binary", "VARBINARY(8)", "$.binary"), ("inner", "INTEGER", "$.nested.inner"),
        ("deep", "VARCHAR(4)", "$.nested.more.deep"),
    ])

    private static let names = [
        "text", "other", "padded", "tiny", "whole", "big", "amount", "real", "double", "flag", "day", "clock", "time", "binary",
        "nested", "unknown", "a name that is longer than thirty-two bytes", "ключ",
    ]

    private static let values = [
        "null", "true", "false", "0", "-0", "1", "-1", "127", "128", "-128", "01", "1.", ".5", "1.5", "1.25", "0.005",
        "12345678.91",
        "123456789012", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "123456789012345678901234567890",
        "1e3",
        "1E-7", "1e400", "0.1", "0.30000000000000004", "123456789.123456789", "2.2250738585072014e-308", "5e-324", "16777217",
        "3.4e39",
        "\"\"", "\"a\"", "\"abcd\"", "\"abcdefgh\"", "\"abcdefghi\"", "\"12\"", "\" 12 \"", "\"1.5\"", "\"-7\"", "\"true\"",
        "\"TRUE\"",
        "\"2024-02-29\"", "\"2023-02-29\"", "\"2024-02-29 12:34:56\"", "\"2024-02-29T12:34:56.789012Z\"",
        "\"0001-01-01 00:00:00.5\"",
        "\"12:34:56\"", "\"24:00:00\"", "\"12:34:56.123456789\"", "\"é\"", "\"日本語日本語日本語\"", "\"a\\\"b\"", "\"\\u0041\"",
        "\"tab\there\"",
        "\"X'3F67'\"", "\"aGk=\"", "[]", "[1,2,{\"a\":[null]}]", "{}", "{\"inner\":5}",
        "{\"inner\":\"6\",\"more\":{\"deep\":\"x\"}}",
        "{\"more\":{\"deep\":\"abcde\"},\"inner\":null}", "{\"inner\":1,\"inner\":2}", "{\"more\":[1]}", "{\"a\\\\b\":1}", "nul",
        "truex", "1 2", "",
        "-", "\"open", "\u{1}",
    ]

    private static func record(_ random: inout Random) -> [UInt8] {
        var texts: [String] = []
        for _ in 0..<(Int.random(in: 0..<12, using: &random) == 0 ? 2 : 1) {
            var members: [String] = []
            let blank = Int.random(in: 0..<4, using: &random) == 0 ? " " : ""
            for _ in 0..<Int.random(in: 0...8, using: &random) {
                // Mostly in one order, and mostly what fits.
                let name = names[min(names.count - 1, members.count * 2 + Int.random(in: 0..<3, using: &random))]
                let any = Int.random(in: 0..<3, using: &random) == 0
                let value = any ? values.randomElement(using: &random) ?? "1" : fitting(name, &random)
                members.append("\(blank)\"\(name)\"\(blank):\(blank)\(value)\(blank)")
            }
            texts.append("{\(members.joined(separator: ","))}")
        }
        var bytes = Array(texts.joined(separator: Bool.random(using: &random) ? "\n" : "").utf8)
        guard Int.random(in: 0..<6, using: &random) == 0 else { return bytes }
        for _ in 0...Int.random(in: 0..<2, using: &random) where !bytes.isEmpty {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(Array("{}[],:\"\\ \n01e.-".utf8).randomElement(using: &random) ?? 0, at: place)
            default: bytes.removeLast(bytes.count - place)
            }
        }
        return bytes
    }

    private static func fitting(_ name: String, _ random: inout Random) -> String {
        let number = Int.random(in: -100...100, using: &random)
        switch name {
        case "tiny", "whole", "big": return "\(number)"
        case "amount", "real", "double": return "\(Double(number) / 4)"
        case "flag": return Bool.random(using: &random) ? "true" : "null"
        case "day": return "\"2024-03-\(10 + abs(number) % 20)\""
        case "clock": return "\"12:\(10 + abs(number) % 50):00\""
        case "time": return "\"2024-03-01 12:\(10 + abs(number) % 50):00.\(abs(number))\""
        case "binary": return "null"
        case "nested": return "{\"inner\":\(number)}"
        default: return "\"t\(number)\""
        }
    }

    private func sources(_ records: [[UInt8]]) -> (bytes: [UInt8], sources: [SourceRecord]) {
        var bytes: [UInt8] = []
        var sources: [SourceRecord] = []
        for (index, record) in records.enumerated() {
            // Something else lies between records, as in a log's batch.
            bytes += [UInt8(truncatingIfNeeded: index), 0x22, 0xFF]
            sources.append(
                SourceRecord(
                    data: bytes.count..<(bytes.count + record.count), rowtime: Int64(index / 3), partitionKey: "key \(index)",
                    sequenceNumber: "\(index)"))
            bytes += record
        }
        return (bytes, sources)
    }

    @Test("random and mutated records give what they give one by one", arguments: [UInt64](1...40))
    func sameAsOneByOne(seed: UInt64) throws {
        var random = Random(state: seed)
        let decoder = try RecordDecoder(Self.schema)
        // Several pieces, so that dictionaries and the remembered order of members are in use.
        for piece in 0..<4 {
            let records = (0..<Int.random(in: 1...200, using: &random)).map { _ in Self.record(&random) }
            let (bytes, sources) = sources(records)
            let expected = bytes.withUnsafeBytes { decoder.decodeOneByOne(sources, in: $0) }
            let found = decoder.decode(sources, in: bytes)
            #expect(found.errors == expected.errors, "seed \(seed), piece \(piece)")
            #expect(found.batch.rowtimes == expected.batch.rowtimes, "seed \(seed), piece \(piece)")
            for (index, column) in expected.batch.columns.enumerated() where found.batch.columns[index] != column {
                let rows = (0..<column.count).filter { found.batch.columns[index].value(at: $0) != column.value(at: $0) }
                Issue.record("seed \(seed), piece \(piece), column \(decoder.columns[index].name), rows \(rows.prefix(5))")
            }
        }
    }

    @Test("records in several pieces of memory give what they give in one", arguments: [UInt64](51...60))
    func severalPieces(seed: UInt64) throws {
        var random = Random(state: seed)
        let decoder = try RecordDecoder(Self.schema)
        let records = (0..<200).map { _ in Self.record(&random) }
        let (bytes, sources) = sources(records)
        var list = RecordList([.partitionKey, .sequenceNumber])
        var memory: [[UInt8]] = [[]]
        for (index, source) in sources.enumerated() {
            list.begin(
                rowtime: source.rowtime, arrivalMilliseconds: source.arrivalMilliseconds, shardID: source.shardID)
            let start = memory[memory.count - 1].count
            memory[memory.count - 1] += records[index]
            list.append(
                data: start..<(start + records[index].count),
                partitionKey: { $0.append(contentsOf: source.partitionKey.utf8) }, sequenceNumber: { source.sequenceNumber })
            guard Int.random(in: 0..<20, using: &random) == 0 || index == sources.count - 1 else { continue }
            list.endPart()
            memory.append([])
        }
        let whole = decoder.decode(sources, in: bytes)
        let parts = decoder.decode(list) { part, body in memory[part].withUnsafeBytes(body) }
        #expect(parts.errors == whole.errors, "seed \(seed)")
        #expect(parts.batch == whole.batch, "seed \(seed)")
        // Memory that ends too early: what does not lie in it is no record.
        let short = decoder.decode(list) { part, body in memory[part].prefix(3).withUnsafeBytes(body) }
        #expect(short.errors.count + short.batch.count >= records.count)
        #expect(short.batch.columns.allSatisfy { $0.count == short.batch.count })
    }

    @Test("columns that nobody reads are NULL, and their misfits are errors all the same", arguments: [UInt64](41...50))
    func unreadColumns(seed: UInt64) throws {
        var random = Random(state: seed)
        let decoder = try RecordDecoder(Self.schema)
        let some = decoder.reading(only: [0, 5, 8, 14])
        let (bytes, sources) = sources((0..<300).map { _ in Self.record(&random) })
        let all = decoder.decode(sources, in: bytes)
        let few = some.decode(sources, in: bytes)
        #expect(few.errors == all.errors)
        for index in [0, 5, 8, 14, 16, 17] { #expect(few.batch.columns[index] == all.batch.columns[index]) }
        #expect(few.batch.columns[1] == .nulls(.varchar(200), count: all.batch.count))
    }

    @Test("a dictionary gives way to plain texts when they do not come again")
    func manyTexts() throws {
        let decoder = try RecordDecoder(jsonSchema([("id", "VARCHAR(20)", "$.id"), ("n", "INTEGER", "$.n")]))
        for piece in 0..<3 {
            let records = (0..<20_000).map { Array("{\"id\":\"text \(piece * 20_000 + $0)\",\"n\":\($0 % 7)}".utf8) }
            let (bytes, sources) = sources(records)
            let (batch, errors) = decoder.decode(sources, in: bytes)
            #expect(errors.isEmpty)
            #expect(batch.columns[0].byteColumn.codes == nil)
            #expect(batch.columns[0].value(at: 0) == .text("text \(piece * 20_000)"))
            #expect(batch.columns[0].value(at: 4095) == .text("text \(piece * 20_000 + 4095)"))
            #expect(batch.columns[0].value(at: 19_999) == .text("text \(piece * 20_000 + 19_999)"))
        }
    }

    @Test("texts that come again are coded, and codes mean the same from piece to piece")
    func codedTexts() throws {
        let decoder = try RecordDecoder(jsonSchema([("id", "VARCHAR(20)", "$.id")]))
        let first = try coded(["a", "b", "a", ""], decoder)
        let second = try coded(["c", "b"], decoder)
        #expect(first.dictionary == second.dictionary)
        #expect(first.codes?[1] == second.codes?[1])
        #expect(first.codes?[3] == 0)
        var both = first
        both.append(contentsOf: second)
        #expect(both.codes != nil)
        #expect((0..<both.count).map { both.text($0) } == ["a", "b", "a", "", "c", "b"])
    }

    private func coded(_ texts: [String], _ decoder: RecordDecoder) throws -> ByteColumn {
        let (bytes, sources) = sources(texts.map { Array("{\"id\":\"\($0)\"}".utf8) })
        return decoder.decode(sources, in: bytes).batch.columns[0].byteColumn
    }

    @Test("several JSON texts in one record are several rows")
    func severalTexts() throws {
        let (batch, errors) = try decode(
            "{\"v\":1}\n{\"v\":2}", "{\"v\":3}{\"v\":4} ", "{\"v\":5} {\"v\":", as: jsonSchema([("V", "INTEGER", "$.v")]))
        #expect(printed(batch) == ["{\"C0\":1}", "{\"C0\":2}", "{\"C0\":3}", "{\"C0\":4}"])
        #expect(batch.rowtimes == [1000, 1000, 2000, 2000])
        #expect(errors.map(\.record) == [2])
        #expect(errors.map(\.rowsBefore) == [4])
    }
}
