/// What is done with a table: changes, alone and together, under conditions, and reads; compactions come by themselves.

internal import EmbeddedStore
internal import Host
internal import HostSimulation
internal import LatestValues
internal import StreamLog
internal import StreamStore

extension LatestWorld {
    private static let keyCount = 12

    func work(actions: Int) async {
        interleaves = true
        disk.setHook { [weak self] operation, path in self?.passBy(operation, path) }
        for _ in 0..<actions {
            guard !disk.isDead, let store, let table else { break }
            time.advance(milliseconds: Int64(roll(50)))
            switch roll(10) {
            case 0: _ = store.steppedLog.stepSegments()
            case 1: await readOne(table)
            case 2: await readRange(table)
            default: await change(calls: 1 + roll(4))
            }
            await err(store)
        }
    }

    /// Others change keys while a call of the disk is under way, above all the reading of a compaction.
    private func passBy(_ operation: DiskOperation, _ path: String) {
        tell("  \(operation) \(path)")
        guard interleaves, !isInHook, chance(1, in: operation == .read ? 3 : 20), let table else { return }
        isInHook = true
        submit(drawCall(), to: table)
        isInHook = false
    }

    private func drawChange() -> LatestChange {
        number += 1
        let key = "k\(roll(Self.keyCount))"
        let filler = [UInt8](repeating: UInt8(ascii: "."), count: roll(chance(1, in: 5) ? 900 : 60))
        let value = chance(1, in: 6) ? nil : Array("\(number)".utf8) + filler
        let known = model.values[Array(key.utf8)]?.revision
        let condition: LatestChange.Condition =
            switch roll(8) {
            case 0: .absent
            case 1: .present
            case 2, 3: .revision(known ?? -1)
            default: .none
            }
        return LatestChange(key, to: value, if: condition)
    }

    private func drawCall() -> [LatestChange] { (0..<1 + roll(3)).map { _ in drawChange() } }

    func submit(_ changes: [LatestChange], to table: LatestTable) {
        let call = Call(changes)
        tell("call: \(call.changes.map { "\(String(decoding: $0.key, as: UTF8.self)) \($0.condition) \($0.value?.count ?? -1)" })")
        tally.appends += 1
        calls.append(call)
        table.submit(call.changes) { call.answer = $0 }
    }

    /// Hands in calls one after the other, and waits for all of them.
    func change(calls count: Int) async {
        guard let table else { return }
        for _ in 0..<count { submit(drawCall(), to: table) }
        // What is handed in last is answered last.
        let last = Call([LatestChange("k0", to: nil, if: .revision(-1))])
        calls.append(last)
        await withCheckedContinuation { continuation in
            table.submit(last.changes) { answer in
                last.answer = answer
                continuation.resume()
            }
        }
        takeAnswers()
    }

    // MARK: Judging

    /// Takes in what is certain, in the order of the calls, up to the first that is open.
    func takeAnswers() {
        while let call = calls.first, let answer = call.answer {
            switch answer {
            case .success(let revisions):
                guard isTaken(call, revisions) else { return }
            case .failure(.conditionFailed(let index, let revision)): judge(call, refusedAt: index, revision)
            case .failure(.store(.readOnly(let reason))) where reason != "the disk is full": return
            case .failure(let error):
                if disk.isDead { return }
                if isWithoutFaults(error) { blame("a change fails without a fault: \(error)") }
            }
            calls.removeFirst()
        }
    }

    private func isWithoutFaults(_ error: LatestError) -> Bool {
        switch error {
        case .store(.overloaded), .overloaded, .closed: false
        default: disk.injectedFaults == 0 && disk.quota == nil
        }
    }

    private func isTaken(_ call: Call, _ revisions: [Int64]) -> Bool {
        if let refusal = model.refusal(of: call.changes) {
            blame("change \(refusal.index) of a call was made under \(call.changes[refusal.index].condition); that did not hold")
        }
        guard revisions.count == call.changes.count else {
            blame("\(call.changes.count) changes have \(revisions.count) revisions")
            return false
        }
        for (change, revision) in zip(call.changes, revisions) {
            if revision <= model.highest { blame("revision \(revision) comes after \(model.highest)") }
            model.highest = max(model.highest, revision)
            model.apply(change, revision: revision)
        }
        tally.acknowledged += 1
        return true
    }

    private func judge(_ call: Call, refusedAt index: Int, _ revision: Int64?) {
        guard let refusal = model.refusal(of: call.changes) else { return blame("a call is refused whose conditions hold") }
        if refusal.index != index { blame("change \(index) is refused, not \(refusal.index)") }
        // A revision given by a change of the same call is not known to the model.
        if let known = refusal.current?.revision, known != revision {
            blame("a refusal names revision \(revision.map { "\($0)" } ?? "none"), not \(known)")
        }
        tally.fenced += 1
    }

    private func readOne(_ table: LatestTable) async {
        let key = Array("k\(roll(Self.keyCount))".utf8)
        interleaves = false
        defer { interleaves = true }
        guard calls.isEmpty, let value = try? await table.value(of: key) else { return }
        tally.reads += 1
        let known = model.values[key]
        if value.bytes != known?.text || value.revision != known?.revision {
            blame("key \(String(decoding: key, as: UTF8.self)) has revision \(value.revision), not \(known?.revision ?? 0)")
        }
    }

    private func readRange(_ table: LatestTable) async {
        interleaves = false
        defer { interleaves = true }
        guard calls.isEmpty, let found = try? await table.entries(in: KeyRange(from: Array("k1".utf8)), limit: 5) else { return }
        tally.reads += found.count
        let expected = model.values.keys.filter { !$0.lexicographicallyPrecedes(Array("k1".utf8)) }
            .sorted { $0.lexicographicallyPrecedes($1) }.prefix(5)
        if found.map(\.key) != Array(expected) || found.contains(where: { model.values[$0.key]?.text != $0.value.bytes }) {
            blame("a range shows other keys or values than were written")
        }
    }
}
