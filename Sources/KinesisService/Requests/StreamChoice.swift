/// How a request names its stream: by name, by ARN, or by both if they agree.

import AWSWire
import StreamStore

/// A request for one stream.
protocol ChoosesStream: Sendable {
    var streamName: String? { get }
    var streamARN: String? { get }
}

extension ChoosesStream {
    /// The rules of the two members; they stand last in AWS's reports.
    static var streamRules: [Rule<Self>] {
        [
            .member("streamName", \.streamName, .pattern(.name), .minLength(1), .maxLength(128)),
            .member(
                "streamARN", \.streamARN, .pattern(.arn(service: "kinesis", resource: "stream")), .minLength(1), .maxLength(2048)),
        ]
    }
}

extension AWSOperation where Request: ChoosesStream, Service == Kinesis {
    static func resources(_ request: Request, _ kinesis: Kinesis) -> [ResourceName] { kinesis.resources(of: request) }
}

extension Kinesis {
    /// The name of the stream that a request is for.
    func name(of request: some ChoosesStream) throws(AWSError) -> String {
        guard let text = request.streamARN else {
            guard let name = request.streamName else {
                throw AWSError(.invalidArgument, "Either StreamName or StreamARN should be provided.")
            }
            return name
        }
        guard let arn = ARN(text), arn.resource.hasPrefix("stream/") else {
            throw AWSError(.invalidArgument, "StreamARN \(text) is not the ARN of a stream.")
        }
        let name = String(arn.resource.dropFirst("stream/".count))
        if let other = request.streamName, other != name {
            throw AWSError(.invalidArgument, "StreamName \(other) and StreamARN \(text) do not match.")
        }
        guard arn.account == settings.accountID else {
            throw AWSError(.resourceNotFound, "Stream \(name) under account \(arn.account) not found.")
        }
        return name
    }

    /// The stream that a request is for.
    func stream(_ request: some ChoosesStream) async throws(AWSError) -> StreamDescription {
        try await stream(named: name(of: request))
    }

    /// A stream as it stands, with what was changed since it was created.
    func stream(named name: String) async throws(AWSError) -> StreamDescription {
        do throws(StoreError) {
            let stream = try await store.stream(StreamKey(name))
            return try await attributes.attributes(of: stream.id).applied(to: stream)
        } catch {
            throw awsError(error)
        }
    }

    /// The stream that a request touches, for policies; none when the request does not say which.
    func resources(of request: borrowing some ChoosesStream) -> [ResourceName] {
        guard let name = try? name(of: request) else { return [] }
        return [resource(ofStreamNamed: name)]
    }

    func resource(ofStreamNamed name: String) -> ResourceName { ResourceName(service: "kinesis", resource: "stream/\(name)") }

    func notFound(_ name: String) -> AWSError {
        AWSError(.resourceNotFound, "Stream \(name) under account \(settings.accountID) not found.")
    }
}
