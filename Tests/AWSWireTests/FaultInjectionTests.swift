/// Faults that were asked for.

import AWSWire
import Synchronization
import Testing

@Suite struct FaultInjectionTests {
    /// Answers with an empty object.
    private enum Nod: DirectOperation {
        static let errors: [AWSError.Name] = []
        static let memoryBound = 1000
        static func read(_ body: UnsafeRawBufferPointer, _ format: WireFormat, _ service: Int) throws(AWSError) -> Int { 0 }
        static func resources(_ request: borrowing Int, _ service: Int) -> [ResourceName] { [] }
        static func start(_ request: consuming Int, _ service: Int, _ call: DirectCall) { call.succeed(Array("{}".utf8)) }
    }

    private final class Sink: ReplySink {
        private let done: @Sendable (ReplyHead) -> Void
        init(_ done: @escaping @Sendable (ReplyHead) -> Void) { self.done = done }
        func send(_ head: ReplyHead, capacity: Int, write: (UnsafeMutableRawBufferPointer) -> Int) { done(head) }
        func send(_ head: ReplyHead, _ stream: ReplyStream) { done(head) }
    }

    private func call(_ faults: String) async throws -> ReplyHead {
        let service = AWSService(prefix: "T_1", serving: 0, [.direct(Nod.self)])
        let dispatcher = AWSDispatcher([service], faults: try FaultInjection(faults))
        let head = RequestHead(
            method: "POST", [("Content-Type", "application/x-amz-json-1.1"), ("X-Amz-Target", "T_1.Nod")], bodyLength: 2)
        guard case .call(let call) = dispatcher.admit(head) else { throw CancellationError() }
        let lease = try #require(MemoryBudget(limit: 1000).lease(0))
        return await withCheckedContinuation { continuation in
            Array("{}".utf8).withUnsafeBytes { body in
                let sink = Sink { continuation.resume(returning: $0) }
                #expect(call.startAtOnce(body, memory: lease, loop: AnswerLoop { $0() }, sink: sink))
            }
        }
    }

    @Test("a share of one fails each call, of zero none, and only of its operation")
    func errors() async throws {
        #expect(try await call("Nod:ProvisionedThroughputExceededException:1").error == .provisionedThroughputExceeded)
        #expect(try await call("*:InternalFailure:1").status == 500)
        for none in ["", "Nod:InternalFailure:0", "Other:InternalFailure:1"] {
            #expect(try await call(none).error == nil, "\(none)")
        }
        #expect(try await call("Nod:InternalFailure:0,*:ThrottlingException:1").error == .throttling)
    }

    @Test("a call that is late is answered all the same")
    func delays() async throws {
        let began = ContinuousClock.now
        #expect(try await call("Nod:delay=50:1").error == nil)
        #expect(began.duration(to: .now) >= .milliseconds(50))
    }

    @Test(
        "what says no fault is told so",
        arguments: ["x", "a:b:c", "a:InternalFailure:2", "a:delay=x:1", ":InternalFailure:1", "a:Nothing:0.5"])
    func malformed(text: String) {
        #expect(throws: FaultInjection.Malformed.self) { try FaultInjection(text) }
    }
}
