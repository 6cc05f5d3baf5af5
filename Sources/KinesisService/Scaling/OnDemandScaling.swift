/// Gives on-demand streams the shards that their load asks for.

import AWSWire
import Host
import NodeMetrics
import StreamStore

extension Kinesis {
    /// Looks at all on-demand streams, for ever.
    func watchOnDemandStreams() async {
        guard settings.onDemand.mostShards > 0 else { return }
        let began = clock.monotonicNanoseconds()
        while (try? await Task.sleep(for: .milliseconds(settings.onDemand.intervalMilliseconds))) != nil {
            await scaleOnDemandStreams(since: began)
        }
    }

    /// Looks at all on-demand streams once.
    /// - Parameter began: since when this node has seen what is put, on the monotonic clock in nanoseconds.
    package func scaleOnDemandStreams(since began: UInt64) async {
        guard settings.onDemand.mostShards > 0, let streams = try? await store.streams(in: .stream) else { return }
        let seen = Int64(clamping: (clock.monotonicNanoseconds() &- began) / 1_000_000)
        for stream in streams where !Task.isCancelled {
            guard let attributes = try? await attributes.attributes(of: stream.id) else { continue }
            let stream = attributes.applied(to: stream)
            guard stream.mode == .onDemand, stream.status == .active else { continue }
            let needed = neededShards(stream, attributes)
            let mayShrink = seen >= settings.onDemand.shrinkAfterMilliseconds
            if let target = settings.onDemand.target(open: stream.openShardCount, needed: needed, mayShrink: mayShrink) {
                await scale(stream, to: target)
            }
        }
    }

    private func neededShards(_ stream: StreamDescription, _ attributes: StreamAttributes) -> Int {
        let minutes = metrics.stream(stream.key.name).minutes
        let day = (now / 60_000 - Int64(MetricHistory.longestMinutes))..<(now / 60_000 + 1)
        func peak(_ metric: StreamMetric) -> Double { minutes.points(metric.rawValue, in: day).map(\.sum).max() ?? 0 }
        return settings.onDemand.needed(
            peakBytes: peak(.incomingBytes), peakRecords: peak(.incomingRecords), warmMiBps: attributes.warmThroughputMiBps ?? 0)
    }

    private func scale(_ stream: StreamDescription, to target: Int) async {
        guard UniformScaling.next(stream.shards, count: target) != nil else { return }
        let extent = UniformScaling.extent(stream.shards, count: target)
        do throws(AWSError) {
            try await beginScaling(stream, to: target, steps: extent.steps)
            settings.report(
                .info, "an on-demand stream is scaled by its load",
                ["stream": stream.key.name, "from": "\(stream.openShardCount)", "to": "\(target)"])
        } catch {
            // Somebody who came first is no failure; the next look decides anew.
            if error.name != .resourceInUse { scalingFailed(stream.key, "\(error)") }
        }
    }

    /// Tells of a step in the background that came to nothing, where nobody waits for an answer.
    func scalingFailed(_ stream: StreamKey, _ reason: String) {
        metrics.failedScalings.add()
        settings.report(.error, "the shards of a stream cannot be scaled", ["stream": stream.name, "reason": reason])
    }
}
