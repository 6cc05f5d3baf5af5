/// Groups numbered column by column are those of keys written out.

import StreamEngine
import StreamSQL
import Testing

@Suite("Group table") struct GroupTableTests {
    private static let types: [SQLType] = [.varchar(9), .bigint, .double, .boolean, .varchar(20)]

    private func columns(_ count: Int, coded: Bool, _ random: inout SeededRandom) -> [Column] {
        Self.types.map { type in
            let values = (0..<count).map { _ -> SQLValue in
                let number = Int64.random(in: 0..<4, using: &random)
                if Int.random(in: 0..<5, using: &random) == 0 { return .null }
                switch type.storage {
                case .bytes: return .text(number == 0 ? "" : String(repeating: "text", count: Int(number) * 2))
                case .integers: return .integer(number)
                case .doubles: return .double(number == 0 ? -0.0 : number == 1 ? .nan : Double(number - 2))
                case .booleans: return .boolean(number % 2 == 0)
                }
            }
            var column = Column(type, values: values)
            guard coded, case .bytes(let plain) = column.values else { return column }
            // A dictionary whose codes are not in the order of appearance.
            let texts = (0..<count).map { Array(plain.bytes[plain.range($0)]) }
            let distinct = Set(texts).sorted { $0.count > $1.count }
            var bytes: [UInt8] = []
            var ends = [0]
            for text in distinct {
                bytes += text
                ends.append(bytes.count)
            }
            let codes = texts.map { UInt32((distinct.firstIndex(of: $0) ?? 0) + 1) }
            column.values = .bytes(
                ByteColumn(codes: codes, dictionary: UInt64(distinct.hashValue.magnitude), bytes: bytes, ends: ends))
            return column
        }
    }

    @Test("rows have the groups of their keys, in the order of first rows", arguments: [UInt64](1...12))
    func sameAsKeys(seed: UInt64) {
        var random = SeededRandom(state: seed)
        let chosen = Self.types.indices.filter { _ in Bool.random(using: &random) }
        var table = GroupTable(chosen.map { Self.types[$0] })
        var known: [[UInt8]] = []
        var firsts: [(column: [Column], row: Int)] = []
        for piece in 0..<6 {
            let all = columns(Int.random(in: 1...300, using: &random), coded: piece % 2 == 0, &random)
            let keys = chosen.map { all[$0] }
            let count = all[0].count
            let start = Int.random(in: 0..<count, using: &random)
            for rows in [0..<start, start..<count] {
                var groups: [Int] = []
                table.number(rows, of: keys, into: &groups)
                let expected = rows.map { row in
                    var key: [UInt8] = []
                    for column in keys { column.appendKeyBytes(row, into: &key) }
                    if let index = known.firstIndex(of: key) { return index }
                    known.append(key)
                    firsts.append((keys, row))
                    return known.count - 1
                }
                #expect(groups == expected, "seed \(seed), piece \(piece)")
            }
        }
        #expect(table.count == known.count)
        for (index, term) in table.terms.enumerated() {
            for (group, first) in firsts.enumerated() {
                #expect(
                    term.compare(group, with: first.column[index], first.row) == 0 || term.value(at: group).isNaN, "seed \(seed)")
            }
        }
        // The terms make the same groups again, as after a restart.
        var again = GroupTable(chosen.map { Self.types[$0] })
        var groups: [Int] = []
        again.number(0..<table.count, of: table.terms, into: &groups)
        #expect(groups == Array(0..<table.count))
    }

    /// Rows with one text and one number as key.
    private func keys(_ numbers: Range<Int>, of texts: Int) -> [Column] {
        var column = ByteColumn()
        for number in numbers {
            column.bytes += Array("text \(number * 7919 % texts)".utf8)
            column.ends.append(column.bytes.count)
        }
        let other = numbers.map { Int64($0 * 7919 % texts % 3) }
        return [Column(.varchar(16), .bytes(column)), Column(.bigint, .integers(other))]
    }

    @Test("large tables number rows alike in large pieces, which several cores share, and in small ones, which they do not")
    func sameOnAllCores() {
        let types: [SQLType] = [.varchar(16), .bigint]
        var (small, large) = (GroupTable(types), GroupTable(types))
        var (bySmall, byLarge) = ([Int](), [Int]())
        for first in stride(from: 0, to: 90_000, by: 5000) {
            var groups: [Int] = []
            large.number(0..<5000, of: keys(first..<(first + 5000), of: 30_000), into: &groups)
            byLarge += groups
            for part in stride(from: first, to: first + 5000, by: 500) {
                small.number(0..<500, of: keys(part..<(part + 500), of: 30_000), into: &groups)
                bySmall += groups
            }
        }
        #expect(byLarge == bySmall)
        #expect(large.count == 30_000 && large.terms == small.terms)
    }

    @Test("pieces whose texts are coded by several dictionaries in turns, which grow, have the groups of their texts")
    func dictionariesInTurns() {
        var random = SeededRandom(state: 4)
        var table = GroupTable([.varchar(16)])
        var known: [Int: Int] = [:]
        // More than are remembered.
        var dictionaries = [[Int]](repeating: [], count: 6)
        for piece in 0..<200 {
            let place = piece < 100 ? piece % 2 : Int.random(in: 0..<6, using: &random)
            let numbers = (0..<50).map { _ in Int.random(in: 0...(piece * 2), using: &random) }
            for number in numbers where !dictionaries[place].contains(number) { dictionaries[place].append(number) }
            var texts = (bytes: [UInt8](), ends: [0])
            for number in dictionaries[place] {
                texts.bytes += Array("n\(number)".utf8)
                texts.ends.append(texts.bytes.count)
            }
            let codes = numbers.map { number in UInt32((dictionaries[place].firstIndex(of: number) ?? 0) + 1) }
            let column = ByteColumn(codes: codes, dictionary: UInt64(place + 1), bytes: texts.bytes, ends: texts.ends)
            var groups: [Int] = []
            table.number(0..<50, of: [Column(.varchar(16), .bytes(column))], into: &groups)
            let expected = numbers.map { number in
                let group = known[number] ?? known.count
                known[number] = group
                return group
            }
            #expect(groups == expected, "piece \(piece)")
        }
    }

    @Test("a million keys take less than 100 bytes each")
    func manyKeys() {
        var table = GroupTable([.varchar(16), .varchar(16)])
        var groups: [Int] = []
        for piece in 0..<100 {
            var texts = ByteColumn()
            for number in (piece * 10_000)..<((piece + 1) * 10_000) {
                texts.bytes += Array("sensor-\(number)".utf8)
                texts.ends.append(texts.bytes.count)
            }
            let place = Column.repeating(.text("place"), .varchar(16), count: 10_000)
            table.number(0..<10_000, of: [Column(.varchar(16), .bytes(texts)), place], into: &groups)
        }
        #expect(table.count == 1_000_000)
        #expect(table.byteCount / table.count < 100)
    }
}

extension SQLValue {
    fileprivate var isNaN: Bool {
        if case .double(let value) = self { return value.isNaN }
        return false
    }
}
