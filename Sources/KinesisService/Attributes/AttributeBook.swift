/// The attributes of all streams: read from the store once, changed there by compare-and-set.

import AWSWire
import StreamStore
import Synchronization

/// What is known of the small states that this service keeps. One process writes them, so that what was read or written last holds.
final class AttributeBook: Sendable {
    /// A reference, so that puts and gets need not copy what is in it.
    final class Entry: Sendable {
        /// 0 where there is no state.
        let version: UInt64
        /// What it takes there.
        let bytes: Int
        let attributes: StreamAttributes
        /// What answers say of the encryption; nil for nothing.
        let encryption: String?
        /// For access control.
        let policy: NamedPolicy?
        /// By `StreamConsumer.pathName`.
        let consumerPolicies: [String: NamedPolicy]

        fileprivate init(version: UInt64, bytes: Int, attributes: StreamAttributes) {
            self.version = version
            self.bytes = bytes
            self.attributes = attributes
            encryption = attributes.keyID == nil ? nil : attributes.encryptionType
            policy = attributes.policy.map { NamedPolicy(ofResource: "the stream", $0) }
            consumerPolicies = Dictionary(
                attributes.consumers.compactMap { consumer in
                    consumer.policy.map { (consumer.pathName, NamedPolicy(ofResource: "consumer \(consumer.name)", $0)) }
                }
            ) { $1 }
        }
    }

    private let store: any SmallStates
    private let entries = Mutex<[StreamID: Entry]>([:])
    private static let kind = "kinesis.stream"
    /// What the attributes of one stream may take, and those of all, in bytes: all small states of the node have 4 MiB together, and others need some too.
    static let (mostBytes, mostBytesOfAll) = (64 << 10, 2 << 20)

    init(_ store: any SmallStates) { self.store = store }

    private static func key(_ stream: StreamID) -> StateKey { StateKey(kind, stream.description) }

    /// What is known without asking the store; nil where it has to be asked first.
    func known(_ stream: StreamID) -> Entry? { entries.withLock { $0[stream] } }

    func attributes(of stream: StreamID) async throws(StoreError) -> StreamAttributes {
        if let known = known(stream) { return known.attributes }
        return try await read(stream).attributes
    }

    /// Changes attributes, durably; `change` may be called again where another change came before.
    /// - Returns: the attributes as they are then.
    func change<Failure: Error>(
        of stream: StreamID, _ failure: (StoreError) -> Failure, _ change: (inout StreamAttributes) throws(Failure) -> Void
    ) async throws(Failure) -> StreamAttributes {
        while true {
            do throws(Attempt<Failure>) {
                return try await attempt(stream, change)
            } catch {
                switch error {
                case .refused(let error): throw error
                case .failed(.conditionFailed(.version)): continue
                case .failed(let error): throw failure(error)
                }
            }
        }
    }

    /// Why one attempt at a change came to nothing.
    private enum Attempt<Failure: Error>: Error {
        case refused(Failure)
        case failed(StoreError)
    }

    private func attempt<Failure: Error>(
        _ stream: StreamID, _ change: (inout StreamAttributes) throws(Failure) -> Void
    ) async throws(Attempt<Failure>) -> StreamAttributes {
        let entry: Entry
        do throws(StoreError) { entry = try await read(stream) } catch { throw .failed(error) }
        var changed = entry.attributes
        do throws(Failure) { try change(&changed) } catch { throw .refused(error) }
        guard changed != entry.attributes else { return changed }
        let value = StoredDefinition.encode(changed, format: StreamAttributes.format)
        if value.count > Self.mostBytes, changed.mayBeLarger(than: entry.attributes) {
            throw .failed(
                .conditionFailed(.misuse("those of one stream would take \(value.count) of at most \(Self.mostBytes) bytes")))
        }
        if value.count > entry.bytes, changed.mayBeLarger(than: entry.attributes) {
            let others = entries.withLock { $0.reduce(0) { $1.key == stream ? $0 : $0 + $1.value.bytes } }
            guard others + value.count <= Self.mostBytesOfAll else {
                throw .failed(
                    .conditionFailed(
                        .misuse("those of all streams would take \(others + value.count) of at most \(Self.mostBytesOfAll) bytes")))
            }
        }
        do throws(StoreError) {
            try await store.changeStates([StateChange(Self.key(stream), expected: entry.version, value: value)])
        } catch {
            throw .failed(error)
        }
        note(Entry(version: entry.version + 1, bytes: value.count, attributes: changed), of: stream)
        return changed
    }

    /// Drops the attributes of a stream that is deleted. Where that fails they stay as a few bytes that nobody reads.
    func forget(_ stream: StreamID) async {
        let version = try? await read(stream).version
        entries.withLock { $0[stream] = nil }
        guard let version, version > 0 else { return }
        try? await store.changeStates([StateChange(Self.key(stream), expected: version, value: nil)])
    }

    private func read(_ stream: StreamID) async throws(StoreError) -> Entry {
        let state = try await store.state(Self.key(stream))
        var attributes = StreamAttributes()
        if let state {
            do throws(StoredDefinition.Failure) {
                attributes = try StoredDefinition.decode(
                    StreamAttributes.self, from: state.value, knownFormat: StreamAttributes.format)
            } catch {
                throw .failed("The attributes of stream \(stream) cannot be read: \(error)")
            }
        }
        let entry = Entry(version: state?.version ?? 0, bytes: state?.value.count ?? 0, attributes: attributes)
        note(entry, of: stream)
        return entry
    }

    /// What was read before a change must not take the place of what the change left.
    private func note(_ entry: Entry, of stream: StreamID) {
        entries.withLock { entries in
            guard entries[stream].map({ $0.version < entry.version }) ?? true else { return }
            entries[stream] = entry
        }
    }
}

extension Kinesis {
    /// The attributes of a stream.
    func attributes(of stream: StreamDescription) async throws(AWSError) -> StreamAttributes {
        do throws(StoreError) { return try await attributes.attributes(of: stream.id) } catch { throw awsError(error) }
    }

    /// Changes the attributes of a stream that is ACTIVE, durably.
    @discardableResult
    func changeAttributes(
        of stream: StreamDescription, _ change: (inout StreamAttributes) throws(AWSError) -> Void
    ) async throws(AWSError) -> StreamAttributes {
        guard stream.status == .active else { throw awsError(.streamBusy(stream.key, stream.status)) }
        return try await attributes.change(
            of: stream.id,
            { error in
                guard case .conditionFailed(.misuse(let reason)) = error else { return awsError(error) }
                return AWSError(.limitExceeded, "There is no room for more consumers, tags and policies: \(reason).")
            }, change)
    }
}
