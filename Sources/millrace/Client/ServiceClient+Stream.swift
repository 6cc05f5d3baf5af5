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
        let refusal = CollectedBody(limit: Self.mostRefusalBytes)
        switch try await receive(request, refusal: refusal, consume) {
        case .success(200): return
        case .success(let status): throw Self.refusal(status, Data(refusal.bytes))
        case .failure(let failure): throw self.failure(failure)
        }
    }
}
