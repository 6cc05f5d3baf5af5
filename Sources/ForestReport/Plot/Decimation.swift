/// Fewer points for the same picture.

package enum Decimation {
    /// Which points of a line to draw so that it looks as if all were drawn: of all points in one column of pixels the first, the lowest, the
    /// highest and the last (M4: Jugel, Jerzak, Hackenbroich and Markl, "M4: A Visualization-Oriented Time Series Data Aggregation", VLDB
    /// 2014). No extreme is lost.
    /// - Parameters:
    ///   - columns: each point's column of pixels, never decreasing.
    ///   - values: each point's height; points that are not finite are left out.
    /// - Returns: indexes, increasing.
    package static func indexes(columns: [Int], values: [Double]) -> [Int] {
        var kept: [Int] = []
        var start = 0
        while start < columns.count {
            var end = start
            var lowest: Int?
            var highest: Int?
            var first: Int?
            var last: Int?
            while end < columns.count, columns[end] == columns[start] {
                if values[end].isFinite {
                    first = first ?? end
                    last = end
                    if lowest.map({ values[end] < values[$0] }) ?? true { lowest = end }
                    if highest.map({ values[end] > values[$0] }) ?? true { highest = end }
                }
                end += 1
            }
            for index in [first, lowest, highest, last].compactMap({ $0 }).sorted() where kept.last != index { kept.append(index) }
            start = end
        }
        return kept
    }
}
