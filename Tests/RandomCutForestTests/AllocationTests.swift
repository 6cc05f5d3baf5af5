/// In the steady state a point takes nothing from the heap, and the memory that a forest promises is what it takes.
import CAllocationCount
import RandomCutForest
import Testing

@Suite struct Allocations {
    @Test("scoring and learning a point allocates nothing once the forest is full", arguments: [(1, 1), (1, 8), (10, 1)])
    func steady(columns: Int, shingle: Int) throws {
        let parameters = ForestParameters(trees: 30, timeDecay: 2_560, shingleSize: shingle, mode: .library)
        var forest = try RandomCutForest(parameters: parameters, dimensions: columns, seed: 1)
        var random = RandomSource(seed: 15, stream: 0)
        let records = (0..<22_000).map { _ in (0..<columns).map { _ in random.unit() } }
        for record in records[..<20_000] { try forest.learn(record) }
        var sum = 0.0
        let before = allocations_of_this_thread()
        for record in records[20_000...] {
            sum += try forest.score(record)
            sum += try forest.scoreAndLearn(record)
        }
        #expect(allocations_of_this_thread() == before)
        #expect(sum > 0)
        // The counter counts: a new array is seen.
        let array = [Double](repeating: sum, count: Int(random.next() % 100) + 100)
        #expect(allocations_of_this_thread() > before && array[5] > 0)
    }

    @Test("a forest takes as much memory as it says, within the bound that its parameters promise")
    func bound() throws {
        for (trees, sampleSize, columns, shingle) in [
            (50, 64, 1, 1), (20, 256, 1, 8), (10, 300, 10, 1), (1, 10, 2, 30), (1_000, 10, 1, 1),
        ] {
            let parameters = ForestParameters(
                trees: trees, sampleSize: sampleSize, timeDecay: nil, shingleSize: shingle, mode: .library)
            let before = bytes_held_by_this_thread()
            var forest = try RandomCutForest(parameters: parameters, dimensions: columns, seed: 1)
            var random = RandomSource(seed: 15, stream: 0)
            for _ in 0..<5_000 { try forest.learn((0..<columns).map { _ in random.unit() }) }
            let taken = Double(bytes_held_by_this_thread() - before)
            #expect(abs(taken / Double(forest.memory) - 1) < 0.15, "\(taken) bytes taken, \(forest.memory) accounted for")
            #expect(forest.memory <= parameters.memoryBound(columns: columns))
            let restored = try RandomCutForest(restoring: forest.snapshot())
            #expect(restored.memory <= parameters.memoryBound(columns: columns))
        }
    }
}
