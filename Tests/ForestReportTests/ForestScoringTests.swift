/// Lines of a table in, lines of scores out.
import ForestReport
import RandomCutForest
import Testing

@Suite struct ForestScoringTests {
    static let parameters = ForestParameters(trees: 10, sampleSize: 16, mode: .kinesisSQL)

    private func scored(
        _ lines: [String], columns: ColumnSelection = ColumnSelection(), missing: MissingValues = .refuse,
        output: ForestScoring.Output = []
    ) throws -> [String] {
        var scoring = try ForestScoring(
            parameters: Self.parameters, seed: 4, columns: columns, missing: missing, output: output)
        var result: [String] = []
        try scoring.run(lines: lines) { result.append($0) }
        return result
    }

    private let points = (0..<40).map { [Double($0 % 7), Double($0 % 3) / 8] }

    @Test("each line gives the score that the forest gives")
    func lines() throws {
        var forest = try RandomCutForest(parameters: Self.parameters, dimensions: 2, seed: 4)
        let output = try scored(points.map { " \($0[0]) ,\($0[1])\r" })
        #expect(output == (try points.map { "\(try forest.scoreAndLearn($0))" }))
        #expect(output[0] == "0.0" && output[16] != "0.0")
    }

    @Test("a header gives a header, so that lines in and lines out can be put side by side")
    func header() throws {
        let lines = ["timestamp,\"a, b\",c"] + points.map { "2024-01-01 00:00:00,\($0[0]),\($0[1])" }
        let output = try scored(lines, output: [.grade, .explanation])
        #expect(output.count == lines.count)
        #expect(output[0] == "score,grade,confidence,\"a, b_high\",\"a, b_low\",c_high,c_low")
        #expect(try scored(lines)[0] == "score")
        let plain = try scored(points.map { "\($0[0]),\($0[1])" })
        #expect(try scored(lines)[1...] == plain[...])
        // Without a header a first column of dates is passed over, too.
        #expect(try scored(Array(lines[1...])) == plain)
    }

    @Test(
        "tables come as people have them: whatever the dates' column is called and wherever it stands, a byte order mark, semicolons",
        arguments: [
            ("ds,a,b", "2024-01-01,A,B"), ("\u{FEFF}Tag,a,b", "2024/01/01 10:00,A,B"), ("a,b,when", "A,B,\"2024-01-01\""),
            ("\u{FEFF}\"ds\",a,b\r", "2024-01-01,A,B\r"), ("ds;a;b", "2024-01-01;A;B"), ("day\ta\tb", "2024-01-01\tA\tB"),
        ])
    func tables(head: String, form: String) throws {
        let lines =
            [head]
            + points.map { point in
                let numbers = point.map { head.contains(";") ? "\($0)".replacing(".", with: ",") : "\($0)" }
                return form.replacing("A", with: numbers[0]).replacing("B", with: numbers[1])
            }
        let plain = try scored(points.map { "\($0[0]),\($0[1])" }, output: .explanation)
        let output = try scored(lines, output: .explanation)
        #expect(output[0] == "score,a_high,a_low,b_high,b_low")
        #expect(output[1...] == plain[...])
        var forecasting = try ForestForecasting(parameters: Self.parameters)
        for line in lines { try forecasting.learn(line: line) }
        #expect(forecasting.forecast(steps: 1).first == "step,a,a_lower,a_upper,b,b_lower,b_upper")
        let series = try ForestSeries(lines: lines, parameters: Self.parameters)
        #expect(series.names == ["a", "b"] && series.times?.count == points.count)
    }

    @Test("a header alone gives a header; a header with chosen columns does not wait for the line after it")
    func headerAlone() throws {
        #expect(try scored(["a,b"], output: .explanation) == ["score,a_high,a_low,b_high,b_low"])
        var scoring = try ForestScoring(parameters: Self.parameters, columns: ColumnSelection(values: ["b"]), output: .explanation)
        #expect(try scoring.score(line: "ds,b") == ["score,b_high,b_low"])
        #expect(try scoring.score(line: "2024-01-01,1") == ["0.0,0.0,0.0"])
    }

    @Test("what --explain adds is the attribution; its numbers sum to the score")
    func explanation() throws {
        var forest = try RandomCutForest(parameters: Self.parameters, dimensions: 2, seed: 4)
        let output = try scored(points.map { "\($0[0]),\($0[1])" }, output: .explanation)
        for (line, point) in zip(output, points) {
            let parts = try forest.attribution(point)
            let score = try forest.scoreAndLearn(point)
            let numbers = line.split(separator: ",").compactMap { Double($0) }
            #expect(numbers.count == 5 && numbers[0] == score)
            #expect(numbers[1] == parts.part(ofColumn: 0).high && numbers[4] == parts.part(ofColumn: 1).low)
            #expect(abs(numbers[1...].reduce(0, +) - score) < 1e-9)
        }
    }

