/// What is no AWS call: pages go through Hummingbird's types, downloads are sent as they are made.

import AWSWire
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// Answers requests for pages and downloads.
struct PageResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    let pages: Pages
    let downloads: [String: @Sendable () async -> Download.Answer]
    let logger: Logger

    /// Whether a request would begin a download.
    func isDownload(_ head: RequestHead) -> Bool { head.method == .get && !downloads.isEmpty && downloads[head.path] != nil }

    /// The request for a page or a download; nil when there is none at the path.
    func request(_ head: RequestHead) -> PageRequest? {
        guard head.method == .get || head.method == .head else { return nil }
        let path = head.path
        let download = isDownload(head) ? downloads[path] : nil
        guard download != nil || pages.has(path) else { return nil }
        var fields = HTTPFields()
        for field in head.allFields {
            if let name = HTTPField.Name(field.name) { fields.append(HTTPField(name: name, value: field.value)) }
        }
        let request = HTTPRequest(
            method: head.method == .head ? .head : .get, scheme: "http", authority: head[.host], path: head.target,
            headerFields: fields)
        return PageRequest(responder: self, request: request, download: download)
    }

    func respond(to request: Request, context: Context) async throws -> Response {
        await pages.page(request.uri.path) ?? Response(status: .notFound)
    }
}

/// A request that is answered from a task.
struct PageRequest: Sendable {
    fileprivate let responder: PageResponder
    fileprivate let request: HTTPRequest
    fileprivate let download: (@Sendable () async -> Download.Answer)?

    /// Answers the exchange.
    func run(_ channel: any Channel, _ loop: any EventLoop, _ exchange: Exchange) {
        Task {
            if let download {
                switch await download() {
                case .download(let download): await send(download, loop, exchange)
                case .refusal(let status, let reason):
                    await send(Pages.text(reason + "\n", status: HTTPResponse.Status(code: status)), loop, exchange)
                }
            } else {
                await send(await page(channel), loop, exchange)
            }
        }
    }

    private func page(_ channel: any Channel) async -> Response {
        let context = BasicRequestContext(
            source: ApplicationRequestContextSource(channel: channel, logger: responder.logger))
        do {
            return try await responder.respond(
                to: Request(head: request, body: RequestBody(buffer: ByteBuffer())), context: context)
        } catch {
            responder.logger.error("a page failed: \(error)", metadata: ["path": "\(request.path ?? "")"])
            return Pages.text("The page failed.\n", status: .internalServerError)
        }
    }

    private func send(_ response: Response, _ loop: any EventLoop, _ exchange: Exchange) async {
        var fields: [(name: String, value: String)] = []
        for field in response.headers where field.name != .contentLength { fields.append((field.name.rawName, field.value)) }
        let head = AnswerHead(status: response.status.code, fields)
        let length = response.body.contentLength
        let begun = try? await loop.submit { exchange.begin(head, length: length, stallLimit: nil) {} }.get()
        guard let writer = begun ?? nil else { return }
        guard request.method != .head else { return await writer.end(isWhole: true) }
        do {
            try await response.body.write(writer)
        } catch {
            await writer.end(isWhole: false)
        }
    }

    private func send(_ download: Download, _ loop: any EventLoop, _ exchange: Exchange) async {
        let stream = download.stream
        let head = AnswerHead(status: 200, download.fields)
        let begun = try? await loop.submit {
            exchange.begin(head, length: nil, stallLimit: stream.stallLimit) { stream.close() }
        }.get()
        guard let writer = begun ?? nil else { return stream.close() }
        await writer.send(stream)
    }
}
