/// One write of one item, whichever operation asks for it: what it is about, what must hold, what it makes of the item.

import AWSWire
import LatestValues

/// A put, an update, a deletion or a check.
struct ItemWrite: Sendable {
    enum Action: Sendable {
        case put
        case update(UpdateProgram)
        case delete
        case check
    }

    var table: String
    var action: Action
    /// The whole item of a put, the key of all others.
    var item: Item
    var condition: Condition?
    /// Whether whoever is refused is shown the item.
    var showsItem = false

    /// What is decided before the item is known.
    struct Target: Sendable {
        var table: KnownTable
        /// In the durable table.
        var key: [UInt8]
        var itemKey: ItemKey
    }

    /// What it comes to.
    struct Decision: Sendable {
        var old: Tables.Stored?
        var new: Item?
        /// Empty for a check, and where nothing changes.
        var changes: [LatestChange]
    }

    /// Finds the table and checks the key.
    func target(_ tables: Tables) throws(AWSError) -> Target {
        let table = try tables.active(self.table)
        let itemKey: ItemKey
        switch action {
        case .put:
            itemKey = try table.key(ofItem: item)
            try table.checkIndexKeys(of: item)
            guard item.itemSize <= Item.mostBytes else { throw .invalid("Item size has exceeded the maximum allowed size") }
        case .update(let program):
            itemKey = try table.key(named: item)
            for path in program.paths where table.isKey(path.attribute) {
                throw .invalidParameter(
                    "Cannot update attribute \(String(decoding: path.attribute, as: UTF8.self)). This attribute is part of the key")
            }
        case .delete, .check: itemKey = try table.key(named: item)
        }
        return Target(table: table, key: KeyCoding.key(table: table.number, itemKey), itemKey: itemKey)
    }

    /// Decides it, its key being locked.
    /// - Throws: `.conditionalCheckFailed`, `.validation`.
    func decide(_ target: Target, _ tables: Tables, _ old: Tables.Stored?) throws(AWSError) -> Decision {
        // Looked up again under the lock: it may have got an index meanwhile, or be gone.
        let table = try tables.active(self.table)
        guard table.number == target.table.number else { throw AWSError(.resourceNotFound, "Requested resource not found") }
        if let condition, !condition.holds(of: old?.item ?? [:]) { throw refusal(old?.item) }
        let new: Item?
        switch action {
        case .put: new = item
        case .delete: new = nil
        case .check: return Decision(old: old, new: old?.item, changes: [])
        case .update(let program):
            let updated = try program.applied(to: old?.item ?? table.attributes(of: target.itemKey))
            guard updated.itemSize <= Item.mostBytes else {
                throw .invalid("Item size to update has exceeded the maximum allowed size")
            }
            if !table.indexes.isEmpty {
                try table.checkIndexKeys(of: updated, writing: Set(program.paths.map(\.attribute)))
            }
            new = updated
        }
        if old == nil, new == nil { return Decision(old: nil, new: nil, changes: []) }
        return Decision(old: old, new: new, changes: try table.changes(of: target.key, from: old, to: new))
    }

    private func refusal(_ item: Item?) -> AWSError {
        var particulars: JSONObject?
        if showsItem, let item {
            var writer = WireWriter(.json10)
            writer.value(item)
            particulars = (try? JSONValue(parsing: writer.bytes)).map { JSONObject([.init(name: "Item", value: $0)]) }
        }
        return AWSError(.conditionalCheckFailed, "The conditional request failed", particulars: particulars)
    }
}

// MARK: Doing it

extension Tables {
    /// Does one write; `answer` is called on the loop.
    func write(
        _ write: ItemWrite, on loop: AnswerLoop, _ answer: @escaping @Sendable (Result<ItemWrite.Decision, AWSError>) -> Void
    ) {
        let target: ItemWrite.Target
        do throws(AWSError) { target = try write.target(self) } catch { return answer(.failure(error)) }
        let begin: @Sendable () -> Void = { self.decide(write, target, on: loop, answer) }
        // Whoever gives the key back may be on another thread.
        if locks.acquire(target.key, orThen: { loop.run(begin) }) { begin() }
    }

    private func decide(
        _ write: ItemWrite, _ target: ItemWrite.Target, on loop: AnswerLoop,
        _ answer: @escaping @Sendable (Result<ItemWrite.Decision, AWSError>) -> Void
    ) {
        if let known = cached(target.key) { return finish(write, target, known, on: loop, answer) }
        Task {
            let result: Result<Stored?, AWSError>
            do throws(AWSError) { result = .success(try await load(target.key)) } catch { result = .failure(error) }
            loop.run {
                switch result {
                case .success(let stored): self.finish(write, target, stored, on: loop, answer)
                case .failure(let error):
                    self.locks.release(target.key)
                    answer(.failure(error))
                }
            }
        }
    }

    private func finish(
        _ write: ItemWrite, _ target: ItemWrite.Target, _ old: Stored?, on loop: AnswerLoop,
        _ answer: @escaping @Sendable (Result<ItemWrite.Decision, AWSError>) -> Void
    ) {
        let decision: ItemWrite.Decision
        do throws(AWSError) { decision = try write.decide(target, self, old) } catch {
            locks.release(target.key)
            return answer(.failure(error))
        }
        guard !decision.changes.isEmpty else {
            locks.release(target.key)
            return answer(.success(decision))
        }
        latest.submit(decision.changes) { result in
            loop.run {
                if case .success(let revisions) = result, let revision = revisions.first, let new = decision.new {
                    self.cache.insert(target.key, new, revision: revision)
                }
                self.locks.release(target.key)
                answer(result.map { _ in decision }.mapError(\.awsError))
            }
        }
    }

    /// The same for who can wait.
    func write(_ write: ItemWrite) async throws(AWSError) -> ItemWrite.Decision {
        let loop = AnswerLoop { $0() }
        return try await withCheckedContinuation { continuation in
            self.write(write, on: loop) { continuation.resume(returning: $0) }
        }.get()
    }
}
