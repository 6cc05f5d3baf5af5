/// The count of COUNT_DISTINCT_ITEMS_TUMBLING: exact up to 10,000 items, then HyperLogLog (SQL Reference, "COUNT_DISTINCT_ITEMS_TUMBLING").

import Glibc

extension AggregateFunction {
    /// Not in the table: programs write COUNT(DISTINCT x), which is exact.
    static let distinctItems = AggregateFunction(
        name: "DISTINCT_ITEMS", resolve: { Signature($0.map { [$0] } ?? [], returns: .bigint) },
        makeAccumulator: { _, _ in DistinctItemsAccumulator() })
}

private struct DistinctItemsAccumulator: Accumulator {
    private var counters: [DistinctCounter] = []

    mutating func grow(to count: Int) { counters.grow(to: count, DistinctCounter()) }

    mutating func update(groups: [Int], argument: Column?) {
        guard let argument else { return }
        var key: [UInt8] = []
        for row in groups.indices where !argument.isNull(row) {
            key.removeAll(keepingCapacity: true)
            argument.appendKeyBytes(row, into: &key)
            counters[groups[row]].add(key)
        }
    }

    func results(errors: inout [RowError]) -> Column { Column(.bigint, .integers(counters.map(\.count))) }
    var textBytes: Int { counters.reduce(0) { $0 + $1.byteCount } }
    mutating func removeAll() { counters.removeAll(keepingCapacity: true) }
    func stateColumns() -> [Column] { stateColumns(of: Array(counters.indices)) }

    func stateColumns(of groups: [Int]) -> [Column] {
        var builder = ColumnBuilder(.varbinary(65_535), capacity: groups.count)
        for group in groups { builder.append(bytes: counters[group].state) }
        return [builder.finish()]
    }

    mutating func restore(_ columns: [Column], count: Int) {
        let states = columns[0].byteColumn
        counters = (0..<count).map { DistinctCounter(state: states.bytes[states.range($0)]) }
    }
}

/// Counts byte strings: a set of them while they are few, then the registers of HyperLogLog (P. Flajolet et al., 2007) with a standard error of 0.8 %.
struct DistinctCounter: Sendable {
    private static let mostExact = 10_000
    private static let indexBits: UInt64 = 14

    private var exact: Set<[UInt8]> = []
    private var exactBytes = 0
    /// Empty while the count is exact.
    private var registers: [UInt8] = []

    init() {}

    mutating func add(_ item: [UInt8]) {
        guard registers.isEmpty else { return note(item) }
        guard exact.insert(item).inserted else { return }
        exactBytes += item.count
        if exact.count <= Self.mostExact { return }
        registers = [UInt8](repeating: 0, count: 1 << Self.indexBits)
        for item in exact { note(item) }
        (exact, exactBytes) = ([], 0)
    }

    private mutating func note(_ item: [UInt8]) {
        let hash = Self.hash(item)
        let index = Int(hash >> (64 - Self.indexBits))
        // The bits behind the index; the last one set bounds the rank.
        let rank = UInt8(((hash << Self.indexBits) | 1 << (Self.indexBits - 1)).leadingZeroBitCount + 1)
        registers[index] = max(registers[index], rank)
    }

    /// The same in every build and process, for it is part of the state: FNV-1a, its bits then mixed as MurmurHash3 does at its end.
    static func hash(_ bytes: [UInt8]) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ hash >> 33) &* 0xff51_afd7_ed55_8ccd
        hash = (hash ^ hash >> 33) &* 0xc4ce_b9fe_1a85_ec53
        return hash ^ hash >> 33
    }

    var count: Int64 {
        guard !registers.isEmpty else { return Int64(exact.count) }
        let size = Double(registers.count)
        var sum = 0.0
        var zeros = 0
        for register in registers {
            sum += Double(sign: .plus, exponent: -Int(register), significand: 1)
            if register == 0 { zeros += 1 }
        }
        let estimate = 0.7213 / (1 + 1.079 / size) * size * size / sum
        let isSmall = estimate <= 2.5 * size && zeros > 0
        return Int64((isSmall ? size * log(size / Double(zeros)) : estimate).rounded())
    }

    var byteCount: Int { exactBytes + exact.count * 48 + registers.count }

    // MARK: State

    /// The registers behind a 1, or the items with their lengths behind a 0, in the order of their bytes.
    var state: [UInt8] {
        guard registers.isEmpty else { return [1] + registers }
        var bytes: [UInt8] = [0]
        for item in exact.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            withUnsafeBytes(of: UInt32(item.count).littleEndian) { bytes.append(contentsOf: $0) }
            bytes += item
        }
        return bytes
    }

    /// What cannot be read is passed over: the columns of a snapshot have a checksum.
    init(state: ArraySlice<UInt8>) {
        guard let kind = state.first else { return }
        var rest = state.dropFirst()
        if kind == 1 {
            if rest.count == 1 << Self.indexBits { registers = Array(rest) }
            return
        }
        while rest.count >= 4 {
            let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            if length > rest.count { return }
            exact.insert(Array(rest.prefix(length)))
            exactBytes += length
            rest = rest.dropFirst(length)
        }
    }
}
