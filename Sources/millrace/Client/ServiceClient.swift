/// Calls a running server's AWS operations for the verbs.

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// A server's endpoint and the calls of its JSON protocol.
struct ServiceClient: Sendable {
    /// An AWS service as `X-Amz-Target` names it.
    enum Service: String, Sendable {
        case kinesis = "Kinesis_20131202"
        case firehose = "Firehose_20150804"
        case analytics = "KinesisAnalytics_20150814"
    }

    /// What the service answered instead of a result.
    struct Refusal: Error, Sendable {
        var name: String
        var message: String
    }

    /// The largest answer that is read: GetRecords gives at most 10 MiB of data, in base64.
    private static let maxAnswerBytes = 32 << 20

    /// One attempt at a connection: whoever types a verb wants to know at once that no server is there.
    private static let http: HTTPClient = {
        var configuration = HTTPClient.Configuration()
        configuration.timeout.connect = .seconds(5)
        configuration.connectionPool.retryConnectionEstablishment = false
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }()

    let endpoint: String

    /// The endpoint given, else that of `AWS_ENDPOINT_URL`, else the default port on this machine.
    init(endpoint: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment) {
        let given = endpoint ?? environment["AWS_ENDPOINT_URL"] ?? "http://127.0.0.1:4566"
        self.endpoint = given.hasSuffix("/") ? String(given.dropLast()) : given
    }

    /// Calls an operation with JSON bytes and returns the answer's.
    func send(_ service: Service, _ operation: String, _ body: Data) async throws -> Data {
        guard endpoint.hasPrefix("http://") || endpoint.hasPrefix("https://") else {
            throw CommandFailure(.usage, "AWS_ENDPOINT_URL: '\(endpoint)' must begin with http:// or https://")
        }
        var request = HTTPClientRequest(url: endpoint + "/")
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/x-amz-json-1.1")
        request.headers.add(name: "X-Amz-Target", value: "\(service.rawValue).\(operation)")
        request.body = .bytes(ByteBuffer(bytes: body))
        let status: HTTPResponseStatus
        let answer: Data
        do {
            let response = try await Self.http.execute(request, timeout: .seconds(60))
            status = response.status
            answer = Data(try await response.body.collect(upTo: Self.maxAnswerBytes).readableBytesView)
        } catch {
            throw CommandFailure(.unreachable, "No server answers at \(endpoint) (\(error)). Start one with `millrace serve`.")
        }
        guard status == .ok else {
            let refusal = try? JSONDecoder().decode(RefusalBody.self, from: answer)
            let name = refusal?.type?.split(separator: "#").last.map(String.init) ?? "HTTP \(status.code)"
            throw Refusal(
                name: name, message: refusal?.message ?? refusal?.capitalMessage ?? String(decoding: answer, as: UTF8.self))
        }
        return answer
    }

    /// Calls an operation; a refusal becomes a failure with the exit status that belongs to it.
    func call<Answer: Decodable>(
        _ service: Service, _ operation: String, _ request: some Encodable, as answer: Answer.Type = Answer.self
    ) async throws(CommandFailure) -> Answer {
        do {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.withoutEscapingSlashes]
            let data = try await send(service, operation, try encoder.encode(request))
            return try JSONDecoder().decode(Answer.self, from: data.isEmpty ? Data("{}".utf8) : data)
        } catch {
            throw Self.failure(error)
        }
    }

    /// The failure that an error of `send` means.
    static func failure(_ error: any Error) -> CommandFailure {
        switch error {
        case let failure as CommandFailure: failure
        case let refusal as Refusal: CommandFailure(status(of: refusal.name), "\(refusal.name): \(refusal.message)")
        default: CommandFailure(.failed, "\(error)")
        }
    }

    private static func status(of name: String) -> ExitStatus {
        switch name {
        case "ResourceNotFoundException": .notFound
        case "ResourceInUseException", "ConcurrentModificationException": .conflict
        case "CodeValidationException": .programRefused
        case "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException",
            "MissingAuthenticationTokenException", "IncompleteSignatureException":
            .refused
        default: .failed
        }
    }

    private struct RefusalBody: Decodable {
        var type: String?
        var message: String?
        var capitalMessage: String?
        enum CodingKeys: String, CodingKey {
            case type = "__type"
            case message
            case capitalMessage = "Message"
        }
    }
}

/// An answer without content.
struct NoAnswer: Decodable {}
