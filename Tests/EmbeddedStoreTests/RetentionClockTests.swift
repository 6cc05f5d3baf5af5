/// The clock of retention: time that passes makes records older, time that jumps does so only after they have been there long enough anyway.

import EmbeddedStore
import Host
import HostSimulation
import StreamLog
import Testing

private let hour: Int64 = 3_600_000
private let day = 24 * hour
private let start: Int64 = 1_700_000_000_000

/// A clock of retention with the two clocks that it looks at.
private struct World {
    var time = start
    var nanoseconds: UInt64 = 7_000_000_000
    var clock: RetentionClock
    private var watch: JumpWatch

    init(saved: RetentionClock.Saved? = nil, hasHistory: Bool = false, time: Int64 = start) {
        self.time = time
        clock = RetentionClock(saved: saved, hasHistory: hasHistory, time: time, jumped: 0, nanoseconds: nanoseconds)
        watch = JumpWatch(time: time, nanoseconds: nanoseconds)
    }

    /// A record arrives: the log sees what time it is.
    mutating func arrive() -> Int64 {
        watch.observe(time: time, nanoseconds: nanoseconds)
        return time
    }

    /// Upkeep.
    mutating func look() {
        _ = arrive()
        clock.observe(time: time, jumped: watch.jumped, nanoseconds: nanoseconds)
    }

    /// Lets time pass, looked at once a minute as upkeep would at the latest.
    mutating func run(_ milliseconds: Int64, atSpeed speed: Double = 1) {
        var rest = milliseconds
        while rest > 0 {
            let step = min(rest, 60_000)
            rest -= step
            time += Int64(Double(step) * speed)
            nanoseconds += UInt64(step) * 1_000_000
            look()
        }
    }

    mutating func jump(_ milliseconds: Int64) {
        time += milliseconds
        look()
    }

    /// Another process, with what this one has written down.
    func restarted(atTime time: Int64, nanoseconds: UInt64 = 99) -> World {
        var next = World(saved: clock.saved, hasHistory: true, time: time)
        next.nanoseconds = nanoseconds
        next.clock = RetentionClock(saved: clock.saved, hasHistory: true, time: time, jumped: 0, nanoseconds: nanoseconds)
        next.watch = JumpWatch(time: time, nanoseconds: nanoseconds)
        return next
    }

    /// Whether a record that arrived at a time may go.
    func mayGo(_ arrival: Int64, after retention: Int64 = day) -> Bool {
        arrival < clock.now(retentionMilliseconds: retention) - retention
    }
}

@Suite struct RetentionClockTests {
    @Test("it runs with the log's time while that goes no faster than the monotonic clock")
    func steady() {
        var world = World()
        #expect(world.clock.now(retentionMilliseconds: day) == start)
        world.run(3 * day)
        #expect(world.clock.now(retentionMilliseconds: day) == start + 3 * day)
        // Clocks are read one after the other.
        for offset in [3, -2, 5, -6] {
            world.time += 60_000 + Int64(offset)
            world.nanoseconds += 60_000_000_000
            world.look()
        }
        #expect(world.clock.jumps.isEmpty)
    }

    @Test("a jump makes nothing older before the node has run for the retention period")
    func jump() {
        var world = World()
        let before = world.time
        world.run(hour)
        world.jump(1_000 * day)
        #expect(!world.mayGo(before))
        let after = world.time
        world.run(22 * hour)
        #expect(!world.mayGo(before))
        world.run(2 * hour + 60_000)
        // It has been there for a day.
        #expect(world.mayGo(before))
        world.run(hour)
        #expect(world.mayGo(after - 1))
        #expect(!world.mayGo(before, after: 7 * day))
    }

    @Test("time that the node was down delays, and no longer than for one retention period")
    func downtime() {
        var world = World()
        world.run(hour)
        let arrival = world.time - hour
        world = world.restarted(atTime: world.time + 3 * day)
        #expect(!world.mayGo(arrival))
        world.run(22 * hour)
        #expect(!world.mayGo(arrival))
        world.run(2 * hour)
        #expect(world.mayGo(arrival))
    }

    @Test("many short restarts do not keep records for ever")
    func restarts() {
        var world = World()
        for _ in 0..<100 {
            world.run(30 * 60_000)
            world = world.restarted(atTime: world.time + 20_000)
        }
        #expect(world.mayGo(start) && !world.mayGo(world.time - day))
        #expect(world.clock.jumps.count <= 100)
    }

