/// Calls a running server's AWS operations for the verbs.

import AWSWire
import Foundation
import Synchronization

/// A server's endpoint and the calls of its JSON protocol.
struct ServiceClient: Sendable {
    /// An AWS service as `X-Amz-Target` names it.
    enum Service: String, Sendable {
        case kinesis = "Kinesis_20131202"
        case firehose = "Firehose_20150804"
        case analytics = "KinesisAnalytics_20150814"
        /// Operations that only Millrace has; those on streams.
        case millrace = "Millrace_20261130"

        /// As signatures name it.
        var signingName: String {
            switch self {
            case .kinesis, .millrace: "kinesis"
            case .firehose: "firehose"
            case .analytics: "kinesisanalytics"
            }
        }
    }

    /// What the service answered instead of a result.
    struct Refusal: Error, Sendable {
        var name: String
        var message: String
    }

    /// The largest answer that is read: GetRecords gives at most 10 MiB of data, in base64.
    private static let maxAnswerBytes = 32 << 20

    /// The longest that a call may take, in milliseconds.
    private static let callMilliseconds = 60_000

    let session: HTTPSession
    let endpoint: String
    /// What calls are signed with; nil where the user has no keys.
    let credentials: SigningCredentials?

    /// The endpoint given, else that of `AWS_ENDPOINT_URL`, else the default port on this machine.
    init(
        endpoint: String? = nil, authorities: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment
    ) {
        session = HTTPSession(authorities: authorities, environment: environment)
        credentials = ClientCredentials.find(environment)
        let given = endpoint ?? environment["AWS_ENDPOINT_URL"] ?? "http://127.0.0.1:4566"
        self.endpoint = given.hasSuffix("/") ? String(given.dropLast()) : given
    }

    /// Calls an operation with JSON bytes and returns the answer's.
    func send(_ service: Service, _ operation: String, _ body: Data) async throws -> Data {
        try checkEndpoint()
        let request = HTTPRequest(
            url: endpoint + "/",
            headers: ["Content-Type: application/x-amz-json-1.1", "X-Amz-Target: \(service.rawValue).\(operation)"],
            body: Array(body), totalMilliseconds: Self.callMilliseconds)
        let collected = CollectedBody(limit: Self.maxAnswerBytes)
        let status: Int
        do throws(HTTPFailure) {
            status = try await session.perform(request.signed(for: service.signingName, with: credentials)) { _, bytes in
                collected.append(bytes)
            }
        } catch {
            throw failure(error)
        }
        let answer = Data(collected.bytes)
        guard status == 200 else {
            throw Self.refusal(status, answer)
        }
        return answer
    }

    /// What an answer means that is no result.
    static func refusal(_ status: Int, _ answer: Data) -> Refusal {
        let refusal = try? JSONDecoder().decode(RefusalBody.self, from: answer)
        let name = refusal?.type?.split(separator: "#").last.map(String.init) ?? "HTTP \(status)"
        return Refusal(
            name: name, message: refusal?.message ?? refusal?.capitalMessage ?? String(decoding: answer, as: UTF8.self))
    }

    func checkEndpoint() throws(CommandFailure) {
        guard endpoint.hasPrefix("http://") || endpoint.hasPrefix("https://") else {
            throw CommandFailure(.usage, "AWS_ENDPOINT_URL: '\(endpoint)' must begin with http:// or https://")
        }
    }

    /// What it means that there is no whole answer.
    func failure(_ failure: HTTPFailure) -> CommandFailure {
        switch failure.kind {
        case .unreachable:
            CommandFailure(.unreachable, "No server answers at \(endpoint): \(failure.reason). Start one with `millrace serve`.")
        case .brokenOff: CommandFailure(.unreachable, "The server at \(endpoint) gave no whole answer: \(failure.reason).")
        case .stopped: CommandFailure(.failed, "The answer of \(endpoint) is too large.")
        }
    }

    /// Calls an operation; a refusal becomes a failure with the exit status that belongs to it.
    func call<Answer: Decodable>(
        _ service: Service, _ operation: String, _ request: some Encodable, as answer: Answer.Type = Answer.self
    ) async throws(CommandFailure) -> Answer {
        do { return try await ask(service, operation, request) } catch { throw Self.failure(error) }
    }

    /// As `call`; nil when the service refuses with the error of this name.
    func call<Answer: Decodable>(
        _ service: Service, _ operation: String, _ request: some Encodable, orNilFor refusal: String
    ) async throws(CommandFailure) -> Answer? {
        do {
            return try await ask(service, operation, request)
        } catch {
            if let found = error as? Refusal, found.name == refusal { return nil }
            throw Self.failure(error)
        }
    }

    private func ask<Answer: Decodable>(
        _ service: Service, _ operation: String, _ request: some Encodable
    ) async throws -> Answer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        let data = try await send(service, operation, try encoder.encode(request))
        return try JSONDecoder().decode(Answer.self, from: data.isEmpty ? Data("{}".utf8) : data)
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
        case "ResourceInUseException", "ConcurrentModificationException", "LeaseLostException": .conflict
        case "CodeValidationException": .programRefused
        case "AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException",
            "MissingAuthenticationTokenException", "IncompleteSignatureException", "ExpiredTokenException":
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

/// The body of an answer as it comes, up to a limit.
final class CollectedBody: Sendable {
    private let limit: Int
    private let collected = Mutex([UInt8]())

    init(limit: Int) { self.limit = limit }

    var bytes: [UInt8] { collected.withLock { $0 } }

    /// False when it is longer than the limit.
    func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        collected.withLock { collected in
            guard collected.count + bytes.count <= limit else { return false }
            collected += bytes
            return true
        }
    }
}

/// An answer without content.
struct NoAnswer: Decodable {}
