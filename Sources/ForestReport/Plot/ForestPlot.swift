/// A picture of a scored series, for a report: values, score, grade and anomalies over time.

public import RandomCutForest

/// Draws a ``ForestSeries`` as SVG, by itself or in an HTML page. Nothing is loaded from elsewhere.
///
/// One panel for each column, one for the score with its threshold, one for the grade, over one time axis. Anomalies are dots, in the panel of the
/// column with the largest part in the score, and bands through all panels; the strongest episodes are numbered and listed below. Of many
/// points those are drawn that make the same picture: no extreme is left out. Colours are of Okabe and Ito's palette, which people who confuse
/// colours can tell apart; what differs in colour differs in form too.
public struct ForestPlot: Sendable {
    private struct Episode {
        /// Its anomalies, as places in the series.
        var anomalies: [Int]
        /// The one with the highest score.
        var peak: Int
        var number: Int?
    }

    private static let blue = "#0072B2"
    private static let vermilion = "#D55E00"
    private static let ink = "#222222"
    private static let grey = "#555555"
    private static let grid = "#E4E4E4"
    private static let mostListed = 6
    /// Anomalies closer than this are one episode, so that numbers do not overlap.
    private static let episodeGap = 14.0
    /// Anomalies closer than this have one band.
    private static let bandGap = 5.0

    private let series: ForestSeries
    private let parameters: ForestParameters
    private let title: String
    private let layout: PlotLayout
    private let episodes: [Episode]
    /// Whether any time is not a whole minute.
    private let hasSeconds: Bool

    /// - Parameter width: in pixels, 800 to 4,000.
    public init(_ series: ForestSeries, parameters: ForestParameters, title: String, width: Int = 960) {
        self.series = series
        self.parameters = parameters
        self.title = title
        let width = Double(min(max(width, 800), 4_000))
        let last = max(series.count - 1, 0)
        let span = series.times.map { Double($0[0])...Double($0[last]) } ?? 1...Double(max(series.count, 1))
        let ranges = series.values.map { column in
            let finite = column.filter(\.isFinite)
            return ValueAxis.range(of: finite.min() ?? 0, finite.max() ?? 1)
        }
        let scores = (series.scores + series.thresholds).filter(\.isFinite)
        let scoreRange = ValueAxis.range(of: 0, scores.max() ?? 1, zero: true)
        let room = width - PlotLayout.left - PlotLayout.right
        let rows = (PlotLayout.flow(Self.legend(series).map(Self.legendWidth), in: room, space: 22).last?.row ?? 0) + 1
        // Positions do not depend on the heights.
        let draft = PlotLayout(
            width: width, span: span, valueRanges: ranges, scoreRange: scoreRange, legendRows: rows, listRows: 0)
        episodes = Self.episodes(series, draft)
        layout = PlotLayout(
            width: width, span: span, valueRanges: ranges, scoreRange: scoreRange, legendRows: rows,
            listRows: episodes.isEmpty ? 0 : 1 + episodes.count { $0.number != nil })
        hasSeconds = series.times?.contains { $0 % 60_000 != 0 } ?? false
    }

    private static func position(_ index: Int, _ series: ForestSeries) -> Double {
        series.times.map { Double($0[index]) } ?? Double(index + 1)
    }

    private static func episodes(_ series: ForestSeries, _ layout: PlotLayout) -> [Episode] {
        let anomalies = series.anomalies
        let positions = anomalies.map { layout.x(position($0, series)) }
        var episodes = PlotLayout.episodes(positions, gap: episodeGap).map { range in
            let members = Array(anomalies[range])
            return Episode(
                anomalies: members, peak: members.max { series.scores[$0] < series.scores[$1] } ?? members[0], number: nil)
        }
        let strongest = episodes.indices.sorted { series.scores[episodes[$0].peak] > series.scores[episodes[$1].peak] }
        for (rank, index) in strongest.prefix(mostListed).sorted().enumerated() { episodes[index].number = rank + 1 }
        return episodes
    }

    private func x(_ index: Int) -> Double { layout.x(Self.position(index, series)) }

    // MARK: SVG

