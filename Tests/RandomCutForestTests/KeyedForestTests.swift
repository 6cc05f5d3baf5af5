/// Many forests in a bounded memory: what sleeps wakes up the same, what is forgotten begins anew.
import RandomCutForest
import Testing

@Suite struct KeyedForestsTests {
    typealias Forests = KeyedForests<RandomCutForest>
    static let parameters = ForestParameters(trees: 10, sampleSize: 16, timeDecay: 100)
    static let one = parameters.memoryBound(columns: 1)

    private func key(_ number: Int) -> [UInt8] { Array("sensor-\(number)".utf8) }

    private func forests(memory: Int = 512 << 20, keys: Int = 1_000_000, seed: UInt64 = 1) throws -> Forests {
        try Forests(
            parameters: Self.parameters, dimensions: 1, seed: seed, limits: Forests.Limits(memoryBytes: memory, keys: keys))
    }

    private func score(_ forests: inout Forests, _ number: Int, _ value: Double) throws -> Double {
        try forests.withModel(of: key(number)) { forest throws(ForestError) in try forest.scoreAndLearn([value]) }
    }

    /// Which key comes next, and its value.
    private func next(_ random: inout RandomSource, keys: Int) -> (Int, Double) {
        (Int(random.next() % UInt64(keys)), random.unit() * 10)
    }

    @Test("a key's scores are the same whether its forest was always awake or slept between any two records")
    func sleeping() throws {
        var roomy = try forests()
        var narrow = try forests(memory: 5 * Self.one)
        #expect(narrow.awakeLimit == 2)
        var random = RandomSource(seed: 1, stream: 0)
        for _ in 0..<3_000 {
            let (number, value) = next(&random, keys: 7)
            #expect(try score(&roomy, number, value).bitPattern == score(&narrow, number, value).bitPattern)
            #expect(narrow.awakeCount <= 2 && narrow.memoryBytes <= 5 * Self.one)
        }
        #expect(roomy.awakeCount == 7 && roomy.count == 7 && narrow.count == 7)
        #expect(narrow.forgottenKeys == 0)
    }

    @Test("a key's scores do not depend on the other keys, and differ from those of another seed")
    func independence() throws {
        var alone = try forests()
        var together = try forests()
        var other = try forests(seed: 2)
        var random = RandomSource(seed: 2, stream: 0)
        var differs = false
        for t in 0..<300 {
            let value = random.unit()
            _ = try score(&together, 1 + t % 5, value)
            let expected = try score(&alone, 0, value)
            #expect(try score(&together, 0, value) == expected)
            if try score(&other, 0, value) != expected { differs = true }
        }
        #expect(differs)
    }

    @Test("beyond the number of keys the one used longest ago is forgotten, and begins anew when it comes again")
    func forgetting() throws {
        var few = try forests(keys: 3)
        for number in [0, 1, 2, 0] { _ = try score(&few, number, 1) }
        _ = try score(&few, 3, 1)
        #expect(few.count == 3 && few.forgottenKeys == 1)
        #expect([0, 1, 2, 3].map { few.contains(key($0)) } == [true, false, true, true])
        let records = try few.withModel(of: key(1)) { $0.recordCount }
        #expect(records == 0)
        #expect(!few.contains(key(2)) && few.forgottenKeys == 2)
        #expect(try few.withModel(of: key(0)) { $0.recordCount } == 2)
    }

    @Test("thousands of keys stay within the memory")
    func memory() throws {
        let memory = 40 * Self.one
        var bounded = try forests(memory: memory)
        var random = RandomSource(seed: 3, stream: 0)
        for _ in 0..<20_000 {
            let (number, value) = next(&random, keys: 2_000)
            _ = try score(&bounded, number, value)
            #expect(bounded.memoryBytes <= memory)
        }
        #expect(bounded.awakeCount == 20)
        #expect(bounded.count > 100)
        #expect(bounded.forgottenKeys > 0)
    }

