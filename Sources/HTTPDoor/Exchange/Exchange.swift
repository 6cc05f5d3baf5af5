/// One request and its answer, whatever HTTP version carries them: admission, the body within bounds, the call, the answer's memory.

import AWSWire
import Host
import NIOCore
import NodeMetrics

/// Lives on the event loop of its connection.
///
/// The order: web pages' rules, then the method and the operation, then memory, then the body piece by piece, then the call. An answer may be
/// given before the body has come; what comes then is passed over.
///
/// It is `Sendable` because whoever answers a call holds it; everything but that is used on the loop, which is asserted.
final class Exchange: ReplySink, @unchecked Sendable {
    private enum State {
        /// The body is coming.
        case receiving
        /// The call is under way.
        case working
        /// The answer is whole or being sent.
        case answered
    }

    /// Reserved for a call however short its body is.
    static let leastMemory = 16 << 10
    /// Reserved for an answer that comes in pieces.
    static let streamMemory = 512 << 10
    /// How long the peer of a stream that is to end may take nothing.
    static let hastenedStall = TimeAmount.seconds(2)
    /// Reserved for a page or a download; a larger piece asks for more.
    static let pageMemory = 16 << 10

    private let context: LoopContext
    /// Nil when the peer is gone.
    private var carrier: (any AnswerCarrier)?
    private let started = NIODeadline.now()
    private var state = State.receiving
    private var call: AdmittedCall?
    private var page: PageRequest?
    private var lease: MemoryLease?
    private var body = ByteBuffer()
    private var bodyBytes = 0
    private var expectedBytes: Int?
    private var isHead = false
    private var coding = ContentCoding.identity
    /// The client takes answers as gzip.
    private var takesGzip = false
    private var browserFields: [(name: String, value: String)] = []
    /// Called when the peer goes before the answer is whole.
    private var onDisconnect: (@Sendable () -> Void)?
    /// Called when the node is about to stop and the answer is not whole.
    private var onHasten: (@Sendable () -> Void)?

    init(_ context: LoopContext, _ carrier: any AnswerCarrier) {
        self.context = context
        self.carrier = carrier
    }

    var hasAnswered: Bool {
        if case .answered = state { true } else { false }
    }

    // MARK: The request

    /// The head has come.
    func begin(_ head: RequestHead, scheme: String) {
        isHead = head.method == .head
        context.company.serves(carrier?.connection)
        switch context.verdict(head, scheme: scheme) {
        case .refused(let status, let reason): return refuse(head, status, reason)
        case .allowed(let origin?):
            if head.method == .options { return preflight(head, origin) }
            browserFields = BrowserRules.fields(origin: origin)
        case .allowed(nil): break
        }
        if head.method != .post, let page = context.door.pages.request(head) {
            self.page = page
            return
        }
        switch context.door.dispatcher.admit(head) {
        case .answer(let reply): send(reply)
        case .call(let call):
            takesGzip = context.door.settings.gzipBytes > 0 && ContentCoding.acceptsGzip(head)
            guard let coding = ContentCoding(ofRequest: head) else {
                return refuse(head, 415, "The only content coding that is known here is gzip.")
            }
            self.coding = coding
            guard head.bodyLength ?? 0 <= call.memoryBound else { return send(call.tooLarge()) }
            guard let lease = context.door.budget.lease(Self.leastMemory) else { return send(call.overloaded()) }
            self.lease = lease
            self.call = call
            expectedBytes = head.bodyLength
        }
    }

    /// A piece of the body has come.
    func receive(_ piece: ByteBuffer) {
        context.company.serves(carrier?.connection)
        guard case .receiving = state, let call, let lease else { return }
        bodyBytes += piece.readableBytes
        guard bodyBytes <= call.memoryBound else { return send(call.tooLarge()) }
        guard lease.resize(to: Self.leastMemory + call.memory(forBodyOf: bodyBytes)) else { return send(call.overloaded()) }
        if body.readableBytes == 0 {
            // Most bodies come in one piece, which is read where it lies.
            body = piece
        } else {
            grow(for: piece.readableBytes)
            body.writeImmutableBuffer(piece)
        }
    }

    /// Room for more of the body: what it says of its length is believed as far as twice what has come.
    private func grow(for more: Int) {
        guard body.writableBytes < more else { return }
        let wanted = max(2 * body.readableBytes, body.readableBytes + more)
        let capacity = max(min(wanted, expectedBytes ?? wanted), body.readableBytes + more)
        var larger = ByteBufferAllocator().buffer(capacity: capacity)
        larger.writeBuffer(&body)
        body = larger
    }

