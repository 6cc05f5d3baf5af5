/// The head of an HTTP request: method, target and every header field, in one piece of memory.

/// What a request says before its body, whatever HTTP version carried it.
///
/// All fields are kept as they came, so that signatures can be checked over them; those that the door itself looks at are found without a
/// search. A head is made to be used again: `clear` keeps its memory.
public struct RequestHead: Sendable {
    /// The methods that anything here tells apart.
    public enum Method: Sendable, Hashable {
        case get, head, post, put, delete, options, other

        init(_ name: UnsafeRawBufferPointer) {
            self =
                switch name.count {
                case 3: name.equals("GET") ? .get : name.equals("PUT") ? .put : .other
                case 4: name.equals("POST") ? .post : name.equals("HEAD") ? .head : .other
                case 6: name.equals("DELETE") ? .delete : .other
                case 7: name.equals("OPTIONS") ? .options : .other
                default: .other
                }
        }
    }

    /// A field that the door looks at.
    public enum Known: UInt8, Sendable, CaseIterable {
        case host, origin, expect, connection, contentType, amzTarget, authorization, contentLength, secFetchSite, transferEncoding
        case requestedMethod, requestedHeaders, contentEncoding, acceptEncoding

        /// In lower case.
        public var name: StaticString {
            switch self {
            case .host: "host"
            case .origin: "origin"
            case .expect: "expect"
            case .connection: "connection"
            case .contentType: "content-type"
            case .amzTarget: "x-amz-target"
            case .authorization: "authorization"
            case .contentLength: "content-length"
            case .secFetchSite: "sec-fetch-site"
            case .transferEncoding: "transfer-encoding"
            case .requestedMethod: "access-control-request-method"
            case .requestedHeaders: "access-control-request-headers"
            case .contentEncoding: "content-encoding"
            case .acceptEncoding: "accept-encoding"
            }
        }

        /// The known field of a name in letters of any case.
        init?(_ name: UnsafeRawBufferPointer) {
            let candidate: Known
            // Names of one length differ in their first letter.
            switch (name.count, name.first.map { $0 | 0x20 }) {
            case (4, _): candidate = .host
            case (6, UInt8(ascii: "o")): candidate = .origin
            case (6, _): candidate = .expect
            case (10, _): candidate = .connection
            case (12, UInt8(ascii: "c")): candidate = .contentType
            case (12, _): candidate = .amzTarget
            case (13, _): candidate = .authorization
            case (14, UInt8(ascii: "c")): candidate = .contentLength
            case (14, _): candidate = .secFetchSite
            case (15, _): candidate = .acceptEncoding
            case (16, _): candidate = .contentEncoding
            case (17, _): candidate = .transferEncoding
            case (29, _): candidate = .requestedMethod
            case (30, _): candidate = .requestedHeaders
            default: return nil
            }
            guard name.equalsIgnoringCase(candidate.name) else { return nil }
            self = candidate
        }
    }

    /// Where a text lies in `text`.
    private struct Span: Sendable {
        var start: UInt32 = 0
        var count: UInt32 = 0

        init() {}
        init(_ range: Range<Int>) {
            start = UInt32(truncatingIfNeeded: range.lowerBound)
            count = UInt32(truncatingIfNeeded: range.count)
        }
    }
    private struct Field: Sendable {
        var name: Span
        var value: Span
    }

    private var text: [UInt8] = []
    private var fields: [Field] = []
    /// By `Known`: one more than the index of the first field of that name; 0 when there is none.
    private var known = [UInt16](repeating: 0, count: Known.allCases.count)
    private var methodSpan = Span()
    private var targetSpan = Span()

    public private(set) var method = Method.other
    /// A field of these names stood more than once.
    public private(set) var repeated: Set<Known> = []
    /// The body's length; nil when only the body's end will tell.
    public var bodyLength: Int? = 0
    /// Where the connection comes from, such as `203.0.113.7`; `clear` leaves it, for it is the connection's.
    public var sourceAddress: String?
    /// The SHA-256 of the body as it was sent, where what is read of it is something else: a compressed one is signed as it is.
    package var sentDigest: [UInt8]?
    /// What is signed of a body that came in pieces and was put together.
    package var seal: ChunkedPayload.Seal?
    /// Whether the connection is encrypted; `clear` leaves it too.
    public var isSecure = false

    public init() {}

    /// A head in which texts stand as given, for those who have no bytes of a request.
    public init(method: String, target: String = "/", _ fields: [(name: String, value: String)] = [], bodyLength: Int? = 0) {
        Array(method.utf8).withUnsafeBytes { method in
            Array(target.utf8).withUnsafeBytes { begin(method: method, target: $0) }
        }
        for field in fields {
            Array(field.name.utf8).withUnsafeBytes { name in
                Array(field.value.utf8).withUnsafeBytes { append(name: name, value: $0) }
            }
        }
        self.bodyLength = bodyLength
    }

    // MARK: Making one

    /// Forgets everything but the memory.
    public mutating func clear() {
        text.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
        for index in known.indices { known[index] = 0 }
        if !repeated.isEmpty { repeated = [] }
        (methodSpan, targetSpan) = (Span(), Span())
        method = .other
        bodyLength = 0
        sentDigest = nil
        seal = nil
    }

