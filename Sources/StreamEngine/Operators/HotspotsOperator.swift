/// HOTSPOTS: adds to each row the dense regions among the last rows.

import StreamSQL

/// The page names DBSCAN and leaves the rest open. Here (M. Ester et al., "A Density-Based Algorithm for Discovering Clusters", 1996), of the last
/// `windowSize` rows up to the current one: rows within the radius of each other are neighbours; a row with `leastPoints` of them, itself counted, is a
/// core; cores that are neighbours, and their neighbours, are one region. A region's size is the product of its extents, each at least the radius, so that
/// its density, rows by size, is finite. Regions are given by falling density. A row with NULL in a numeric column is no point: its result is NULL.
struct HotspotsOperator: WholeStateOperator {
    private let call: HotspotsCall
    private let inputColumns: [ColumnDefinition]
    private let columns: [ColumnDefinition]
    private var points: HotspotPoints
    var frozen = WholeState()

    init(_ call: HotspotsCall, inputColumns: [ColumnDefinition], columns: [ColumnDefinition]) {
        self.call = call
        self.inputColumns = inputColumns
        self.columns = columns
        points = HotspotPoints(call)
    }

    mutating func process(_ inputs: [EdgeUpdate], _ context: inout OperatorContext) -> EdgeUpdate {
        let input = inputs[0].rows
        if input.isEmpty { return inputs[0].with(.empty(columns)) }
        let dimensions = call.inputs.map { input.batch.columns[$0] }
        let values = dimensions.map { column in
            if case .doubles(let values) = column.values { return values }
            return column.integers.map { Double($0) }
        }
        var results = ColumnBuilder(columns[columns.count - 1].type, capacity: input.count)
        var errors: [RowError] = []
        for row in 0..<input.count {
            if dimensions.contains(where: { $0.isNull(row) }) {
                results.appendNull()
                continue
            }
            let point = values.map { $0[row] }
            guard point.allSatisfy(\.isFinite) else {
                errors.append(RowError(row: row, name: "Invalid argument", message: "HOTSPOTS: a number is not finite."))
                results.appendNull()
                continue
            }
            points.append(point)
            results.append(.text(points.text))
        }
        var output = input
        output.batch.columns.append(results.finish())
        guard let keep = context.reject(errors, of: input, columns: inputColumns) else { return inputs[0].with(output) }
        return inputs[0].with(output.filtered(by: keep))
    }

    // MARK: State

    var stateBytes: Int { points.byteCount }

    var state: OperatorState? {
        let names = call.inputs.map { "\"\(inputColumns[$0].name)\" \(inputColumns[$0].type)" }.joined(separator: ", ")
        return OperatorState(
            kind: "hotspots", version: 1,
            signature: "(\(names)) \(call.windowSize), \(call.radius.bitPattern), \(call.leastPoints)")
    }

    func write(to writer: inout StateWriter) {
        for column in points.columns { writer.write(Column(.double, .doubles(column))) }
    }

    mutating func read(from reader: inout StateReader) throws(SnapshotError) {
        var columns: [[Double]] = []
        for _ in call.inputs { columns.append(try reader.column(.double, rows: columns.first?.count).doubles) }
        let count = columns.first?.count ?? 0
        guard count <= call.windowSize else { throw .damaged("there are too many points") }
        for row in 0..<count { points.append(columns.map { $0[row] }) }
    }
}

/// The last points, and which of them are neighbours: a bit for each pair.
private struct HotspotPoints: Sendable {
    private let call: HotspotsCall
    private let words: Int
    /// In places that are used again in turn.
    private var points: [[Double]] = []
    private var neighbours: [[UInt64]] = []
    private var counts: [Int] = []
    private var next = 0

    init(_ call: HotspotsCall) {
        self.call = call
        words = (call.windowSize + 63) / 64
    }

    var byteCount: Int { points.count * (call.inputs.count * 8 + words * 8 + 80) }

