/// Speaks HTTP to a server for the verbs: one request at a time, on a thread of its own.

internal import CCurl
import Foundation
import Host

/// What is asked of a server.
struct HTTPRequest: Sendable {
    var url: String
    /// `Name: value` each.
    var headers: [String] = []
    /// What is posted; nil for a GET.
    var body: [UInt8]?
    /// The longest that all of it may take, in milliseconds; 0 is without end.
    var totalMilliseconds = 0
    /// The longest silence of the server, in seconds; 0 is without end.
    var silentSeconds = 0
}

/// Why there is no whole answer, in words.
struct HTTPFailure: Error, Sendable {
    enum Kind: Sendable {
        /// The server was not reached, or is not who it should be.
        case unreachable
        /// An answer, or the wait for it, was broken off.
        case brokenOff
        /// The receiver wanted no more.
        case stopped
    }
    var kind: Kind
    var reason: String
}

/// Keeps a connection to a server open from request to request.
final class HTTPSession: Sendable {
    /// Only ever used on the session's one thread.
    private struct Handle: @unchecked Sendable { let pointer: OpaquePointer }

    /// Takes a piece of the body, with the status of the answer; false when no more is wanted.
    typealias Receiver = @Sendable (_ status: Int, _ bytes: UnsafeRawBufferPointer) -> Bool

    /// Whoever types a verb wants to know soon that no server is there.
    private static let connectMilliseconds = 5_000

    private let handle: Handle?
    private let thread = IOThreads(name: "http", count: 1)
    /// A file of certificates to trust in place of the system's, as AWS's own tools take it.
    let authorities: String?

    /// - Parameter authorities: a file of certificates; that of `AWS_CA_BUNDLE` unless given.
    init(authorities: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment) {
        handle = CCurl_session_create().map(Handle.init)
        self.authorities = authorities ?? environment["AWS_CA_BUNDLE"]
    }

    deinit {
        thread.close()
        if let handle { CCurl_session_destroy(handle.pointer) }
    }

    /// Sends a request and hands over the body as it comes: the server waits while a piece is being taken.
    /// - Returns: the status of the answer.
    func perform(_ request: HTTPRequest, _ receive: @escaping Receiver) async throws(HTTPFailure) -> Int {
        guard let handle else { throw HTTPFailure(kind: .brokenOff, reason: "memory is short") }
        let authorities = authorities
        return try await thread.run { Self.perform(request, handle, authorities, receive) }.get()
    }

    private final class Taker {
        let take: Receiver
        init(_ take: @escaping Receiver) { self.take = take }
    }

    private static func perform(
        _ request: HTTPRequest, _ handle: Handle, _ authorities: String?, _ receive: @escaping Receiver
    ) -> Result<Int, HTTPFailure> {
        let taker = Taker(receive)
        // Large bodies are sent at once, not after a question whether they are welcome.
        let headers = (request.headers + ["Expect:"]).map { strdup($0) }
        defer { headers.forEach { free($0) } }
        var status = 0
        var reason = [CChar](repeating: 0, count: CCurl_reason_bytes)
        let outcome = request.url.withCString { url in
            withOptionalCString(authorities) { authorities in
                headers.map { UnsafePointer($0) }.withUnsafeBufferPointer { headers in
                    // A byte more, so that an empty body has an address too.
                    ((request.body ?? []) + [0]).withUnsafeBytes { body in
                        var wanted = CCurl_request()
                        wanted.url = url
                        wanted.headers = headers.baseAddress
                        wanted.header_count = headers.count
                        wanted.body = request.body == nil ? nil : body.baseAddress
                        wanted.body_count = body.count - 1
                        wanted.authorities = authorities
                        wanted.connect_milliseconds = connectMilliseconds
                        wanted.total_milliseconds = request.totalMilliseconds
                        wanted.silent_seconds = request.silentSeconds
                        return CCurl_perform(
                            handle.pointer, &wanted,
                            { context, status, bytes, count in
                                guard let context else { return 0 }
                                let taker = Unmanaged<Taker>.fromOpaque(context).takeUnretainedValue()
                                return taker.take(status, UnsafeRawBufferPointer(start: bytes, count: count)) ? 1 : 0
                            }, Unmanaged.passUnretained(taker).toOpaque(), &status, &reason)
                    }
                }
            }
        }
        withExtendedLifetime(taker) {}
        let text = String(decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return failure(outcome, text, request).map(Result.failure) ?? .success(status)
    }

    private static func withOptionalCString<R>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> R) -> R {
        guard let text else { return body(nil) }
        return text.withCString { body($0) }
    }

    /// What an outcome means; nil for an answer.
    private static func failure(_ outcome: CCurl_outcome, _ text: String, _ request: HTTPRequest) -> HTTPFailure? {
        switch outcome {
        case CCurl_answered: nil
        case CCurl_unknown_host: HTTPFailure(kind: .unreachable, reason: "the name of the host is not known")
        case CCurl_refused_connection: HTTPFailure(kind: .unreachable, reason: "the connection was refused, nothing listens there")
        case CCurl_no_connection: HTTPFailure(kind: .unreachable, reason: "no connection could be made; \(text)")
        case CCurl_timed_out: HTTPFailure(kind: .unreachable, reason: "nothing came in time; \(text)")
        case CCurl_no_tls: HTTPFailure(kind: .unreachable, reason: "no safe connection could be made; \(text)")
        case CCurl_broken_off: HTTPFailure(kind: .brokenOff, reason: "the connection ended without a whole answer; \(text)")
        case CCurl_stopped: HTTPFailure(kind: .stopped, reason: text)
        default: HTTPFailure(kind: .brokenOff, reason: text)
        }
    }
}
