/// Point 3, second half: what 100,000 empty shards cost in memory, at their making and at start-up.

import EmbeddedStore
import Host
import StreamStore

/// A store of many empty shards, made and opened by processes of their own, so that each begins with clean memory.
struct EmptyShards {
    let directory: WorkingDirectory
    let report: Report
    static let streams = 100
    static let shardsEach = 1_000

    func run() {
        report.say("3. \(EmptyShards.streams) streams of \(EmptyShards.shardsEach) empty shards")
        let place = directory.place("empty")
        let made = StoreMeasurement(runAgain(["make-empty-store", place]))
        report.figure("empty.creation", made.seconds, "s", "through the store, one stream after the other")
        report.figure("empty.creation.memory", Double(made.grown) / 1e6, "MB", "resident, more than before the store was opened")
        var opened = Samples()
        var grown = Samples()
        for _ in 0..<3 {
            let again = StoreMeasurement(runAgain(["open-store", place]))
            opened.add(again.seconds)
            grown.add(Double(again.grown))
        }
        report.figure(
            "empty.memory", grown.median / 1e6, "MB", target: .atMost(200), "resident after start-up, more than before, median of 3"
        )
        report.figure("empty.start_up", opened.median, "s", target: .atMost(2), "opening the store again, median of 3")
        directory.clear("empty")
    }

    /// Makes the streams in a new store.
    static func make(at path: String) async -> StoreMeasurement {
        await StoreMeasurement.opening(path) { store in
            do {
                for number in 0..<streams {
                    _ = try await store.createStream(StreamDefinition(key: StreamKey("stream-\(number)"), shardCount: shardsEach))
                }
            } catch {
                give(up: "createStream: \(error)")
            }
        }
    }
}