    /// The coordinates, column by column, the oldest point first.
    var columns: [[Double]] {
        let order = Array(next..<points.count) + Array(0..<min(next, points.count))
        return call.inputs.indices.map { dimension in order.map { points[$0][dimension] } }
    }

    mutating func append(_ point: [Double]) {
        if next == call.windowSize { next = 0 }
        let place = next
        if place < points.count {
            forget(place)
            points[place] = point
        } else {
            points.append(point)
            neighbours.append([UInt64](repeating: 0, count: words))
            counts.append(0)
        }
        next += 1
        let limit = call.radius * call.radius
        for other in points.indices {
            var distance = 0.0
            for dimension in point.indices {
                let difference = point[dimension] - points[other][dimension]
                distance += difference * difference
            }
            guard distance <= limit else { continue }
            neighbours[place][other >> 6] |= 1 << UInt64(other & 63)
            counts[place] += 1
            guard other != place else { continue }
            neighbours[other][place >> 6] |= 1 << UInt64(place & 63)
            counts[other] += 1
        }
    }

    private mutating func forget(_ place: Int) {
        forEachBit(neighbours[place]) { other in
            neighbours[other][place >> 6] &= ~(1 << UInt64(place & 63))
            counts[other] -= 1
        }
        neighbours[place] = [UInt64](repeating: 0, count: words)
        counts[place] = 0
    }

    private func forEachBit(_ bits: [UInt64], _ body: (Int) -> Void) {
        for (index, word) in bits.enumerated() {
            var rest = word
            while rest != 0 {
                body(index * 64 + rest.trailingZeroBitCount)
                rest &= rest - 1
            }
        }
    }

    /// The regions as the service writes them.
    var text: String {
        var seen = [Bool](repeating: false, count: points.count)
        var regions: [(density: Double, low: [Double], high: [Double])] = []
        let oldest = points.count < call.windowSize ? 0 : next % call.windowSize
        for offset in points.indices {
            let start = (oldest + offset) % points.count
            if !seen[start], counts[start] >= call.leastPoints { regions.append(region(from: start, &seen)) }
        }
        let order = regions.indices.sorted { a, b in
            regions[a].density != regions[b].density ? regions[a].density > regions[b].density : a < b
        }
        let texts = order.map { index in
            let region = regions[index]
            func list(_ values: [Double]) -> String { "[" + values.map { "\($0)" }.joined(separator: ",") + "]" }
            return "{\"density\":\(region.density),\"maxValues\":\(list(region.high)),\"minValues\":\(list(region.low))}"
        }
        return "{\"hotspots\":[" + texts.joined(separator: ",") + "]}"
    }

    private func region(from start: Int, _ seen: inout [Bool]) -> (density: Double, low: [Double], high: [Double]) {
        var (low, high, count) = (points[start], points[start], 0)
        var pending = [start]
        var isMember = [Bool](repeating: false, count: points.count)
        isMember[start] = true
        while let place = pending.popLast() {
            count += 1
            for dimension in low.indices {
                low[dimension] = min(low[dimension], points[place][dimension])
                high[dimension] = max(high[dimension], points[place][dimension])
            }
            guard counts[place] >= call.leastPoints else { continue }
            seen[place] = true
            forEachBit(neighbours[place]) { other in
                if !isMember[other] {
                    isMember[other] = true
                    pending.append(other)
                }
            }
        }
        let size = low.indices.reduce(1.0) { $0 * max(call.radius, high[$1] - low[$1]) }
        // The size of very small extents may be too small for a number.
        return (size > 0 ? Double(count) / size : .greatestFiniteMagnitude, low, high)
    }
}

extension HotspotsCall: OperatorMaker {
    func makeOperator(_ input: Relation, _ call: TableFunctionCall, nextSeed: inout UInt64) throws(DataflowError) -> any Operator {
        HotspotsOperator(self, inputColumns: input.columns, columns: input.columns + call.addedColumns)
    }
}
