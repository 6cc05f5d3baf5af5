/// Threads for calls that block: what is handed in is run, in order, and let go of.

import Host
import Synchronization
import Testing

@Suite struct IOThreadsTests {
    private final class Held: Sendable {
        private let gone: @Sendable () -> Void
        init(_ gone: @escaping @Sendable () -> Void) { self.gone = gone }
        deinit { gone() }
    }

    @Test("what a piece of work holds on to goes when it has run, though nothing else is handed in")
    func letGo() async {
        let threads = IOThreads(name: "test", count: 1)
        await withCheckedContinuation { continuation in
            let held = Held { continuation.resume() }
            threads.submit { _ = held }
        }
        threads.close()
    }

    @Test("work is run in the order in which it was handed in, and after the end where it is called")
    func order() async {
        final class Record: Sendable { let numbers = Mutex<[Int]>([]) }
        let threads = IOThreads(name: "test", count: 1)
        let record = Record()
        for number in 0..<500 { threads.submit { record.numbers.withLock { $0.append(number) } } }
        #expect(await threads.run { record.numbers.withLock { $0.count } } == 500)
        threads.close()
        threads.submit { record.numbers.withLock { $0.append(500) } }
        #expect(record.numbers.withLock { $0 } == Array(0...500))
    }
}
