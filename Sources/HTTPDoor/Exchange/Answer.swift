/// An answer's head in either of its forms, and who carries answers to the peer.

import AWSWire
import Glibc
import NIOCore

/// The head of an answer, before any HTTP version has written it down.
struct AnswerHead {
    enum Fields {
        /// Of an AWS call.
        case call(ReplyHead)
        /// Of a page.
        case page([(name: String, value: String)])
    }

    var status: Int
    var fields: Fields
    /// What a browser is told besides.
    var browserFields: [(name: String, value: String)] = []
    /// Whether the body was compressed.
    var isGzip = false
    /// The answer to HEAD: its length is told, its body is not sent.
    var isHead = false

    init(_ reply: ReplyHead) {
        status = reply.status
        fields = .call(reply)
    }

    /// Whether the body's checksum is told: of a call's answer, as it is. SDKs differ in whether that of a compressed one is taken before or after
    /// (DynamoDB's clients before, others after), and none asks for one.
    var hasChecksum: Bool {
        if case .call = fields { !isGzip } else { false }
    }

    /// The fields of an answer in words.
    static func told(_ id: RequestID) -> [(name: String, value: String)] {
        [("Content-Type", "text/plain; charset=utf-8"), ("x-amzn-RequestId", id.text), ("x-amz-id-2", id.extendedText)]
    }

    init(status: Int, _ fields: [(name: String, value: String)] = []) {
        self.status = status
        self.fields = .page(fields)
    }
}

/// Carries the answer of one request to the peer. It is used on its event loop only.
protocol AnswerCarrier: AnyObject {
    /// The connection that it is, nil where it is one of several streams.
    var connection: ObjectIdentifier? { get }
    /// Sends a whole answer.
    /// - Parameters:
    ///   - write: is called once with at least `capacity` bytes; returns how many it wrote.
    ///   - lease: is let go of when the peer has taken the last byte.
    func send(_ head: AnswerHead, capacity: Int, lease: MemoryLease?, write: (UnsafeMutableRawBufferPointer) -> Int)
    /// Begins an answer that comes in pieces.
    func begin(_ head: AnswerHead, length: Int?)
    /// The next piece; the promise is kept when the peer has taken it.
    func send(_ piece: ByteBuffer, promise: EventLoopPromise<Void>)
    /// The answer is whole.
    func finish()
    /// The answer cannot be made whole: the peer must not take it for that.
    func abort()
    /// How long the peer may take nothing of this answer.
    var stallLimit: TimeAmount { get set }
    /// When what the peer has not taken of this answer is cut off; nil: never.
    var cutOff: NIODeadline? { get set }
    var channel: (any Channel)? { get }
}

extension TimeAmount {
    /// Saturates.
    init(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        self = overflow ? .nanoseconds(.max) : .nanoseconds(nanoseconds + attoseconds / 1_000_000_000)
    }
}

extension Channel {
    /// Closes a connection whose peer takes nothing: not even the kernel keeps what it has not taken.
    func reset() {
        if let options = self as? any SocketOptionProvider { _ = options.setSoLinger(linger(l_onoff: 1, l_linger: 0)) }
        close(promise: nil)
    }
}