    /// The first line. Any head before it is forgotten.
    public mutating func begin(method: UnsafeRawBufferPointer, target: UnsafeRawBufferPointer) {
        clear()
        methodSpan = add(method)
        targetSpan = add(target)
        self.method = Method(method)
    }

    /// The first line of a head that lies in one block of memory, which is copied whole; fields are then added by where they lie in it.
    public mutating func begin(block: UnsafeRawBufferPointer, method: Range<Int>, target: Range<Int>) {
        clear()
        text.append(contentsOf: block)
        methodSpan = Span(method)
        targetSpan = Span(target)
        self.method = Method(UnsafeRawBufferPointer(rebasing: block[method]))
    }

    /// A field; past the 65,535th they are not found by `Known`. Blanks around the value do not belong to it (RFC 9110, section 5.5).
    public mutating func append(name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer) {
        fields.append(Field(name: add(name), value: add(value)))
        note(Known(name))
    }

    /// A field of a head that lies in one block of memory.
    public mutating func append(name: Range<Int>, value: Range<Int>) {
        fields.append(Field(name: Span(name), value: Span(value)))
        note(text.withUnsafeBytes { Known(UnsafeRawBufferPointer(rebasing: $0[name])) })
    }

    /// Puts another target and another host in the place of those that were sent; the field Host is added where there is none.
    public mutating func retarget(_ target: UnsafeRawBufferPointer, host: UnsafeRawBufferPointer) {
        targetSpan = add(target)
        let number = Int(known[Int(Known.host.rawValue)])
        if number > 0 { return fields[number - 1].value = add(host) }
        let name = Known.host.name
        append(name: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), value: host)
    }

    private mutating func note(_ field: Known?) {
        guard let field, let number = UInt16(exactly: fields.count) else { return }
        if known[Int(field.rawValue)] == 0 { known[Int(field.rawValue)] = number } else { repeated.insert(field) }
    }

    private mutating func add(_ bytes: UnsafeRawBufferPointer) -> Span {
        let span = Span(text.count..<text.count + bytes.count)
        text.append(contentsOf: bytes)
        return span
    }

    // MARK: Reading one

    /// As sent.
    public var methodText: String { string(methodSpan) }
    /// Path and query, as sent but for scheme and host, where they stood before a path.
    public var target: String { string(targetSpan) }
    /// The target up to its question mark.
    public var path: String { String(target.prefix { $0 != "?" }) }
    /// What follows the question mark, as sent; nil without one.
    public var query: String? {
        let target = target
        return target.firstIndex(of: "?").map { String(target[target.index(after: $0)...]) }
    }
    public var fieldCount: Int { fields.count }

    /// Every field, in the order in which they came, names as they came.
    public var allFields: [(name: String, value: String)] { fields.map { (string($0.name), string($0.value)) } }

    public func has(_ field: Known) -> Bool { known[Int(field.rawValue)] != 0 }

    /// The first field of that name.
    public subscript(_ field: Known) -> String? { span(field).map(string) }

    /// The bytes of the first field of that name, during the call.
    @inline(__always)
    public func withBytes<Result>(of field: Known, _ body: (UnsafeRawBufferPointer) -> Result) -> Result? {
        guard let span = span(field) else { return nil }
        return text.withUnsafeBytes { body(Self.slice($0, span)) }
    }

    /// Hands over the values of all fields of a name given in lower case, in the order in which they came.
    package func forEachValue(of name: String, _ take: (UnsafeRawBufferPointer) -> Void) {
        var name = name
        name.withUTF8 { name in
            text.withUnsafeBytes { text in
                for field in fields where Int(field.name.count) == name.count {
                    let isMeant = zip(Self.slice(text, field.name), name).allSatisfy { byte, letter in
                        byte == letter || byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") && byte | 0x20 == letter
                    }
                    if isMeant { take(Self.slice(text, field.value)) }
                }
            }
        }
    }

    /// The first field of a name given in lower case.
    package func value(_ name: String) -> String? {
        var value: String?
        forEachValue(of: name) { if value == nil { value = String(decoding: $0, as: UTF8.self) } }
        return value
    }

    /// The bytes of the target, during the call.
    public func withTargetBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        text.withUnsafeBytes { body(Self.slice($0, targetSpan)) }
    }

    private func span(_ field: Known) -> Span? {
        let number = Int(known[Int(field.rawValue)])
        return number == 0 ? nil : fields[number - 1].value
    }

    private static func slice(_ text: UnsafeRawBufferPointer, _ span: Span) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: text[Int(span.start)..<Int(span.start) + Int(span.count)])
    }

    private func string(_ span: Span) -> String {
        text.withUnsafeBytes { String(decoding: Self.slice($0, span), as: UTF8.self) }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether these are the bytes of a text.
    @inline(__always)
    public func equals(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        let letters = text.utf8Start
        for index in 0..<count where self[index] != letters[index] { return false }
        return true
    }

    /// Whether these are the letters of a text given in lower case.
    @inline(__always)
    public func equalsIgnoringCase(_ lowercased: StaticString) -> Bool {
        guard count == lowercased.utf8CodeUnitCount else { return false }
        let letters = lowercased.utf8Start
        for index in 0..<count {
            var byte = self[index]
            if byte >= UInt8(ascii: "A"), byte <= UInt8(ascii: "Z") { byte |= 0x20 }
            if byte != letters[index] { return false }
        }
        return true
    }
}
