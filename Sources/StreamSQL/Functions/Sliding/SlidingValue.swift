/// Single values of columns, by the way columns store them: for windows that keep values.

/// A value as a column stores it.
protocol SlidingValue: Sendable {
    /// The values of a column, a row each.
    static func values(of column: Column) -> [Self]
    static func isBefore(_ a: Self, _ b: Self) -> Bool
    func append(to builder: inout ColumnBuilder)
    var byteCount: Int { get }
}

extension Bool: SlidingValue {
    static func values(of column: Column) -> [Bool] { column.booleans }
    static func isBefore(_ a: Bool, _ b: Bool) -> Bool { !a && b }
    func append(to builder: inout ColumnBuilder) { builder.append(self) }
    var byteCount: Int { 1 }
}

extension Int64: SlidingValue {
    static func values(of column: Column) -> [Int64] { column.integers }
    static func isBefore(_ a: Int64, _ b: Int64) -> Bool { a < b }
    func append(to builder: inout ColumnBuilder) { builder.append(self) }
    var byteCount: Int { 8 }
}

extension Double: SlidingValue {
    static func values(of column: Column) -> [Double] { column.doubles }
    static func isBefore(_ a: Double, _ b: Double) -> Bool { a < b }
    func append(to builder: inout ColumnBuilder) { builder.append(self) }
    var byteCount: Int { 8 }
}

/// A text or a binary.
struct SlidingBytes: SlidingValue {
    private let bytes: [UInt8]
    static func values(of column: Column) -> [SlidingBytes] {
        let all = column.byteColumn
        return (0..<all.count).map { SlidingBytes(bytes: Array(all.bytes[all.range($0)])) }
    }
    static func isBefore(_ a: SlidingBytes, _ b: SlidingBytes) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }
    func append(to builder: inout ColumnBuilder) { builder.append(bytes: bytes) }
    var byteCount: Int { bytes.count + 32 }
}

extension SQLType {
    /// The accumulator that `make` gives for values as a column of this type stores them.
    func withSlidingValue(_ make: (any SlidingValue.Type) -> any SlidingAccumulator) -> any SlidingAccumulator {
        switch storage {
        case .booleans: make(Bool.self)
        case .integers: make(Int64.self)
        case .doubles: make(Double.self)
        case .bytes: make(SlidingBytes.self)
        }
    }
}

/// Values of a partition's rows, each with the row's number; the oldest leave first.
struct SlidingQueue<Value: SlidingValue>: Sendable {
    private var items: [(row: Int64, value: Value?)] = []
    private var first = 0
    /// How many rows have entered and left.
    var entered: Int64 = 0
    var left: Int64 = 0

    var count: Int { items.count - first }
    /// The oldest is at 0.
    subscript(place: Int) -> Value? { items[first + place].value }

    mutating func append(_ value: Value?) { items.append((entered, value)) }

    /// Lets the oldest row leave.
    mutating func leave() {
        left += 1
        while first < items.count, items[first].row < left { first += 1 }
        if first > 32, first * 2 > items.count {
            items.removeFirst(first)
            first = 0
        }
    }

    mutating func removeLast() { items.removeLast() }
    /// Takes out the oldest, whether its row has left or not.
    mutating func removeFirst() {
        first += 1
        if first > 32, first * 2 > items.count {
            items.removeFirst(first)
            first = 0
        }
    }

    var byteCount: Int { 64 + items[first...].reduce(0) { $0 + 24 + ($1.value?.byteCount ?? 0) } }
}
