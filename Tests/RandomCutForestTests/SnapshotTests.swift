/// A restored forest goes on as if it had never been away; bytes that no forest wrote are refused.
import RandomCutForest
import Testing

@Suite struct Snapshots {
    private func record(_ random: inout RandomSource, columns: Int) -> [Double] {
        (0..<columns).map { _ in random.next() % 4 == 0 ? Double(random.next() % 6) : random.unit() * 10 }
    }

    @Test(
        "a forest restored at every seventh point gives the same scores to the bit",
        arguments: [
            (ForestParameters(trees: 12, sampleSize: 32, timeDecay: 90, shingleSize: 1), 1),
            (
                ForestParameters(
                    trees: 7, sampleSize: 20, timeDecay: 1_000, shingleSize: 4, mode: .library, initialAcceptFraction: 0.3), 2
            ),
            (ForestParameters(trees: 5, sampleSize: 16, timeDecay: nil, shingleSize: 2, mode: .library, outputAfter: 3), 3),
        ])
    func continuation(_ parameters: ForestParameters, columns: Int) throws {
        var straight = try RandomCutForest(parameters: parameters, dimensions: columns, seed: 11)
        var restored = straight
        var random = RandomSource(seed: 6, stream: 0)
        for t in 0..<700 {
            if t % 7 == 0 {
                let bytes = restored.snapshot()
                restored = try RandomCutForest(restoring: bytes)
                #expect(restored.snapshot() == bytes)
                #expect(restored.parameters == parameters)
            }
            if t == 350 {
                try straight.setTimeDecay(60)
                try restored.setTimeDecay(60)
                let bytes = restored.snapshot()
                restored = try RandomCutForest(restoring: bytes)
                return try afterwards(&straight, &restored, &random, columns)
            }
            let next = record(&random, columns: columns)
            #expect(try straight.attribution(next) == restored.attribution(next))
            #expect(try straight.scoreAndLearn(next).bitPattern == restored.scoreAndLearn(next).bitPattern)
        }
    }

    @Test("trees so lopsided that there is no room for all of their boxes score the same, however they came to be")
    func lopsided() throws {
        let parameters = ForestParameters(trees: 6, sampleSize: 64, timeDecay: 100, shingleSize: 1, mode: .library, outputAfter: 1)
        var straight = try RandomCutForest(parameters: parameters, dimensions: 2, seed: 4)
        var restored = straight
        var random = RandomSource(seed: 3, stream: 0)
        for t in 0..<600 {
            // Each value is far beyond all before it, so most cuts take one point off.
            let size = Double(sign: .plus, exponent: t % 90, significand: 1 + random.unit())
            let record = t % 5 == 0 ? [size, random.unit()] : [random.unit(), size]
            if t % 3 == 0 { restored = try RandomCutForest(restoring: restored.snapshot()) }
            #expect(try straight.attribution(record) == restored.attribution(record))
            #expect(try straight.scoreAndLearn(record).bitPattern == restored.scoreAndLearn(record).bitPattern)
        }
    }

    private func afterwards(_ a: inout RandomCutForest, _ b: inout RandomCutForest, _ random: inout RandomSource, _ columns: Int)
        throws
    {
        for _ in 0..<500 {
            let next = record(&random, columns: columns)
            #expect(try a.scoreAndLearn(next).bitPattern == b.scoreAndLearn(next).bitPattern)
        }
        #expect(a.snapshot() == b.snapshot())
    }

    @Test("one seed gives one sequence of scores, another seed another")
    func seeds() throws {
        func scores(_ seed: UInt64) throws -> [Double] {
            var forest = try RandomCutForest(parameters: ForestParameters(timeDecay: 300), dimensions: 1, seed: seed)
            var random = RandomSource(seed: 8, stream: 0)
            return try (0..<1_000).map { _ in try forest.scoreAndLearn([random.unit()]) }
        }
        let first = try scores(1)
        #expect(try scores(1) == first)
        #expect(try scores(2) != first)
    }

    private func small() throws -> [UInt8] {
        var forest = try RandomCutForest(
            parameters: ForestParameters(trees: 3, sampleSize: 8, timeDecay: 20, shingleSize: 2, mode: .library), dimensions: 1,
            seed: 2)
        for t in 0..<40 { try forest.learn([Double(t * t % 11)]) }
        return forest.snapshot()
    }

    /// Puts the right checksum (FNV-1a) under altered bytes, so that the checks behind it are reached.
    private func resealed(_ bytes: [UInt8]) -> [UInt8] {
        let body = bytes.dropLast(8)
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in body { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return body + (0..<8).map { UInt8(truncatingIfNeeded: hash >> UInt64(8 * $0)) }
    }

    @Test("a snapshot cut short anywhere or altered in any byte is refused")
    func damaged() throws {
        let bytes = try small()
        for length in 0..<bytes.count {
            #expect(throws: ForestError.self) { try RandomCutForest(restoring: Array(bytes[..<length])) }
            if length > 8 {
                #expect(throws: ForestError.self) { try RandomCutForest(restoring: resealed(Array(bytes[..<length]))) }
            }
            var altered = bytes
            altered[length] ^= 0x40
            #expect(throws: ForestError.self) { try RandomCutForest(restoring: altered) }
        }
        #expect(throws: ForestError.self) { try RandomCutForest(restoring: resealed(bytes + [0])) }
        var newer = bytes
        for version in [UInt8(1), 3] {
            newer[4] = version
            #expect(throws: ForestError.unsupportedSnapshot(version: version)) { try RandomCutForest(restoring: newer) }
        }
    }

    @Test("a snapshot whose forest may grow beyond the limit given is refused before its memory is taken")
    func limited() throws {
        let forest = try RandomCutForest(parameters: .library, dimensions: 1, seed: 2)
        let bound = forest.parameters.memoryBound(columns: 1)
        let bytes = forest.snapshot()
        #expect(throws: ForestError.self) { try RandomCutForest(restoring: bytes, memoryLimit: bound - 1) }
        #expect(try RandomCutForest(restoring: bytes, memoryLimit: bound).recordCount == 0)
    }

    @Test("bytes altered with intent, checksum and all, either are refused or make a forest that works")
    func hostile() throws {
        let bytes = try small()
        var random = RandomSource(seed: 10, stream: 0)
        for round in 0..<20_000 {
            var altered = bytes
            for _ in 0...(round % 3) {
                let place = 5 + Int(random.next() % UInt64(bytes.count - 13))
                altered[place] = [UInt8(truncatingIfNeeded: random.next()), 0, 0xFF, altered[place] &+ 1][Int(random.next() % 4)]
            }
            guard var forest = try? RandomCutForest(restoring: resealed(altered)), forest.dimensions <= 8 else { continue }
            for t in 0..<30 {
                let score = try forest.scoreAndLearn([Double](repeating: Double(t), count: forest.dimensions))
                #expect(score.isFinite)
            }
        }
    }
}