    @Test("the grade and its confidence are the detector's")
    func grade() throws {
        var detector = try AnomalyDetector(parameters: Self.parameters, dimensions: 2, seed: 4)
        let output = try scored((points + [[90, 9]]).map { "\($0[0]),\($0[1])" }, output: .grade)
        for (line, point) in zip(output, points + [[90, 9]]) {
            let reading = try detector.process(point)
            #expect(line == "\(reading.score),\(reading.grade),\(reading.confidence)")
        }
        #expect(output.last?.contains(",1.0,") == true)
    }

    @Test("columns are chosen by name or number, in the order given")
    func selection() throws {
        let lines = ["id,b,a"] + points.map { "x,\($0[1]),\($0[0])" }
        let plain = try scored(points.map { "\($0[0]),\($0[1])" })
        #expect(try scored(lines, columns: ColumnSelection(values: ["a", "b"]))[1...] == plain[...])
        #expect(try scored(lines, columns: ColumnSelection(values: ["3", "2"]))[1...] == plain[...])
        let error = #expect(throws: LineError.self) { try scored(lines, columns: ColumnSelection(values: ["z"])) }
        #expect(error?.description == "line 1: there is no column 'z': the header has id, b, a")
        let unnamed = #expect(throws: LineError.self) { try scored(["1,2"], columns: ColumnSelection(values: ["a"])) }
        #expect(unnamed?.description == "line 1: there is no column 'a': there is no header; give the column's number")
    }

    @Test("lines with a missing value are passed over where that is asked for, and give empty fields")
    func missing() throws {
        var lines = points.map { "\($0[0]),\($0[1])" }
        let plain = try scored(lines, output: [.grade, .explanation])
        for (place, field) in [(30, "NA,1"), (20, ",1"), (10, "1,null"), (5, "nan,")] { lines.insert(field, at: place) }
        var output = try scored(lines, missing: .skip, output: [.grade, .explanation])
        #expect(output[5] == ",,,,,,")
        for place in [33, 22, 11, 5] { #expect(output.remove(at: place).allSatisfy { $0 == "," }) }
        #expect(output == plain)
        #expect(try scored(["1", ""], missing: .skip)[1] == "")
    }

    @Test(
        "a line that is no point is an error that names it",
        arguments: [
            ("x,1", "column 1 is 'x', not a number"),
            ("", "column 1 is '', not a number (--missing skip passes over such lines)"),
            ("1,NaN", "column 2 is 'NaN', not a number (--missing skip passes over such lines)"),
            ("1,2,3", "the record has 3 columns; the forest has 2"),
            ("1,\"2", "a quote is not closed, or something follows it"),
            ("1,inf", "column 2 is inf; a value must be finite and at most 1e+300 in magnitude"),
        ])
    func errors(line: String, reason: String) throws {
        var scoring = try ForestScoring(parameters: .kinesisSQL, dimensions: 2)
        let error = #expect(throws: LineError.self) { try scoring.run(lines: ["1,2", line]) { _ in } }
        #expect(error?.description == "line 2: \(reason)")
        #expect(try scoring.score(line: "3,4") == ["0.0"])
    }
}

@Suite struct TimeTexts {
    @Test(
        "dates and times are read, in UTC",
        arguments: [
            ("1970-01-01", 0), ("2014-07-01 00:30:00", 1_404_174_600_000), ("2014-07-01T00:30", 1_404_174_600_000),
            ("2014-07-01 00:30:00.125", 1_404_174_600_125), ("2014-07-01T00:30:00.1Z", 1_404_174_600_100),
            ("2014-07-01T02:30:00+02:00", 1_404_174_600_000), ("2014-06-30T19:30:00-0500", 1_404_174_600_000),
            ("2000-02-29 23:59:59.999999", 951_868_799_999), ("1969-12-31 23:59:59", -1_000),
        ])
    func reading(text: String, expected: Int64) throws {
        var read = try Self.times([text, "2100-01-01"])
        #expect(read.removeFirst() == expected)
    }

    /// The times of a table with these in its first column.
    static func times(_ texts: [String]) throws -> [Int64] {
        let series = try ForestSeries(lines: texts.map { "\($0),1" }, parameters: .kinesisSQL)
        return try #require(series.times)
    }

    @Test(
        "what is no time is not taken for one",
        arguments: [
            "2014-13-01", "2014-02-30", "2014-07-01 24:00", "2014-07-01 00:60", "2014-07-01 10", "2014-07-01x", "07/01/2014",
        ])
    func refusals(text: String) {
        #expect(throws: LineError.self) { try Self.times(["2014-01-01", text]) }
    }

    @Test("in a column that is called a time, numbers are seconds or milliseconds since 1970")
    func numbers() throws {
        let series = try ForestSeries(lines: ["time,v", "1404174600,1", "1404174600500,2"], parameters: .kinesisSQL)
        #expect(series.times == [1_404_174_600_000, 1_404_174_600_500])
    }
}
