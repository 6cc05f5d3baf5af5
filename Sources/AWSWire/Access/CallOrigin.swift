/// Where a call comes from, on whatever port and in whatever protocol: what policies and the audit trail want to know of it.

package struct CallOrigin: Sendable {
    /// Such as `203.0.113.7`.
    package var sourceAddress: String?
    /// Whether the connection is encrypted.
    package var isSecure: Bool
    private let client: String?
    /// Of an HTTP request: most calls are allowed without a look at what the client calls itself.
    private let head: RequestHead?

    /// - Parameter client: what the client calls itself, such as Kafka's and MQTT's client id.
    package init(sourceAddress: String?, isSecure: Bool, client: String? = nil) {
        (self.sourceAddress, self.isSecure, self.client, head) = (sourceAddress, isSecure, client, nil)
    }

    package init(_ head: RequestHead) {
        (sourceAddress, isSecure, client, self.head) = (head.sourceAddress, head.isSecure, nil, head)
    }

    /// What the client calls itself.
    package var userAgent: String? { client ?? head?.value("user-agent") }

    /// Whether a secret may be sent as it is: over an encrypted connection, or from this machine.
    package var mayCarrySecrets: Bool {
        guard !isSecure, let address = sourceAddress else { return isSecure }
        return address == "::1" || AddressRange("127.0.0.0/8")?.contains(address) ?? false
    }
}
