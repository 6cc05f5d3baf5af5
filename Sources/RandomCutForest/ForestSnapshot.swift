/// A forest's state as bytes, format 2.
///
/// "MRCF", version, mode; trees, sample size, time decay (0: none), shingle, columns, output-after + 1 (0: default), accept
/// fraction; records, offered, decay offset, decay changed at; the window; the points; per tree its random state, which point it takes
/// next, its shape in preorder (dimension + 1 and value, or 0 and point) and its sample in heap order (leaf ordinal and key); checksum.
/// Boxes and masses follow from these. Coordinates and cuts are of single precision, in little-endian order. Format 1, which no release
/// wrote, had them in double precision and is refused.
enum ForestSnapshot {
    private static let magic: [UInt8] = [0x4D, 0x52, 0x43, 0x46]
    private static let version: UInt8 = 2
    /// Counters stay far from overflow however long a restored forest runs on.
    private static let largestCounter = 1 << 53

    // MARK: Writing

    static func write(_ storage: ForestStorage) -> [UInt8] {
        let parameters = storage.parameters
        var writer = SnapshotWriter()
        writer.reserve(
            128 + parameters.trees * (48 + storage.units[0].sample.count * 19) + storage.points.count * storage.dimensions * 4)
        for byte in magic { writer.byte(byte) }
        writer.byte(version)
        writer.byte(parameters.mode.rawValue)
        writer.count(parameters.trees)
        writer.count(parameters.sampleSize)
        writer.count(parameters.timeDecay ?? 0)
        writer.count(parameters.shingleSize)
        writer.count(storage.columns)
        writer.count(parameters.outputAfter.map { $0 + 1 } ?? 0)
        writer.double(parameters.initialAcceptFraction)
        writer.count(storage.records)
        writer.count(storage.offered)
        writer.double(storage.decayOffset)
        writer.count(storage.decayChangedAt)
        for i in 0..<storage.dimensions { writer.float(storage.window[i]) }

        let (slots, numbers) = numberPoints(storage)
        writer.count(slots.count)
        for slot in slots {
            let point = storage.points.point(slot)
            for i in 0..<storage.dimensions { writer.float(point[i]) }
        }
        var ordinals = [Int](repeating: 0, count: parameters.sampleSize)
        for number in 0..<parameters.trees {
            write(storage.units[number].random, to: &writer)
            writer.count(storage.units[number].sample.next)
            storage.units[number].tree.write(to: &writer, numbers: numbers, ordinals: &ordinals)
            let count = storage.units[number].sample.count
            writer.count(count)
            for index in 0..<count {
                writer.count(ordinals[Int(storage.units[number].sample.leaf(at: index))])
                writer.double(storage.units[number].sample.key(at: index))
            }
        }
        writer.word(snapshotChecksum(writer.bytes[...]))
        return writer.bytes
    }

    private static func write(_ random: RandomSource, to writer: inout SnapshotWriter) {
        writer.word(random.state.0)
        writer.word(random.state.1)
        writer.word(random.state.2)
        writer.word(random.state.3)
    }

    /// The slots in use in the order of their first appearance, and each slot's number in that order.
    private static func numberPoints(_ storage: ForestStorage) -> (slots: [UInt32], numbers: [UInt32]) {
        var slots: [UInt32] = []
        var numbers = [UInt32](repeating: .max, count: storage.points.capacity)
        for number in 0..<storage.parameters.trees {
            // Leaves may be numbered otherwise after a restoration; the sample's order stays.
            for index in 0..<storage.units[number].sample.count {
                let slot = storage.units[number].tree.slot(of: storage.units[number].sample.leaf(at: index))
                guard numbers[Int(slot)] == .max else { continue }
                numbers[Int(slot)] = UInt32(slots.count)
                slots.append(slot)
            }
        }
        return (slots, numbers)
    }

    // MARK: Reading

