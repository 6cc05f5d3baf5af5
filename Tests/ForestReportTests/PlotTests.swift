import ForestReport
/// The arithmetic of the picture, and what the picture holds.
import Foundation
import FoundationXML
import RandomCutForest
import Testing

@Suite struct Axes {
    @Test(
        "values have ticks at 1, 2 or 5 times a power of ten, with as many decimals as the step needs",
        arguments: [
            (0.0, 1.0, 5, ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
            (-30, 41_000, 5, ["0", "10,000", "20,000", "30,000", "40,000"]),
            (-1.2, 1.2, 6, ["−1.0", "−0.5", "0", "0.5", "1.0"]), (0.011, 0.0145, 4, ["0.011", "0.012", "0.013", "0.014"]),
            (1e12, 4e12, 4, ["1e12", "2e12", "3e12", "4e12"]), (0, 1_999, 2, ["0", "1,000"]),
        ])
    func values(low: Double, high: Double, most: Int, labels: [String]) {
        #expect(ValueAxis.ticks(in: low...high, most: most).map(\.label) == labels)
    }

    @Test("whatever the range, there are ticks, few enough, in it, in order")
    func anyRange() {
        var random = RandomSource(seed: 1, stream: 0)
        for _ in 0..<5_000 {
            let size = Elementary.exp(random.unit() * 80 - 40)
            let low = (random.unit() - 0.5) * size
            let range = ValueAxis.range(of: low, low + random.unit() * size)
            let ticks = ValueAxis.ticks(in: range, most: 5)
            #expect((1...6).contains(ticks.count))
            #expect(ticks.allSatisfy { range.contains($0.value) })
            #expect(zip(ticks, ticks.dropFirst()).allSatisfy { $0.value < $1.value })
        }
        for (low, high) in [(5.0, 5.0), (0, 0), (-1e300, 1e300), (1e300, 1e300)] {
            let range = ValueAxis.range(of: low, high)
            #expect(range.lowerBound < low && range.upperBound > high)
            #expect(ValueAxis.ticks(in: range, most: 4).count <= 5)
        }
    }

    private func time(_ text: String) throws -> Int64 { try #require(TimeText.milliseconds(text)) }

    @Test(
        "times have ticks at whole units; the larger unit is named where it changes",
        arguments: [
            ("2014-07-01 00:00", "2015-01-31 23:30", 8, ["Jul/2014", "Aug", "Sep", "Oct", "Nov", "Dec", "Jan/2015"]),
            (
                "2014-02-14 14:27", "2014-02-28 14:22", 8,
                ["15 Feb/2014", "17 Feb", "19 Feb", "21 Feb", "23 Feb", "25 Feb", "27 Feb"]
            ),
            (
                "2014-12-31 21:10", "2015-01-01 03:05", 7,
                ["22:00/31 Dec 2014", "23:00", "00:00/1 Jan 2015", "01:00", "02:00", "03:00"]
            ),
            (
                "2024-01-01 00:00:00", "2024-01-01 00:00:04", 5,
                ["00:00:00/1 Jan 2024", "00:00:01", "00:00:02", "00:00:03", "00:00:04"]
            ),
            ("1990-06-01", "2024-06-01", 8, ["1995", "2000", "2005", "2010", "2015", "2020"]),
            ("1969-12-31 22:00", "1970-01-01 02:00", 3, ["22:00/31 Dec 1969", "00:00/1 Jan 1970", "02:00"]),
        ])
    func times(start: String, end: String, most: Int, expected: [String]) throws {
        let ticks = TimeAxis.ticks(from: try time(start), to: try time(end), most: most)
        #expect(ticks.map { [$0.label, $0.context].compactMap { $0 }.joined(separator: "/") } == expected)
    }

    @Test("whatever the span, there are at most as many ticks as asked for, in order and within it")
    func anySpan() {
        var random = RandomSource(seed: 2, stream: 0)
        for _ in 0..<5_000 {
            let start = Int64(random.unit() * 4e12) - 1_000_000_000_000
            let end = start + Int64(Elementary.exp(random.unit() * 31))
            let ticks = TimeAxis.ticks(from: start, to: end, most: 10)
            #expect(ticks.count <= 11)
            #expect(ticks.allSatisfy { $0.value >= Double(start) && $0.value <= Double(end) })
            #expect(zip(ticks, ticks.dropFirst()).allSatisfy { $0.value < $1.value })
        }
    }

    @Test("days are counted as the calendar has them")
    func calendar() {
        var day = CalendarDay(number: -200_000)
        for number in -199_999...200_000 {
            let next = CalendarDay(number: number)
            let follows =
                next.day == day.day + 1 && next.month == day.month && next.year == day.year
                || next.day == 1 && day.day == CalendarDay.daysIn(month: day.month, of: day.year)
                    && (next.month == day.month + 1 && next.year == day.year
                        || next.month == 1 && day.month == 12 && next.year == day.year + 1)
            #expect(follows && next.number == number)
            day = next
        }
        #expect(CalendarDay(number: 0) == CalendarDay(milliseconds: 86_399_999))
        #expect(TimeText.written(-1) == "1969-12-31 23:59:59.999")
    }
}

@Suite struct Decimating {
    @Test("of the points in a column of pixels the first, last, lowest and highest stay")
    func extremes() {
        var random = RandomSource(seed: 3, stream: 0)
        let values = (0..<10_000).map { _ in random.next() % 50 == 0 ? Double.nan : random.unit() }
        let columns = (0..<10_000).map { $0 / 37 }
        let kept = Decimation.indexes(columns: columns, values: values)
        #expect(zip(kept, kept.dropFirst()).allSatisfy { $0 < $1 })
        for column in 0...(9_999 / 37) {
            let all = (0..<10_000).filter { columns[$0] == column && !values[$0].isNaN }
            let few = kept.filter { columns[$0] == column }
            #expect(few.count <= 4)
            #expect(all.first == few.first && all.last == few.last)
            #expect(all.map { values[$0] }.max() == few.map { values[$0] }.max())
            #expect(all.map { values[$0] }.min() == few.map { values[$0] }.min())
        }
    }

    @Test("few points all stay")
    func few() {
        #expect(Decimation.indexes(columns: [0, 3, 9], values: [1, 2, 3]) == [0, 1, 2])
        #expect(Decimation.indexes(columns: [], values: []) == [])
    }
}

@Suite struct Layouts {
    @Test("panels lie one below the other within the picture, and the axes map their ends to the panels' ends")
    func panels() {
        for columns in [1, 2, 3, 6] {
            let layout = PlotLayout(
                width: 1_000, span: 10...20, valueRanges: Array(repeating: -1...1, count: columns), scoreRange: 0...5,
                legendRows: 2,
                listRows: 3)
            #expect(layout.panels.count == columns + 2)
            #expect(zip(layout.panels, layout.panels.dropFirst()).allSatisfy { $0.bottom + PlotLayout.panelHead <= $1.top })
            #expect(layout.top > layout.legendTop + 2 * PlotLayout.legendRow)
            #expect(layout.listTop > layout.grade.bottom + PlotLayout.axisHeight)
            #expect(layout.height > layout.listTop + 2 * PlotLayout.listRow)
            #expect(layout.x(10) == PlotLayout.left && layout.x(20) == 1_000 - PlotLayout.right)
            #expect(layout.score.y(0) == layout.score.bottom && layout.score.y(5) == layout.score.top)
        }
    }

    @Test("anomalies nearer than the gap are one episode")
    func episodes() {
        #expect(PlotLayout.episodes([], gap: 5) == [])
        #expect(PlotLayout.episodes([1], gap: 5) == [0..<1])
        #expect(PlotLayout.episodes([1, 4, 8.9, 14, 40], gap: 5) == [0..<3, 3..<4, 4..<5])
    }

    @Test("items that do not fit go to the next row")
    func flow() {
        let places = PlotLayout.flow([40, 50, 60, 200, 10], in: 120, space: 10)
        #expect(places.map(\.row) == [0, 0, 1, 2, 3])
        #expect(places.map(\.x) == [0, 50, 0, 0, 0])
    }
}

@Suite struct Pictures {
    private let parameters = ForestParameters(trees: 20, sampleSize: 32, timeDecay: 1_000, mode: .library)

    private func lines(_ count: Int, columns: Int = 1) -> [String] {
        var random = RandomSource(seed: 5, stream: 0)
        return ["timestamp," + (0..<columns).map { "c<\($0)>" }.joined(separator: ",")]
            + (0..<count).map { number in
                let spike = number % 900 == 899 ? 40.0 : 0
                let values = (0..<columns).map { column in "\(random.unit() + (column == number % columns ? spike : 0))" }
                let second = TimeText.padded(number % 60, 2)
                return
                    "2024-03-0\(1 + number / 3_600 % 9) \(TimeText.padded(number / 3_600 % 24, 2)):\(TimeText.padded(number / 60 % 60, 2)):\(second),\(values.joined(separator: ","))"
            }
    }

    /// The names of the elements of a well-formed document.
    private func elements(_ xml: String) throws -> [String] {
        final class Names: NSObject, XMLParserDelegate {
            var names: [String] = []
            func parser(
                _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
                attributes: [String: String]
            ) { names.append(name) }
        }
        let names = Names()
        let parser = XMLParser(data: Data(xml.utf8))
        parser.delegate = names
        #expect(parser.parse(), "\(String(describing: parser.parserError))")
        return names.names
    }

    @Test("a picture is well-formed, loads nothing, and shows values, score, threshold and anomalies", arguments: [1, 3])
    func content(columns: Int) throws {
        let series = try ForestSeries(lines: lines(3_000, columns: columns), parameters: parameters, seed: 1)
        #expect(series.count == 3_000)
        #expect([899, 1_799, 2_699].allSatisfy { series.grades[$0] > 0 })
        let plot = ForestPlot(series, parameters: parameters, title: "Load & <strain>")
        let names = try elements(plot.svg)
        #expect(names.filter { $0 == "svg" }.count == 1)
        // At least one dot in the values' and one in the score's panel for each spike, and the legend's.
        #expect(names.filter { $0 == "circle" }.count >= 7)
        for text in [
            "Load &amp; &lt;strain&gt;", "c&lt;0&gt;", "anomaly score", "threshold", "grade", "3,000 readings", "1 Mar 2024",
        ] {
            #expect(plot.svg.contains(text), "\(text)")
        }
        for picture in [plot.svg, plot.html] {
            #expect(!picture.contains("href") && !picture.contains("url(") && !picture.contains("<script"))
            #expect(picture.components(separatedBy: "http").count == 2)
        }
        #expect(plot.html.hasPrefix("<!DOCTYPE html>"))
    }

    @Test("the size of a picture is bound by its pixels, not by the number of points")
    func size() throws {
        // Every value from 0 to 999 in a mixed order, so that every column of pixels is full.
        let values = (0..<60_000).map { "\(Double($0 * 7_919 % 1_000))" }
        let series = try ForestSeries(lines: values, parameters: parameters)
        #expect(ForestPlot(series, parameters: parameters, title: "x").svg.utf8.count < 1_000_000)
    }

    @Test("rows with a missing value are gaps in the line; a table without times is numbered")
    func gaps() throws {
        let lines = (0..<200).map { $0 == 100 ? "NA" : "\($0 % 9)" }
        let series = try ForestSeries(lines: lines, parameters: parameters)
        #expect(series.count == 200 && series.values[0][100].isNaN && series.times == nil)
        _ = try elements(ForestPlot(series, parameters: parameters, title: "gaps").svg)
    }

    @Test("one point, points all alike, and fewer points than the forest needs make a picture")
    func corners() throws {
        for lines in [["1"], Array(repeating: "5", count: 300), ["1e300", "-1e300"], ["2024-01-01,1", "2024-01-01,2"]] {
            let series = try ForestSeries(lines: lines, parameters: parameters)
            let svg = ForestPlot(series, parameters: parameters, title: "", width: 10).svg
            _ = try elements(svg)
            #expect(!svg.contains("nan") && !svg.contains("inf"))
        }
    }

    @Test("a table without points, and times that go back, are errors")
    func errors() {
        let empty = #expect(throws: LineError.self) { try ForestSeries(lines: ["a,b"], parameters: parameters) }
        #expect(empty?.reason == "the table has no points")
        let back = #expect(throws: LineError.self) {
            try ForestSeries(lines: ["2024-01-02,1", "2024-01-01,2"], parameters: parameters)
        }
        #expect(back?.line == 2)
    }
}
