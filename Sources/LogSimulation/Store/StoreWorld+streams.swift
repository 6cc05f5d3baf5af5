/// Streams and owners of a simulated store: made, changed, deleted, claimed, and looked for after each start.

internal import EmbeddedStore
internal import HostSimulation
internal import StreamLog
internal import StreamStore

extension StoreWorld {
    // MARK: After a start

    /// Compares all streams that a start has found with what is expected, and settles what was open.
    func settleStreams(_ store: Store) async {
        var isFound = [Bool](repeating: false, count: streams.streams.count)
        for description in await allStreams(store) {
            let name = "stream \(description.key.name), number \(description.id),"
            guard let index = expected(description) else {
                let gone = streams.streams.contains { $0.id == description.id }
                blame("\(name) is there, \(gone ? "after its deletion" : "and nobody has made it as it is")")
                continue
            }
            isFound[index] = true
            settle(index, as: description, name, isSettled: isWritable(store.steppedLog))
        }
        for index in isFound.indices where !isFound[index] {
            switch streams.streams[index].standing {
            case .creating: streams.streams[index].standing = .gone
            case .present:
                blame("stream \(streams.streams[index].key.name) is gone, and its creation was answered")
                streams.bury(index, in: &model)
            case .leaving, .deleting:
                // Its time is over. What keeps the catalog or the log from taking it out is tried again by the next upkeep, or start.
                if store.housekeepingProblem == nil { streams.bury(index, in: &model) } else { streams.doom(index, in: &model) }
            case .gone: break
            }
        }
    }

    private func settle(_ index: Int, as found: StreamDescription, _ name: String, isSettled: Bool) {
        let standing = streams.streams[index].standing
        if let difference = streams.difference(streams.streams[index], found) { blame("\(name) \(difference)") }
        streams.streams[index].tags = found.tags
        streams.streams[index].openTags = []
        if standing != .creating { settleShape(index, as: found, isSettled: isSettled) }
        let isLeaving = found.status == .deleting
        switch standing {
        case .creating:
            if let wrong = streams.establish(index, found, in: &model) { blame(wrong) }
            if isLeaving { blame("\(name) is DELETING, and nobody has asked for it") }
        case .present: if isLeaving { blame("\(name) is DELETING, and nobody has asked for it") }
        case .leaving: streams.streams[index].standing = isLeaving ? .deleting : .present
        case .deleting: if !isLeaving { blame("\(name) is \(found.status.rawValue), and its deletion was answered") }
        case .gone: break
        }
    }

    /// The stream of the model that one of the store's is.
    private func expected(_ found: StreamDescription) -> Int? {
        let all = streams.streams
        return all.indices.first { all[$0].id == found.id && all[$0].standing != .gone && all[$0].key == found.key }
            ?? all.indices.first {
                all[$0].standing == .creating && all[$0].key == found.key && streams.difference(all[$0], found) == nil
            }
    }

    private func allStreams(_ store: Store) async -> [StreamDescription] {
        var all: [StreamDescription] = []
        for namespace in StreamNamespace.allCases {
            do throws(StoreError) {
                all += try await store.streams(in: namespace)
            } catch {
                blame("streams cannot be listed: \(error)")
            }
        }
        return all
    }

    /// An epoch lies between the last one that was answered and the last one that was asked for.
    func settleOwners(_ store: Store) {
        for (name, owner) in streams.owners.sorted(by: { $0.key < $1.key }) {
            let epoch = store.currentEpoch(of: name)
            if epoch < owner.epoch || epoch > owner.epoch + owner.open {
                blame("\(name) is at epoch \(epoch) after a start, \(owner.epoch) was answered and \(owner.open) claims were not")
            }
            streams.owners[name] = StoreModel.Owner(epoch: epoch)
        }
    }

    // MARK: In the middle of work

    /// Compares the streams as they are told with what was answered.
    func lookAtStreams() async {
        guard let store else { return }
        for index in streams.streams.indices {
            let stream = streams.streams[index]
            guard stream.standing == .present else { continue }
            do throws(StoreError) {
                let found = try await store.stream(stream.key)
                dropRetired(index, found)
                if let difference = streams.difference(streams.streams[index], found) {
                    blame("stream \(stream.key.name) \(difference)")
                }
                if found.status == .deleting { blame("stream \(stream.key.name) is DELETING, and nobody has asked for it") }
            } catch {
                blame("stream \(stream.key.name) cannot be described: \(error)")
            }
        }
    }

