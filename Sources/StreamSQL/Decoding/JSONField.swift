/// The members of a JSON object, for readers of small files that need numbers with all their digits.

/// One member of an object.
public struct JSONField: Sendable, Hashable {
    public enum Value: Sendable, Hashable {
        case null
        case boolean(Bool)
        /// As it was written.
        case number(String)
        case string(String)
        /// The object's or array's own JSON text.
        case object([UInt8])
        case array([UInt8])
    }
    public var name: String
    public var value: Value

    public init(name: String, value: Value) {
        self.name = name
        self.value = value
    }

    /// The members of an object, in the order of the text.
    /// - Throws: `JSONError` when the text is not a JSON object.
    public static func read(_ text: [UInt8]) throws(JSONError) -> [JSONField] {
        let result: Result<[JSONField], JSONError> = text.withUnsafeBytes { bytes in
            do throws(JSONError) {
                return .success(
                    try JSONTokenizer().withTokens(of: bytes) { object throws(JSONError) in
                        guard object.isObject else { throw JSONError("the text is not a JSON object") }
                        return object.members.map { JSONField(name: $0.key.text, value: $0.value.fieldValue) }
                    })
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }
}

extension JSONValue {
    /// A string's text, escapes resolved.
    fileprivate var text: String {
        var bytes: [UInt8] = []
        appendText(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    fileprivate var fieldValue: JSONField.Value {
        switch kind {
        case .null: .null
        case .boolean(let truth): .boolean(truth)
        case .number: .number(String(decoding: raw, as: UTF8.self))
        case .string: .string(text)
        case .array: .array(Array(raw))
        case .object: .object(Array(raw))
        }
    }
}