    /// The picture as an SVG document.
    public var svg: String { "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + element }

    /// The picture and a table of the numbered episodes as an HTML page.
    public var html: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <title>\(SVGWriter.escaped(title))</title>
        <style>
        body { margin: 24px auto; max-width: \(Int(layout.width))px; background: #fff; color: \(Self.ink); font-family: Helvetica, Arial, sans-serif; }
        svg { width: 100%; height: auto; }
        </style>
        </head>
        <body>
        \(element)</body>
        </html>

        """
    }

    private var element: String {
        var svg = SVGWriter()
        let size = "\(Int(layout.width)) \(Int(layout.height))"
        svg.raw(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(size)\" width=\"\(Int(layout.width))\" height=\"\(Int(layout.height))\" role=\"img\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\" fill=\"\(Self.ink)\">"
        )
        svg.raw("<title>\(SVGWriter.escaped(title))</title>")
        svg.raw("<desc>\(SVGWriter.escaped(subtitle))</desc>")
        svg.rectangle(x: 0, y: 0, width: layout.width, height: layout.height, "fill=\"#FFFFFF\"")
        svg.text(title, x: PlotLayout.left, y: 30, "font-size=\"20\" font-weight=\"bold\"")
        svg.text(subtitle, x: PlotLayout.left, y: 51, "font-size=\"14\" fill=\"\(Self.grey)\"")
        drawLegend(&svg)
        drawFrames(&svg)
        drawEpisodes(&svg)
        for (column, panel) in layout.values.enumerated() {
            drawLine(series.values[column], panel, "stroke=\"\(Self.blue)\" stroke-width=\"1.2\"", &svg)
        }
        drawLine(series.scores, layout.score, "stroke=\"\(Self.ink)\" stroke-width=\"1\"", &svg)
        drawLine(
            series.thresholds, layout.score, "stroke=\"\(Self.vermilion)\" stroke-width=\"1.4\" stroke-dasharray=\"6 4\"", &svg)
        drawGrades(&svg)
        drawDots(&svg)
        drawList(&svg)
        svg.raw("</svg>")
        return svg.text
    }

    private var subtitle: String {
        let count = ValueAxis.fixed(Double(series.count), decimals: 0)
        let anomalies = series.anomalies.count
        let found = anomalies == 1 ? "1 anomaly" : "\(ValueAxis.fixed(Double(anomalies), decimals: 0)) anomalies"
        let forest = "random cut forest of \(parameters.trees) trees × \(parameters.sampleSize) points"
        let shingle = parameters.shingleSize > 1 ? ", shingle \(parameters.shingleSize)" : ""
        return "\(count) readings, \(found); \(forest)\(shingle)"
    }

    // MARK: Legend

    private enum LegendSymbol { case value, score, threshold, anomaly, grade, learning }

    private static func legend(_ series: ForestSeries) -> [(LegendSymbol, String)] {
        let anomaly = series.names.count > 1 ? "anomaly (at the column with the largest part)" : "anomaly"
        return [
            (.value, series.names.count > 1 ? "values" : series.names.first.map(shortened) ?? "value"), (.score, "anomaly score"),
            (.threshold, "threshold"), (.anomaly, anomaly), (.grade, "grade"),
        ]
            + (series.firstScored != 0 ? [(.learning, "learning, no score yet")] : [])
    }

    private static func legendWidth(_ item: (LegendSymbol, String)) -> Double { 32 + PlotLayout.textWidth(item.1, size: 13.5) }

    private func drawLegend(_ svg: inout SVGWriter) {
        let items = Self.legend(series)
        let places = PlotLayout.flow(items.map(Self.legendWidth), in: layout.plotWidth, space: 22)
        for ((symbol, text), place) in zip(items, places) {
            let x = PlotLayout.left + place.x
            let y = layout.legendTop + Double(place.row) * PlotLayout.legendRow
            switch symbol {
            case .value: svg.line(x, y, x + 24, y, "stroke=\"\(Self.blue)\" stroke-width=\"2\"")
            case .score: svg.line(x, y, x + 24, y, "stroke=\"\(Self.ink)\" stroke-width=\"1.4\"")
            case .threshold:
                svg.line(x, y, x + 24, y, "stroke=\"\(Self.vermilion)\" stroke-width=\"1.6\" stroke-dasharray=\"6 4\"")
            case .anomaly:
                svg.rectangle(x: x + 7, y: y - 8, width: 10, height: 16, "fill=\"\(Self.vermilion)\" fill-opacity=\"0.16\"")
                svg.dot(x: x + 12, y: y, radius: 4, title: nil, "fill=\"\(Self.vermilion)\" stroke=\"#FFFFFF\"")
            case .grade:
                for (offset, height) in [(8.0, 6.0), (12, 14), (16, 9)] {
                    svg.line(x + offset, y + 7, x + offset, y + 7 - height, "stroke=\"\(Self.vermilion)\" stroke-width=\"2\"")
                }
            case .learning: svg.rectangle(x: x, y: y - 7, width: 24, height: 14, "fill=\"#F0F0F0\" stroke=\"#CCCCCC\"")
            }
            svg.text(text, x: x + 32, y: y + 4, "font-size=\"13.5\"")
        }
    }

    // MARK: Axes

    private func drawFrames(_ svg: inout SVGWriter) {
        let (left, right) = (PlotLayout.left, layout.width - PlotLayout.right)
        // While the forest learns there is no score.
        let end = series.firstScored.map(x) ?? right
        if series.firstScored != 0 {
            for panel in layout.panels {
                svg.rectangle(x: left, y: panel.top, width: max(end - left, 1), height: panel.height, "fill=\"#F0F0F0\"")
            }
        }
        let ticks = timeTicks
        for tick in ticks {
            let x = layout.x(tick.value)
            for panel in layout.panels { svg.line(x, panel.top, x, panel.bottom, "stroke=\"\(Self.grid)\"") }
            svg.line(x, layout.grade.bottom, x, layout.grade.bottom + 5, "stroke=\"\(Self.grey)\"")
            let attributes = "text-anchor=\"\(anchor(of: tick.label, at: x))\""
            svg.text(tick.label, x: x, y: layout.grade.bottom + 19, attributes)
            if let context = tick.context {
                svg.text(context, x: x, y: layout.grade.bottom + 35, "\(attributes) fill=\"\(Self.grey)\"")
            }
        }
        let names = series.names.map(Self.shortened) + ["anomaly score", "grade"]
        for (index, panel) in layout.panels.enumerated() {
            let most = index == layout.panels.count - 1 ? 2 : min(Int(panel.height / 24), 6)
            for tick in ValueAxis.ticks(in: panel.range, most: max(most, 2)) {
                let y = panel.y(tick.value)
                svg.line(left, y, right, y, "stroke=\"\(Self.grid)\"")
                svg.text(tick.label, x: left - 8, y: y + 4, "text-anchor=\"end\"")
            }
            svg.line(left, panel.bottom, right, panel.bottom, "stroke=\"\(Self.grey)\"")
            svg.line(left, panel.top, left, panel.bottom, "stroke=\"\(Self.grey)\"")
            let strip = index == 0 ? PlotLayout.episodeStrip : 0
            svg.text(names[index], x: left, y: panel.top - 8 - strip, "font-size=\"14\" font-weight=\"bold\"")
        }
        if series.firstScored == nil {
            svg.text(
                "the forest is still learning", x: left + layout.plotWidth / 2, y: layout.score.top + layout.score.height / 2,
                "text-anchor=\"middle\" font-size=\"13\" fill=\"\(Self.grey)\"")
        }
    }

    private var timeTicks: [Tick] {
        let most = max(Int(layout.plotWidth / 90), 2)
        guard let times = series.times, let first = times.first, let last = times.last else {
            return ValueAxis.ticks(in: layout.span, most: most).filter { $0.value == $0.value.rounded() }
        }
        return TimeAxis.ticks(from: first, to: last, most: most)
    }

    /// Labels at the ends of the axis stay within the picture.
    private func anchor(of label: String, at x: Double) -> String {
        x + PlotLayout.textWidth(label, size: 13) / 2 > layout.width - 4 ? "end" : "middle"
    }

    // MARK: Data

    private func drawLine(_ values: [Double], _ panel: PlotLayout.Panel, _ attributes: String, _ svg: inout SVGWriter) {
        let columns = values.indices.map { Int(x($0)) }
        var parts: [[(x: Double, y: Double)]] = []
        var last: Int?
        // How many gaps lie before each point, so that a line does not run across one.
        var gaps = [0]
        for value in values { gaps.append((gaps.last ?? 0) + (value.isFinite ? 0 : 1)) }
        for index in Decimation.indexes(columns: columns, values: values) {
            let point = (x: x(index), y: panel.y(values[index]))
            if let last, gaps[index] == gaps[last] { parts[parts.count - 1].append(point) } else { parts.append([point]) }
            last = index
        }
        svg.polyline(parts, attributes)
    }

    private func drawEpisodes(_ svg: inout SVGWriter) {
        let positions = series.anomalies.map(x)
        for run in PlotLayout.episodes(positions, gap: Self.bandGap) {
            let (start, end) = (positions[run.lowerBound], positions[run.upperBound - 1])
            for panel in layout.panels {
                svg.rectangle(
                    x: start - 1.5, y: panel.top, width: end - start + 3, height: panel.height,
                    "fill=\"\(Self.vermilion)\" fill-opacity=\"0.16\"")
            }
        }
        for episode in episodes {
            guard let number = episode.number else { continue }
            svg.text(
                "\(number)", x: x(episode.peak), y: layout.top - 6,
                "text-anchor=\"middle\" font-weight=\"bold\" fill=\"\(Self.vermilion)\"")
        }
    }

    private func drawGrades(_ svg: inout SVGWriter) {
        // Of several in one column of pixels the highest.
        var highest: [Int: Int] = [:]
        for index in series.anomalies {
            let column = Int(x(index))
            if series.grades[index] > highest[column].map({ series.grades[$0] }) ?? 0 { highest[column] = index }
        }
        let panel = layout.grade
        for index in highest.values.sorted() {
            svg.line(
                x(index), panel.bottom, x(index), panel.y(series.grades[index]), "stroke=\"\(Self.vermilion)\" stroke-width=\"1.6\""
            )
        }
    }

    private func drawDots(_ svg: inout SVGWriter) {
        // Of dots that hide each other one is drawn.
        svg.raw("<g fill=\"\(Self.vermilion)\" stroke=\"#FFFFFF\" stroke-width=\"0.8\">")
        var drawn: Set<[Int]> = []
        for index in series.anomalies {
            let column = series.causes[index]?.column ?? 0
            let places = [(layout.values[column], series.values[column][index]), (layout.score, series.scores[index])]
            for (panel, value) in places {
                let y = panel.y(value)
                guard drawn.insert([Int(x(index) / 3), Int(y / 3)]).inserted else { continue }
                svg.dot(x: x(index), y: y, radius: 3.6, title: described(index), "")
            }
        }
        svg.raw("</g>")
    }

    private func when(_ index: Int) -> String {
        guard let times = series.times else { return "reading \(index + 1)" }
        return TimeText.written(times[index], withSeconds: hasSeconds)
    }

    private func described(_ index: Int) -> String {
        let column = series.causes[index]?.column ?? 0
        let value = "\(Self.shortened(series.names[column])) \(Self.short(series.values[column][index]))"
        // A direction would be that of the whole shingle, which its newest value need not share.
        let expected = series.causes[index]?.expected.map { " where about \(Self.short($0)) is ordinary" } ?? ""
        return "\(when(index)): \(value)\(expected), score \(ValueAxis.fixed(series.scores[index], decimals: 2)), "
            + "grade \(ValueAxis.fixed(series.grades[index], decimals: 2))"
    }

    /// A column's name, cut where it is too long for a line.
    private static func shortened(_ name: String) -> String { name.count > 32 ? name.prefix(31) + "…" : name }

    /// A value with about four digits.
    private static func short(_ value: Double) -> String {
        let size = value.magnitude
        if size >= 1e9 || (size < 1e-3 && size > 0) { return ValueAxis.label(value, step: size * 1e-9) }
        return ValueAxis.fixed(value, decimals: size >= 1_000 || value == value.rounded() ? 0 : size >= 1 ? 2 : 4)
    }

    private func drawList(_ svg: inout SVGWriter) {
        guard episodes.contains(where: { $0.number != nil }) else { return }
        svg.text("Strongest anomalies", x: PlotLayout.left, y: layout.listTop, "font-size=\"14\" font-weight=\"bold\"")
        var row = 1
        for episode in episodes {
            guard let number = episode.number else { continue }
            let y = layout.listTop + Double(row) * PlotLayout.listRow
            svg.text("\(number)", x: PlotLayout.left, y: y, "font-weight=\"bold\" fill=\"\(Self.vermilion)\"")
            let others = episode.anomalies.count - 1
            let more = others == 0 ? "" : others == 1 ? "; 1 more reading around it" : "; \(others) more readings around it"
            svg.text(described(episode.peak) + more, x: PlotLayout.left + 18, y: y, "")
            row += 1
        }
    }
}
