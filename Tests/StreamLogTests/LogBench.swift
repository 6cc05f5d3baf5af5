/// What the log's tests share: small batches, seeds, a log on a simulated disk.

import Foundation
import Host
import HostSimulation
import RecordBatch
import StreamLog
import Testing

/// The seeds of a test: `count` from 1 on (MILLRACE_SEEDS times as many for a soak), or the one that MILLRACE_SEED names.
func seeds(_ count: UInt64) -> [UInt64] {
    if let seed = ProcessInfo.processInfo.environment["MILLRACE_SEED"].flatMap(UInt64.init) { return [seed] }
    let times = ProcessInfo.processInfo.environment["MILLRACE_SEEDS"].flatMap(UInt64.init) ?? 1
    return Array(1...count * max(1, times))
}

/// A batch whose records carry a tag, so that it can be told from all others.
func batch(_ tag: Int, records: Int = 1, bytes: Int = 20) throws -> RecordBatch {
    var builder = RecordBatchBuilder(baseTimestamp: 0)
    for record in 0..<records {
        let text = "\(tag).\(record)."
        let value = Array(text.utf8) + [UInt8](repeating: UInt8(truncatingIfNeeded: tag), count: max(0, bytes - text.utf8.count))
        try builder.append(key: nil, value: value, timestamp: 0)
    }
    return try builder.finish()
}

/// The batch as it was handed in, whatever its offset is now.
func plain(_ batch: RecordBatch) -> RecordBatch { batch.settingBaseOffset(0) }

let firstLog = LogID(stream: 1, shard: 0)
let secondLog = LogID(stream: 1, shard: 1)
let thirdLog = LogID(stream: 2, shard: 0)

extension LogOptions {
    /// Small enough that a few hundred batches roll journal and segments.
    static var small: LogOptions {
        var options = LogOptions()
        options.journalFileBytes = 40_000
        options.maxJournalBytes = 80_000
        options.prewriteAfterBytes = 2_000
        options.tailCacheBytes = 2_000
        options.segmentBytes = 4_000
        options.flushThresholdBytes = 3_000
        options.indexIntervalBytes = 500
        options.readThreads = 1
        return options
    }

    /// Nothing is written to segments before the end.
    static var journalOnly: LogOptions {
        var options = LogOptions()
        options.readThreads = 1
        return options
    }

    /// Nothing goes to segments, and each append has a journal file of its own that grows.
    static var smallJournalFiles: LogOptions {
        var options = LogOptions.journalOnly
        options.journalFileBytes = 4_096
        options.spareJournalFiles = 0
        return options
    }
}

typealias SimulatedLog = StreamLog<SimulatedDisk>

func open(
    _ disk: SimulatedDisk, _ options: LogOptions = .journalOnly, known: Set<LogID> = [firstLog, secondLog],
    removed: Set<LogID> = [],
    time: SimulatedTime = SimulatedTime()
) async throws -> (log: SimulatedLog, report: RecoveryReport) {
    try await SimulatedLog.open(disk: disk, time: time, options: options, knownLogs: known, removedLogs: removed)
}

/// Reads all there is from an offset on; damaged ranges are passed over and returned.
func readAll(_ log: SimulatedLog, _ id: LogID) async throws -> (batches: [LogBatch], damaged: [ClosedRange<Int64>]) {
    var (offset, end) = try log.bounds(id)
    var batches: [LogBatch] = []
    var damaged: [ClosedRange<Int64>] = []
    while offset < end {
        do {
            let read = try await log.read(id, from: offset, maxBytes: 10_000)
            for batch in read.batches {
                #expect(batch.endOffset > offset)
                #expect(batch.batch.baseOffset == batch.baseOffset)
                batches.append(batch)
                offset = batch.endOffset
            }
            try #require(!read.batches.isEmpty)
            end = read.highWatermark
        } catch LogError.damaged(_, let from, let through) {
            try #require(through >= offset)
            damaged.append(from...through)
            offset = through + 1
        }
    }
    return (batches, damaged)
}
