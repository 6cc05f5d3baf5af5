/// The first bytes of a client that knows that HTTP/2 is spoken here (RFC 9113, section 3.4).

enum HTTP2Preface {
    enum Match: Equatable {
        case none
        /// All bytes so far belong to it, but more are needed to be sure.
        case part
        case whole
    }

    /// Its first line tells it from every request of HTTP/1; the rest is checked by whoever speaks HTTP/2.
    private static let line = Array("PRI * HTTP/2.0\r\n".utf8)

    static func match(_ bytes: some Collection<UInt8>) -> Match {
        guard bytes.starts(with: line.prefix(bytes.count)) else { return .none }
        return bytes.count < line.count ? .part : .whole
    }
}
