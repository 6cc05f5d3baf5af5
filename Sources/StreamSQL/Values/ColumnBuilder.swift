/// Builds a column value by value.

/// A column under construction. Appending never allocates per row beyond the growth of its arrays.
public struct ColumnBuilder: Sendable {
    public let type: SQLType
    private let storage: ColumnStorage
    private var booleans: [Bool] = []
    private var integers: [Int64] = []
    private var doubles: [Double] = []
    private var bytes = ByteColumn()
    private var nulls: [Bool] = []
    private var hasNulls = false

    public init(_ type: SQLType, capacity: Int = 0) {
        self.type = type
        storage = type.storage
        switch storage {
        case .booleans: booleans.reserveCapacity(capacity)
        case .integers: integers.reserveCapacity(capacity)
        case .doubles: doubles.reserveCapacity(capacity)
        case .bytes: bytes.ends.reserveCapacity(capacity)
        }
        nulls.reserveCapacity(capacity)
    }

    public var count: Int { nulls.count }

    public mutating func appendNull() {
        switch storage {
        case .booleans: booleans.append(false)
        case .integers: integers.append(0)
        case .doubles: doubles.append(0)
        case .bytes: bytes.ends.append(bytes.bytes.count)
        }
        nulls.append(true)
        hasNulls = true
    }

    /// - Precondition: the type stores booleans.
    public mutating func append(_ value: Bool) {
        precondition(storage == .booleans, "a boolean for a column of \(type)")
        booleans.append(value)
        nulls.append(false)
    }

    /// - Precondition: the type stores integers.
    public mutating func append(_ value: Int64) {
        precondition(storage == .integers, "an integer for a column of \(type)")
        integers.append(value)
        nulls.append(false)
    }

    /// - Precondition: the type stores doubles. A REAL is rounded to 32 bits.
    public mutating func append(_ value: Double) {
        precondition(storage == .doubles, "a double for a column of \(type)")
        doubles.append(type == .real ? Double(Float(value)) : value)
        nulls.append(false)
    }

    /// Appends text or binary as it is.
    /// - Precondition: the type stores bytes.
    public mutating func append(bytes value: UnsafeRawBufferPointer) {
        precondition(storage == .bytes, "bytes for a column of \(type)")
        bytes.bytes.append(contentsOf: value)
        bytes.ends.append(bytes.bytes.count)
        nulls.append(false)
    }

    /// Appends text or binary as it is.
    /// - Precondition: the type stores bytes.
    public mutating func append(bytes value: some Sequence<UInt8>) {
        precondition(storage == .bytes, "bytes for a column of \(type)")
        bytes.bytes.append(contentsOf: value)
        bytes.ends.append(bytes.bytes.count)
        nulls.append(false)
    }

    /// Appends a value of the column's storage; CHAR is padded with blanks to its length.
    /// - Precondition: the value is NULL or belongs to the type's storage.
    public mutating func append(_ value: SQLValue) {
        switch value {
        case .null: appendNull()
        case .boolean(let value): append(value)
        case .integer(let value): append(value)
        case .double(let value): append(value)
        case .binary(let value): append(bytes: value)
        case .text(let text):
            guard case .char(let length) = type else { return append(bytes: text.utf8) }
            let missing = max(0, length - text.unicodeScalars.count)
            append(bytes: Array(text.utf8) + [UInt8](repeating: UInt8(ascii: " "), count: missing))
        }
    }

    /// Takes back the rows from `count` on.
    public mutating func truncate(to count: Int) {
        guard count < nulls.count else { return }
        let surplus = nulls.count - count
        switch storage {
        case .booleans: booleans.removeLast(surplus)
        case .integers: integers.removeLast(surplus)
        case .doubles: doubles.removeLast(surplus)
        case .bytes:
            bytes.ends.removeLast(surplus)
            bytes.bytes.removeLast(bytes.bytes.count - (bytes.ends.last ?? 0))
        }
        nulls.removeLast(surplus)
    }

    /// The column of all rows appended.
    public consuming func finish() -> Column {
        let values: ColumnValues =
            switch storage {
            case .booleans: .booleans(booleans)
            case .integers: .integers(integers)
            case .doubles: .doubles(doubles)
            case .bytes: .bytes(bytes)
            }
        return Column(type, values, nulls: hasNulls && nulls.contains(true) ? nulls : nil)
    }
}

/// A batch under construction: rowtimes and one builder a column.
public struct ColumnBatchBuilder: Sendable {
    public var rowtimes: [Int64] = []
    public var columns: [ColumnBuilder]

    public init(_ types: [SQLType], capacity: Int = 0) {
        columns = types.map { ColumnBuilder($0, capacity: capacity) }
        rowtimes.reserveCapacity(capacity)
    }

    public var count: Int { rowtimes.count }

    /// Takes back the rows from `count` on, and values of a row that was not completed.
    public mutating func truncate(to count: Int) {
        if count < rowtimes.count { rowtimes.removeLast(rowtimes.count - count) }
        for index in columns.indices { columns[index].truncate(to: count) }
    }

    public consuming func finish() -> ColumnBatch {
        ColumnBatch(rowtimes: rowtimes, columns: columns.map { $0.finish() })
    }
}
