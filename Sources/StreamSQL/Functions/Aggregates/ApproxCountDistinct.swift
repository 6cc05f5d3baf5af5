/// APPROX_COUNT_DISTINCT(x): how many different values x has in a group, about, in a bounded memory.
///
/// Exact up to 1,024 values; above that with a standard error of 0.81 % (two results of three are within 0.81 % of the truth, 19 of 20 within 1.6 %). A group
/// takes at most 16 KiB. What comes out does not depend on the order of the rows.

import Glibc

extension AggregateFunction {
    static let approxCountDistinct = AggregateFunction(
        name: "APPROX_COUNT_DISTINCT",
        resolve: { argument throws(SignatureError) in
            guard let argument else { throw SignatureError("takes an expression, not *") }
            return Signature([argument], returns: .bigint)
        },
        makeAccumulator: { _, _ in DistinctSketchAccumulator() }
    ).with { $0.aliases = ["APPROX_DISTINCT"] }
}

private struct DistinctSketchAccumulator: Accumulator {
    private var sketches: [DistinctSketch] = []
    private var bytes = 0

    mutating func grow(to count: Int) { sketches.grow(to: count, DistinctSketch()) }

    mutating func update(groups: [Int], argument: Column?) {
        guard let argument else { return }
        var key: [UInt8] = []
        for row in groups.indices where !argument.isNull(row) {
            key.removeAll(keepingCapacity: true)
            argument.appendKeyBytes(row, into: &key)
            bytes += sketches[groups[row]].add(key)
        }
    }

    func results(errors: inout [RowError]) -> Column { Column(.bigint, .integers(sketches.map(\.count))) }
    var textBytes: Int { bytes }

    mutating func removeAll() {
        sketches.removeAll(keepingCapacity: true)
        bytes = 0
    }

    func stateColumns() -> [Column] { stateColumns(of: Array(sketches.indices)) }

    func stateColumns(of groups: [Int]) -> [Column] {
        var builder = ColumnBuilder(.varbinary(65_535), capacity: groups.count)
        for group in groups { builder.append(bytes: sketches[group].state) }
        return [builder.finish()]
    }

    mutating func restore(_ columns: [Column], count: Int) {
        let states = columns[0].byteColumn
        sketches = (0..<count).map { DistinctSketch(state: states.bytes[states.range($0)]) }
        bytes = sketches.reduce(0) { $0 + $1.byteCount }
    }
}

/// Counts byte strings: their hashes while they are few, then the registers of HyperLogLog (P. Flajolet et al., 2007), read by the estimator of O. Ertl, "New
/// cardinality estimation algorithms for HyperLogLog sketches" (2017), which has no bias at any count and needs no tables.
package struct DistinctSketch: Sendable, Hashable {
    private static let indexBits = 14
    private static let mostHashes = 1024

    /// In ascending order; none once there are registers.
    private var hashes: [UInt64] = []
    /// Empty while the count is exact.
    private var registers: [UInt8] = []

    package init() {}

    /// - Returns: how many bytes it grew by.
    @discardableResult
    package mutating func add(_ item: [UInt8]) -> Int { add(hash: DistinctCounter.hash(item)) }

    private mutating func add(hash: UInt64) -> Int {
        guard registers.isEmpty else {
            note(hash)
            return 0
        }
        let place = hashes.firstPlace { $0 >= hash }
        if place < hashes.count, hashes[place] == hash { return 0 }
        hashes.insert(hash, at: place)
        if hashes.count <= Self.mostHashes { return 8 }
        let before = hashes.count * 8 - 8
        spread()
        return registers.count - before
    }

    private mutating func spread() {
        registers = [UInt8](repeating: 0, count: 1 << Self.indexBits)
        for hash in hashes { note(hash) }
        hashes = []
    }

    private mutating func note(_ hash: UInt64) {
        let index = Int(hash >> UInt64(64 - Self.indexBits))
        // The bits behind the index; the last one set bounds the rank.
        let rank = UInt8(((hash << UInt64(Self.indexBits)) | 1 << UInt64(Self.indexBits - 1)).leadingZeroBitCount + 1)
        registers[index] = max(registers[index], rank)
    }

    /// Takes in what another sketch has seen: the same as if its items had been added here.
    package mutating func merge(_ other: DistinctSketch) {
        for hash in other.hashes { _ = add(hash: hash) }
        guard !other.registers.isEmpty else { return }
        if registers.isEmpty { spread() }
        for index in registers.indices { registers[index] = max(registers[index], other.registers[index]) }
    }

    package var count: Int64 {
        guard !registers.isEmpty else { return Int64(hashes.count) }
        let most = 64 - Self.indexBits
        var histogram = [Double](repeating: 0, count: most + 2)
        for register in registers { histogram[min(Int(register), most + 1)] += 1 }
        let size = Double(registers.count)
        var z = size * Self.tau(1 - histogram[most + 1] / size)
        for rank in stride(from: most, through: 1, by: -1) { z = 0.5 * (z + histogram[rank]) }
        z += size * Self.sigma(histogram[0] / size)
        let estimate = size / (2 * log(2)) * size / z
        return estimate < 9e18 ? Int64(estimate.rounded()) : .max
    }

    private static func sigma(_ fraction: Double) -> Double {
        if fraction == 1 { return .infinity }
        var (x, y, z, last) = (fraction, 1.0, fraction, -1.0)
        while z != last {
            x *= x
            last = z
            z += x * y
            y += y
        }
        return z
    }

    private static func tau(_ fraction: Double) -> Double {
        if fraction == 0 || fraction == 1 { return 0 }
        var (x, y, z, last) = (fraction, 1.0, 1 - fraction, -1.0)
        while z != last {
            x = x.squareRoot()
            last = z
            y *= 0.5
            z -= (1 - x) * (1 - x) * y
        }
        return z / 3
    }

    package var byteCount: Int { hashes.count * 8 + registers.count }

    // MARK: State

    /// The registers behind a 1, or the hashes behind a 0.
    package var state: [UInt8] {
        guard registers.isEmpty else { return [1] + registers }
        var bytes: [UInt8] = [0]
        for hash in hashes { withUnsafeBytes(of: hash.littleEndian) { bytes.append(contentsOf: $0) } }
        return bytes
    }

    /// What cannot be read is passed over: the columns of a snapshot have a checksum.
    package init(state: ArraySlice<UInt8>) {
        guard let kind = state.first else { return }
        var rest = state.dropFirst()
        if kind == 1 {
            if rest.count == 1 << Self.indexBits { registers = Array(rest) }
            return
        }
        while rest.count >= 8 {
            _ = add(hash: rest.prefix(8).reversed().reduce(0) { $0 << 8 | UInt64($1) })
            rest = rest.dropFirst(8)
        }
    }
}

extension RandomAccessCollection where Index == Int {
    /// The first place from which on something holds; the end where it nowhere does.
    func firstPlace(where holds: (Element) -> Bool) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
