/// Receives what a server sends while it is being made.

import AsyncHTTPClient
import NIOCore
import NIOHTTP1

extension ServiceClient {
    /// Gets a path and hands over its body as it comes, a piece at a time: the server waits while a piece is being dealt with.
    func download(_ path: String, _ consume: (ByteBuffer) async throws -> Void) async throws {
        guard endpoint.hasPrefix("http://") || endpoint.hasPrefix("https://") else {
            throw CommandFailure(.usage, "The endpoint '\(endpoint)' must begin with http:// or https://")
        }
        let response: HTTPClientResponse
        do {
            // A download may take hours; a server that sends nothing for a while is noticed by the client's own limit.
            response = try await Self.downloads.execute(HTTPClientRequest(url: endpoint + path), timeout: .hours(24 * 7))
        } catch {
            throw CommandFailure(.unreachable, "No server answers at \(endpoint) (\(error)). Start one with `millrace serve`.")
        }
        guard response.status == .ok else {
            let reason = (try? await response.body.collect(upTo: 64 << 10)).map { String(buffer: $0) } ?? ""
            let text = reason.split(separator: "\n").first.map(String.init) ?? ""
            throw CommandFailure(response.status == .conflict ? .conflict : .failed, "HTTP \(response.status.code): \(text)")
        }
        var parts = response.body.makeAsyncIterator()
        while true {
            let part: ByteBuffer?
            do {
                part = try await parts.next()
            } catch {
                throw CommandFailure(.failed, "The server broke off: \(error)")
            }
            guard let part else { return }
            try await consume(part)
        }
    }

    private static let downloads: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = .seconds(5)
        configuration.timeout.read = .seconds(120)
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()
}
