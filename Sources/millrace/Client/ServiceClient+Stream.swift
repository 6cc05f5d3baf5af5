/// Calls an operation whose answer is a stream of bytes.

import Foundation

extension ServiceClient {
    /// A server that works on an answer and sends nothing for so long, in seconds, is given up.
    private static let silentStreamSeconds = 3_600
    private static let mostRefusalBytes = 1 << 20

    /// Calls `target` and hands over the answer's body as it comes.
    /// - Throws: `Refusal`, `CommandFailure`, what `consume` throws.
    func stream(_ target: String, _ body: Data, _ consume: ([UInt8]) throws -> Void) async throws {
        try checkEndpoint()
        let request = HTTPRequest(
            url: endpoint + "/", headers: ["Content-Type: application/x-amz-json-1.1", "X-Amz-Target: \(target)"],
            body: Array(body), silentSeconds: Self.silentStreamSeconds
        ).signed(for: "kinesisanalytics", with: credentials)
        let channel = PieceChannel()
        let refusal = CollectedBody(limit: Self.mostRefusalBytes)
        async let outcome = Self.streamed(request, session.authorities, channel, refusal)
        do {
            while let piece = await channel.next() { try consume(piece) }
        } catch {
            channel.close()
            _ = await outcome
            throw error
        }
        switch await outcome {
        case .success(200): return
        case .success(let status): throw Self.refusal(status, Data(refusal.bytes))
        case .failure(let failure): throw self.failure(failure)
        }
    }

    private static func streamed(
        _ request: HTTPRequest, _ authorities: String?, _ channel: PieceChannel, _ refusal: CollectedBody
    ) async -> Result<Int, HTTPFailure> {
        defer { channel.end() }
        do throws(HTTPFailure) {
            return .success(
                try await HTTPSession(authorities: authorities).perform(request) { status, bytes in
                    status == 200 ? channel.send(Array(bytes)) : refusal.append(bytes)
                })
        } catch {
            return .failure(error)
        }
    }
}
