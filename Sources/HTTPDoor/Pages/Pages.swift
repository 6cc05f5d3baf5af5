/// The pages for whoever looks after the node: health, readiness, metrics. A page is a line in the table.

import HTTPTypes
import Hummingbird
import NodeMetrics

/// What GET answers, by path.
struct Pages: Sendable {
    private let pages: [String: @Sendable () async -> Response]

    init(_ pages: [String: @Sendable () async -> Response]) { self.pages = pages }

    init(metrics: MetricsRegistry, readiness: @escaping @Sendable () async -> String?) {
        pages = [
            "/": { Self.text("Millrace. AWS APIs: POST to this address. See /healthz, /readyz, /metrics.\n") },
            "/healthz": { Self.text("ok\n") },
            "/readyz": {
                guard let reason = await readiness() else { return Self.text("ready\n") }
                return Self.text(reason + "\n", status: .serviceUnavailable)
            },
            "/metrics": { Self.text(await metrics.exposition(), type: MetricsRegistry.contentType) },
        ]
    }

    func has(_ path: String) -> Bool { pages[path] != nil }

    /// Nil where there is none.
    func page(_ path: String) async -> Response? {
        await pages[path]?()
    }

    static func text(
        _ text: String, status: HTTPResponse.Status = .ok, type: String = "text/plain; charset=utf-8"
    ) -> Response {
        Response(
            status: status, headers: [.contentType: type, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
