/// `millrace forest`: random cut forests over tables of numbers.

import ArgumentParser
import ForestReport
import Foundation
import RandomCutForest

struct ForestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forest", abstract: "Random cut forests over tables of numbers.",
        subcommands: [ForestScoreCommand.self, ForestPlotCommand.self, ForestForecastCommand.self])
}

/// The scale of the scores, as users name it.
enum ForestMode: String, ExpressibleByArgument, CaseIterable, Sendable {
    case reference, kinesis

    var scoreMode: ScoreMode { self == .kinesis ? .kinesisSQL : .library }
}

/// What `--missing` may say.
enum MissingChoice: String, ExpressibleByArgument, CaseIterable, Sendable {
    case refuse, skip

    var values: MissingValues { self == .skip ? .skip : .refuse }
}

/// What every verb says of its forest.
struct ForestOptions: ParsableArguments {
    @Option(help: "Trees, 1...1000.") var trees = 100
    @Option(help: "Points each tree holds.") var sampleSize = 256
    @Option(help: "Records after which a point's weight has fallen to 1/e; 0 never forgets.") var timeDecay = 100_000
    @Option(help: "Consecutive records that make up one point.") var shingle = 1
    @Option(help: "Names the random stream.") var seed: UInt64 = 0
    @Option(help: "The scale: reference, or kinesis for that of RANDOM_CUT_FOREST in Kinesis SQL.") var mode = ForestMode.reference

    var parameters: ForestParameters {
        ForestParameters(
            trees: trees, sampleSize: sampleSize, timeDecay: timeDecay == 0 ? nil : timeDecay, shingleSize: shingle,
            mode: mode.scoreMode)
    }
}

/// Which columns of the table are read.
struct TableOptions: ParsableArguments {
    @Option(
        name: .customLong("value-column"),
        help: "A column of the point: its name in the header, or its number from 1; repeatable (default: all but the time's).")
    var valueColumns: [String] = []
    @Option(
        help:
            "The column of times (default: the first, if the header calls it timestamp, time, date, datetime, rowtime or ds, else the first that holds dates)."
    )
    var timestampColumn: String?

    var selection: ColumnSelection { ColumnSelection(values: valueColumns, timestamp: timestampColumn) }
}

/// The table that a verb reads.
struct TableFile: ParsableArguments {
    @Argument(help: "The table, CSV in UTF-8; - for standard input.") var file = "-"

    /// The longest line, in bytes.
    private static let maxLineBytes = 16 << 20

    /// Hands over each line as it comes.
    func forEachLine(_ body: (String) throws -> Void) throws {
        var reader =
            file == "-" ? LineReader(standardInputUpTo: Self.maxLineBytes) : try LineReader(path: file, upTo: Self.maxLineBytes)
        do {
            while let line = try reader.next() {
                if reader.number == 1, line.starts(with: [0xFF, 0xFE]) || line.starts(with: [0xFE, 0xFF]) {
                    throw CommandFailure(.failed, "line 1: the table is in UTF-16; save it as CSV in UTF-8")
                }
                try body(String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line[...], as: UTF8.self))
            }
        } catch let error as LineReader.TooLong {
            throw CommandFailure(.failed, "line \(error.line): longer than \(error.limit) bytes")
        } catch let error as LineError {
            throw CommandFailure(.failed, "\(error)")
        }
    }
}

struct ForestScoreCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "score", abstract: "Read one point a line (CSV), write one anomaly score a line.",
        discussion: """
            Each point is scored before it is learnt. The same seed and input give the same scores. A first line without any \
            number is a header; what comes out then begins with a header too, so that one line comes out for each that goes in.

            With --grade each score is followed by its grade (0 ordinary ... 1) and the confidence in it; with --explain by two \
            numbers for each column, what its being too high and too low add to the score: together they are the score. With \
            --missing skip a line with a missing value (empty, NA, NULL, NaN) is neither scored nor learnt and gives empty \
            fields.

            A line that is no point ends it with status 1 and its number on standard error; the scores before it are out.
            """)
    @OptionGroup var forest: ForestOptions
    @OptionGroup var table: TableOptions
    @OptionGroup var input: TableFile
    @Option(help: "Numbers a point (default: as many as the first has).") var dimensions: Int?
    @Flag(help: "Add the grade and the confidence in it.") var grade = false
    @Flag(help: "Add each column's part of the score, high and low.") var explain = false
    @Option(help: "What to do with lines that miss a value: refuse or skip.") var missing = MissingChoice.refuse

    func run() throws {
        var output: ForestScoring.Output = []
        if grade { output.insert(.grade) }
        if explain { output.insert(.explanation) }
        var scoring: ForestScoring
        do throws(ForestError) {
            scoring = try ForestScoring(
                parameters: forest.parameters, dimensions: dimensions, seed: forest.seed, columns: table.selection,
                missing: missing.values, output: output)
        } catch {
            throw CommandFailure(.usage, "\(error)")
        }
        try input.forEachLine { line in
            for score in try scoring.score(line: line) { StandardOutput.line(score) }
        }
        do throws(LineError) {
            for score in try scoring.finish() { StandardOutput.line(score) }
        } catch {
            throw CommandFailure(.failed, "\(error)")
        }
    }
}

struct ForestPlotCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "plot", abstract: "Draw a table's values, scores, grades and anomalies over time as one SVG or HTML file.",
        discussion: """
            Reads CSV from a file or standard input, as forest score does; lines with a missing value are gaps. The grade follows \
            the distribution of the scores, so no limit has to be chosen. The picture holds everything it needs: nothing is \
            loaded from elsewhere. Times without an offset are taken as they are, others are shown in UTC.
            """)
    @OptionGroup var forest: ForestOptions
    @OptionGroup var table: TableOptions
    @OptionGroup var input: TableFile
    @Option(help: "The picture's title (default: the file's name).") var title: String?
    @Option(name: [.short, .long], help: "Where to write: FILE.svg, FILE.html, or - for SVG on standard output.") var output = "-"
    @Option(help: "Width in pixels, 800...4000.") var width = 960

    func validate() throws {
        if output != "-", !output.hasSuffix(".svg"), !output.hasSuffix(".html") {
            throw ValidationError("--output must end in .svg or .html, not '\(output)'.")
        }
        guard (800...4_000).contains(width) else { throw ValidationError("--width must be from 800 to 4000, not \(width).") }
    }

    func run() throws {
        do throws(ForestError) {
            try forest.parameters.validate(columns: max(table.valueColumns.count, 1))
        } catch {
            throw CommandFailure(.usage, "\(error)")
        }
        var lines: [String] = []
        try input.forEachLine { lines.append($0) }
        let series: ForestSeries
        do throws(LineError) {
            series = try ForestSeries(
                lines: lines, parameters: forest.parameters, seed: forest.seed, columns: table.selection)
        } catch {
            throw CommandFailure(.failed, "\(error)")
        }
        let name = input.file == "-" ? "Anomalies" : URL(fileURLWithPath: input.file).deletingPathExtension().lastPathComponent
        let plot = ForestPlot(series, parameters: forest.parameters, title: title ?? name, width: width)
        guard output != "-" else { return print(plot.svg, terminator: "") }
        do {
            try (output.hasSuffix(".html") ? plot.html : plot.svg).write(toFile: output, atomically: true, encoding: .utf8)
        } catch {
            throw CommandFailure(.failed, "\(output) cannot be written: \(error.localizedDescription)")
        }
    }
}
