/// What others append to a stream is told with what goes through the API, and never twice.

import AWSWire
import KinesisService
import NodeMetrics
import StreamStoreTesting
import Testing

@Suite struct ForeignTrafficTests {
    /// The sum of IncomingRecords and of IncomingBytes.
    private func incoming(_ kinesis: Harness) -> [Double] {
        let groups = kinesis.metrics.history.groups(in: "AWS/Kinesis").filter { $0.dimensions.count == 1 }
        return ["IncomingRecords", "IncomingBytes"].map { name in
            groups.reduce(0) { sum, group in sum + group.total(group.schema.metrics.firstIndex { $0.name == name } ?? -1) }
        }
    }

    @Test("what the store counts beyond the API's own comes from others")
    func others() async throws {
        let kinesis = Harness()
        try await kinesis.create()
        for _ in 0..<3 { try await kinesis.put("x") }
        let own = incoming(kinesis)
        #expect(own == [3, 6])
        // A put whose answer is under way is in the store's count already.
        kinesis.kinesis.countAppended([("s", 4, 400)])
        try await kinesis.put("x")
        kinesis.kinesis.countAppended([("s", 4, 400)])
        #expect(incoming(kinesis) == [4, 8])
        // Ten rows of an application, told at the look after the one that sees them.
        kinesis.kinesis.countAppended([("s", 14, 1400)])
        #expect(incoming(kinesis) == [4, 8])
        kinesis.kinesis.countAppended([("s", 14, 1400)])
        #expect(incoming(kinesis) == [14, 1008])
        kinesis.kinesis.countAppended([("s", 14, 1400)])
        #expect(incoming(kinesis) == [14, 1008])
        // And five more.
        kinesis.kinesis.countAppended([("s", 19, 1900)])
        kinesis.kinesis.countAppended([("s", 19, 1900)])
        #expect(incoming(kinesis) == [19, 1508])
        // The stream is made anew.
        kinesis.kinesis.countAppended([("s", 2, 100)])
        kinesis.kinesis.countAppended([("s", 2, 100)])
        #expect(incoming(kinesis) == [21, 1608])
    }
}
