/// A request's body, parsed: the bytes and the tape that tells what they mean.

/// A parsed body.
///
/// It is read through `WireValue`s, which point into it; whoever needs a value for longer copies it
/// (`JSONValue`, `String`, bytes).
public struct WireDocument: Sendable {
    private let text: [UInt8]
    private let tape: [TapeEntry]

    /// How many arrays and objects may stand inside each other.
    public static let depthLimit = 64

    /// Parses JSON.
    /// - Throws: `JSONError`, for any bytes that are not one JSON value.
    public init(json: [UInt8], depthLimit: Int = WireDocument.depthLimit) throws(JSONError) {
        tape = try json.withUnsafeBufferPointer { (buffer) throws(JSONError) -> [TapeEntry] in
            var parser = JSONParser(buffer, depthLimit: depthLimit)
            try parser.parse()
            return parser.tape
        }
        text = json
    }

    /// Parses CBOR.
    /// - Throws: `CBORError`, for any bytes that are not one item of those that the AWS protocols use.
    /// - Parameter hasSeconds: whether times are whole seconds and not milliseconds.
    public init(cbor: [UInt8], depthLimit: Int = WireDocument.depthLimit, hasSeconds: Bool = false) throws(CBORError) {
        let parsed = try cbor.withUnsafeBufferPointer { (buffer) throws(CBORError) in
            var parser = CBORParser(buffer, depthLimit: depthLimit, hasSeconds: hasSeconds)
            try parser.parse()
            return (tape: parser.tape, joined: parser.joined)
        }
        tape = parsed.tape
        text = parsed.joined.isEmpty ? cbor : cbor + parsed.joined
    }

    /// Reads the document; the values hold only during the call.
    public func withRoot<Result, Failure: Error>(
        _ body: (WireValue) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try text.withUnsafeBufferPointer { (text) throws(Failure) -> Result in
            try tape.withUnsafeBufferPointer { (tape) throws(Failure) -> Result in
                try body(WireValue(text: text, tape: tape, index: 0))
            }
        }
    }
}
