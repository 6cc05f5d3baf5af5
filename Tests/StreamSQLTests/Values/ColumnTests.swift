/// Columns and batches: building, selecting, keys, order.

import StreamSQL
import Testing

@Suite("Column") struct ColumnTests {
    private let columns = [
        Column(.integer, values: [.integer(3), .null, .integer(-1), .integer(3)]),
        Column(.varchar(9), values: [.text("b"), .text(""), .null, .text("日本")]),
        Column(.double, values: [.double(0.5), .double(-0.0), .double(0.0), .null]),
        Column(.boolean, values: [.boolean(true), .null, .boolean(false), .boolean(true)]),
        Column(.varbinary(4), values: [.binary([0, 255]), .binary([]), .null, .binary([7])]),
    ]

    private var batch: ColumnBatch { ColumnBatch(rowtimes: [1, 2, 3, 4], columns: columns) }

    private func rows(_ batch: ColumnBatch) -> [[SQLValue]] {
        (0..<batch.count).map { row in batch.columns.map { $0.value(at: row) } }
    }

    @Test("gathering, slicing and filtering give the rows asked for")
    func selecting() {
        let all = rows(batch)
        #expect(rows(batch.gather(rows: [3, 0, 3])) == [all[3], all[0], all[3]])
        #expect(batch.gather(rows: [3, 0, 3]).rowtimes == [4, 1, 4])
        #expect(rows(batch.slice(1..<3)) == [all[1], all[2]])
        #expect(rows(batch.slice(2..<2)).isEmpty)
        #expect(rows(batch.filtered(by: [true, false, false, true])) == [all[0], all[3]])
        #expect(rows(batch.filtered(by: columns[3])) == [all[0], all[3]])
    }

    @Test("batches that are joined hold the rows of both")
    func appending() {
        let all = rows(batch)
        #expect(rows(batch.slice(0..<2).appending(contentsOf: batch.slice(2..<4))) == all)
        let definitions = columns.map { ColumnDefinition("C", $0.type) }
        #expect(rows(ColumnBatch.empty(definitions).appending(contentsOf: batch)) == all)
        #expect(rows(batch.appending(contentsOf: .empty(definitions))) == all)
    }

    @Test("a repeated value stands in every row")
    func repeating() {
        for column in columns {
            for row in 0..<4 {
                let repeated = Column.repeating(column.value(at: row), column.type, count: 3)
                #expect(repeated.count == 3)
                #expect((0..<3).allSatisfy { repeated.value(at: $0) == column.value(at: row) })
            }
        }
        #expect(Column.repeating(.text("a"), .char(3), count: 1).value(at: 0) == .text("a  "))
    }

    @Test("key bytes are equal exactly for values that SQL groups together")
    func keys() {
        for column in columns {
            for a in 0..<4 {
                for b in 0..<4 {
                    var (first, second): ([UInt8], [UInt8]) = ([], [])
                    column.appendKeyBytes(a, into: &first)
                    column.appendKeyBytes(b, into: &second)
                    let same = column.compare(a, with: column, b) == 0
                    #expect((first == second) == same, "\(column.type) rows \(a) and \(b)")
                }
            }
        }
        // Self-delimiting: ('a', 'bc') is not ('ab', 'c').
        let (left, right) = (
            Column(.varchar(2), values: [.text("a"), .text("ab")]), Column(.varchar(2), values: [.text("bc"), .text("c")])
        )
        var (first, second): ([UInt8], [UInt8]) = ([], [])
        left.appendKeyBytes(0, into: &first)
        right.appendKeyBytes(0, into: &first)
        left.appendKeyBytes(1, into: &second)
        right.appendKeyBytes(1, into: &second)
        #expect(first != second)
    }

    @Test("NULL sorts as the largest value, text by code point")
    func order() {
        func sorted(_ column: Column) -> [Int] { Array(0..<column.count).sorted { column.compare($0, with: column, $1) < 0 } }
        #expect(sorted(columns[0]).last == 1)
        #expect(sorted(columns[1]) == [1, 0, 3, 2])
        #expect(sorted(Column(.varchar(3), values: [.text("ab"), .text("a"), .text("B"), .text("é")])) == [2, 1, 0, 3])
    }

    @Test("a builder forgets the rows that are taken back")
    func truncating() {
        for column in columns {
            var builder = ColumnBuilder(column.type)
            for row in 0..<4 { builder.append(column.value(at: row)) }
            builder.truncate(to: 1)
            builder.append(column.value(at: 3))
            let built = builder.finish()
            #expect((0..<2).map { built.value(at: $0) } == [column.value(at: 0), column.value(at: 3)])
        }
    }
}
