/// The arrival clock as a value.

import HostSimulation
import StreamLog
import Testing

@Suite struct ArrivalClockTests {
    @Test("arrivals never decrease and lie above every settled time, whatever the wall clock does")
    func jumps() {
        for seed in seeds(200) {
            var random = SeededGenerator(seed: seed)
            var wall = Int64(1_000_000)
            var monotonic = UInt64(0)
            var clock = ArrivalClock(lastArrival: 900_000, wall: wall, monotonic: 0)
            var lastArrival = Int64(900_000)
            var lastSettled = Int64.min
            for _ in 0..<200 {
                let step = Int64.random(in: 0...5, using: &random)
                wall += step
                monotonic += UInt64(step) * 1_000_000
                if Int.random(in: 0..<20, using: &random) == 0 { wall += Int64.random(in: -100_000...100_000, using: &random) }
                if Bool.random(using: &random) {
                    let arrival = clock.arrival(wall: wall, monotonic: monotonic)
                    #expect(arrival >= lastArrival && arrival > lastSettled, "MILLRACE_SEED=\(seed)")
                    lastArrival = arrival
                } else {
                    let settled = clock.settled(wall: wall, monotonic: monotonic, inFlight: nil)
                    #expect(settled >= lastSettled, "MILLRACE_SEED=\(seed)")
                    lastSettled = settled
                }
            }
        }
    }

    @Test("settled time is now when nothing is under way, and just before what is")
    func settled() {
        var clock = ArrivalClock(lastArrival: .min, wall: 100, monotonic: 0)
        #expect(clock.settled(wall: 100, monotonic: 0, inFlight: nil) == 100)
        let arrival = clock.arrival(wall: 100, monotonic: 0)
        #expect(arrival == 101)
        #expect(clock.settled(wall: 200, monotonic: 0, inFlight: arrival) == 100)
        #expect(clock.settled(wall: 200, monotonic: 0, inFlight: nil) == 200)
    }

    @Test("while the wall clock is behind, time goes on at half speed until it has caught up")
    func behind() {
        var clock = ArrivalClock(lastArrival: 10_000, wall: 2_000, monotonic: 0)
        #expect(clock.now(wall: 2_000, monotonic: 0) == 10_001)
        #expect(clock.now(wall: 4_000, monotonic: 2_000_000_000) == 11_001)
        #expect(clock.now(wall: 30_000, monotonic: 28_000_000_000) == 30_000)
    }
}
