/// Writes answers member by member straight into bytes.

/// A streaming writer of one value. JSON blobs are base64 and times are seconds with milliseconds as a fraction.
///
/// ```swift
/// writer.object { writer in
///     writer.field("StreamName", name)
///     writer.list("Shards", shards) { writer, shard in writer.object { $0.field("ShardId", shard.id) } }
/// }
/// ```
public struct WireWriter: Sendable {
    /// What has been written.
    public private(set) var bytes: [UInt8] = []
    public let format: WireFormat

    public init(_ format: WireFormat = .json11, expectedBytes: Int = 512) {
        self.format = format
        bytes.reserveCapacity(expectedBytes)
    }

    // MARK: Containers

    /// An object as the next value.
    @inlinable
    public mutating func object<Failure: Error>(_ members: (inout WireWriter) throws(Failure) -> Void) throws(Failure) {
        open(UInt8(ascii: "{"))
        try members(&self)
        close(UInt8(ascii: "}"))
    }

    /// An object as a member.
    @inlinable
    public mutating func object<Failure: Error>(
        _ name: StaticString, _ members: (inout WireWriter) throws(Failure) -> Void
    ) throws(Failure) {
        self.name(name)
        try object(members)
    }

    /// An array as a member.
    @inlinable
    public mutating func list<Elements: Sequence, Failure: Error>(
        _ name: StaticString, _ elements: Elements, _ write: (inout WireWriter, Elements.Element) throws(Failure) -> Void
    ) throws(Failure) {
        self.name(name)
        open(UInt8(ascii: "["))
        for element in elements { try write(&self, element) }
        close(UInt8(ascii: "]"))
    }

    /// An array of texts as a member.
    public mutating func list(_ name: StaticString, _ texts: some Sequence<String>) {
        list(name, texts) { writer, text in writer.value(text) }
    }

    /// An array as a member whose elements the closure writes one after the other.
    @inlinable
    public mutating func list<Failure: Error>(
        _ name: StaticString, _ elements: (inout WireWriter) throws(Failure) -> Void
    ) throws(Failure) {
        self.name(name)
        open(UInt8(ascii: "["))
        try elements(&self)
        close(UInt8(ascii: "]"))
    }

    // MARK: Members; those that are nil are left out

    public mutating func field(_ name: StaticString, _ text: String?) {
        guard let text else { return }
        self.name(name)
        quote(text)
    }

    public mutating func field(_ name: StaticString, _ number: (some FixedWidthInteger)?) {
        guard let number else { return }
        self.name(name)
        append(number)
    }

    public mutating func field(_ name: StaticString, _ flag: Bool?) {
        guard let flag else { return }
        self.name(name)
        append(flag ? "true" : "false")
    }

    /// A finite number; others, which JSON cannot say, are left out.
    public mutating func field(_ name: StaticString, _ number: Double?) {
        guard let number, number.isFinite else { return }
        self.name(name)
        bytes.append(contentsOf: number.description.utf8)
    }

    /// A time, in milliseconds since 1970-01-01 UTC.
    public mutating func field(_ name: StaticString, milliseconds: Int64?) {
        guard let milliseconds else { return }
        self.name(name)
        appendSeconds(milliseconds)
    }

    public mutating func field(_ name: StaticString, blob: UnsafeRawBufferPointer) {
        self.name(name)
        bytes.append(UInt8(ascii: "\""))
        Base64.append(blob, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    public mutating func field(_ name: StaticString, blob: [UInt8]?) {
        guard let blob else { return }
        blob.withUnsafeBytes { field(name, blob: $0) }
    }

    public mutating func field(_ name: StaticString, _ value: JSONValue?) {
        guard let value else { return }
        self.name(name)
        self.value(value)
    }

    /// A text given as UTF-8, without the cost of making a `String`. Malformed parts become U+FFFD.
    public mutating func field(_ name: StaticString, utf8: UnsafeRawBufferPointer) {
        self.name(name)
        quote(utf8: utf8)
    }

    /// A text whose characters need no escapes, which the closure appends.
    public mutating func field(_ name: StaticString, appendingPlain characters: (inout [UInt8]) -> Void) {
        self.name(name)
        bytes.append(UInt8(ascii: "\""))
        characters(&bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// A text member whose name is known only when the program runs, such as a map's key.
    public mutating func field(named name: String, _ text: String) {
        separate()
        quote(name)
        bytes.append(UInt8(ascii: ":"))
        quote(text)
    }

    // MARK: Values

    public mutating func value(_ text: String) {
        separate()
        quote(text)
    }

    public mutating func value(_ number: some FixedWidthInteger) {
        separate()
        append(number)
    }

    public mutating func value(_ value: JSONValue) {
        switch value {
        case .null: literal("null")
        case .bool(let flag): literal(flag ? "true" : "false")
        case .number(let text):
            separate()
            bytes.append(contentsOf: text.utf8)
        case .string(let text): self.value(text)
        case .array(let elements):
            open(UInt8(ascii: "["))
            for element in elements { self.value(element) }
            close(UInt8(ascii: "]"))
        case .object(let object):
            open(UInt8(ascii: "{"))
            for member in object.members {
                separate()
                quote(member.name)
                bytes.append(UInt8(ascii: ":"))
                self.value(member.value)
            }
            close(UInt8(ascii: "}"))
        }
    }

    // MARK: Bytes

    @usableFromInline
    mutating func open(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
    }

    @usableFromInline
    mutating func close(_ bracket: UInt8) { bytes.append(bracket) }

    /// A comma where a value came before. No value ends in a bracket that opens or in a colon.
    private mutating func separate() {
        switch bytes.last {
        case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"): return
        default: bytes.append(UInt8(ascii: ","))
        }
    }

    @usableFromInline
    mutating func name(_ name: StaticString) {
        separate()
        bytes.append(UInt8(ascii: "\""))
        append(name)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    private mutating func literal(_ word: StaticString) {
        separate()
        append(word)
    }

    private mutating func append(_ text: StaticString) {
        bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private mutating func append(_ number: some FixedWidthInteger) {
        bytes.append(contentsOf: String(number).utf8)
    }

    private mutating func appendSeconds(_ milliseconds: Int64) {
        if milliseconds < 0 { bytes.append(UInt8(ascii: "-")) }
        append(milliseconds.magnitude / 1000)
        let fraction = milliseconds.magnitude % 1000
        guard fraction > 0 else { return }
        bytes.append(UInt8(ascii: "."))
        for divisor: UInt64 in [100, 10, 1] {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: fraction / divisor % 10))
        }
    }

    private mutating func quote(_ text: String) {
        var text = text
        text.withUTF8 { JSONStrings.appendQuoted($0, to: &bytes) }
    }

    private mutating func quote(utf8: UnsafeRawBufferPointer) {
        let isValid = utf8.withMemoryRebound(to: UInt8.self) { text in
            guard UTF8Check.isValid(text) else { return false }
            JSONStrings.appendQuoted(text, to: &bytes)
            return true
        }
        if !isValid { quote(String(decoding: utf8, as: UTF8.self)) }
    }
}
