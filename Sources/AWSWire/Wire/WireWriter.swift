/// Writes answers member by member straight into bytes.

/// A streaming writer of one value. In JSON blobs are base64 and times are seconds with milliseconds as a fraction; in CBOR they are byte strings and
/// tag 1 of whole milliseconds, maps and arrays do not tell their length beforehand.
///
/// ```swift
/// writer.object { writer in
///     writer.field("StreamName", name)
///     writer.list("Shards", shards) { writer, shard in writer.object { $0.field("ShardId", shard.id) } }
/// }
/// ```
public struct WireWriter: ~Copyable, @unchecked Sendable {
    public let format: WireFormat
    private let isJSON: Bool
    /// How many bytes have been written.
    public var count: Int { memory.count }
    var memory: WireMemory

    /// A writer with memory of its own, which grows.
    public init(_ format: WireFormat = .json11, expectedBytes: Int = 512) {
        self.format = format
        isJSON = format.isJSON
        memory = WireMemory(capacity: expectedBytes)
    }

    /// A writer into memory of somebody else, who has counted how much it will be.
    ///
    /// To write more is a fault of the program, which ends.
    public init(_ format: WireFormat, into memory: UnsafeMutableRawBufferPointer) {
        self.format = format
        isJSON = format.isJSON
        self.memory = WireMemory(fixed: memory)
    }

    /// What has been written.
    public var bytes: [UInt8] { memory.withBytes { [UInt8]($0) } }

    /// Reads what has been written in place.
    public borrowing func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result { memory.withBytes(body) }

    // MARK: Containers

    /// An object as the next value.
    @inlinable
    public mutating func object<Failure: Error>(_ members: (inout WireWriter) throws(Failure) -> Void) throws(Failure) {
        open(.object)
        try members(&self)
        close(.object)
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
        open(.array)
        for element in elements { try write(&self, element) }
        close(.array)
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
        open(.array)
        try elements(&self)
        close(.array)
    }

    /// An array as the next value, whose elements the closure writes one after the other.
    @inlinable
    public mutating func values<Failure: Error>(_ elements: (inout WireWriter) throws(Failure) -> Void) throws(Failure) {
        open(.array)
        try elements(&self)
        close(.array)
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
        append(flag)
    }

    /// A finite number; others, which JSON cannot say, are left out.
    public mutating func field(_ name: StaticString, _ number: Double?) {
        guard let number, number.isFinite else { return }
        self.name(name)
        if isJSON { append(characters: number.description) } else { memory.append(cbor: number) }
    }

    /// A time, in milliseconds since 1970-01-01 UTC.
    public mutating func field(_ name: StaticString, milliseconds: Int64?) {
        guard let milliseconds else { return }
        self.name(name)
        append(milliseconds: milliseconds)
    }

    public mutating func field(_ name: StaticString, blob: UnsafeRawBufferPointer) {
        self.name(name)
        append(blob: blob)
    }

