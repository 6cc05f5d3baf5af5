/// State that is written while rows go on, and what changed since the last time.

import StreamEngine
import StreamSQL
import Testing

@Suite("Frozen state of a dataflow")
struct FrozenStateTests {
    /// Texts and values that are kept, DISTINCT, rows that wait, forests, streams with a last ROWTIME.
    static let programs =
        CutTests.programs + [
            """
            CREATE STREAM A (k VARCHAR(8), n BIGINT, a BIGINT, b DECIMAL(18,2), lo VARCHAR(8), f DOUBLE);
            CREATE PUMP P AS INSERT INTO A SELECT STREAM k, COUNT(*), SUM(DISTINCT v), SUM(DISTINCT m), MAX(k), FIRST_VALUE(d)
            FROM S GROUP BY k, v, FLOOR(S.ROWTIME TO HOUR);
            """
        ]

    /// Plays rows; freezes now and then, gives the frozen state piece by piece between rows, and goes on from it elsewhere.
    @Test(
        "what was frozen is the state of that moment, whatever came after, and changes stand on what was there",
        arguments: programs.indices, 0..<6)
    func goesOn(program: Int, seed: Int) throws {
        let sql = Self.programs[program]
        let rows = Flow.rows(600, seed: UInt64(seed) + 50)
        var dice = Dice(seed: UInt64(seed) + 7)
        var dataflow = try Flow.make(sql)
        var chain: [SnapshotLayer] = []
        var writing: (layer: SnapshotLayer, isWhole: Bool, state: [UInt8])?
        var compared = 0
        var start = 0
        while start < rows.count {
            let end = min(rows.count, start + Int.random(in: 1...12, using: &dice))
            try dataflow.insert(rows.slice(start..<end), into: "S")
            start = end
            if var now = writing {
                let piece = dataflow.nextPiece(bytes: Int.random(in: 1...3000, using: &dice))
                if let piece {
                    now.layer.pieces.append(piece)
                    writing = now
                    continue
                }
                chain = now.isWhole ? [now.layer] : chain + [now.layer]
                writing = nil
                var other = try Flow.make(sql)
                try other.restore(chain, isSameProgram: true)
                #expect(other.snapshot() == now.state, "row \(start), \(chain.count) layers")
                compared += 1
                // Sometimes the run dies, and the next one goes on from there: what changes is told from what was restored.
                if Int.random(in: 0..<4, using: &dice) == 0 {
                    _ = dataflow.takeOutput()
                    dataflow = other
                }
            } else if Int.random(in: 0..<3, using: &dice) == 0 {
                let isWhole = chain.isEmpty || Int.random(in: 0..<6, using: &dice) == 0
                // A copy is another dataflow.
                let state = dataflow.snapshot()
                writing = (SnapshotLayer(head: dataflow.freezeState(whole: isWhole)), isWhole, state)
            }
        }
        #expect(compared > 0)
    }

    private static let sums = """
        CREATE STREAM A (v INTEGER, n BIGINT);
        CREATE PUMP P AS INSERT INTO A SELECT STREAM v, COUNT(*) FROM S GROUP BY v, FLOOR(S.ROWTIME TO HOUR);
        """

    /// Rows of one hour, each of a group of its own.
    private func rows(_ groups: Range<Int>) -> ColumnBatch {
        var builder = ColumnBatchBuilder(Flow.input.columns.map(\.type))
        for group in groups {
            builder.rowtimes.append(1_622_538_000_000)
            builder.columns[0].appendNull()
            builder.columns[1].append(Int64(group))
            builder.columns[2].appendNull()
            builder.columns[3].append(Int64(0))
        }
        return builder.finish()
    }

    private func pieces(_ dataflow: inout Dataflow, whole: Bool) -> [[UInt8]] {
        _ = dataflow.freezeState(whole: whole)
        var pieces: [[UInt8]] = []
        while let piece = dataflow.nextPiece(bytes: 4096) { pieces.append(piece) }
        return pieces
    }

    @Test("a later snapshot holds what has changed, and a piece is about as long as it was asked for")
    func sizes() throws {
        var dataflow = try Flow.make(Self.sums)
        try dataflow.insert(rows(0..<20_000), into: "S")
        let whole = pieces(&dataflow, whole: true)
        #expect(whole.reduce(0) { $0 + $1.count } > 20_000 * 16)
        #expect(whole.allSatisfy { $0.count < 16_384 })
        #expect(pieces(&dataflow, whole: false).isEmpty)
        try dataflow.insert(rows(500..<510), into: "S")
        try dataflow.insert(rows(20_000..<20_005), into: "S")
        let changes = pieces(&dataflow, whole: false).reduce(0) { $0 + $1.count }
        #expect(changes > 15 * 16 && changes < 2000)
        #expect(pieces(&dataflow, whole: true).reduce(0) { $0 + $1.count } > 20_000 * 16)
    }

    @Test("damaged pieces are refused or restored, and never end the process")
    func damaged() throws {
        var dataflow = try Flow.make(Self.programs[5])
        try dataflow.insert(Flow.rows(60, seed: 3), into: "S")
        var layer = SnapshotLayer(head: dataflow.freezeState(whole: true))
        while let piece = dataflow.nextPiece(bytes: 100) { layer.pieces.append(piece) }
        for index in layer.head.indices {
            var other = layer
            other.head[index] ^= 0x81
            var fresh = try Flow.make(Self.programs[5])
            try? fresh.restore([other], isSameProgram: true)
        }
        for piece in layer.pieces.indices {
            for index in layer.pieces[piece].indices {
                var other = layer
                other.pieces[piece][index] ^= 0x81
                var fresh = try Flow.make(Self.programs[5])
                try? fresh.restore([other], isSameProgram: true)
            }
            var short = layer
            short.pieces.remove(at: piece)
            var fresh = try Flow.make(Self.programs[5])
            #expect(throws: SnapshotError.self) { try fresh.restore([short], isSameProgram: true) }
        }
    }
}
