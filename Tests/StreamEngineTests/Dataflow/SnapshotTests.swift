/// Snapshots that are damaged or belong elsewhere.

import StreamEngine
import StreamSQL
import Testing

@Suite("Snapshots of a dataflow")
struct SnapshotTests {
    private func stateful() throws -> (Dataflow, [UInt8]) {
        var dataflow = try Flow.make(CutTests.programs[1])
        try dataflow.insert(Flow.rows(60, seed: 3), into: "S")
        return (try Flow.make(CutTests.programs[1]), dataflow.snapshot())
    }

    @Test("bytes cut short anywhere are refused")
    func cutShort() throws {
        var (fresh, bytes) = try stateful()
        for count in 0..<bytes.count {
            #expect(throws: SnapshotError.self) { try fresh.restore(from: Array(bytes[..<count])) }
        }
    }

    @Test("any altered byte is noticed")
    func altered() throws {
        var (fresh, bytes) = try stateful()
        for index in bytes.indices {
            var other = bytes
            other[index] ^= 0x10
            #expect(throws: SnapshotError.self) { try fresh.restore(from: other) }
        }
    }

    @Test("altered bytes under a right checksum are refused or restored, and never end the process")
    func alteredWithChecksum() throws {
        var (fresh, bytes) = try stateful()
        for index in 5..<(bytes.count - 8) {
            for flip in [0x01, 0x80, 0xFF] as [UInt8] {
                var other = bytes
                other[index] ^= flip
                var hash: UInt64 = 0xcbf2_9ce4_8422_2325
                for byte in other.dropLast(8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
                for offset in 0..<8 { other[other.count - 8 + offset] = UInt8(truncatingIfNeeded: hash >> (8 * UInt64(offset))) }
                try? fresh.restore(from: other)
            }
        }
    }

    @Test("another version and another program's state are refused by name")
    func otherVersion() throws {
        var (fresh, bytes) = try stateful()
        bytes[4] = 9
        #expect(throws: SnapshotError.unsupportedVersion(9)) { try fresh.restore(from: bytes) }
        let other = try Flow.make("CREATE STREAM A (v INTEGER); CREATE PUMP P AS INSERT INTO A SELECT STREAM v FROM S;")
        #expect(throws: SnapshotError.otherProgram) { try fresh.restore(from: other.snapshot()) }
    }

    @Test("AVG and SUM of one argument, which share a sum, go on from a snapshot each by itself")
    func sharedSums() throws {
        let sql = """
            CREATE STREAM A (k VARCHAR(8), a DOUBLE, s DOUBLE, t DOUBLE, b INTEGER, c BIGINT, n BIGINT, e DOUBLE);
            CREATE PUMP P AS INSERT INTO A SELECT STREAM k, AVG(d), SUM(d), SUM(DISTINCT d), AVG(v), SUM(v), COUNT(v), SUM(d + 1)
            FROM S GROUP BY k, FLOOR(S.ROWTIME TO MINUTE);
            """
        let rows = Flow.rows(400, seed: 8)
        var straight = try Flow.make(sql)
        try straight.insert(rows, into: "S")
        try straight.finish()
        var first = try Flow.make(sql)
        try first.insert(rows.slice(0..<211), into: "S")
        var lines = Flow.lines(first.takeOutput(), of: first)["A"] ?? []
        var second = try Flow.make(sql)
        try second.restore(from: first.snapshot())
        #expect(second.snapshot() == first.snapshot())
        try second.insert(rows.slice(211..<400), into: "S")
        try second.finish()
        lines += Flow.lines(second.takeOutput(), of: second)["A"] ?? []
        #expect(lines == Flow.lines(straight.takeOutput(), of: straight)["A"])
    }

    private static let sums =
        "CREATE STREAM A (k VARCHAR(8), n BIGINT); CREATE PUMP P AS INSERT INTO A SELECT STREAM k, SUM(v) FROM S GROUP BY k, FLOOR(S.ROWTIME TO MINUTE);"

    @Test(
        "a changed program finds the state of the operators that are the same",
        arguments: [
            // Another pump before it, a filter behind it, a column computed from its results.
            "CREATE STREAM Z (v INTEGER); CREATE PUMP Y AS INSERT INTO Z SELECT STREAM v FROM S; " + sums,
            sums.replacing("TO MINUTE);", with: "TO MINUTE) HAVING SUM(v) > -100000;"),
            "CREATE STREAM A (n BIGINT, k VARCHAR(8)); CREATE PUMP P AS INSERT INTO A SELECT STREAM SUM(v) + 0, UPPER(k) FROM S GROUP BY FLOOR(S.ROWTIME TO MINUTE), k;",
        ])
    func compatibleChange(changed: String) throws {
        let rows = Flow.rows(40, seed: 4)
        let half = rows.slice(0..<20)
        var old = try Flow.make(Self.sums)
        try old.insert(half, into: "S")
        var new = try Flow.make(changed)
        try new.restore(from: old.snapshot(), isSameProgram: false)
        #expect(new.nextDeadlineMilliseconds == old.nextDeadlineMilliseconds && new.nextDeadlineMilliseconds != nil)
        func total(_ dataflow: inout Dataflow) throws -> Int64 {
            _ = dataflow.takeOutput()
            try dataflow.insert(rows.slice(20..<40), into: "S")
            try dataflow.finish()
            var sum: Int64 = 0
            for (stream, batch) in dataflow.takeOutput() where stream == "A" {
                for column in batch.columns where column.type == .bigint { sum += column.integers.reduce(0, +) }
            }
            return sum
        }
        #expect(try total(&new) == total(&old))
    }

    @Test("a changed program begins without the state of an operator that is another")
    func incompatibleChange() throws {
        var old = try Flow.make(Self.sums)
        try old.insert(Flow.rows(20, seed: 4), into: "S")
        var new = try Flow.make(Self.sums.replacing("SUM(v)", with: "MAX(v)"))
        #expect(throws: SnapshotError.otherProgram) { try new.restore(from: old.snapshot()) }
        new = try Flow.make(Self.sums.replacing("SUM(v)", with: "MAX(v)"))
        try new.restore(from: old.snapshot(), isSameProgram: false)
        #expect(new.nextDeadlineMilliseconds == nil)
        #expect(new.clockMilliseconds == old.clockMilliseconds)
    }
}
