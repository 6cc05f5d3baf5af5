/// Decides what a request is for: a page of the node, a download, or an AWS call.

import HTTPTypes
import Hummingbird

/// Answers one request.
struct DoorResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    let pages: Pages
    let downloads: [String: @Sendable () async -> Download.Answer]
    let calls: AWSCalls

    func respond(to request: Request, context: Context) async throws -> Response {
        if let download = downloads[request.uri.path], request.method == .get { return await download().response() }
        let page = request.method == .get || request.method == .head ? await pages.page(request.uri.path) : nil
        let response =
            if let page { page } else { await calls.respond(to: request) }
        guard request.method == .head else { return response }
        // The answer to HEAD has no body, or the next answer on the connection would be read as its body (RFC 9110, section 9.3.2).
        return Response(status: response.status, headers: response.headers)
    }
}
