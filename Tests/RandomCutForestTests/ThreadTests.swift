/// Threads share a point's work without a trace in the results.
import RandomCutForest
import Testing

@Suite struct Threads {
    @Test("scores and the state are the same to the bit on one thread and on several", arguments: [(1_000, 1, 1), (100, 10, 4)])
    func sameScores(trees: Int, columns: Int, shingle: Int) throws {
        let parameters = ForestParameters(trees: trees, sampleSize: 32, timeDecay: 200, shingleSize: shingle, mode: .library)
        var one = try RandomCutForest(parameters: parameters, dimensions: columns, seed: 3)
        var two = one
        var four = one
        two.threads = 2
        four.threads = 4
        #expect(one.threads == 1 && two.threads == 2 && four.threads == 4)
        var random = RandomSource(seed: 12, stream: 0)
        for t in 0..<600 {
            let record = (0..<columns).map { _ in random.unit() }
            let score = try one.scoreAndLearn(record)
            #expect(try two.scoreAndLearn(record).bitPattern == score.bitPattern)
            #expect(try four.scoreAndLearn(record).bitPattern == score.bitPattern)
            if t == 200 { four.threads = 1 }
            if t == 300 { four.threads = 3 }
            if t == 400 {
                try one.setTimeDecay(50)
                try two.setTimeDecay(50)
                try four.setTimeDecay(50)
            }
        }
        #expect(one.snapshot() == two.snapshot())
        #expect(one.snapshot() == four.snapshot())
        var restored = try RandomCutForest(restoring: two.snapshot())
        restored.threads = 2
        for _ in 0..<100 {
            let record = (0..<columns).map { _ in random.unit() }
            #expect(try restored.scoreAndLearn(record).bitPattern == one.scoreAndLearn(record).bitPattern)
        }
    }

    @Test("a copy has threads of its own, and the number asked for is held to 1...64")
    func copies() throws {
        var forest = try RandomCutForest(
            parameters: ForestParameters(trees: 500, sampleSize: 16, mode: .library, outputAfter: 1), dimensions: 1, seed: 3)
        forest.threads = 0
        #expect(forest.threads == 1)
        forest.threads = 2
        for t in 0..<50 { try forest.learn([Double(t)]) }
        var copy = forest
        try copy.learn([3])
        #expect(copy.threads == 2)
        #expect(try forest.scoreAndLearn([7]) > 0)
        copy.threads = 1_000
        #expect(copy.threads == 64)
        #expect(try copy.scoreAndLearn([7]) > 0)
    }
}
