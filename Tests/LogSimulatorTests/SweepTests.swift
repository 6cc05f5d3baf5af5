/// Every cut, many flips, every failing call: the sizes are parameters, for soak runs.

import Foundation
import Host
import HostSimulation
import LogSimulation
import Synchronization
import Testing

/// Runs numbered pieces of work on all cores.
func onAllCores(_ range: Range<Int>, _ body: @escaping @Sendable (Int) -> Void) async {
    await offThePool { onAllCoresNow(range, body) }
}

private func onAllCoresNow(_ range: Range<Int>, _ body: @escaping @Sendable (Int) -> Void) {
    let next = Mutex(range.lowerBound)
    let workers = (0..<ProcessInfo.processInfo.activeProcessorCount).map { number in
        IOThread(name: "sweep-\(number)") {
            while let piece = next.withLock({ next -> Int? in
                guard next < range.upperBound else { return nil }
                defer { next += 1 }
                return next
            }) {
                body(piece)
            }
        }
    }
    for worker in workers { worker.join() }
}

@Suite(.serialized) struct SweepTests {
    private struct Sum {
        var harmless = 0
        var detected = 0
        var violations: [String] = []

        mutating func add(_ outcome: DamageSweep.Outcome) {
            switch outcome {
            case .harmless: harmless += 1
            case .detected: detected += 1
            case .violated(let texts): if violations.count < 20 { violations.append(texts.joined(separator: "; ")) }
            }
        }
    }

    @Test(
        "a file cut at any offset: exactly what ends before the cut is served, the rest is reported or looks torn",
        arguments: [DamageSweep.Target.journal, .segment])
    func cuts(_ target: DamageSweep.Target) async throws {
        let bytes = Int(size("MILLRACE_CUT_BYTES", 64 << 10))
        let sweep = try #require(DamageSweep(target, bytes: bytes))
        let sum = Mutex(Sum())
        await onAllCores(0..<sweep.fileBytes) { length in
            let outcome = sweep.cut(to: length)
            sum.withLock { $0.add(outcome) }
        }
        let result = sum.withLock { $0 }
        print(
            "\(target.rawValue) of \(sweep.fileBytes) bytes cut at every offset: \(result.detected) detected, \(result.harmless) harmless"
        )
        #expect(result.violations.isEmpty, "\(result.violations.joined(separator: "\n"))")
        #expect(result.detected > sweep.fileBytes / 2)
    }

    @Test("a flipped bit is detected or harmless, wherever it is", arguments: [DamageSweep.Target.journal, .segment])
    func flips(_ target: DamageSweep.Target) async throws {
        let count = Int(size("MILLRACE_FLIPS", 20_000)) / 2
        let sweep = try #require(DamageSweep(target, bytes: 16 << 10))
        let bits = sweep.fileBytes * 8
        let sum = Mutex(Sum())
        await onAllCores(0..<count) { flip in
            // Spread over the file by a stride that has no common factor with its length.
            let outcome = sweep.flip(bit: flip &* 1_000_003 % bits)
            sum.withLock { $0.add(outcome) }
        }
        let result = sum.withLock { $0 }
        print(
            "\(count) bits flipped in a \(target.rawValue) of \(sweep.fileBytes) bytes: \(result.detected) detected, \(result.harmless) harmless"
        )
        #expect(result.violations.isEmpty, "\(result.violations.joined(separator: "\n"))")
        #expect(result.detected > count / 10)
    }

    @Test(
        "every Nth call of every operation fails once: nothing acknowledged is lost, and work goes on afterwards",
        arguments: DiskOperation.allCases)
    func nthCallFails(_ operation: DiskOperation) async {
        let most = Int(size("MILLRACE_NTH_FAULTS", 300))
        var kinds: [(DiskError.Kind, FaultKind)] = [(.inputOutput, .inputOutput)]
        if operation == .write || operation == .open || operation == .createDirectory || operation == .truncate {
            kinds.append((.noSpace, .diskFull))
        }
        for (error, kind) in kinds {
            let failures = Mutex<[String]>([])
            let missing = Mutex<[Int]>([])
            await onAllCores(1..<most + 1) { nth in
                let result = Simulation(kind: kind).run(seed: UInt64(nth), failing: FaultOrder(operation, nth: nth, kind: error))
                if !result.orderWasCarriedOut { missing.withLock { $0.append(nth) } }
                if !result.violations.isEmpty {
                    failures.withLock { $0.append("\(operation) number \(nth), \(error): \(result.violations[0])") }
                }
            }
            let texts = failures.withLock { $0 }
            let notCarriedOut = missing.withLock { $0.sorted() }
            print(
                "\(operation) fails with \(error) at each N up to \(most): \(most - notCarriedOut.count) failed, \(texts.count) violations"
            )
            #expect(notCarriedOut.isEmpty, "\(operation) did not come so often as \(notCarriedOut.prefix(5))")
            #expect(texts.isEmpty, "\(texts.prefix(10).joined(separator: "\n"))")
        }
    }
}
