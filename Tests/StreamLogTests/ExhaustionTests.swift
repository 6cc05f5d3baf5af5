/// No descriptors and no memory: what fails before a byte was written passes, and seals nothing.

import Host
import HostSimulation
import RecordBatch
import StreamLog
import Testing

@Suite struct ExhaustionTests {
    /// Appends, tried again when refused for now, with a failing disk; then judges what is there.
    private func run(_ operation: DiskOperation, nth: Int, times: Int) async throws -> Int {
        let disk = SimulatedDisk()
        let time = SimulatedTime()
        let log = try StreamLog.openStepped(
            disk: disk, time: time, options: .small, knownLogs: [firstLog, secondLog], removedLogs: []
        ).log
        disk.fail(operation, nth: nth, with: .exhausted, times: times)
        var written: [Int] = []
        for number in 0..<120 {
            var left = 200
            while true {
                do {
                    _ = try await log.append([(log: number % 3 == 0 ? secondLog : firstLog, batch: try batch(number, bytes: 300))])
                    break
                } catch LogError.overloaded where left > 0 {
                    left -= 1
                    time.advance(milliseconds: 100)
                    _ = log.stepSegments()
                }
            }
            written.append(number)
            if number % 10 == 9 {
                var steps = 0
                while log.stepSegments(), steps < 50 { steps += 1 }
            }
            if number == 60 { try? await log.trim(firstLog, before: 10) }
            #expect(log.state == .accepting, "\(operation) \(nth)")
        }
        let failures = disk.failures(of: operation)
        await log.close()
        let (again, report) = try StreamLog.openStepped(
            disk: disk.crash(keeping: .nothing), time: time, options: .small, knownLogs: [firstLog, secondLog], removedLogs: [])
        #expect(report.damages.isEmpty, "\(operation) \(nth)")
        var found: Set<Int> = []
        for id in [firstLog, secondLog] {
            for stored in try await readAll(again, id).0 {
                found.insert(
                    Int(String(decoding: try stored.batch.records()[0].value ?? [], as: UTF8.self).prefix { $0 != "." }) ?? -1)
            }
        }
        #expect(Set(written.filter { $0 > 20 || $0 % 3 == 0 }).isSubset(of: found), "\(operation) \(nth)")
        return failures
    }

    @Test(
        "descriptors run out at the Nth call and come back: every append succeeds in the end, without a restart",
        arguments: [DiskOperation.open, .createDirectory, .rename, .remove])
    func nth(operation: DiskOperation) async throws {
        var failures = 0
        for nth in 1...25 { failures += try await run(operation, nth: nth, times: 3) }
        #expect(failures > 0)
        print("\(operation.rawValue): at each N up to 25, \(failures) calls failed")
    }

    @Test("while there are no descriptors at all, appends go on in the file that is open")
    func lasting() async throws {
        let disk = SimulatedDisk()
        var options = LogOptions.small
        options.maxUnflushedBytes = 30_000
        let log = try StreamLog.openStepped(
            disk: disk, time: SimulatedTime(), options: options, knownLogs: [firstLog], removedLogs: []
        ).log
        _ = try await log.append([(log: firstLog, batch: try batch(0))])
        disk.fail(.open, nth: 1, with: .exhausted, onwards: true)
        var (accepted, refused) = (0, 0)
        for number in 1...400 {
            do {
                _ = try await log.append([(log: firstLog, batch: try batch(number, bytes: 300))])
                accepted += 1
            } catch LogError.overloaded {
                refused += 1
            }
            _ = log.stepSegments()
        }
        // Memory for what no segment takes is bounded; past it, it is "try again".
        #expect(accepted > 20 && refused > 0)
        disk.heal()
        while log.stepSegments() {}
        _ = try await log.append([(log: firstLog, batch: try batch(500))])
        #expect(log.state == .accepting)
        #expect(try await readAll(log, firstLog).0.count == accepted + 2)
        await log.close()
    }
}
