/// The fence book decides alone: who may append, and which claims may go on.

import EmbeddedStore
import StreamStore
import Testing

/// A fence book of owner "a", behind a reference so that its changing calls can stand in expectations.
private final class Ledger {
    var book: FenceBook<String>

    init(epochs: [String: UInt64] = [:]) {
        book = FenceBook(epochs: epochs)
    }

    func begin(_ epoch: UInt64, _ owner: String = "a") -> Bool { book.begin(Fence(owner: owner, epoch: epoch)) }
    func end(_ epoch: UInt64, _ owner: String = "a") -> [String] { book.end(Fence(owner: owner, epoch: epoch)) }
    func raise(to epoch: UInt64, _ waiter: String, _ owner: String = "a") -> String? {
        book.raise(owner, to: epoch, waiter: waiter)
    }
}

@Suite struct FenceBookTests {
    @Test("a claim with nothing older in flight goes on at once")
    func quiet() {
        let ledger = Ledger(epochs: ["a": 4])
        #expect(ledger.book.epoch(of: "a") == 4)
        #expect(ledger.book.epoch(of: "b") == 0)
        #expect(ledger.raise(to: 5, "w") == "w")
        #expect(ledger.raise(to: 1, "v", "b") == "v")
        #expect(ledger.begin(5))
        #expect(!ledger.begin(4))
        #expect(!ledger.begin(6))
        #expect(!ledger.begin(0, "nobody"))
    }

    @Test("a claim waits for every older append, and for those only")
    func waiting() {
        let ledger = Ledger(epochs: ["a": 1])
        #expect(ledger.begin(1))
        #expect(ledger.begin(1))
        #expect(ledger.raise(to: 2, "second") == nil)
        #expect(ledger.begin(2))
        #expect(ledger.raise(to: 3, "third") == nil)
        #expect(ledger.end(1).isEmpty)
        #expect(ledger.end(1) == ["second"])
        #expect(ledger.end(2) == ["third"])
        #expect(ledger.end(2).isEmpty)
    }

    @Test("an older epoch that arrives late lowers nothing")
    func lateRaise() {
        let ledger = Ledger()
        #expect(ledger.raise(to: 2, "second") == "second")
        #expect(ledger.raise(to: 1, "first") == "first")
        #expect(ledger.book.epoch(of: "a") == 2)
        #expect(!ledger.begin(1))
    }

    @Test("owners do not wait for each other")
    func owners() {
        let ledger = Ledger(epochs: ["a": 1, "b": 1])
        #expect(ledger.begin(1, "b"))
        #expect(ledger.raise(to: 2, "w") == "w")
    }
}
