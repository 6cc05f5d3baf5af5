/// Windows with more keys than stay in them, against a plain model of the rules.

import StreamEngine
import StreamSQL
import Testing

@Suite("Windows of many keys")
struct SlidingTests {
    private struct Row {
        var time: Int64
        var key: String
        var value: Int64
    }

    /// Keys come and go: of thousands, some hundred are in a window at a time.
    private func rows(_ count: Int, seed: UInt64) -> [Row] {
        var dice = Dice(seed: seed)
        var time: Int64 = 1_622_538_000_000
        return (0..<count).map { number in
            time += Int64.random(in: 0...4, using: &dice)
            let key = number / 3 + Int.random(in: 0..<400, using: &dice)
            return Row(time: time, key: "k\(key)", value: Int64.random(in: -50...50, using: &dice))
        }
    }

    private func batch(_ rows: ArraySlice<Row>) -> ColumnBatch {
        var builder = ColumnBatchBuilder(Flow.input.columns.map(\.type))
        for row in rows {
            builder.rowtimes.append(row.time)
            builder.columns[0].append(.text(row.key))
            builder.columns[1].append(row.value)
            builder.columns[2].append(Double(row.value) / 10)
            builder.columns[3].append(row.value)
        }
        return builder.finish()
    }

    /// Plays the rows in pieces, now and then from a snapshot.
    private func play(_ sql: String, _ rows: [Row]) throws -> [(time: Int64, values: [SQLValue])] {
        var dataflow = try Flow.make(sql)
        var output: [(time: Int64, values: [SQLValue])] = []
        for start in stride(from: 0, to: rows.count, by: 177) {
            try dataflow.insert(batch(rows[start..<min(rows.count, start + 177)]), into: "S")
            for (stream, batch) in dataflow.takeOutput() where stream == "A" {
                output += (0..<batch.count).map { row in (batch.rowtime(row), batch.columns.map { $0.value(at: row) }) }
            }
            guard start % 10 == 0 else { continue }
            let state = dataflow.snapshot()
            dataflow = try Flow.make(sql)
            try dataflow.restore(from: state)
        }
        return output
    }

    @Test("OVER gives what the rows of the window give", arguments: 0..<3)
    func slides(seed: Int) throws {
        let rows = rows(6000, seed: UInt64(seed) + 1)
        let output = try play(
            """
            CREATE STREAM A (k VARCHAR(8), n BIGINT, v BIGINT, hi INTEGER, n2 BIGINT, v2 BIGINT);
            CREATE PUMP P AS INSERT INTO A SELECT STREAM k, COUNT(*) OVER W, SUM(v) OVER W, MAX(v) OVER W, COUNT(*) OVER R, SUM(v) OVER R
            FROM S WINDOW W AS (PARTITION BY k RANGE INTERVAL '0.400' SECOND PRECEDING), R AS (PARTITION BY k ROWS 2 PRECEDING);
            """, rows)
        #expect(output.count == rows.count)
        var byKey: [String: [Row]] = [:]
        for (row, found) in zip(rows, output) {
            byKey[row.key, default: []].append(row)
            let own = byKey[row.key] ?? []
            let (range, last) = (own.filter { $0.time >= row.time - 400 }, own.suffix(3))
            let expected: [SQLValue] = [
                .text(row.key), .integer(Int64(range.count)), .integer(range.reduce(0) { $0 + $1.value }),
                range.map(\.value).max().map { .integer($0) } ?? .null, .integer(Int64(last.count)),
                .integer(last.reduce(0) { $0 + $1.value }),
            ]
            #expect(found.time == row.time)
            #expect(found.values == expected)
        }
    }

    @Test("a stagger's windows hold what came while they were open", arguments: 0..<3)
    func staggers(seed: Int) throws {
        let rows = rows(6000, seed: UInt64(seed) + 11)
        let output = try play(
            """
            CREATE STREAM A (k VARCHAR(8), n BIGINT, v BIGINT, u BIGINT);
            CREATE PUMP P AS INSERT INTO A SELECT STREAM k, COUNT(*), SUM(v), COUNT(DISTINCT v)
            FROM S WINDOWED BY STAGGER (PARTITION BY k RANGE INTERVAL '0.300' SECOND);
            """, rows)
        var open: [(end: Int64, rows: [Row])] = []
        var expected: [(time: Int64, values: [SQLValue])] = []
        for row in rows {
            while let first = open.first, first.end <= row.time {
                expected.append(
                    (
                        first.end,
                        [
                            .text(first.rows[0].key), .integer(Int64(first.rows.count)),
                            .integer(first.rows.reduce(0) { $0 + $1.value }),
                            .integer(Int64(Set(first.rows.map(\.value)).count)),
                        ]
                    ))
                open.removeFirst()
            }
            if let index = open.firstIndex(where: { $0.rows[0].key == row.key }) {
                open[index].rows.append(row)
            } else {
                open.append((row.time + 300, [row]))
            }
        }
        #expect(output.map(\.time) == expected.map(\.time))
        #expect(output.map(\.values) == expected.map(\.values))
    }

    @Test("a join gives every pair that lies in the windows", arguments: 0..<3)
    func joins(seed: Int) throws {
        let rows = rows(3000, seed: UInt64(seed) + 21)
        let output = try play(
            """
            CREATE STREAM L (k VARCHAR(8), v INTEGER);
            CREATE STREAM R (k VARCHAR(8), v INTEGER);
            CREATE STREAM A (k VARCHAR(8), l INTEGER, r INTEGER);
            CREATE PUMP P1 AS INSERT INTO L SELECT STREAM k, v FROM S WHERE v < 20;
            CREATE PUMP P2 AS INSERT INTO R SELECT STREAM k, v FROM S WHERE v >= 20;
            CREATE PUMP P3 AS INSERT INTO A SELECT STREAM L.k, L.v, R.v FROM L OVER (RANGE INTERVAL '0.500' SECOND PRECEDING)
              JOIN R OVER (RANGE INTERVAL '0.100' SECOND PRECEDING) ON L.k = R.k;
            """, rows)
        var byKey: [String: [Row]] = [:]
        var expected: [(time: Int64, values: [SQLValue])] = []
        for row in rows {
            for other in byKey[row.key] ?? [] where (other.value < 20) != (row.value < 20) {
                let isLeft = row.value < 20
                guard other.time >= row.time - (isLeft ? 100 : 500) else { continue }
                expected.append(
                    (
                        row.time,
                        [.text(row.key), .integer(isLeft ? row.value : other.value), .integer(isLeft ? other.value : row.value)]
                    ))
            }
            byKey[row.key, default: []].append(row)
        }
        #expect(expected.count > 100)
        #expect(output.map(\.time) == expected.map(\.time))
        #expect(output.map(\.values) == expected.map(\.values))
    }
}