    /// The body is whole.
    func end() {
        guard case .receiving = state else { return }
        state = .working
        if let page {
            self.page = nil
            return run(page)
        }
        guard let call, let lease else { return }
        self.call = nil
        let body = self.body
        self.body = ByteBuffer()
        if case .identity = coding { return run(call, body, lease) }
        let answers = context.answers
        // A few bytes may become all that the operation takes.
        LargeBodies.threads.submit {
            let outcome = InflatedBody.make(of: body, for: call, lease)
            answers.run {
                switch outcome {
                case .whole(let body): self.run(call, body, lease)
                case .refused(let reply): self.send(reply)
                }
            }
        }
    }

    private func run(_ call: AdmittedCall, _ body: ByteBuffer, _ lease: MemoryLease) {
        let answers = context.answers
        if body.withUnsafeReadableBytes({ call.startAtOnce($0, memory: lease, loop: answers, sink: self) }) { return }
        LargeBodies.threads.submit {
            let begin = body.withUnsafeReadableBytes { call.prepare($0, memory: lease, loop: answers, sink: self) }
            answers.run(begin)
        }
    }

    /// The peer is gone; nothing can be sent any more.
    func disconnect() {
        carrier = nil
        call = nil
        lease = nil
        body = ByteBuffer()
        let notify = onDisconnect
        (onDisconnect, onHasten) = (nil, nil)
        notify?()
    }

    // MARK: The answer

    func send(_ head: ReplyHead, capacity: Int, write: (UnsafeMutableRawBufferPointer) -> Int) {
        context.loop.assertInEventLoop()
        guard !hasAnswered else { return assertionFailure("a call was answered twice") }
        state = .answered
        call = nil
        body = ByteBuffer()
        let lease = self.lease
        self.lease = nil
        guard let carrier else { return }
        if let lease, max(capacity, lease.reserved) > Self.leastMemory, !lease.resize(to: max(capacity, Self.leastMemory)) {
            lease.shrink(by: lease.reserved - Self.leastMemory)
            return send(carrier, .overloaded(head.id), lease)
        }
        if takesGzip, capacity >= context.door.settings.gzipBytes { return sendDeflated(head, capacity, lease, write) }
        send(carrier, head, capacity, lease, write)
    }

    /// Compresses an answer elsewhere, for the loop could do nothing else meanwhile; then sends it.
    private func sendDeflated(
        _ head: ReplyHead, _ capacity: Int, _ lease: MemoryLease?, _ write: (UnsafeMutableRawBufferPointer) -> Int
    ) {
        var body = ByteBufferAllocator().buffer(capacity: capacity)
        _ = body.writeWithUnsafeMutableBytes(minimumWritableBytes: capacity) { memory in
            write(UnsafeMutableRawBufferPointer(rebasing: memory[..<capacity]))
        }
        let plain = body
        let both = max(capacity, Self.leastMemory) + plain.readableBytes
        guard plain.readableBytes >= context.door.settings.gzipBytes, lease?.resize(to: both) ?? true else {
            return send(head, plain, isGzip: false, lease)
        }
        let answers = context.answers
        LargeBodies.threads.submit {
            let deflated = DeflatedBody.make(of: plain)
            answers.run { self.send(head, deflated ?? plain, isGzip: deflated != nil, lease) }
        }
    }

    private func send(_ head: ReplyHead, _ body: ByteBuffer, isGzip: Bool, _ lease: MemoryLease?) {
        guard let carrier else { return }
        lease?.shrink(by: (lease?.reserved ?? 0) - max(body.readableBytes, Self.leastMemory))
        send(carrier, head, body.readableBytes, isGzip: isGzip, lease) { memory in
            body.withUnsafeReadableBytes { memory.copyMemory(from: $0) }
            return body.readableBytes
        }
    }

    private func send(_ carrier: any AnswerCarrier, _ reply: AWSReply, _ lease: MemoryLease?) {
        send(carrier, reply.head, reply.body.count, lease) { buffer in
            reply.body.withUnsafeBytes { buffer.copyMemory(from: $0) }
            return reply.body.count
        }
    }

    private func send(
        _ carrier: any AnswerCarrier, _ head: ReplyHead, _ capacity: Int, isGzip: Bool = false, _ lease: MemoryLease?,
        _ write: (UnsafeMutableRawBufferPointer) -> Int
    ) {
        var answer = AnswerHead(head)
        answer.isHead = isHead
        answer.isGzip = isGzip
        answer.browserFields = browserFields
        context.door.instruments.answered(head.status, nanoseconds: elapsed)
        carrier.send(answer, capacity: capacity, lease: lease, write: write)
    }

