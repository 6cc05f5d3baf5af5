/// Something long that is sent while it is made, such as a backup: a piece at a time, as fast as the client takes it.

import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// A body that nobody has in memory.
public struct Download: Sendable {
    /// The answer to a request for one.
    public enum Answer: Sendable {
        case download(Download)
        /// An HTTP status and the reason in words.
        case refusal(status: Int, reason: String)
    }

    var contentType: String
    /// What a browser calls it.
    var fileName: String
    /// The next piece; nil at the end. When it throws, the connection is cut, so that nobody takes what came for the whole.
    var next: @Sendable () async throws -> [UInt8]?
    /// Is called once or more, when the last piece was sent, the client has gone, or it has taken nothing for `stallLimit`.
    var close: @Sendable () -> Void
    var stallLimit: Duration

    public init(
        contentType: String, fileName: String, stallLimit: Duration = .seconds(60),
        next: @escaping @Sendable () async throws -> [UInt8]?, close: @escaping @Sendable () -> Void
    ) {
        self.contentType = contentType
        self.fileName = fileName
        self.next = next
        self.close = close
        self.stallLimit = stallLimit
    }

    /// The response; its body begins to be made when it is sent.
    func response() -> Response {
        let body = ResponseBody { writer in
            let watch = StallWatch(limit: stallLimit, close: close)
            defer {
                watch.end()
                close()
            }
            // The writer waits while the client takes nothing.
            while let piece = try await next() {
                try await writer.write(ByteBuffer(bytes: piece))
                watch.noteProgress()
            }
            try await writer.finish(nil)
        }
        var headers: HTTPFields = [.contentType: contentType, .cacheControl: "no-store"]
        headers[.contentDisposition] = "attachment; filename=\"\(fileName)\""
        return Response(status: .ok, headers: headers, body: body)
    }
}

extension Download.Answer {
    func response() -> Response {
        switch self {
        case .download(let download): download.response()
        case .refusal(let status, let reason):
            Response(
                status: HTTPResponse.Status(code: status),
                headers: [.contentType: "text/plain; charset=utf-8", .cacheControl: "no-store"],
                body: ResponseBody(byteBuffer: ByteBuffer(string: reason + "\n")))
        }
    }
}

/// Closes a download whose client takes nothing for too long: what it keeps is worth more than the client's patience.
private final class StallWatch: Sendable {
    private let progress = Atomic<Int>(0)
    private let task = Mutex<Task<Void, Never>?>(nil)

    init(limit: Duration, close: @escaping @Sendable () -> Void) {
        let watch = Task { [weak self] in
            var seen = -1
            while let now = self?.progress.load(ordering: .relaxed), now != seen {
                seen = now
                try? await Task.sleep(for: limit)
                if Task.isCancelled { return }
            }
            close()
        }
        task.withLock { $0 = watch }
    }

    func noteProgress() { progress.wrappingAdd(1, ordering: .relaxed) }

    func end() {
        task.withLock { task in
            task?.cancel()
            task = nil
        }
    }
}
