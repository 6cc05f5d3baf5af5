/// Bodies that come in signed pieces: how they are taken apart, and what is signed of each (AWS Signature Version 4, "Signature calculations for the
/// Authorization header: transferring payload in multiple chunks", and with "trailing headers").

/// A body in the form `aws-chunked`, taken apart. What it claims of signatures is believed by nobody yet.
package struct ChunkedPayload: Sendable {
    /// What the pieces carry, as `x-amz-content-sha256` says.
    package enum Form: String, Sendable {
        case signed = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
        case signedWithTrailer = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
        case unsignedWithTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

        var isSigned: Bool { self != .unsignedWithTrailer }
        var hasTrailer: Bool { self != .signed }

        /// Nil where the body comes in one piece.
        package init?(_ head: RequestHead) {
            guard let text = head.value("x-amz-content-sha256"), text.hasPrefix("STREAMING-") else { return nil }
            self.init(rawValue: text)
        }
    }

    /// What is signed of a body, in the order of the signatures: each is over the one before it.
    package struct Seal: Sendable {
        var form: Form
        /// Digest and signature of each piece, the empty one at the end included.
        var pieces: [(digest: [UInt8], signature: [UInt8])] = []
        /// Of the trailing fields; nil where there are none.
        var trailer: (digest: [UInt8], signature: [UInt8])?
    }

    /// The pieces together.
    package private(set) var bytes: [UInt8] = []
    package private(set) var seal: Seal
    /// Name in lower case and value of the fields after the last piece.
    package private(set) var trailers: [(name: String, value: String)] = []

    private static let signatureMark = "chunk-signature="
    /// The longest line before a piece, and the most pieces and trailing fields.
    private static let (longestLine, mostPieces, mostTrailers) = (200, 16_384, 16)

    /// - Parameter length: that the sender says there is (`x-amz-decoded-content-length`); nil where it says none.
    /// - Throws: `.serialization` for what is not of the form.
    package init(_ body: UnsafeRawBufferPointer, _ form: Form, length: Int?) throws(AWSError) {
        seal = Seal(form: form)
        var rest = body[...]
        bytes.reserveCapacity(min(body.count, length ?? 0))
        while try takePiece(&rest) {
            guard seal.pieces.count < Self.mostPieces else { throw Self.malformed("has more than \(Self.mostPieces) pieces") }
        }
        if form.hasTrailer { try takeTrailers(&rest) } else { _ = Self.take("\r\n", &rest) }
        guard rest.isEmpty else { throw Self.malformed("goes on after its end") }
        if let length, length != bytes.count {
            throw Self.malformed("has \(bytes.count) bytes of data; x-amz-decoded-content-length says \(length)")
        }
    }

    private static func malformed(_ reason: String) -> AWSError { AWSError(.serialization, "The body in chunks \(reason).") }

    /// False at the empty piece, which is the last.
    private mutating func takePiece(_ rest: inout Slice<UnsafeRawBufferPointer>) throws(AWSError) -> Bool {
        let line = try Self.line(&rest)
        let parts = line.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, (1...8).contains(first.utf8.count), let count = Int(first, radix: 16), count >= 0,
            count <= rest.count
        else { throw Self.malformed("has a piece of '\(parts.first?.prefix(20) ?? "")' bytes") }
        let data = rest.prefix(count)
        rest = rest.dropFirst(count)
        if seal.form.isSigned {
            guard parts.count == 2, parts[1].hasPrefix(Self.signatureMark),
                let signature = Hexadecimal.bytes(parts[1].dropFirst(Self.signatureMark.utf8.count)),
                signature.count == SHA256.byteCount
            else { throw Self.malformed("has a piece without its signature") }
            seal.pieces.append((SHA256.digest(UnsafeRawBufferPointer(rebasing: data)), signature))
        }
        bytes += data
        // The last piece has no line of its own where trailing fields follow.
        guard count > 0 else { return false }
        guard Self.take("\r\n", &rest) else { throw Self.malformed("has a piece that does not end where it says") }
        return true
    }

    private mutating func takeTrailers(_ rest: inout Slice<UnsafeRawBufferPointer>) throws(AWSError) {
        var canonical = ""
        while !rest.isEmpty, trailers.count <= Self.mostTrailers {
            let line = try Self.line(&rest)
            if line.isEmpty { break }
            guard let colon = line.firstIndex(of: ":") else { throw Self.malformed("has a trailing line without a colon") }
            let name = line[..<colon].lowercased()
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            if name == "x-amz-trailer-signature" {
                guard let signature = Hexadecimal.bytes(value), signature.count == SHA256.byteCount else {
                    throw Self.malformed("has a trailing signature that is none")
                }
                seal.trailer = (Array(canonical.utf8).withUnsafeBytes { SHA256.digest($0) }, signature)
            } else {
                canonical += "\(name):\(value)\n"
                trailers.append((name, String(value)))
            }
        }
        if seal.form.isSigned, seal.trailer == nil { throw Self.malformed("has no trailing signature") }
    }

    private static func take(_ text: StaticString, _ rest: inout Slice<UnsafeRawBufferPointer>) -> Bool {
        let head = UnsafeRawBufferPointer(rebasing: rest.prefix(text.utf8CodeUnitCount))
        guard head.equals(text) else { return false }
        rest = rest.dropFirst(text.utf8CodeUnitCount)
        return true
    }

    /// The text up to the next end of line, which is taken too.
    private static func line(_ rest: inout Slice<UnsafeRawBufferPointer>) throws(AWSError) -> String {
        guard let end = rest.prefix(longestLine).firstIndex(of: UInt8(ascii: "\r")) else {
            throw malformed("has a line that does not end")
        }
        let line = String(decoding: rest[rest.startIndex..<end], as: UTF8.self)
        rest = rest[end...]
        guard take("\r\n", &rest) else { throw malformed("has a line that does not end") }
        return line
    }
}

extension ChunkedPayload.Seal {
    /// Whether each piece is signed, in this order, by who signed the head.
    /// - Parameters:
    ///   - seed: the head's signature.
    ///   - time: `yyyyMMddTHHmmssZ`, as in the head's.
    func isGenuine(_ key: SigningKey, _ scope: CredentialScope, time: String, seed: [UInt8]) -> Bool {
        guard form.isSigned else { return true }
        var last = seed
        let nothing = Hexadecimal.text(SHA256.digest(UnsafeRawBufferPointer(start: nil, count: 0)))
        for piece in pieces {
            let text =
                "AWS4-HMAC-SHA256-PAYLOAD\n\(time)\n\(scope.signedText)\n\(Hexadecimal.text(last))\n\(nothing)\n"
                + Hexadecimal.text(piece.digest)
            guard SHA256.areEqual(key.code(text), piece.signature) else { return false }
            last = piece.signature
        }
        guard form.hasTrailer else { return true }
        guard let trailer else { return false }
        let text =
            "AWS4-HMAC-SHA256-TRAILER\n\(time)\n\(scope.signedText)\n\(Hexadecimal.text(last))\n" + Hexadecimal.text(trailer.digest)
        return SHA256.areEqual(key.code(text), trailer.signature)
    }
}
