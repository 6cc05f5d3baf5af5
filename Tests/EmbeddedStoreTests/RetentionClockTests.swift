/// The retention clock believes no jump forward.

import EmbeddedStore
import Testing

@Suite struct RetentionClockTests {
    private let clock = RetentionClock(wallMilliseconds: 1_000_000, nanoseconds: 5_000_000_000)

    @Test("it runs with both clocks while they agree")
    func steady() {
        #expect(clock.now(wallMilliseconds: 1_000_000, nanoseconds: 5_000_000_000) == 1_000_000)
        #expect(clock.now(wallMilliseconds: 1_060_000, nanoseconds: 65_000_000_000) == 1_060_000)
    }

    @Test("a jump forward is not followed, a jump back is")
    func jumps() {
        #expect(clock.now(wallMilliseconds: 99_000_000, nanoseconds: 6_000_000_000) == 1_001_000)
        #expect(clock.now(wallMilliseconds: 900_000, nanoseconds: 6_000_000_000) == 900_000)
        #expect(clock.now(wallMilliseconds: .min, nanoseconds: .max) == .min)
    }
}
