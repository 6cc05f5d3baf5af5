/// Trees of a given shape score and explain as computed by hand; trees cut at random are distributed as the paper says.
import RandomCutForest
import Testing

/// A tree with the store behind it, addressed by coordinates.
struct HandTree: ~Copyable {
    var tree: CutTree
    var points: PointStore
    let table: ScoreTable
    let scratch: UnsafeMutablePointer<Float>
    private var leaves: [[Double]: [UInt16]] = [:]
    private var slots: [[Double]: UInt32] = [:]

    init(dimensions: Int, capacity: Int = 256) {
        tree = CutTree(dimensions: dimensions, capacity: capacity)
        points = PointStore(dimensions: dimensions, capacity: 4_096)
        table = ScoreTable(sampleSize: capacity)
        scratch = .allocate(capacity: 2 * dimensions)
        scratch.initialize(repeating: 0, count: 2 * dimensions)
    }

    deinit { scratch.deallocate() }

    private mutating func slot(_ point: [Double]) -> UInt32 {
        if let slot = slots[point] { return slot }
        let slot = points.add(point.map { Float($0) })
        slots[point] = slot
        return slot
    }

    mutating func insert(_ point: [Double], cut: (depth: Int, dimension: Int, value: Float)? = nil) {
        let leaf = tree.insert(slot(point), in: points, cut: cut)
        leaves[point, default: []].append(leaf)
    }

    mutating func insert(_ point: [Double], random: inout RandomSource) {
        let leaf = tree.insert(slot(point), in: points, random: &random, scratch: scratch)
        leaves[point, default: []].append(leaf)
    }

    mutating func delete(_ point: [Double]) {
        guard let leaf = leaves[point]?.popLast() else { return }
        tree.delete(leaf: leaf, in: points, scratch: scratch)
    }

    func score(_ query: [Double], mode: ScoreMode = .library) -> Double {
        tree.score(query.map { Float($0) }, store: points, table: table, mode: mode, scratch: scratch)
    }

    func attribution(_ query: [Double], mode: ScoreMode = .library) -> [Double] {
        tree.attribution(query.map { Float($0) }, store: points, table: table, mode: mode)
    }

    /// The tree of section 8: five points, three cuts.
    static func golden() -> HandTree {
        var hand = HandTree(dimensions: 2)
        hand.insert([0, 0])
        hand.insert([3, 9], cut: (depth: 0, dimension: 1, value: 5))
        hand.insert([2, 1], cut: (depth: 1, dimension: 0, value: 1))
        hand.insert([2, 1])
        hand.insert([10, 4], cut: (depth: 0, dimension: 0, value: 9.5))
        return hand
    }

    func expect(_ query: [Double], _ score: Double, _ cells: [Double]? = nil, _ location: SourceLocation = #_sourceLocation) {
        #expect(abs(self.score(query) - score) < 1e-6, "\(query)", sourceLocation: location)
        let found = attribution(query)
        #expect(abs(found.reduce(0, +) - score) < 2e-6, "\(query)", sourceLocation: location)
        for (a, b) in zip(found, cells ?? found) { #expect(abs(a - b) < 1e-6, "\(query): \(found)", sourceLocation: location) }
    }
}

@Suite struct GoldenTree {
    @Test("the five-point tree gives the scores and attributions computed from the formulas")
    func full() {
        let tree = HandTree.golden()
        tree.expect([0, 0], 0.581617, [0, 0, 0.387744, 0.193872])
        tree.expect([2, 1], 0.451033, [0.300689, 0.150344, 0, 0])
        tree.expect([3, 9], 0.775489, [0.058047, 0.681412, 0.018015, 0.018015])
        tree.expect([10, 4], 1.163233, [0.783306, 0.126642, 0.126642, 0.126642])
        tree.expect([2, 2], 0.700094, [0, 0.700094, 0, 0])
        tree.expect([20, 4], 1.738164, [1.738164, 0, 0, 0])
        tree.expect([5, -3], 1.162312, [0.362698, 0, 0, 0.799614])
        tree.expect([4, 5], 0.828514, [0.342452, 0.486061, 0, 0])
        tree.expect([-1, 12], 1.250335, [0, 0.766156, 0.484179, 0])
        tree.expect([2, 0.5], 0.646241, [0, 0, 0, 0.646241])
        tree.expect([6, 5], 0.900820, [0.579658, 0.321162, 0, 0])
    }