    /// - Parameter shards: nil: as the seed decides.
    func createStream(shards: Int? = nil) async {
        guard let store, streams.usable.count < 6 || shards != nil else { return }
        let namespace: StreamNamespace = shards != nil || chance(3, in: 4) ? .stream : .application
        let key = StreamKey(shards != nil ? "last" : "s\(roll(5))", in: namespace)
        let definition = StreamDefinition(
            key: key, shardCount: shards ?? 1 + roll(3), retentionHours: 24 * (1 + roll(2)), maxRecordKiB: 1_024 * (1 + roll(2)),
            tags: drawTags())
        let holder = streams.holder(of: key)
        let isOpen = streams.streams.contains { $0.key == key && $0.standing == .creating }
        let result: Result<StreamDescription, StoreError>
        do throws(StoreError) {
            result = .success(try await store.createStream(definition))
        } catch {
            result = .failure(error)
        }
        settleAnswers()
        tell("create \(key.namespace.rawValue) \(key.name) of \(definition.shardCount) shards: \(outcome(result))")
        let stream = StoreModel.Stream(definition: definition, tags: definition.tags)
        switch result {
        case .success(let description):
            if let holder {
                if streams.streams[holder].standing == .present { blame("stream \(key.name) is created twice") }
                streams.bury(holder, in: &model)
            }
            for other in streams.streams.indices where streams.streams[other].key == key {
                if streams.streams[other].standing == .creating { streams.streams[other].standing = .gone }
            }
            streams.streams.append(stream)
            tally.streams += 1
            if let wrong = streams.establish(streams.streams.count - 1, description, in: &model) { blame(wrong) }
            if let difference = streams.difference(stream, description) { blame("the new stream \(key.name) \(difference)") }
        case .failure(.streamExists): if holder == nil { blame("stream \(key.name) is said to exist") }
        case .failure(let error):
            streams.streams.append(stream)
            if isWithoutFaults, !isOpen { blame("stream \(key.name) cannot be created: \(error)") }
        }
    }

    private func outcome<Value>(_ result: Result<Value, StoreError>) -> String {
        switch result {
        case .success: "done"
        case .failure(let error): "\(error)"
        }
    }

    private func drawTags() -> [String: String] {
        var tags: [String: String] = [:]
        if chance(1, in: 2) { tags["owner"] = "team \(roll(4))" }
        if chance(1, in: 4) { tags[StreamSettings.retentionBytesTag] = "\(500 + roll(20_000))" }
        return tags
    }

    func changeTags() async {
        guard let store, let index = streams.usable.randomElement(using: &random) else { return }
        let key = streams.streams[index].key
        let tags = drawTags()
        do throws(StoreError) {
            _ = try await store.changeTags(key) { old in
                old = tags
                return true
            }
            tell("tags of \(key.name) changed")
            streams.streams[index].tags = tags
        } catch {
            tell("tags of \(key.name): \(error)")
            if disk.isDead { streams.streams[index].openTags.append(tags) }
            if case .streamBusy = error, options.lifecycleDelaySeconds > 0 { return }
            if isWithoutFaults { blame("tags of stream \(key.name) cannot be changed: \(error)") }
        }
    }

    func deleteStream() async {
        guard let store, let index = streams.usable.randomElement(using: &random) else { return }
        let key = streams.streams[index].key
        do throws(StoreError) {
            try await store.deleteStream(key)
            tell("stream \(key.name) deleted")
        } catch {
            tell("deletion of \(key.name): \(error)")
            settleAnswers()
            if disk.isDead { streams.streams[index].standing = .leaving }
            if isWithoutFaults { blame("stream \(key.name) cannot be deleted: \(error)") }
            return
        }
        settleAnswers()
        let takesTime = options.lifecycleDelaySeconds > 0 && key.namespace == .stream
        if takesTime { streams.streams[index].standing = .deleting } else { streams.bury(index, in: &model) }
        let status = await status(of: key)
        if status != (takesTime ? .deleting : nil) {
            blame("stream \(key.name) is \(status.map(\.rawValue) ?? "gone") after its deletion was answered")
        }
    }

    /// Nil when there is no such stream.
    func status(of key: StreamKey) async -> StreamStatus? {
        do throws(StoreError) {
            return try await store?.stream(key).status
        } catch {
            return nil
        }
    }

    func claim(owner name: String) async {
        guard let store else { return }
        let owner = streams.owners[name] ?? StoreModel.Owner()
        do throws(StoreError) {
            let fence = try await store.claim(owner: name)
            tell("\(name) claims epoch \(fence.epoch)")
            if fence.epoch <= owner.epoch || fence.epoch > owner.epoch + owner.open + 1 {
                blame(
                    "\(name) is given epoch \(fence.epoch) after \(owner.epoch), with \(owner.open) claims that were not answered")
            }
            streams.owners[name] = StoreModel.Owner(epoch: fence.epoch)
        } catch {
            tell("claim of \(name): \(error)")
            if disk.isDead { streams.owners[name] = StoreModel.Owner(epoch: owner.epoch, open: owner.open + 1) }
            if isWithoutFaults { blame("\(name) cannot claim: \(error)") }
        }
        settleAnswers()
    }
}
