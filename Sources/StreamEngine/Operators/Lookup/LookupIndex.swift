/// Finds the rows of a table whose keys are equal to given ones.

import StreamSQL

/// The rows of a table by their keys. A key with a NULL is equal to none.
struct LookupIndex: Sendable {
    private var columns: [KnownValues]
    /// Numbers for pairs: of what the columns so far have given, with the number of the next column.
    private var pairs: [KnownWords]
    /// For each key's number, where its rows begin among `rows`; one more at the end.
    private let starts: [Int32]
    private let rows: [Int32]
    /// Whether no key has two rows.
    let isUnique: Bool

    /// - Parameters:
    ///   - keys: at least one column, each with the values of all rows.
    init(_ keys: [Column]) {
        var columns = keys.map { _ in KnownValues() }
        var pairs = keys.dropFirst().map { _ in KnownWords() }
        var numbers = columns[0].insert(keys[0])
        for index in pairs.indices {
            let next = columns[index + 1].insert(keys[index + 1])
            for row in numbers.indices {
                numbers[row] = numbers[row] == 0 || next[row] == 0 ? 0 : pairs[index].insert(Self.pair(numbers[row], next[row]))
            }
        }
        let most = Int(numbers.max() ?? 0)
        var starts = [Int32](repeating: 0, count: most + 2)
        for number in numbers where number != 0 { starts[Int(number) + 1] += 1 }
        isUnique = !starts.contains { $0 > 1 }
        for number in 1..<starts.count { starts[number] += starts[number - 1] }
        var next = starts
        var rows = [Int32](repeating: 0, count: Int(starts[starts.count - 1]))
        for (row, number) in numbers.enumerated() where number != 0 {
            rows[Int(next[Int(number)])] = Int32(row)
            next[Int(number)] += 1
        }
        (self.columns, self.pairs, self.starts, self.rows) = (columns, pairs, starts, rows)
    }

    var byteCount: Int {
        columns.reduce(0) { $0 + $1.byteCount } + pairs.reduce(0) { $0 + $1.byteCount } + starts.count * 4 + rows.count * 4
    }

    private static func pair(_ a: UInt32, _ b: UInt32) -> UInt64 { UInt64(a) << 32 | UInt64(b) }

    /// The number of each row's key; 0 where the table has none such.
    mutating func numbers(of keys: [Column]) -> [UInt32] {
        var numbers = columns[0].numbers(of: keys[0])
        for index in pairs.indices {
            let next = columns[index + 1].numbers(of: keys[index + 1])
            for row in numbers.indices where numbers[row] != 0 {
                numbers[row] = next[row] == 0 ? 0 : pairs[index].number(of: Self.pair(numbers[row], next[row]))
            }
        }
        return numbers
    }

    /// The table's rows of a key, in their order.
    @inline(__always)
    func rows(of number: UInt32) -> ArraySlice<Int32> { rows[Int(starts[Int(number)])..<Int(starts[Int(number) + 1])] }

    /// The table's first row of a key above 0.
    @inline(__always)
    func firstRow(of number: UInt32) -> Int { Int(rows[Int(starts[Int(number)])]) }
}
