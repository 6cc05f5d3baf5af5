/// Appends that are handed in without waiting, conditions and small states, as the seam promises them: on disk and in memory.

import EmbeddedStore
import Host
import RecordBatch
import StreamStore
import Synchronization
import Testing

/// Work is kept until the test runs it.
private final class Desk: AnswerPlace {
    let work = Mutex<[@Sendable () -> Void]>([])
    func run(_ work: @escaping @Sendable () -> Void) { self.work.withLock { $0.append(work) } }
}

@Suite struct EmbeddedStoreSubmitTests {
    @Test("a submit is answered once, at its place; one that is refused too, and its fence ends with it")
    func submit() async throws {
        try await StoreWorld.run { world in
            let store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: StreamKey("s"), shardCount: 1))
            let fence = try await store.claim(owner: "a")
            let results = await withCheckedContinuation { (done: CheckedContinuation<[Result<[Appended], StoreError>], Never>) in
                let told = Mutex<[Result<[Appended], StoreError>]>([])
                for shard in [stream.reference(), stream.reference(7), stream.reference()] {
                    guard let batch = try? batch("x") else { return }
                    store.submit(Append([ShardAppend(shard, batch)], fence: fence), at: TaskPool.shared) { result in
                        let all = told.withLock { told in
                            told.append(result)
                            return told.count == 3 ? told : nil
                        }
                        if let all { done.resume(returning: all) }
                    }
                }
            }
            #expect(results.compactMap { try? $0.get().first?.baseOffset }.sorted() == [0, 1])
            #expect(results.contains(.failure(.shardNotFound(stream.reference(7)))))
            // A claim waits for appends in flight: there are none.
            #expect(try await store.claim(owner: "a").epoch == fence.epoch + 1)
            await store.close()
        }
    }

    @Test("conditions and states: decided in the commit, there after a start, refused by name")
    func conditions() async throws {
        try await StoreWorld.run { world in
            var store = try await world.open()
            let stream = try await store.createStream(StreamDefinition(key: StreamKey("s"), shardCount: 1))
            let shard = stream.reference()
            let key = StateKey("lease", "s/0")
            try await store.changeStates([StateChange(key, expected: 0, value: [1])])
            await #expect(throws: StoreError.conditionFailed(.version(key, actual: 1))) {
                try await store.append(
                    Append([ShardAppend(shard, try batch("a"))], states: [StateChange(key, expected: 0, value: [2])]))
            }
            _ = try await store.append(
                Append(
                    [ShardAppend(shard, try batch("a"))], condition: AppendCondition([.nextOffset(shard, 0)]),
                    states: [StateChange(key, expected: 1, value: [2])]))
            await #expect(throws: StoreError.conditionFailed(.nextOffset(shard, actual: 1))) {
                try await store.append(
                    Append([ShardAppend(shard, try batch("b"))], condition: AppendCondition([.nextOffset(shard, 0)])))
            }
            var builder = RecordBatchBuilder(baseTimestamp: 0)
            builder.producer = ProducerStamp(id: 4, epoch: 0, baseSequence: 0)
            try builder.append(key: nil, value: [7], timestamp: 0)
            let sent = Append([ShardAppend(shard, try builder.finish())], condition: AppendCondition([.producer(partition: shard)]))
            let first = try await store.append(sent)
            #expect(first.first?.baseOffset == 1)
            #expect(try await store.append(sent) == first)

            store = try await world.crashed().open()
            #expect(try await store.append(sent) == first)
            #expect(try await store.state(key) == SmallState(version: 2, value: [2]))
            #expect(try await store.bounds(shard).highWatermark == 2)
            await #expect(throws: StoreError.self) {
                try await store.changeStates([StateChange(StateKey("a\0b", "c"), expected: 0, value: [])])
            }
            await store.close()
        }
    }
}
