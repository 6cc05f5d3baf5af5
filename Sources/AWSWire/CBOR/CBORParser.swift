/// Parses CBOR (RFC 8949) into the tape that JSON is parsed into, as the AWS protocols use it: `application/x-amz-cbor-1.1`.

/// One parse of one text. Nothing in it can trap: every position is compared with the end before it is read.
///
/// Blobs are byte strings. A time is tag 1: an integer is milliseconds since 1970-01-01 UTC, as AWS has it, a float seconds, as the RFC has it.
/// Other tags are passed over. Of a string in parts the parts are joined behind the text; the tape points there.
struct CBORParser {
    private let text: UnsafeBufferPointer<UInt8>
    private let depthLimit: Int
    /// No request is made of items of a byte each, which would take eight times its length.
    private let itemLimit: Int
    /// Whether times are whole seconds, as the RFC has it, and not milliseconds.
    private let hasSeconds: Bool
    private var position = 0
    private(set) var tape: [TapeEntry] = []
    /// Strings whose parts were joined. They are to stand behind the text.
    private(set) var joined: [UInt8] = []

    /// - Parameter depthLimit: how many arrays and maps may stand inside each other.
    init(_ text: UnsafeBufferPointer<UInt8>, depthLimit: Int, hasSeconds: Bool = false) {
        self.text = text
        self.hasSeconds = hasSeconds
        self.depthLimit = depthLimit
        itemLimit = 64 + text.count / 2
    }

    /// Parses a whole text: one item with nothing around it.
    mutating func parse() throws(CBORError) {
        guard text.count <= TapeEntry.maxTextLength else { throw CBORError(.tooLong, at: TapeEntry.maxTextLength) }
        tape.reserveCapacity(16 + text.count / 64)
        try item(depth: 0)
        if position < text.count { throw CBORError(.moreData, at: position) }
    }

    private mutating func item(depth: Int) throws(CBORError) {
        guard tape.count < itemLimit else { throw CBORError(.tooManyItems, at: position) }
        var isTime = false
        var start = position
        var head = try self.head()
        // A loop, so that no number of tags is deep.
        while head.major == .tag {
            guard head.information != CBORHead.indefinite else { throw CBORError(.reserved, at: start) }
            isTime = isTime || head.argument == 1
            start = position
            head = try self.head()
        }
        if isTime { return try time(head, at: start) }
        switch head.major {
        case .unsigned, .negative:
            guard head.information != CBORHead.indefinite else { throw CBORError(.reserved, at: start) }
            tape.append(TapeEntry(.integer, length: head.length, offset: start))
        case .bytes, .text: try string(head, at: start)
        case .array: try container(head, at: start, depth: depth + 1, .array)
        case .map: try container(head, at: start, depth: depth + 1, .object)
        case .simple: try simple(head, at: start)
        case .tag: throw CBORError(.reserved, at: start)
        }
    }

    // MARK: Containers

    private mutating func container(_ head: CBORHead, at start: Int, depth: Int, _ kind: TapeEntry.Kind) throws(CBORError) {
        guard depth <= depthLimit else { throw CBORError(.tooDeep, at: start) }
        let place = tape.count
        tape.append(TapeEntry(.null, offset: 0))
        var left = head.argument
        while head.information == CBORHead.indefinite ? try !breaks() : left > 0 {
            left = left > 0 ? left - 1 : 0
            if kind == .object { try key() }
            try item(depth: depth)
        }
        tape[place] = TapeEntry(kind, offset: tape.count)
    }

    private mutating func key() throws(CBORError) {
        let start = position
        let head = try self.head()
        guard head.major == .text else { throw CBORError(head.major == .tag ? .taggedKey : .keyNotText, at: start) }
        try string(head, at: start)
    }

    /// Whether a container ends here; if so, its end is consumed.
    private mutating func breaks() throws(CBORError) -> Bool {
        guard position < text.count else { throw CBORError(.endOfData, at: position) }
        guard text[position] == CBORHead.break else { return false }
        position += 1
        return true
    }

    // MARK: Scalars

    private mutating func string(_ head: CBORHead, at start: Int) throws(CBORError) {
        let kind: TapeEntry.Kind = head.major == .text ? .string : .bytes
        var (offset, length) = (position, 0)
        if head.information == CBORHead.indefinite {
            offset = text.count + joined.count
            while try !breaks() {
                let part = position
                let head = try self.head()
                guard head.major == (kind == .string ? .text : .bytes), head.information != CBORHead.indefinite else {
                    throw CBORError(.badChunk, at: part)
                }
                joined.append(contentsOf: text[try span(head)])
            }
            length = text.count + joined.count - offset
        } else {
            length = try span(head).count
        }
        if kind == .string, !isUTF8(offset, length) { throw CBORError(.badUTF8, at: start) }
        tape.append(TapeEntry(kind, length: length, offset: offset))
    }

    /// The bytes of a string after its head, which are consumed.
    private mutating func span(_ head: CBORHead) throws(CBORError) -> Range<Int> {
        guard head.argument <= UInt64(text.count - position) else { throw CBORError(.endOfData, at: text.count) }
        let start = position
        position += Int(head.argument)
        return start..<position
    }

    private func isUTF8(_ offset: Int, _ length: Int) -> Bool {
        if offset < text.count || length == 0 {
            return UTF8Check.isValid(
                UnsafeBufferPointer(rebasing: text[min(offset, text.count)..<min(offset + length, text.count)]))
        }
        return joined.withUnsafeBufferPointer { joined in
            UTF8Check.isValid(UnsafeBufferPointer(rebasing: joined[(offset - text.count)..<(offset - text.count + length)]))
        }
    }

    private mutating func simple(_ head: CBORHead, at start: Int) throws(CBORError) {
        switch head.information {
        case 20: tape.append(TapeEntry(.false, length: 1, offset: start))
        case 21: tape.append(TapeEntry(.true, length: 1, offset: start))
        // Null and undefined.
        case 22, 23: tape.append(TapeEntry(.null, length: 1, offset: start))
        case 25, 26, 27: tape.append(TapeEntry(.float, length: head.length, offset: start))
        default: throw CBORError(.reserved, at: start)
        }
    }

    private mutating func time(_ head: CBORHead, at start: Int) throws(CBORError) {
        switch (head.major, head.information) {
        // Numbers of seconds are what times are in JSON too.
        case (.unsigned, 0..<CBORHead.indefinite) where hasSeconds, (.negative, 0..<CBORHead.indefinite) where hasSeconds:
            tape.append(TapeEntry(.integer, length: head.length, offset: start))
        case (.unsigned, 0..<CBORHead.indefinite), (.negative, 0..<CBORHead.indefinite), (.simple, 25...27):
            tape.append(TapeEntry(.time, length: head.length, offset: start))
        default: throw CBORError(.badTime, at: start)
        }
    }

    /// The head at the position, which is consumed.
    private mutating func head() throws(CBORError) -> CBORHead {
        guard let head = CBORHead(text, at: position) else {
            throw CBORError(CBORHead.isCutOff(text, at: position) ? .endOfData : .reserved, at: position)
        }
        position += head.length
        return head
    }
}
