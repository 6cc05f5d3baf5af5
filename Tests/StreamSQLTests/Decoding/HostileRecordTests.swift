/// Mutated records never end the process, and what they give can always be written.

import Foundation
import StreamSQL
import Testing

@Suite("Hostile records") struct HostileRecordTests {
    /// A seeded generator (xorshift), so that a failure can be repeated.
    private struct Random: RandomNumberGenerator {
        var state: UInt64
        mutating func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
    }

    private static let tokens: [[UInt8]] =
        [
            "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud800", "null", "true", "-", "1e999", "0.",
            "99999999999999999999999", "\n", "\r\n",
            "\u{0}", "日", "X'00", "1992-02-14", " ", "\"\"", ";;", "|",
        ].map { Array($0.utf8) } + [[0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xF5]]

    private func mutate(_ seed: [UInt8], _ random: inout Random) -> [UInt8] {
        var bytes = seed
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            let position = Int.random(in: 0...bytes.count, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0: bytes.insert(contentsOf: Self.tokens.randomElement(using: &random) ?? [], at: position)
            case 1 where position < bytes.count: bytes.remove(at: position)
            case 2 where position < bytes.count: bytes[position] = UInt8.random(in: 0...255, using: &random)
            case 3: bytes.removeLast(Int.random(in: 0...bytes.count, using: &random) / 4)
            default:
                let end = min(bytes.count, position + 20)
                bytes.insert(contentsOf: bytes[position..<end], at: position)
            }
        }
        return bytes
    }

    private func play(_ schema: InputSchema, _ seeds: [String], count: Int, seed: UInt64) throws {
        var random = Random(state: seed)
        let decoder = try RecordDecoder(schema)
        var good = 0
        for round in 0..<(count / 100) {
            var bytes: [UInt8] = []
            var records: [SourceRecord] = []
            for index in 0..<100 {
                let start = bytes.count
                bytes += mutate(Array(seeds[(round + index) % seeds.count].utf8), &random)
                records.append(SourceRecord(data: start..<bytes.count, rowtime: Int64(index)))
            }
            let (batch, errors) = decoder.decode(records, in: bytes)
            good += records.count - errors.count
            #expect(batch.columns.allSatisfy { $0.count == batch.count })
            var json: [UInt8] = []
            var ends: [Int] = []
            let encoder = RowEncoder(columns: decoder.columns, format: .json)
            encoder.encode(batch, into: &json, ends: &ends)
            var start = 0
            for end in ends {
                // Foundation as an independent judge of what is written.
                #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(json[start..<end])) }
                start = end
            }
        }
        #expect(good > 0)
    }

    @Test("20,000 mutated JSON records are decoded or refused")
    func json() throws {
        let seeds = [
            #"{"id":12,"name":"m\u00e9ter","v":1.25e2,"t":"2021-06-01 09:00:00.5","ok":true,"b":"AAEC","p":[{"x":1},{"x":2}]}"#,
            #"{"p":[],"name":"日本","v":-0.5,"id":null,"nested":{"a":[1,[2,[3]]]},"ok":"TRUE"}"#,
        ]
        let flat = jsonSchema([
            ("ID", "INT", "$.id"), ("NAME", "VARCHAR(5)", "$.name"), ("V", "DECIMAL(9,3)", "$.v"), ("T", "TIMESTAMP", "$.t"),
            ("OK", "BOOLEAN", "$.ok"), ("B", "VARBINARY(4)", "$.b"), ("P", "VARCHAR(20)", "$.p"),
        ])
        try play(flat, seeds, count: 10_000, seed: 42)
        let nested = jsonSchema([("NAME", "CHAR(5)", "$.name"), ("X", "DOUBLE", "$.p[0:].x"), ("A", "VARCHAR(9)", "$.nested.a[1]")])
        try play(nested, seeds, count: 10_000, seed: 43)
    }

    @Test("20,000 mutated CSV records are decoded or refused")
    func csv() throws {
        let seeds = ["ann,12,1.5,true\nbob,,2,false\n", "\"a \"\"q\"\" b\",7,0.25,TRUE\r\n", "日本,1|2;;3"]
        let columns = [("NAME", "VARCHAR(5)"), ("N", "INT"), ("V", "REAL"), ("OK", "BOOLEAN")]
        try play(csvSchema(columns), seeds, count: 10_000, seed: 44)
        try play(csvSchema(columns, row: ";;", column: "|"), seeds, count: 10_000, seed: 45)
    }
}