    @Test("a clock that was years ahead when records came, and a restart, make nothing older")
    func poisoned() {
        var world = World()
        world.run(hour)
        let old = world.time
        world.jump(3_650 * day)
        // A record comes, so that the log's time stays where it is, and the process ends.
        world.run(60_000)
        world = world.restarted(atTime: world.time + 1)
        #expect(!world.mayGo(old))
        world.run(23 * hour)
        #expect(!world.mayGo(old))
        world.run(2 * hour)
        #expect(world.mayGo(old))
        // What was not written down before the end counts as a jump as well.
        var killed = World(saved: RetentionClock.Saved(time: start, uptime: 0, jumps: []), hasHistory: true, time: start + 40 * day)
        #expect(!killed.mayGo(start + 40 * day - 2 * day))
        killed.run(25 * hour)
        #expect(killed.mayGo(start + 40 * day - 2 * day))
    }

    @Test("a jump that was set back before a record came is forgotten")
    func setBack() {
        var world = World()
        world.run(hour)
        world.jump(10 * day)
        world.run(60_000)
        let right = world.time - 10 * day
        world = world.restarted(atTime: right)
        #expect(world.clock.jumps.isEmpty)
        #expect(world.clock.now(retentionMilliseconds: day) == right)
    }

    @Test("a clock that starts behind and is set forward stops nothing")
    func behind() {
        var world = World(time: 3 * day)
        world.run(hour)
        let early = world.time
        world.jump(start - world.time)
        let late = world.time
        world.run(25 * hour)
        #expect(world.mayGo(early) && world.mayGo(late))
    }

    @Test("a log's time at half speed makes records go after twice their period, not later")
    func halfSpeed() {
        var world = World()
        world.run(2 * day - hour, atSpeed: 0.5)
        #expect(!world.mayGo(start))
        world.run(hour + 60_000 * 2, atSpeed: 0.5)
        #expect(world.mayGo(start))
        // It was set right again: what was behind is a jump.
        world.jump(day)
        #expect(!world.mayGo(world.time - day - hour))
    }

    @Test("a jump after slow time, both between two looks, makes a record of the slow time no older")
    func slowThenJump() {
        var world = World()
        // Half speed for ten hours, a record, a jump of a day: seen by one look at the end.
        (world.time, world.nanoseconds) = (world.time + 5 * hour, world.nanoseconds + UInt64(10 * hour) * 1_000_000)
        let arrival = world.arrive()
        world.time += day
        world.look()
        #expect(!world.mayGo(arrival))
        world.run(23 * hour)
        #expect(!world.mayGo(arrival))
        world.run(2 * hour)
        #expect(world.mayGo(arrival))
    }

    @Test("without anything written down all records get a whole period")
    func unknown() {
        var world = World(hasHistory: true)
        #expect(!world.mayGo(0))
        world.run(25 * hour)
        #expect(world.mayGo(start - day))
        #expect(World(hasHistory: false).clock.now(retentionMilliseconds: day) == start)
    }

    @Test("what is written down is read as it was, and nothing else is")
    func saved() {
        var world = World()
        world.jump(day)
        world.run(hour)
        world.jump(2 * day)
        let saved = world.clock.saved
        #expect(RetentionClock.Saved(saved.bytes) == saved)
        for bytes in [[], [2] + saved.bytes.dropFirst(), saved.bytes + [0], Array(saved.bytes.dropLast())] as [[UInt8]] {
            #expect(RetentionClock.Saved(bytes) == nil)
        }
    }

    @Test("extreme readings trap nowhere")
    func extremes() {
        var world = World(hasHistory: true, time: .max)
        (world.time, world.nanoseconds) = (.max, .max)
        world.look()
        _ = world.clock.now(retentionMilliseconds: .max)
        world = World(time: .min)
        (world.time, world.nanoseconds) = (.max, .max)
        world.look()
        _ = world.clock.now(retentionMilliseconds: day)
        _ = world.restarted(atTime: .min)
    }

    @Test("whatever the clocks do: nothing goes before the node has run for its period, and after twice the period all has gone")
    func random() {
        for seed in 0..<300 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            var world = World()
            // Arrival, and how long the node had run.
            var records: [(arrival: Int64, uptime: Int64)] = []
            var uptime: Int64 = 0
            let retention = day * Int64(1 + random.next() % 3)
            for _ in 0..<120 {
                switch random.next() % 8 {
                case 0: world.jump(Int64(random.next() % 40) * day)
                case 1: world = world.restarted(atTime: world.time + Int64(random.next() % 3) * day)
                default:
                    let step = Int64(random.next() % 12) * hour
                    world.run(step, atSpeed: random.next() % 4 == 0 ? 0.5 : 1)
                    uptime += step
                }
                records.append((world.time, uptime))
                for record in records where world.mayGo(record.arrival, after: retention) {
                    #expect(uptime - record.uptime >= retention - 2_000, "seed \(seed)")
                }
                records.removeAll { world.mayGo($0.arrival, after: retention) }
            }
            world.run(2 * retention + hour, atSpeed: 0.5)
            #expect(records.allSatisfy { world.mayGo($0.arrival, after: retention) }, "seed \(seed)")
        }
    }
}