    private mutating func append(blob: UnsafeRawBufferPointer) {
        guard isJSON else {
            memory.append(.bytes, UInt64(blob.count))
            return memory.append(blob)
        }
        let count = Base64.encodedCount(blob.count)
        memory.extend(by: count + 2) { room in
            room.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
            Base64.write(blob, to: room + 1)
            room.storeBytes(of: UInt8(ascii: "\""), toByteOffset: count + 1, as: UInt8.self)
        }
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

    /// A text of so many ASCII characters that need no escapes, which the closure writes.
    /// - Returns: where they lie among the bytes written.
    @discardableResult
    public mutating func field(_ name: StaticString, plainCount count: Int, _ write: (UnsafeMutableRawPointer) -> Void) -> Int {
        self.name(name)
        if isJSON { memory.append(UInt8(ascii: "\"")) } else { memory.append(.text, UInt64(max(0, count))) }
        let place = memory.count
        memory.extend(by: count, write)
        if isJSON { memory.append(UInt8(ascii: "\"")) }
        return place
    }

    /// A text member whose name is known only when the program runs, such as a map's key.
    public mutating func field(named name: String, _ text: String) {
        self.name(named: name)
        quote(text)
    }

    /// The name of a member whose value is written next, known only when the program runs, in UTF-8.
    public mutating func name(utf8: UnsafeRawBufferPointer) {
        separate()
        quote(utf8: utf8)
        if isJSON { memory.append(UInt8(ascii: ":")) }
    }

    /// A member whose name is known only when the program runs.
    public mutating func field(named name: String, _ value: JSONValue) {
        self.name(named: name)
        self.value(value)
    }

    // MARK: Values

    /// A text given as UTF-8; malformed parts become U+FFFD.
    public mutating func value(utf8: UnsafeRawBufferPointer) {
        separate()
        quote(utf8: utf8)
    }

    public mutating func value(blob: UnsafeRawBufferPointer) {
        separate()
        append(blob: blob)
    }

    public mutating func value(_ text: String) {
        separate()
        quote(text)
    }

    /// A time, in milliseconds since 1970-01-01 UTC.
    public mutating func value(milliseconds: Int64) {
        separate()
        append(milliseconds: milliseconds)
    }

    /// A number; one that is not finite, which JSON cannot say, is written as 0.
    public mutating func value(_ number: Double) {
        separate()
        let number = number.isFinite ? number : 0
        if isJSON { append(characters: number.description) } else { memory.append(cbor: number) }
    }

    public mutating func value(_ number: some FixedWidthInteger) {
        separate()
        append(number)
    }

    public mutating func value(_ value: JSONValue) {
        switch value {
        case .null:
            separate()
            if isJSON { memory.append("null") } else { memory.append(.simple, 22) }
        case .bool(let flag):
            separate()
            append(flag)
        case .number(let text):
            separate()
            append(number: text)
        case .string(let text): self.value(text)
        case .array(let elements):
            open(.array)
            for element in elements { self.value(element) }
            close(.array)
        case .object(let object):
            open(.object)
            for member in object.members {
                name(named: member.name)
                self.value(member.value)
            }
            close(.object)
        }
    }

    /// A value that another writer of the same format has written.
    public mutating func value(written bytes: UnsafeRawBufferPointer) {
        separate()
        memory.append(bytes)
    }

    /// An object of which another writer of the same format has written the first members; `members` writes the others.
    public mutating func object<Failure: Error>(
        beginning object: UnsafeRawBufferPointer, _ members: (inout WireWriter) throws(Failure) -> Void
    ) throws(Failure) {
        separate()
        // Without the bracket that closes it.
        memory.append(UnsafeRawBufferPointer(rebasing: object.dropLast()))
        try members(&self)
        close(.object)
    }

    // MARK: Bytes

    @usableFromInline
    enum Container {
        case object, array
    }

    @usableFromInline
    mutating func open(_ container: Container) {
        separate()
        switch container {
        case .object: memory.append(isJSON ? UInt8(ascii: "{") : 0xBF)
        case .array: memory.append(isJSON ? UInt8(ascii: "[") : 0x9F)
        }
    }

    @usableFromInline
    mutating func close(_ container: Container) {
        switch container {
        case .object: memory.append(isJSON ? UInt8(ascii: "}") : CBORHead.break)
        case .array: memory.append(isJSON ? UInt8(ascii: "]") : CBORHead.break)
        }
    }

    /// In JSON a comma where a value came before. No value ends in a bracket that opens or in a colon.
    @usableFromInline
    mutating func separate() {
        guard isJSON else { return }
        switch memory.last {
        case nil, UInt8(ascii: "{"), UInt8(ascii: "["), UInt8(ascii: ":"): return
        default: memory.append(UInt8(ascii: ","))
        }
    }

    @usableFromInline
    mutating func name(_ name: StaticString) {
        separate()
        let count = name.utf8CodeUnitCount
        guard isJSON else { return memory.append(cbor: UnsafeRawBufferPointer(start: name.utf8Start, count: count)) }
        memory.extend(by: count + 3) { room in
            room.storeBytes(of: UInt8(ascii: "\""), as: UInt8.self)
            (room + 1).copyMemory(from: name.utf8Start, byteCount: count)
            room.storeBytes(of: UInt8(ascii: "\""), toByteOffset: count + 1, as: UInt8.self)
            room.storeBytes(of: UInt8(ascii: ":"), toByteOffset: count + 2, as: UInt8.self)
        }
    }

    /// A name that is known only when the program runs.
    private mutating func name(named name: String) {
        separate()
        quote(name)
        if isJSON { memory.append(UInt8(ascii: ":")) }
    }

    private mutating func append(_ flag: Bool) {
        if isJSON { memory.append(flag ? "true" : "false") } else { memory.append(.simple, flag ? 21 : 20) }
    }

    /// A number as JSON writes it. CBOR has no decimal ones: a whole number within 64 bits stays one, others become floats.
    private mutating func append(number text: String) {
        if isJSON { return append(characters: text) }
        if let whole = Int64(text) { memory.append(cbor: whole) } else { memory.append(cbor: Double(text) ?? 0) }
    }

    private mutating func append(characters text: String) {
        var text = text
        text.withUTF8 { memory.append(UnsafeRawBufferPointer($0)) }
    }

    private mutating func append(_ number: some FixedWidthInteger) {
        if isJSON { return append(characters: String(number)) }
        if number >= 0 { memory.append(.unsigned, UInt64(clamping: number)) } else { memory.append(cbor: Int64(clamping: number)) }
    }

    private mutating func append(milliseconds: Int64) {
        if isJSON { return appendSeconds(milliseconds) }
        memory.append(.tag, 1)
        if format == .rpcCBOR { memory.append(cbor: Double(milliseconds) / 1000) } else { memory.append(cbor: milliseconds) }
    }

    private mutating func appendSeconds(_ milliseconds: Int64) {
        if milliseconds < 0 { memory.append(UInt8(ascii: "-")) }
        append(milliseconds.magnitude / 1000)
        let fraction = milliseconds.magnitude % 1000
        guard fraction > 0 else { return }
        memory.append(UInt8(ascii: "."))
        for divisor: UInt64 in [100, 10, 1] {
            memory.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: fraction / divisor % 10))
        }
    }

    private mutating func quote(_ text: String) {
        var text = text
        text.withUTF8 { quote(wellFormed: $0) }
    }

    private mutating func quote(utf8: UnsafeRawBufferPointer) {
        let isValid = utf8.withMemoryRebound(to: UInt8.self) { text in
            guard JSONStrings.isPlain(text) || UTF8Check.isValid(text) else { return false }
            quote(wellFormed: text)
            return true
        }
        if !isValid { quote(String(decoding: utf8, as: UTF8.self)) }
    }

    private mutating func quote(wellFormed text: UnsafeBufferPointer<UInt8>) {
        guard isJSON else { return memory.append(cbor: UnsafeRawBufferPointer(text)) }
        memory.append(UInt8(ascii: "\""))
        if JSONStrings.isPlain(text) {
            memory.append(UnsafeRawBufferPointer(text))
        } else {
            var escaped: [UInt8] = []
            JSONStrings.appendEscaped(text, to: &escaped)
            escaped.withUnsafeBytes { memory.append($0) }
        }
        memory.append(UInt8(ascii: "\""))
    }

    /// The most bytes that `field(_:utf8:)` takes for a text in any format, its quotes or its head included.
    public static func textBound(_ utf8: UnsafeRawBufferPointer) -> Int {
        // An escape has six characters, and so many has no replacement of a malformed byte.
        utf8.withMemoryRebound(to: UInt8.self) { (JSONStrings.isPlain($0) ? $0.count : 6 * $0.count) + CBORHead.mostBytes }
    }
}
