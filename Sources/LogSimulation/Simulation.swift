/// Runs seeds, on several threads if wanted, each seed on one.

package import Host
package import HostSimulation
internal import StreamLog
internal import Synchronization

/// One call of the disk that is to fail.
package struct FaultOrder: Sendable {
    package var operation: DiskOperation
    /// 1 is the next call.
    package var nth: Int
    package var kind: DiskError.Kind

    package init(_ operation: DiskOperation, nth: Int, kind: DiskError.Kind) {
        self.operation = operation
        self.nth = nth
        self.kind = kind
    }
}

/// A range of seeds and how to run them.
public struct Simulation: Sendable {
    /// All seeds run this kind; nil: each seed has the kind that its number gives.
    public var kind: FaultKind?
    /// A mistake in the log, made on purpose, that the run is to find.
    package var planted: PlantedFault?
    /// The same in the store, for the kind `store`.
    package var plantedInStore: PlantedStoreFault?
    /// The same in whoever hands appends in, for the kind `conditions`.
    package var plantedInSubmits: PlantedConditionFault?
    /// The same in a table of latest values, for the kind `latest`.
    package var plantedInLatest: PlantedLatestFault?
    /// The same around the store, for the kind `walk`.
    package var plantedInWalk: PlantedWalkFault?
    /// How many steps a seed of the kind `walk` takes.
    public var walkSteps = 400
    /// Digests of what the disk was asked to do are kept.
    public var digests = false
    /// What happens is told.
    public var tellsStory = false

    public init(kind: FaultKind? = nil) { self.kind = kind }

    /// The kind that a seed runs.
    ///
    /// The log's kinds take turns; in each 19 rounds one is the store's and one that of conditions, in each 38 one that of latest values, so that a seed that found something in the log before
    /// there were those kinds is, but for them, the same run.
    public func kind(of seed: UInt64) -> FaultKind {
        if let kind { return kind }
        let kinds = FaultKind.allCases.filter { $0 != .store && $0 != .conditions && $0 != .latest && $0 != .walk }
        let (round, turn) = seed.quotientAndRemainder(dividingBy: UInt64(kinds.count))
        if round % 38 == 13 { return .latest }
        switch round % 19 {
        case 18: return .store
        case 9: return .conditions
        default: return kinds[Int(turn)]
        }
    }

    /// Runs one seed. The calling thread, which must not be one of the cooperative pool, waits.
    public func run(seed: UInt64) -> SeedResult {
        if kind(of: seed) == .store { return runStore(seed: seed) }
        if kind(of: seed) == .walk { return runWalk(seed: seed) }
        if kind(of: seed) == .conditions {
            let world = ConditionWorld(seed: seed, planted: plantedInSubmits, digests: digests, tellsStory: tellsStory)
            world.run()
            return world.result
        }
        if kind(of: seed) == .latest {
            let world = LatestWorld(seed: seed, planted: plantedInLatest, digests: digests, tellsStory: tellsStory)
            world.run()
            return world.result
        }
        let world = LogWorld(seed: seed, kind: kind(of: seed), planted: planted, digests: digests, tellsStory: tellsStory)
        world.run()
        return world.result
    }

    /// The calls of a store are asynchronous; all of them are made by one task, which the calling thread waits for.
    private func runStore(seed: UInt64) -> SeedResult {
        let world = StoreWorld(seed: seed, planted: plantedInStore, digests: digests, tellsStory: tellsStory)
        let isDone = Monitor(false)
        Task {
            await world.run()
            isDone.withLockAndWake { $0 = true }
        }
        isDone.wait { $0 ? () : nil }
        return world.result
    }

    /// As a store.
    private func runWalk(seed: UInt64) -> SeedResult {
        let walk = ReshardWalk(seed: seed, steps: walkSteps, planted: plantedInWalk, digests: digests, tellsStory: tellsStory)
        let isDone = Monitor(false)
        Task {
            await walk.run()
            isDone.withLockAndWake { $0 = true }
        }
        isDone.wait { $0 ? () : nil }
        return walk.result
    }

    /// Runs one seed in which the Nth call of an operation fails, counted from the first start on over all later ones. It works until that
    /// call has come (`SeedResult.orderWasCarriedOut`), or for a bounded while.
    package func run(seed: UInt64, failing order: FaultOrder) -> SeedResult {
        let world = LogWorld(seed: seed, kind: kind(of: seed), planted: planted, digests: digests, tellsStory: tellsStory)
        world.order = order
        world.run()
        return world.result
    }

    /// Runs seeds on as many threads as wanted.
    /// - Parameter finished: is given the results in the order of the seeds, on any thread, one at a time; false ends the run early.
    public func run(seeds: ClosedRange<UInt64>, threads: Int, finished: @escaping @Sendable (SeedResult) -> Bool) {
        let order = Mutex(Order(next: seeds.lowerBound, finished: seeds.lowerBound))
        let workers = (0..<max(1, threads)).map { number in
            IOThread(name: "seeds-\(number)") {
                while let chunk = order.withLock({ $0.take(upTo: seeds.upperBound) }) {
                    let results = chunk.map { run(seed: $0) }
                    order.withLock { order in
                        order.results[chunk.lowerBound] = results
                        while let ready = order.results.removeValue(forKey: order.finished) {
                            for result in ready where !order.isEnded { order.isEnded = !finished(result) }
                            order.finished += UInt64(ready.count)
                        }
                    }
                }
            }
        }
        for worker in workers { worker.join() }
    }

    private struct Order {
        var next: UInt64
        var finished: UInt64
        var results: [UInt64: [SeedResult]] = [:]
        var isEnded = false
        /// There is no seed after the greatest number.
        var isAtEnd = false

        mutating func take(upTo last: UInt64) -> ClosedRange<UInt64>? {
            guard !isEnded, !isAtEnd, next <= last else { return nil }
            let end = min(last, next.addingReportingOverflow(15).overflow ? last : next + 15)
            let chunk = next...end
            if end == last { isAtEnd = true } else { next = end + 1 }
            return chunk
        }
    }
}
