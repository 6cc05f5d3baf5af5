/// `millrace sql run --source`: a program in this process over a stream's records, its rows on standard output.

import ArgumentParser
import Foundation
import StreamEngine
import StreamSQL

/// The options of a run that shows rows.
struct LiveOptions: ParsableArguments {
    @OptionGroup var input: ProgramInput
    @Option(help: "The in-application stream whose rows are shown (default: all, and error_stream).") var show: String?
    @Option(help: "A table for people, ndjson as `sql replay` prints it, or csv of one stream.") var output = RowFormat.table
    @Option(help: "Stop after this many rows.") var limit: Int?
    @Option(help: "Seeds the forests.") var seed: UInt64 = 0
    @Flag(help: "Stop at the stream's present end; what is open closes.") var endOfInput = false

    func check() throws {
        if let limit, limit < 1 { throw ValidationError("--limit must be 1 or more, not \(limit).") }
        let isUsed = input.schema != nil || show != nil || limit != nil || endOfInput
        if input.source == nil, isUsed { throw ValidationError("--schema, --show, --limit and --end-of-input go with --source.") }
    }

    func run(_ code: String, file: String, over source: String, from: String) async throws {
        let program = try await input.program(code, file: file, seed: seed)
        let shown = program.streams.filter { show == nil || $0.name == show }
        guard !shown.isEmpty else {
            let names = program.streams.map(\.name).joined(separator: ", ")
            throw CommandFailure(.notFound, "The program has no stream \(show ?? ""); there are: \(names)")
        }
        guard output != .csv || shown.count == 1 else { throw CommandFailure(.usage, "--output csv needs --show.") }
        let position = ReadPosition(type: from == "start" || endOfInput ? "TRIM_HORIZON" : "LATEST")
        let follower = try await StreamFollower(source, from: position, stopsAtTips: endOfInput, input.server.client)
        var printed = PrintedProgram(program: program, printer: RowPrinter(output, shown), left: limit ?? .max)
        var run = LiveRun(follower: follower)
        try await run.run(&printed, endsInput: endOfInput)
    }
}

/// What is played the records of a stream as they come.
protocol LiveTarget {
    /// Whether nothing more is wanted.
    var isDone: Bool { get }
    /// Plays records in their order.
    /// - Parameter time: where the clock moves then; nil to leave it at the last record.
    mutating func play(_ records: [LiveProgram.Record], through time: Int64?) throws
    /// Closes what is open.
    mutating func end() throws
}

/// A program whose rows are printed.
struct PrintedProgram: LiveTarget {
    var program: LiveProgram
    var printer: RowPrinter
    /// How many rows are still to be shown.
    var left: Int

    var isDone: Bool { left <= 0 }

    mutating func play(_ records: [LiveProgram.Record], through time: Int64?) throws {
        do throws(DataflowError) {
            if !records.isEmpty { try program.insert(records) }
            if let time { try program.advance(to: time) }
        } catch {
            throw CommandFailure(.failed, "\(error)")
        }
        show()
    }

    mutating func end() throws {
        do throws(DataflowError) { try program.finish() } catch { throw CommandFailure(.failed, "\(error)") }
        show()
    }

    private mutating func show() {
        for (stream, batch) in program.takeRows() where left > 0 { left -= printer.print(batch, of: stream, atMost: left) }
    }
}

/// Reads and plays. Records wait until no shard can give an earlier one, so that all shards together are in the order of arrival.
struct LiveRun {
    /// How far the clock stays behind the wall's: records that were acknowledged by then have been read.
    private static let lag: Int64 = 1_000

    private var follower: StreamFollower
    private var waiting: [LiveProgram.Record] = []
    private var lastArrivals: [String: Int64] = [:]

    init(follower: StreamFollower) { self.follower = follower }

    static func wallMilliseconds() -> Int64 { Int64(Date().timeIntervalSince1970 * 1_000) }

    /// Goes on until nothing more is wanted or there is nothing more to read.
    /// - Parameter endsInput: whether what is open closes then.
    mutating func run(_ target: inout some LiveTarget, endsInput: Bool) async throws {
        while !target.isDone {
            let before = Self.wallMilliseconds()
            let goesOn = try await read()
            try play(&target, through: frontier(before))
            if follower.isAtEnd {
                try play(&target, through: .max)
                if endsInput { try target.end() }
                return
            }
            if !goesOn { try await Task.sleep(for: StreamFollower.pause) }
        }
    }

    private mutating func read() async throws -> Bool {
        var (waiting, arrivals) = (waiting, lastArrivals)
        let round = try await follower.read { shard, records in
            for record in records {
                let arrival = Int64((record.ApproximateArrivalTimestamp * 1_000).rounded())
                arrivals[shard] = arrival
                waiting.append(
                    LiveProgram.Record(
                        data: Array(record.Data), arrivalMilliseconds: arrival, partitionKey: record.PartitionKey,
                        sequenceNumber: record.SequenceNumber, shardID: shard))
            }
        }
        (self.waiting, lastArrivals) = (waiting, arrivals)
        return round.goesOn
    }

    /// The time through which everything was read. A shard that was at its end before `now` has nothing older than that left.
    private func frontier(_ now: Int64) -> Int64 {
        follower.open.map { shard, isAtTip in isAtTip ? now - Self.lag : (lastArrivals[shard] ?? .min) }.min() ?? .max
    }

    private mutating func play(_ target: inout some LiveTarget, through time: Int64) throws {
        let due = waiting.filter { $0.arrivalMilliseconds <= time }
        waiting.removeAll { $0.arrivalMilliseconds <= time }
        // The order within a shard stays: the sort is by time and by where a record came in.
        let order = due.indices.sorted { (due[$0].arrivalMilliseconds, $0) < (due[$1].arrivalMilliseconds, $1) }
        try target.play(order.map { due[$0] }, through: time != .max && time != .min ? time : nil)
    }
}
