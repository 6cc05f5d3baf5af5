/// Receives what a server sends while it is being made.

extension ServiceClient {
    /// A server that makes a download and sends nothing for so long, in seconds, is given up.
    private static let silentSeconds = 120
    /// The most that is read of the reason for a refusal, in bytes.
    private static let maxReasonBytes = 64 << 10

    /// Gets a path and hands over its body as it comes, a piece at a time: the server waits while a piece is being dealt with.
    func download(_ path: String, _ consume: ([UInt8]) async throws -> Void) async throws {
        try checkEndpoint()
        let request = HTTPRequest(url: endpoint + path, silentSeconds: Self.silentSeconds)
        let channel = PieceChannel()
        let refusal = CollectedBody(limit: Self.maxReasonBytes)
        async let outcome = Self.outcome(of: request, session.authorities, channel, refusal)
        do {
            while let piece = await channel.next() { try await consume(piece) }
        } catch {
            channel.close()
            _ = await outcome
            throw error
        }
        switch await outcome {
        case .success(200): return
        case .success(let status):
            let text = String(decoding: refusal.bytes, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
            throw CommandFailure(status == 409 ? .conflict : .failed, "HTTP \(status): \(text)")
        case .failure(let failure) where failure.kind == .brokenOff:
            throw CommandFailure(.failed, "The server at \(endpoint) broke off: \(failure.reason).")
        case .failure(let failure): throw self.failure(failure)
        }
    }

    private static func outcome(
        of request: HTTPRequest, _ authorities: String?, _ channel: PieceChannel, _ refusal: CollectedBody
    ) async -> Result<Int, HTTPFailure> {
        defer { channel.end() }
        do throws(HTTPFailure) {
            // A session of its own: a download may take hours.
            return .success(
                try await HTTPSession(authorities: authorities).perform(request) { status, bytes in
                    status == 200 ? channel.send(Array(bytes)) : refusal.append(bytes)
                })
        } catch {
            return .failure(error)
        }
    }
}
