/// The conversions of AWS's request framework, Coral, and what it says when one fails (kinesis-api.md, section 1).

public enum Coral {
    static let unexpectedList = AWSError(.serialization, "Start of list found where not expected")
    static let unexpectedStructure = AWSError(.serialization, "Start of structure or map found where not expected.")

    /// - Parameter target: with its article, as Coral says it: `an Integer`, `a Blob`.
    static func mismatch(_ value: WireValue, with target: String) -> AWSError {
        let type: String
        switch value.kind {
        case .array: return unexpectedList
        case .object: return unexpectedStructure
        case .number: type = "com.amazon.coral.value.json.numbers.TruncatingBigNumber"
        case .bool: type = "java.lang.Boolean"
        case .blob: type = "java.nio.HeapByteBuffer"
        case .string, .null: type = "java.lang.String"
        }
        return AWSError(.serialization, "class \(type) can not be converted to \(target)")
    }

    /// A text.
    public static func string(_ value: WireValue) throws(AWSError) -> String {
        guard let text = value.string else { throw mismatch(value, with: "an String") }
        return text
    }

    static func double(_ value: WireValue, as target: String) throws(AWSError) -> Double {
        guard let text = value.untaggedNumberText, let number = Double(text) else { throw mismatch(value, with: target) }
        return number
    }

    static func whole(_ value: WireValue, as target: String) throws(AWSError) -> Int64 {
        if let text = value.untaggedNumberText, let number = Int64(text) { return number }
        return clamped(try double(value, as: target).rounded(.down))
    }

    /// The nearest 64-bit number.
    static func clamped(_ number: Double) -> Int64 {
        // As a Java number is converted.
        if number.isNaN { return 0 }
        if let exact = Int64(exactly: number) { return exact }
        return number < 0 ? .min : .max
    }

    static func boolean(_ value: WireValue) throws(AWSError) -> Bool {
        if let flag = value.bool { return flag }
        guard let text = value.string?.uppercased() else { throw mismatch(value, with: "an Boolean") }
        switch text {
        case "TRUE", "1", "YES": return true
        case "FALSE", "0", "NO": return false
        default: throw AWSError(.serialization, "'\(text)' can not be converted to an Boolean")
        }
    }

    static func blob(_ value: WireValue, to bytes: inout [UInt8]) throws(AWSError) -> Range<Int> {
        let start = bytes.count
        if let blob = value.blobBytes {
            bytes.append(contentsOf: blob)
            return start..<bytes.count
        }
        guard value.kind == .string else { throw mismatch(value, with: "a Blob") }
        do throws(Base64.Problem) {
            if let characters = value.plainBytes {
                try Base64.appendDecoded(characters, to: &bytes)
            } else {
                // Some clients escape the slashes of base64.
                var text: [UInt8] = []
                _ = value.appendString(to: &text)
                try text.withUnsafeBufferPointer { (text) throws(Base64.Problem) in
                    try Base64.appendDecoded(text, to: &bytes)
                }
            }
        } catch {
            throw blobError(value, error)
        }
        return start..<bytes.count
    }

    private static func blobError(_ value: WireValue, _ problem: Base64.Problem) -> AWSError {
        let reason =
            switch problem {
            case .length(let count): "Base64 encoded length is expected a multiple of 4 bytes but found: \(count)"
            case .character(let byte): "Invalid Base64 character: '\(Character(Unicode.Scalar(byte)))'"
            // Coral's own spelling.
            case .looseBits: "Invalid last non-pad Base64 character dectected"
            }
        return AWSError(.serialization, "'\(value.string ?? "")' can not be converted to a Blob: \(reason)")
    }
}
