/// When objects are cut.

import Delivery
import Testing

@Suite struct DeliveryBufferTests {
    private func buffer(bytes: Int = 100, milliseconds: Int64 = 1000) -> DeliveryBuffer {
        DeliveryBuffer(positions: [0: 5, 1: 0], maxBytes: bytes, maxMilliseconds: milliseconds)
    }

    @Test("an empty buffer is never due and cuts nothing")
    func empty() {
        var buffer = buffer()
        #expect(buffer.millisecondsLeft(wallMilliseconds: .max, nanoseconds: .max) == nil)
        #expect(buffer.cut().isEmpty)
    }

    @Test("an object is due as soon as its bytes reach the limit, and not a record before")
    func size() {
        var buffer = buffer()
        buffer.add(0, offset: 5, bytes: 99, arrivalMilliseconds: 10, at: 0)
        #expect(!buffer.isFull)
        #expect(buffer.millisecondsLeft(wallMilliseconds: 10, nanoseconds: 0) == 1000)
        buffer.add(1, offset: 0, bytes: 1, arrivalMilliseconds: 10, at: 0)
        #expect(buffer.isFull)
        #expect(buffer.millisecondsLeft(wallMilliseconds: 10, nanoseconds: 0) == 0)
        #expect(buffer.cut() == [0: OffsetSpan(from: 5, to: 6), 1: OffsetSpan(from: 0, to: 1)])
        #expect(buffer.bytes == 0 && buffer.recordCount == 0 && buffer.position(0) == 6)
        #expect(buffer.cut().isEmpty)
    }

    @Test("time counts from the arrival of the oldest record, whichever shard it is in")
    func time() {
        var buffer = buffer()
        buffer.add(1, offset: 0, bytes: 1, arrivalMilliseconds: 5000, at: 0)
        buffer.add(0, offset: 5, bytes: 1, arrivalMilliseconds: 4500, at: 0)
        #expect(buffer.oldestMilliseconds == 4500)
        #expect(buffer.millisecondsLeft(wallMilliseconds: 5499, nanoseconds: 0) == 1)
        #expect(buffer.millisecondsLeft(wallMilliseconds: 5500, nanoseconds: 0) == 0)
    }

    @Test("a wall clock set back does not keep an object waiting longer than its limit")
    func clockSetBack() {
        var buffer = buffer()
        buffer.add(0, offset: 5, bytes: 1, arrivalMilliseconds: 1_000_000, at: 7_000_000_000)
        #expect(buffer.millisecondsLeft(wallMilliseconds: 0, nanoseconds: 7_999_000_000) == 1)
        #expect(buffer.millisecondsLeft(wallMilliseconds: 0, nanoseconds: 8_000_000_000) == 0)
        #expect(buffer.millisecondsLeft(wallMilliseconds: .min, nanoseconds: 0) == 1000)
    }

    @Test("with a limit of 0 seconds an object is due as soon as it has a record")
    func noTime() {
        var buffer = buffer(milliseconds: 0)
        buffer.add(0, offset: 5, bytes: 0, arrivalMilliseconds: 10, at: 0)
        #expect(buffer.millisecondsLeft(wallMilliseconds: 0, nanoseconds: 0) == 0)
    }

    @Test("a shard that comes later begins where it is said, one that is known stays where it is")
    func laterShard() {
        var buffer = buffer()
        buffer.add(0, at: 0)
        buffer.add(2, at: 0)
        #expect(buffer.position(0) == 5 && buffer.shards == [0, 1, 2])
        buffer.add(2, offset: 0, bytes: 1, arrivalMilliseconds: 0, at: 0)
        #expect(buffer.cut() == [2: OffsetSpan(from: 0, to: 1)])
        buffer.skip(2, to: 9)
        buffer.remove(1)
        #expect(buffer.position(2) == 9 && buffer.shards == [0, 2] && buffer.cut().isEmpty)
    }
}