    func send(_ head: ReplyHead, _ stream: ReplyStream) {
        context.loop.assertInEventLoop()
        guard !hasAnswered else { return assertionFailure("a call was answered twice") }
        guard lease?.resize(to: stream.restingMemory ?? Self.streamMemory) ?? true else {
            stream.close()
            return send(.overloaded(head.id))
        }
        context.door.instruments.answered(head.status, nanoseconds: elapsed)
        let writer = begin(AnswerHead(head), length: nil, stallLimit: stream.stallLimit) { stream.close() }
        guard let writer else { return stream.close() }
        if let longest = stream.longest { carrier?.cutOff = .now() + TimeAmount(longest) }
        onHasten = stream.hasten
        Task { await writer.send(stream) }
    }

    /// The node is about to stop: an answer that has no end of its own gets one, and whose peer takes nothing is not waited for.
    func hasten() {
        guard let onHasten else { return }
        if let carrier { carrier.stallLimit = min(carrier.stallLimit, Self.hastenedStall) }
        onHasten()
    }

    /// Begins an answer in pieces; nil when nobody is there to take it.
    /// - Parameter onDisconnect: is called when the peer goes before the answer is whole.
    func begin(
        _ head: AnswerHead, length: Int?, stallLimit: Duration?, onDisconnect: @escaping @Sendable () -> Void
    ) -> PieceWriter? {
        guard let carrier, !hasAnswered else { return nil }
        state = .answered
        call = nil
        var head = head
        head.isHead = isHead
        head.browserFields = browserFields
        carrier.stallLimit = TimeAmount(stallLimit ?? context.door.settings.stallTimeout)
        carrier.begin(head, length: length)
        self.onDisconnect = onDisconnect
        return PieceWriter(self, context.loop)
    }

    /// The next piece of an answer.
    func write(_ piece: ByteBuffer) -> EventLoopFuture<Void> {
        guard let carrier else { return context.loop.makeFailedFuture(ChannelError.ioOnClosedChannel) }
        context.company.serves(carrier.connection)
        if let lease, lease.reserved < piece.readableBytes, !lease.resize(to: piece.readableBytes) {
            return context.loop.makeFailedFuture(OutOfMemory())
        }
        let promise = context.loop.makePromise(of: Void.self)
        carrier.send(piece, promise: promise)
        return promise.futureResult
    }

    /// There is no memory for a piece of an answer.
    struct OutOfMemory: Error {}

    /// The end of an answer in pieces.
    func finish(isWhole: Bool) {
        (onDisconnect, onHasten) = (nil, nil)
        lease = nil
        let carrier = self.carrier
        if isWhole { carrier?.finish() } else { carrier?.abort() }
    }

    private var elapsed: UInt64 { UInt64(max(0, (NIODeadline.now() - started).nanoseconds)) }

    // MARK: Refusals, pages

    private func preflight(_ head: RequestHead, _ origin: String) {
        state = .answered
        let fields = BrowserRules.preflightFields(origin: origin, head)
        let id = ("x-amzn-RequestId", context.door.dispatcher.requestID().text)
        carrier?.send(AnswerHead(status: 200, fields + [id]), capacity: 0, lease: nil) { _ in 0 }
    }

    /// SDKs are told in the form that they show.
    private func refuse(_ head: RequestHead, _ status: Int, _ reason: String) {
        let id = context.door.dispatcher.requestID()
        if status == 403, head.has(.amzTarget) { return send(.accessDenied(reason, id)) }
        state = .answered
        let text = Array((reason + "\n").utf8)
        var answer = AnswerHead(status: status, AnswerHead.told(id))
        answer.isHead = isHead
        carrier?.send(answer, capacity: text.count, lease: nil) { buffer in
            buffer.copyBytes(from: text)
            return text.count
        }
    }

    private func run(_ page: PageRequest) {
        guard let channel = carrier?.channel, let lease = context.door.pageBudget.lease(Self.pageMemory) else {
            return send(.overloaded(context.door.dispatcher.requestID()))
        }
        self.lease = lease
        page.run(channel, context.loop, self)
    }
}

/// Where bodies are read that would keep an event loop from everybody else.
private enum LargeBodies {
    /// For the life of the process, as event loops are; begun with the first such body. So few that whatever strangers send leaves room for others.
    static let threads = IOThreads(name: "http-read", count: max(1, System.coreCount / 2))
}
