/// Decides what a request is for: a page of the node, or an AWS call.

import HTTPTypes
import Hummingbird

/// Answers one request.
struct DoorResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    let pages: Pages
    let calls: AWSCalls

    func respond(to request: Request, context: Context) async throws -> Response {
        if request.method == .get, let page = await pages.page(request.uri.path) { return page }
        return await calls.respond(to: request)
    }
}