    static func read(_ bytes: [UInt8], memoryLimit: Int) throws(ForestError) -> ForestStorage {
        guard bytes.count > magic.count, bytes.starts(with: magic) else {
            throw .damagedSnapshot(reason: "it does not begin as one")
        }
        guard bytes[magic.count] == version else { throw .unsupportedSnapshot(version: bytes[magic.count]) }
        guard bytes.count >= magic.count + 9 else { throw .damagedSnapshot(reason: "it ends too early") }
        let body = bytes[..<(bytes.count - 8)]
        var last = SnapshotReader(bytes[(bytes.count - 8)...])
        guard try last.word() == snapshotChecksum(body) else { throw .damagedSnapshot(reason: "its checksum is wrong") }

        var reader = SnapshotReader(body[(magic.count + 1)...])
        let (parameters, columns) = try readParameters(&reader)
        let dimensions = columns * parameters.shingleSize
        let memory = parameters.memoryBound(columns: columns)
        guard memory <= memoryLimit else {
            throw .damagedSnapshot(reason: "its forest may take \(memory) bytes of memory, above the limit of \(memoryLimit)")
        }
        let records = try reader.count(upTo: largestCounter)
        let offered = try reader.count(upTo: records)
        let decayOffset = try reader.double()
        let decayChangedAt = try reader.count(upTo: offered)
        guard decayOffset.magnitude <= Double(largestCounter), offered == max(records - parameters.shingleSize + 1, 0) else {
            throw .damagedSnapshot(reason: "its counters contradict each other")
        }
        let window = try readCoordinates(&reader, count: dimensions)

        let pointCount = try reader.count(upTo: parameters.trees * parameters.sampleSize)
        guard pointCount <= reader.remaining / (4 * dimensions) else { throw .damagedSnapshot(reason: "it ends too early") }
        var points = PointStore(dimensions: dimensions, capacity: pointCount + pointCount / 8 + 32)
        for _ in 0..<pointCount {
            let point = try readCoordinates(&reader, count: dimensions)
            point.withUnsafeBufferPointer { if let base = $0.baseAddress { _ = points.add(base) } }
        }

        let storage = ForestStorage(restoring: parameters, columns: columns, points: points)
        storage.window.update(from: window, count: dimensions)
        storage.records = records
        storage.offered = offered
        storage.decayOffset = decayOffset
        storage.decayChangedAt = decayChangedAt
        for _ in 0..<parameters.trees { try readUnit(&reader, into: storage, pointCount: pointCount) }
        storage.makeRoom()
        guard storage.points.count == pointCount else { throw .damagedSnapshot(reason: "it holds a point that no tree does") }
        guard reader.remaining == 0 else { throw .damagedSnapshot(reason: "it goes on after its end") }
        return storage
    }

    private static func readParameters(_ reader: inout SnapshotReader) throws(ForestError) -> (ForestParameters, columns: Int) {
        guard let mode = ScoreMode(rawValue: try reader.byte()) else { throw .damagedSnapshot(reason: "its mode is unknown") }
        let limit = Int(Int32.max)
        let trees = try reader.count(upTo: limit)
        let sampleSize = try reader.count(upTo: limit)
        let timeDecay = try reader.count(upTo: limit)
        let shingleSize = try reader.count(upTo: limit)
        let columns = try reader.count(upTo: limit)
        let outputAfter = try reader.count(upTo: largestCounter + 1)
        let parameters = ForestParameters(
            trees: trees, sampleSize: sampleSize, timeDecay: timeDecay == 0 ? nil : timeDecay, shingleSize: shingleSize, mode: mode,
            outputAfter: outputAfter == 0 ? nil : outputAfter - 1, initialAcceptFraction: try reader.double())
        try parameters.validate(columns: columns)
        return (parameters, columns)
    }

    private static func readCoordinates(_ reader: inout SnapshotReader, count: Int) throws(ForestError) -> [Float] {
        guard count <= reader.remaining / 4 else { throw .damagedSnapshot(reason: "it ends too early") }
        var coordinates: [Float] = []
        coordinates.reserveCapacity(count)
        for _ in 0..<count {
            let value = try reader.float()
            guard value.magnitude <= Float(ForestStorage.largestCoordinate) else {
                throw .damagedSnapshot(reason: "it holds a value that no forest learns")
            }
            coordinates.append(value + 0)
        }
        return coordinates
    }

