/// What access control asks of streams: their policies and tags, without waiting.

package import AWSWire
package import StreamStore

extension Kinesis {
    /// Reads what is kept of every stream, so that no policy is overlooked: before the first call is served.
    package func loadAttributes() async throws(StoreError) {
        for stream in try await store.streams(in: .stream) { _ = try await attributes.attributes(of: stream.id) }
    }

    /// The policy of a stream or of a registered consumer; nil where it has none, or there is no such thing.
    package func policy(of resource: ResourceName) -> NamedPolicy? {
        guard let (stream, consumer) = named(resource), let known = attributes.known(stream.id) else { return nil }
        guard let consumer else { return known.policy }
        return known.consumerPolicies[consumer]
    }

    /// The tags of a stream or of a registered consumer.
    package func tags(of resource: ResourceName) -> [String: String]? {
        guard let (stream, consumer) = named(resource) else { return nil }
        guard let consumer else { return stream.tags }
        return attributes.known(stream.id)?.attributes.consumers.first { $0.pathName == consumer }?.tags
    }

    /// The stream of `stream/NAME`, and what follows `/consumer/` where there is more.
    private func named(_ resource: ResourceName) -> (stream: StreamDescription, consumer: String?)? {
        guard resource.service == "kinesis", resource.resource.hasPrefix("stream/") else { return nil }
        let parts = resource.resource.dropFirst("stream/".count).split(separator: "/", maxSplits: 2)
        guard let name = parts.first, let stream = try? store.currentStream(StreamKey(String(name))) else { return nil }
        return (stream, parts.count == 3 && parts[1] == "consumer" ? String(parts[2]) : nil)
    }
}

extension StreamConsumer {
    /// As in its ARN, behind `/consumer/`.
    var pathName: String { "\(name):\(createdSecond)" }
}

extension NamedPolicy {
    /// A resource's policy as it was put. One that an earlier version took and that says nothing comprehensible forbids everything.
    init(ofResource name: String, _ text: String) {
        let forbidding: JSONValue = [
            "Version": "2012-10-17",
            "Statement": [
                ["Sid": "Incomprehensible", "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"]
            ],
        ]
        let document = (try? PolicyDocument(text, .resource)) ?? (try? PolicyDocument(forbidding, .resource))
        self.init(name: "the policy of \(name)", document ?? .empty)
    }
}
