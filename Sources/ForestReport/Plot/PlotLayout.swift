/// Where everything of a plot lies: panels one above the other over one time axis. In pixels.

package struct PlotLayout: Sendable {
    /// A panel's frame, without its labels.
    package struct Panel: Equatable, Sendable {
        package var top: Double
        package var height: Double
        package var bottom: Double { top + height }
        package var range: ClosedRange<Double>

        /// The height at which a value lies.
        package func y(_ value: Double) -> Double {
            let width = range.upperBound - range.lowerBound
            guard width > 0 else { return bottom }
            return bottom - (value - range.lowerBound) / width * height
        }
    }

    package static let left = 84.0
    package static let right = 28.0
    /// Room above a panel for its name.
    package static let panelHead = 26.0
    /// Room for the numbers of the episodes, above the first panel.
    package static let episodeStrip = 16.0
    package static let axisHeight = 46.0
    package static let legendRow = 22.0
    package static let listRow = 20.0

    package let width: Double
    package let height: Double
    /// The middle of the first row of the legend.
    package let legendTop: Double
    package let values: [Panel]
    package let score: Panel
    package let grade: Panel
    /// The first line of the list of episodes.
    package let listTop: Double
    /// First and last time, or number.
    package let span: ClosedRange<Double>

    /// - Parameters:
    ///   - valueRanges: what each column's panel shows.
    ///   - legendRows, listRows: how many rows these take.
    package init(
        width: Double, span: ClosedRange<Double>, valueRanges: [ClosedRange<Double>], scoreRange: ClosedRange<Double>,
        legendRows: Int,
        listRows: Int
    ) {
        self.width = width
        self.span = span
        legendTop = 74
        let valueHeight = valueRanges.count == 1 ? 230.0 : valueRanges.count <= 3 ? 150.0 : 104.0
        var top = legendTop + Double(legendRows) * Self.legendRow + 2
        values = valueRanges.enumerated().map { index, range in
            top += Self.panelHead + (index == 0 ? Self.episodeStrip : 0)
            defer { top += valueHeight }
            return Panel(top: top, height: valueHeight, range: range)
        }
        score = Panel(top: top + Self.panelHead, height: 150, range: scoreRange)
        grade = Panel(top: score.bottom + Self.panelHead, height: 56, range: 0...1)
        listTop = grade.bottom + Self.axisHeight + 30
        height = (listRows > 0 ? listTop + Double(listRows) * Self.listRow + 8 : grade.bottom + Self.axisHeight + 12).rounded(.up)
    }

    package var panels: [Panel] { values + [score, grade] }
    package var plotWidth: Double { width - Self.left - Self.right }
    package var top: Double { values.first?.top ?? score.top }

    /// Where a time or number lies.
    package func x(_ value: Double) -> Double {
        let length = span.upperBound - span.lowerBound
        guard length > 0 else { return Self.left + plotWidth / 2 }
        return Self.left + (value - span.lowerBound) / length * plotWidth
    }

    /// Anomalies as episodes: those less than `gap` pixels from the one before belong to one.
    /// - Parameter positions: increasing.
    /// - Returns: ranges of indexes into `positions`.
    package static func episodes(_ positions: [Double], gap: Double) -> [Range<Int>] {
        var episodes: [Range<Int>] = []
        var start = 0
        for index in positions.indices.dropFirst() where positions[index] - positions[index - 1] >= gap {
            episodes.append(start..<index)
            start = index
        }
        if !positions.isEmpty { episodes.append(start..<positions.count) }
        return episodes
    }

    /// Places items of given widths in rows, from the left, with a space between.
    /// - Returns: each item's row and left end.
    package static func flow(_ widths: [Double], in width: Double, space: Double) -> [(row: Int, x: Double)] {
        var (row, x) = (0, 0.0)
        return widths.map { item in
            if x > 0, x + item > width { (row, x) = (row + 1, 0) }
            defer { x += item + space }
            return (row, x)
        }
    }

    /// About how wide a text of the plots' typeface is.
    package static func textWidth(_ text: String, size: Double) -> Double { Double(text.count) * size * 0.52 }
}
