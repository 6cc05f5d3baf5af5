/// Runs in which one call, counted over all restarts, fails by order: they go on until it has.

internal import Host
internal import HostSimulation
internal import StreamLog

/// An order that follows its log from disk to disk.
struct StandingOrder {
    /// How often the process may end before an order that was not carried out is given up.
    static let mostLives = 300

    private(set) var order: FaultOrder
    /// Of the current disk: the call that is to fail.
    private var call = 0

    init(_ order: FaultOrder) { self.order = order }

    /// Lets the disk carry it out.
    mutating func place(on disk: SimulatedDisk) {
        call = disk.count(order.operation) + order.nth
        disk.fail(order.operation, nth: order.nth, with: order.kind)
    }

    /// Each disk has this one order about the operation, and begins to count anew.
    func isCarriedOut(on disk: SimulatedDisk) -> Bool { disk.failures(of: order.operation) > 0 }

    /// The process goes on with another disk; the calls of the one before count.
    mutating func move(from old: SimulatedDisk, to new: SimulatedDisk) {
        order.nth = call - old.count(order.operation)
        place(on: new)
    }
}

extension LogWorld {
    /// Works, with restarts in between, until the order is carried out or, where the operation is too rare, for a bounded while. Then goes on
    /// with the failure, ends, and checks as every run does.
    func run(until order: FaultOrder) {
        makeFrequent(order.operation)
        guard start() else { return }
        var standing = StandingOrder(order)
        standing.place(on: disk)
        self.standing = standing
        for _ in 0..<StandingOrder.mostLives {
            exercise(order.operation)
            if orderIsCarriedOut { break }
            stop()
            guard start() else { return }
            if orderIsCarriedOut { break }
        }
        work(actions: 12 + roll(30))
        stop()
        guard start() else { return }
        resume()
    }

    /// Whether the call that was ordered to fail has come.
    var orderIsCarriedOut: Bool { orderWasCarriedOut || (standing?.isCarriedOut(on: disk) ?? false) }

    /// Options under which an operation comes often. Half of the runs keep what the seed has drawn where that does not rule it out.
    private func makeFrequent(_ operation: DiskOperation) {
        let isRare = operation != .read && operation != .write && operation != .sync && operation != .open
        guard isRare || chance(1, in: 2) else { return }
        // Files that are recycled are renamed; only those that grow are cut.
        let grows = operation == .truncate
        options.journalFileBytes = grows ? 1 << 20 : 4_096
        options.maxJournalBytes = options.journalFileBytes * 2
        options.spareJournalFiles = grows ? 0 : 2
        options.prewriteAfterBytes = 0
        options.segmentBytes = 400
        options.flushThresholdBytes = 300
        options.maxUnflushedBytes = 20_000
        options.tailCacheBytes = 0
    }

    /// Work, of one life, of the kind that makes an operation's calls.
    private func exercise(_ operation: DiskOperation) {
        interleaves = chance(1, in: 2)
        listen()
        for _ in 0..<60 {
            if orderIsCarriedOut { return }
            switch operation {
            case .list, .createDirectory:
                // Most of these come at a start, and starts are quick where there was no work.
                guard chance(1, in: 4) else { return }
                createLog()
                append()
                settleDown()
                if chance(1, in: 2) { removeLog() }
                settleDown()
                return
            case .read:
                append()
                for _ in 0..<4 { readSomething() }
            case .truncate:
                // A frame that the disk has no room for is cut off.
                disk.fail(.write, nth: 1, with: .noSpace)
                append()
            default: append()
            }
            settleDown()
            // So that a life's work is no more than the one's before.
            if chance(1, in: 6) { trim() }
            if chance(1, in: 6) { time.advance(milliseconds: Int64(roll(30))) }
        }
    }
}
