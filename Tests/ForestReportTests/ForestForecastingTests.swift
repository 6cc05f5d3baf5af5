/// A table in, the lines that would come next out.
import ForestReport
import RandomCutForest
import Testing

@Suite struct ForestForecastingTests {
    private let parameters = ForestParameters(trees: 30, sampleSize: 128, timeDecay: 10_000, shingleSize: 12)
    /// 0 to 11 again and again, and ten times that.
    private let saw = (0..<600).map { "2024-01-01 00:00:00,\($0 % 12),\($0 % 12 * 10)" }

    @Test("a table that repeats itself goes on so, with a header that names the columns and their bounds")
    func periodic() throws {
        var forecasting = try ForestForecasting(parameters: parameters, seed: 2)
        for line in ["time,a,b"] + saw { try forecasting.learn(line: line) }
        let lines = forecasting.forecast(steps: 24)
        #expect(lines[0] == "step,a,a_lower,a_upper,b,b_lower,b_upper")
        #expect(lines.count == 25)
        for step in 1...24 {
            let fields = lines[step].split(separator: ",").compactMap { Double($0) }
            let expected = Double((step - 1) % 12)
            #expect(fields.count == 7 && fields[0] == Double(step))
            #expect(abs(fields[1] - expected) < 0.6 && abs(fields[4] - 10 * expected) < 6, "\(lines[step])")
            #expect(fields[2] <= fields[1] && fields[1] <= fields[3])
        }
    }

    @Test("before a shingle is full there is nothing to say, and a line that is no point is named and not learnt")
    func errors() throws {
        var forecasting = try ForestForecasting(parameters: parameters, seed: 2)
        for line in saw.prefix(11) { try forecasting.learn(line: line) }
        #expect(forecasting.forecast(steps: 3).isEmpty)
        #expect(throws: LineError(line: 12, reason: "the record has 1 columns; the forest has 2")) {
            try forecasting.learn(line: "2024-01-01 00:00:00,1")
        }
        try forecasting.learn(line: saw[11])
        #expect(forecasting.forecast(steps: 3).count == 4)
    }
}
