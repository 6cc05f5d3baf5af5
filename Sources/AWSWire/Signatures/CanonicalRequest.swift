/// The one form of a request that both sides of a signature make (AWS Signature Version 4, "Create a canonical request").

/// Bytes that are the same whichever way the parts of a request were written.
package struct CanonicalRequest {
    package private(set) var bytes: [UInt8] = []

    /// - Parameters:
    ///   - path: as sent, without the query.
    ///   - query: as sent; nil without one. A signature in it is left out.
    ///   - signedHeaders: names in lower case, in the order in which they are signed.
    ///   - isObjectStore: S3 encodes paths once, every other service twice.
    ///   - values: hands over the values of all header fields of a name, in their order.
    package init(
        method: String, path: String, query: String?, signedHeaders: [String], payloadHash: String, isObjectStore: Bool,
        values: (_ name: String, _ take: (UnsafeRawBufferPointer) -> Void) -> Void
    ) {
        bytes.reserveCapacity(512)
        bytes += method.utf8
        bytes.append(newline)
        bytes += CanonicalPath.text(path, isObjectStore: isObjectStore).utf8
        bytes.append(newline)
        if let query { bytes += CanonicalQuery.text(query).utf8 }
        bytes.append(newline)
        for name in signedHeaders { append(header: name, values) }
        bytes.append(newline)
        bytes += signedHeaders.joined(separator: ";").utf8
        bytes.append(newline)
        bytes += payloadHash.utf8
    }

    private let newline = UInt8(ascii: "\n")

    private mutating func append(
        header name: String, _ values: (_ name: String, _ take: (UnsafeRawBufferPointer) -> Void) -> Void
    ) {
        bytes += name.utf8
        bytes.append(UInt8(ascii: ":"))
        var isFirst = true
        values(name) { value in
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            Self.append(collapsing: value, to: &bytes)
        }
        bytes.append(newline)
    }

    /// Without blanks at the ends, and with one where several stand together.
    private static func append(collapsing value: UnsafeRawBufferPointer, to bytes: inout [UInt8]) {
        var wasBlank = true
        for byte in value {
            let isBlank = byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
            if !isBlank { bytes.append(byte) } else if !wasBlank { bytes.append(UInt8(ascii: " ")) }
            wasBlank = isBlank
        }
        if wasBlank, bytes.last == UInt8(ascii: " ") { bytes.removeLast() }
    }
}

/// The path as it is signed.
enum CanonicalPath {
    static func text(_ path: String, isObjectStore: Bool) -> String {
        if path.isEmpty || path == "/" { return "/" }
        guard !isObjectStore else { return PercentCoding.encoded(PercentCoding.decoded(path), keepingSlashes: true) }
        return PercentCoding.encoded(Array(normalized(path).utf8), keepingSlashes: true)
    }

    /// Without `.`, `..` and empty segments (RFC 3986, section 5.2.4).
    private static func normalized(_ path: String) -> String {
        var segments: [Substring] = []
        for segment in path.split(separator: "/") {
            switch segment {
            case ".": break
            case "..": if !segments.isEmpty { segments.removeLast() }
            default: segments.append(segment)
            }
        }
        let isFolder = path.hasSuffix("/") && !segments.isEmpty
        return "/" + segments.joined(separator: "/") + (isFolder ? "/" : "")
    }
}

/// The query as it is signed: encoded in one way, sorted by names, then by values.
enum CanonicalQuery {
    static func text(_ query: String) -> String {
        let pairs = query.split(separator: "&").compactMap { pair -> (name: String, value: String)? in
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = recoded(parts[0])
            return name == "X-Amz-Signature" ? nil : (name, parts.count > 1 ? recoded(parts[1]) : "")
        }
        return pairs.sorted { ($0.name, $0.value) < ($1.name, $1.value) }.map { "\($0.name)=\($0.value)" }.joined(separator: "&")
    }

    private static func recoded(_ text: Substring) -> String {
        PercentCoding.encoded(PercentCoding.decoded(String(text)), keepingSlashes: false)
    }
}

/// RFC 3986's percent signs, as AWS writes them: everything but letters, digits and `-._~`, with capital digits.
package enum PercentCoding {
    package static func encoded(_ bytes: [UInt8], keepingSlashes: Bool) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(bytes.count)
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in bytes {
            if isUnreserved(byte) || keepingSlashes && byte == UInt8(ascii: "/") {
                text.append(byte)
            } else {
                text += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
            }
        }
        return String(decoding: text, as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"): true
        default: false
        }
    }

    /// The bytes that a text stands for; a percent sign without two digits stands for itself.
    package static func decoded(_ text: String) -> [UInt8] {
        let text = Array(text.utf8)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var index = 0
        while index < text.count {
            if text[index] == UInt8(ascii: "%"), index + 2 < text.count,
                let high = Character(Unicode.Scalar(text[index + 1])).hexDigitValue,
                let low = Character(Unicode.Scalar(text[index + 2])).hexDigitValue
            {
                bytes.append(UInt8(high << 4 | low))
                index += 3
            } else {
                bytes.append(text[index])
                index += 1
            }
        }
        return bytes
    }
}
