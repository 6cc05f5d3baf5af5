/// Receives what a server sends while it is being made.

extension ServiceClient {
    /// A server that makes a download and sends nothing for so long, in seconds, is given up.
    private static let silentSeconds = 120
    /// The most that is read of the reason for a refusal, in bytes.
    private static let maxReasonBytes = 64 << 10

    /// Gets a path and hands over its body as it comes, a piece at a time: the server waits while a piece is being dealt with.
    func download(_ path: String, _ consume: ([UInt8]) async throws -> Void) async throws {
        try checkEndpoint()
        let request = HTTPRequest(url: endpoint + path, silentSeconds: Self.silentSeconds).signed(
            for: "millrace", with: credentials)
        let refusal = CollectedBody(limit: Self.maxReasonBytes)
        switch try await receive(request, refusal: refusal, consume) {
        case .success(200): return
        case .success(let status):
            let text = String(decoding: refusal.bytes, as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
            throw CommandFailure(
                status == 409 ? .conflict : status == 401 || status == 403 ? .refused : .failed, "HTTP \(status): \(text)")
        case .failure(let failure) where failure.kind == .brokenOff:
            throw CommandFailure(.failed, "The server at \(endpoint) broke off: \(failure.reason).")
        case .failure(let failure): throw self.failure(failure)
        }
    }
}