    private static func readUnit(_ reader: inout SnapshotReader, into storage: ForestStorage, pointCount: Int) throws(ForestError) {
        let state = (try reader.word(), try reader.word(), try reader.word(), try reader.word())
        guard let random = RandomSource(state: state) else { throw .damagedSnapshot(reason: "a random state is impossible") }
        let next = try reader.count(upTo: Reservoir.farthest)
        guard next >= storage.offered else { throw .damagedSnapshot(reason: "a tree waits for a point that is past") }
        var unit = storage.emptyUnit(random: random)

        var shape = try readShape(&reader, storage: storage, pointCount: pointCount)
        let count = try reader.count(upTo: storage.parameters.sampleSize)
        guard count <= storage.offered, (count == 0) == (storage.offered == 0) else {
            throw .damagedSnapshot(reason: "a tree holds more points than it was offered, or none")
        }
        var entries: [(key: Double, leaf: UInt16)] = []
        var masses = [Int](repeating: 0, count: shape.leaves.count)
        for _ in 0..<count {
            let ordinal = try reader.count(upTo: shape.leaves.count - 1)
            entries.append((key: try reader.double(), leaf: UInt16(ordinal)))
            masses[ordinal] += 1
        }
        for (ordinal, leaf) in shape.leaves.enumerated() { shape.steps[leaf.step] = .leaf(slot: leaf.slot, mass: masses[ordinal]) }
        if let reason = unit.tree.rebuild(shape.steps, store: storage.points) { throw .damagedSnapshot(reason: reason) }
        guard unit.sample.restore(entries, next: next) else { throw .damagedSnapshot(reason: "a sample is out of order") }
        storage.append(unit)
    }

    /// A tree's steps, and its leaves with their place among them.
    private typealias Shape = (steps: [CutTree.Step], leaves: [(step: Int, slot: UInt32)])

    private static func readShape(_ reader: inout SnapshotReader, storage: ForestStorage, pointCount: Int) throws(ForestError)
        -> Shape
    {
        let stepCount = try reader.count(upTo: 2 * storage.parameters.sampleSize - 1)
        var shape: Shape = ([], [])
        for step in 0..<stepCount {
            let kind = try reader.count(upTo: storage.dimensions)
            if kind == 0 {
                let slot = UInt32(try reader.count(upTo: pointCount - 1))
                shape.leaves.append((step: step, slot: slot))
                shape.steps.append(.leaf(slot: slot, mass: 0))
            } else {
                shape.steps.append(.node(dimension: kind - 1, value: try reader.float()))
            }
        }
        return shape
    }
}

extension CutTree {
    /// Writes the tree's shape in preorder and notes in `ordinals`, by leaf, at which place among the leaves each came.
    fileprivate func write(to writer: inout SnapshotWriter, numbers: [UInt32], ordinals: inout [Int]) {
        var steps = 0
        visit { _ in steps += 1 }
        writer.count(steps)
        var leaves = 0
        visit { reference in
            if reference < Self.leafFlag {
                writer.count(Int(nodes[Int(reference)].dimension) + 1)
                writer.float(nodes[Int(reference)].value)
            } else {
                let leaf = Int(reference & ~Self.leafFlag)
                writer.count(0)
                writer.count(Int(numbers[Int(leafPoints[leaf])]))
                ordinals[leaf] = leaves
                leaves += 1
            }
        }
    }

    /// Calls `body` for every node and leaf in preorder.
    private func visit(_ body: (UInt16) -> Void) {
        var waiting = root == Self.none ? [] : [root]
        while let reference = waiting.popLast() {
            body(reference)
            guard reference < Self.leafFlag else { continue }
            waiting.append(nodes[Int(reference)].right)
            waiting.append(nodes[Int(reference)].left)
        }
    }
}
