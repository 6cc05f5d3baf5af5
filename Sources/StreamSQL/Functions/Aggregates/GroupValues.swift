/// One kept value a group, for MIN, MAX, FIRST_VALUE and LAST_VALUE.

/// A value, NULL or nothing yet for each group.
struct GroupValues: Sendable {
    let type: SQLType
    private var integers: [Int64] = []
    private var doubles: [Double] = []
    private var booleans: [Bool] = []
    private var bytes: [[UInt8]] = []
    private var nulls: [Bool] = []
    private var seen: [Bool] = []
    /// Bytes of all kept texts.
    private(set) var textBytes = 0

    init(_ type: SQLType) { self.type = type }

    var count: Int { seen.count }

    mutating func grow(to count: Int) {
        let missing = count - seen.count
        guard missing > 0 else { return }
        switch type.storage {
        case .booleans: booleans.append(contentsOf: repeatElement(false, count: missing))
        case .integers: integers.append(contentsOf: repeatElement(0, count: missing))
        case .doubles: doubles.append(contentsOf: repeatElement(0, count: missing))
        case .bytes: bytes.append(contentsOf: repeatElement([], count: missing))
        }
        nulls.append(contentsOf: repeatElement(true, count: missing))
        seen.append(contentsOf: repeatElement(false, count: missing))
    }

    mutating func removeAll() { self = GroupValues(type) }

    /// Keeps the value of each group's first row, or of its last.
    mutating func keep(groups: [Int], argument: Column, first: Bool, ignoresNulls: Bool = false) {
        for row in groups.indices {
            let group = groups[row]
            if first && seen[group] || ignoresNulls && argument.isNull(row) { continue }
            seen[group] = true
            set(group, argument, row)
        }
    }

    /// Keeps each group's smallest value, or its largest. NULLs are passed over.
    mutating func keepExtreme(groups: [Int], argument: Column, largest: Bool) {
        let argumentNulls = argument.nulls
        switch argument.values {
        case .integers(let values):
            for row in groups.indices {
                if let argumentNulls, argumentNulls[row] { continue }
                let group = groups[row]
                let value = values[row]
                if nulls[group] || (largest ? value > integers[group] : value < integers[group]) {
                    integers[group] = value
                    nulls[group] = false
                }
            }
        case .doubles(let values):
            for row in groups.indices {
                if let argumentNulls, argumentNulls[row] { continue }
                let group = groups[row]
                let value = values[row]
                if nulls[group] || (largest ? value > doubles[group] : value < doubles[group]) {
                    doubles[group] = value
                    nulls[group] = false
                }
            }
        case .bytes(let values):
            for row in groups.indices {
                if let argumentNulls, argumentNulls[row] { continue }
                let group = groups[row]
                let value = values.bytes[values.range(row)]
                if nulls[group]
                    || (largest ? bytes[group].lexicographicallyPrecedes(value) : value.lexicographicallyPrecedes(bytes[group]))
                {
                    textBytes += value.count - bytes[group].count
                    bytes[group] = Array(value)
                    nulls[group] = false
                }
            }
        case .booleans(let values):
            for row in groups.indices {
                if let argumentNulls, argumentNulls[row] { continue }
                let group = groups[row]
                if nulls[group] || values[row] == largest { booleans[group] = values[row] }
                nulls[group] = false
            }
        }
    }

    private mutating func set(_ group: Int, _ argument: Column, _ row: Int) {
        nulls[group] = argument.isNull(row)
        let (values, row) = argument.cell(row)
        switch values {
        case .booleans(let values): booleans[group] = values[row]
        case .integers(let values): integers[group] = values[row]
        case .doubles(let values): doubles[group] = values[row]
        case .bytes(let values):
            let value = values.bytes[values.range(row)]
            textBytes += value.count - bytes[group].count
            bytes[group] = Array(value)
        }
    }

    /// The kept values; NULL where there is none.
    var column: Column {
        let values: ColumnValues =
            switch type.storage {
            case .booleans: .booleans(booleans)
            case .integers: .integers(integers)
            case .doubles: .doubles(doubles)
            case .bytes: .bytes(Self.joined(bytes))
            }
        return Column(type, values, nulls: nulls.contains(true) ? nulls : nil)
    }

    private static func joined(_ bytes: some Sequence<[UInt8]>) -> ByteColumn {
        var joined = ByteColumn()
        for value in bytes {
            joined.bytes.append(contentsOf: value)
            joined.ends.append(joined.bytes.count)
        }
        return joined
    }

    var stateColumns: [Column] { [column, Column(.boolean, .booleans(seen))] }

    func stateColumns(of groups: [Int]) -> [Column] {
        let values: ColumnValues =
            switch type.storage {
            case .booleans: .booleans(groups.map { booleans[$0] })
            case .integers: .integers(groups.map { integers[$0] })
            case .doubles: .doubles(groups.map { doubles[$0] })
            case .bytes: .bytes(Self.joined(groups.lazy.map { bytes[$0] }))
            }
        let areNull = groups.map { nulls[$0] }
        return [
            Column(type, values, nulls: areNull.contains(true) ? areNull : nil),
            Column(.boolean, .booleans(groups.map { seen[$0] })),
        ]
    }

    init(_ type: SQLType, _ columns: [Column]) {
        self.type = type
        let kept = columns[0]
        switch kept.values {
        case .booleans(let values): booleans = values
        case .integers(let values): integers = values
        case .doubles(let values): doubles = values
        case .bytes(let values): bytes = (0..<values.count).map { Array(values.bytes[values.range($0)]) }
        }
        textBytes = bytes.reduce(0) { $0 + $1.count }
        nulls = kept.nulls ?? [Bool](repeating: false, count: kept.count)
        seen = columns[1].booleans
    }
}