    @Test("deleting points corrects masses and boxes")
    func deletion() {
        var tree = HandTree.golden()
        tree.delete([10, 4])
        tree.expect([20, 4], 1.821513, [1.755744, 0.065769, 0, 0])
        tree.expect([2, 1], 0.485764, [0.323843, 0.161921, 0, 0])
        tree.delete([2, 1])
        tree.expect([2, 1], 0.555556)
        tree.expect([3, 9], 0.833333)
    }

    @Test("deleting a point in the middle puts its sibling in the parent's place")
    func deletionInTheMiddle() {
        var tree = HandTree.golden()
        tree.delete([3, 9])
        tree.expect([2, 8], 1.328659, [0, 1.328659, 0, 0])
        tree.expect([5, 5], 1.130005, [0.417947, 0.712058, 0, 0])
        tree.expect([10, 4], 1.015844, [0.687112, 0.274587, 0.027072, 0.027072])
    }

    @Test("in SQL mode the attribution sums to the SQL score, for seen and unseen points")
    func sqlMode() {
        let tree = HandTree.golden()
        for query in [[0.0, 0], [2, 1], [3, 9], [10, 4], [2, 2], [-1, 12]] {
            let score = tree.score(query, mode: .kinesisSQL)
            #expect(abs(tree.attribution(query, mode: .kinesisSQL).reduce(0, +) - score) < 1e-9 * score)
        }
    }

    @Test("a tree emptied point by point scores 0 and takes points again")
    func emptied() {
        var tree = HandTree.golden()
        for point in [[0.0, 0], [3, 9], [2, 1], [2, 1], [10, 4]] { tree.delete(point) }
        #expect(tree.tree.mass == 0)
        #expect(tree.score([1, 1]) == 0)
        tree.insert([1, 1])
        #expect(abs(tree.score([1, 1]) - 0.5) < 1e-12)
    }
}

@Suite struct CutDistribution {
    @Test("a box is cut in each dimension in proportion to its side, uniformly along it")
    func sides() {
        var random = RandomSource(seed: 1, stream: 0)
        let corner = [1.0, 2, 7]
        var counts = [0, 0, 0]
        var position = 0.0
        for _ in 0..<10_000 {
            var hand = HandTree(dimensions: 3)
            hand.insert([0, 0, 0], random: &random)
            hand.insert(corner, random: &random)
            guard let cut = hand.tree.rootCut else {
                Issue.record("two points were not cut")
                return
            }
            #expect(cut.value >= 0 && cut.value < corner[cut.dimension])
            counts[cut.dimension] += 1
            position += cut.value / corner[cut.dimension]
        }
        for (count, share) in zip(counts, [0.1, 0.2, 0.7]) { #expect(abs(Double(count) / 10_000 - share) < 0.02) }
        #expect(abs(position / 10_000 - 0.5) < 0.012)
    }

    static let orders: [[Double]] = permutations([0, 1, 3, 10])

    @Test("whatever the order of insertion, the root separates at each gap in proportion to its width", arguments: orders)
    func order(_ order: [Double]) { check(order, between: []) }

    @Test("so it does after far points came and went in between", arguments: [[50.0], [-20], [50, -20]])
    func comings(_ visitors: [Double]) { check([3, 0, 10, 1], between: visitors) }

    private func check(_ order: [Double], between visitors: [Double]) {
        var random = RandomSource(seed: 2, stream: 0)
        var counts = [0, 0, 0]
        for _ in 0..<10_000 {
            var hand = HandTree(dimensions: 1)
            for (index, value) in order.enumerated() {
                hand.insert([value], random: &random)
                if index == 1 { for visitor in visitors { hand.insert([visitor], random: &random) } }
            }
            for visitor in visitors { hand.delete([visitor]) }
            guard let cut = hand.tree.rootCut else { continue }
            counts[cut.value < 1 ? 0 : cut.value < 3 ? 1 : 2] += 1
        }
        for (count, share) in zip(counts, [0.1, 0.2, 0.7]) { #expect(abs(Double(count) / 10_000 - share) < 0.02) }
    }

    private static func permutations(_ values: [Double]) -> [[Double]] {
        guard values.count > 1 else { return [values] }
        return values.indices.flatMap { index in
            var rest = values
            let first = rest.remove(at: index)
            return permutations(rest).map { [first] + $0 }
        }
    }
}
