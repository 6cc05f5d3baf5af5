/// Forests whose scores do not depend on the cuts, and the behaviour of scores that depend on them only in distribution.
import RandomCutForest
import Testing

private func forest(
    trees: Int = 50, mode: ScoreMode = .library, timeDecay: Int? = 2_560, columns: Int = 1, shingle: Int = 1, outputAfter: Int? = 1,
    seed: UInt64 = 5
) throws -> RandomCutForest {
    try RandomCutForest(
        parameters: ForestParameters(
            trees: trees, timeDecay: timeDecay, shingleSize: shingle, mode: mode, outputAfter: outputAfter),
        dimensions: columns, seed: seed)
}

private func near(_ a: Double, _ b: Double, _ tolerance: Double = 1e-6, _ location: SourceLocation = #_sourceLocation) {
    #expect(abs(a - b) < tolerance, "\(a), not \(b)", sourceLocation: location)
}

@Suite struct CutFreeScores {
    @Test(
        "on a constant stream the constant scores 0.5 and anything else the maximum, at any length",
        arguments: [1, 2, 100, 256, 2_000])
    func constant(length: Int) throws {
        var forest = try forest()
        for _ in 0..<length { try forest.learn([7]) }
        near(try forest.score([7]), 0.5)
        near(try forest.score([8]), Elementary.log2(Double(min(length, 256) + 1)))
        if length >= 256 {
            near(try forest.score([-100]), 8.005625)
            near(try forest.score([7], mode: .kinesisSQL), 0.031128)
            near(try forest.score([8], mode: .kinesisSQL), 8)
        }
    }

    @Test("on two alternating values the scores are the formula's in both modes, and attribution names the side")
    func alternating() throws {
        var forest = try forest()
        for t in 0..<100 { try forest.learn([Double(t % 2)]) }
        near(try forest.score([0]), 0.748402)
        near(try forest.score([3]), 5.548510)
        for t in 100..<256 { try forest.learn([Double(t % 2)]) }
        for (value, score) in [
            (0.0, 0.749475), (1, 0.749475), (3, 6.671354), (-1, 6.004218), (1_000, 8.001622), (0.5, 4.002812), (0.25, 4.002812),
        ] {
            near(try forest.score([value]), score)
            let seen = value == 0 || value == 1
            near(try forest.score([value], mode: .kinesisSQL), seen ? 0.998599 : score * 8 / Elementary.log2(257))
        }
        let high = try forest.attribution([3])
        near(high.part(ofColumn: 0).high, 6.671354)
        #expect(high.low == [0])
        let low = try forest.attribution([-1])
        near(low.part(ofColumn: 0).low, 6.004218)
        #expect(low.high == [0])
    }

    @Test(
        "a score is the sum of its attribution, whether its number of dimensions has a walk of its own or not",
        arguments: [1, 2, 3, 4, 7, 8, 9, 10, 12])
    func attributionAddsUp(columns: Int) throws {
        var forest = try forest(trees: 21, columns: columns)
        for t in 0..<600 {
            let record = (0..<columns).map { Double((t * t * (2 * $0 + 3) + 7 * t) % 101) }
            if t > 300 {
                let (score, sum) = (try forest.score(record), try forest.attribution(record).total)
                near(score, sum, 1e-9 * score)
            }
            try forest.learn(record)
        }
    }

    @Test("one odd value among 255 equal ones scores about half the maximum")
    func oneOdd() throws {
        var forest = try forest()
        for t in 0..<256 { try forest.learn([t == 100 ? 9 : 4]) }
        near(try forest.score([4]), 0.446494)
        near(try forest.score([9]), 3.994994)
    }
}

@Suite struct ScoreDistribution {
    @Test("scores of 256 values, each once, over 1000 trees; attributions sum to them")
    func ramp() throws {
        var forest = try forest(trees: 1_000, timeDecay: nil)
        for value in 0..<256 { try forest.learn([Double(value)]) }
        for (query, score, tolerance) in [
            (128.0, 0.715, 0.03), (127.5, 0.733, 0.03), (0, 1.24, 0.05), (255, 1.24, 0.05), (300, 3.59, 0.05), (511, 5.78, 0.02),
            (-1_000, 7.162, 0.003), (10_000, 7.903, 0.001),
        ] {
            let found = try forest.score([query])
            near(found, score, tolerance)
            near(try forest.attribution([query]).total / found, 1, 1e-9)
        }
    }

    @Test("attributions sum to the scores in both modes over several columns and a shingle, also when points repeat")
    func sums() throws {
        for mode in [ScoreMode.library, .kinesisSQL] {
            var forest = try forest(mode: mode, columns: 3, shingle: 4)
            var random = RandomSource(seed: 9, stream: 0)
            for _ in 0..<1_000 {
                let record = (0..<3).map { _ in Double(random.next() % 3) }
                let score = try forest.score(record)
                let attribution = try forest.attribution(record)
                #expect(abs(attribution.total - score) <= 1e-9 * score)
                #expect(attribution.high.count == 12 && attribution.columns == 3)
                #expect(try forest.scoreAndLearn(record) == score)
            }
        }
    }

    @Test("in SQL mode the first sample-size records score 0 and the next is scored")
    func sqlOutput() throws {
        var forest = try forest(mode: .kinesisSQL, outputAfter: nil)
        for t in 0..<256 { #expect(try forest.scoreAndLearn([Double(t)]) == 0) }
        #expect(forest.isReady)
        #expect(try forest.scoreAndLearn([3]) > 0)
    }

    @Test("in library mode scores begin after a quarter of the sample, and never before a full shingle")
    func libraryOutput() throws {
        var plain = try forest(outputAfter: nil)
        for t in 0..<64 { #expect(try plain.scoreAndLearn([Double(t)]) == 0) }
        #expect(try plain.scoreAndLearn([3]) > 0)
        var shingled = try forest(shingle: 5, outputAfter: 0)
        // Four records before the first shingle, and the first point meets empty trees.
        for t in 0..<5 { #expect(try shingled.scoreAndLearn([Double(t)]) == 0) }
        #expect(try shingled.scoreAndLearn([3]) > 0)
    }

    @Test("a shingle holds the oldest record first and the newest last")
    func shingleOrder() throws {
        var forest = try forest(trees: 1, columns: 2, shingle: 3)
        for t in 0..<3 { try forest.learn([Double(t), Double(10 + t)]) }
        #expect(forest.sample(ofTree: 0) == [[0, 10, 1, 11, 2, 12]])
    }

    @Test("a faster decay set midway forgets the old points")
    func changedDecay() throws {
        var forest = try forest(trees: 10, timeDecay: nil)
        for _ in 0..<2_000 { try forest.learn([1]) }
        try forest.setTimeDecay(50)
        for _ in 0..<2_000 { try forest.learn([2]) }
        for tree in 0..<10 { #expect(forest.sample(ofTree: tree).allSatisfy { $0 == [2] }) }
        #expect(throws: ForestError.self) { try forest.setTimeDecay(0) }
    }
}