    @Test("memory for less than two forests, or no key, is refused")
    func limits() throws {
        #expect(throws: ForestError.self) { try forests(memory: 2 * Self.one - 1) }
        #expect(throws: ForestError.self) { try forests(keys: 0) }
    }

    @Test("what throws leaves the key's forest as it was")
    func throwing() throws {
        var keyed = try forests()
        _ = try score(&keyed, 1, 1)
        #expect(throws: ForestError.unusableValue(column: 0, value: .infinity)) { try score(&keyed, 1, .infinity) }
        #expect(try keyed.withModel(of: key(1)) { $0.recordCount } == 1)
    }

    @Test("restored from their snapshot they go on as they would have, down to what is forgotten next")
    func continuation() throws {
        let memory = 12 * Self.one
        let limits = Forests.Limits(memoryBytes: memory, keys: 25)
        var straight = try forests(memory: memory, keys: 25)
        var restored = straight
        var random = RandomSource(seed: 4, stream: 0)
        for t in 0..<3_000 {
            if t % 50 == 0 {
                let bytes = restored.snapshot()
                restored = try Forests(restoring: bytes, parameters: Self.parameters, dimensions: 1, seed: 1, limits: limits)
                #expect(restored.snapshot() == bytes)
                #expect(restored.memoryBytes == straight.memoryBytes && restored.awakeCount == straight.awakeCount)
            }
            let (number, value) = next(&random, keys: 30)
            #expect(try score(&straight, number, value).bitPattern == score(&restored, number, value).bitPattern)
            #expect(straight.forgottenKeys == restored.forgottenKeys)
        }
        #expect(straight.forgottenKeys > 0)
        #expect(straight.snapshot() == restored.snapshot())
    }

    @Test("restored with narrower limits they keep to these at once")
    func narrower() throws {
        var wide = try forests()
        for number in 0..<20 { _ = try score(&wide, number, 1) }
        let narrow = try Forests(
            restoring: wide.snapshot(), parameters: Self.parameters, dimensions: 1, seed: 1,
            limits: Forests.Limits(memoryBytes: 4 * Self.one, keys: 5))
        #expect(narrow.count == 5 && narrow.awakeCount == 2 && narrow.memoryBytes <= 4 * Self.one)
        #expect((15..<20).allSatisfy { narrow.contains(key($0)) })
    }

    @Test("a snapshot cut short, altered, or of other parameters is refused")
    func damaged() throws {
        var keyed = try forests()
        for number in 0..<3 { _ = try score(&keyed, number, 1) }
        let bytes = keyed.snapshot()
        func restore(_ bytes: [UInt8], _ parameters: ForestParameters = Self.parameters) throws {
            _ = try Forests(restoring: bytes, parameters: parameters, dimensions: 1, seed: 1)
        }
        try restore(bytes)
        for index in stride(from: 0, to: bytes.count, by: 7) {
            #expect(throws: ForestError.self) { try restore(Array(bytes[..<index])) }
            var altered = bytes
            altered[index] ^= 1
            #expect(throws: ForestError.self) { try restore(altered) }
        }
        #expect(throws: ForestError.self) { try restore(bytes, ForestParameters(trees: 11, sampleSize: 16, timeDecay: 100)) }
    }

    @Test("detectors are kept by key as forests are")
    func detectors() throws {
        var roomy = try KeyedForests<AnomalyDetector>(parameters: Self.parameters, dimensions: 1, seed: 1)
        var narrow = try KeyedForests<AnomalyDetector>(
            parameters: Self.parameters, dimensions: 1, seed: 1,
            limits: KeyedForests<AnomalyDetector>.Limits(memoryBytes: 2 * Self.one))
        #expect(narrow.awakeLimit == 1)
        var random = RandomSource(seed: 5, stream: 0)
        for t in 0..<500 {
            let value = random.unit() + (t % 50 == 49 ? 20 : 0)
            let a = try roomy.withModel(of: key(t % 2)) { detector throws(ForestError) in try detector.process([value]) }
            let b = try narrow.withModel(of: key(t % 2)) { detector throws(ForestError) in try detector.process([value]) }
            #expect(a == b)
        }
    }
}
