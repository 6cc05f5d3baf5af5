/// Prefixes of object names with their expressions `!{namespace:value}`.

/// What an expression in a prefix may ask for (Firehose developer guide, "Custom prefixes").
package enum PrefixExpression: Sendable, Hashable {
    /// `!{timestamp:pattern}`
    case timestamp
    /// `!{firehose:random-string}`
    case randomString
    /// `!{firehose:error-output-type}`
    case errorOutputType

    var form: String {
        switch self {
        case .timestamp: "!{timestamp:pattern}"
        case .randomString: "!{firehose:random-string}"
        case .errorOutputType: "!{firehose:error-output-type}"
        }
    }
}

/// A prefix taken apart. One without a timestamp expression ends in `yyyy/MM/dd/HH/`.
package struct ObjectPrefix: Sendable {
    private enum Part: Sendable {
        case text(String)
        case timestamp(DateTimePattern)
        case randomString
        case errorOutputType
    }

    private let parts: [Part]
    private let expressions: Set<PrefixExpression>

    /// - Parameter field: the API's name for it, for errors.
    /// - Throws: `ObjectNameError` for an unknown or unfinished expression.
    package init(_ text: String, field: String, allowing allowed: [PrefixExpression]) throws(ObjectNameError) {
        func refuse(_ rule: String) -> ObjectNameError { ObjectNameError(field: field, value: text, rule: rule) }
        var parts: [Part] = []
        var expressions: Set<PrefixExpression> = []
        var rest = Substring(text)
        while let start = rest.firstRange(of: "!{") {
            if start.lowerBound > rest.startIndex { parts.append(.text(String(rest[..<start.lowerBound]))) }
            guard let end = rest[start.upperBound...].firstIndex(of: "}") else {
                throw refuse("an expression begun with !{ must end with }")
            }
            let written = rest[start.upperBound..<end]
            let colon = written.firstIndex(of: ":") ?? written.endIndex
            let value = String(written[colon...].dropFirst())
            let expression: PrefixExpression
            switch (written[..<colon], value) {
            case ("timestamp", _):
                guard let pattern = DateTimePattern(value), !value.isEmpty else {
                    throw refuse("'\(value)' is not a DateTimeFormatter pattern of the letters y u M L d D E H h K k a m s S")
                }
                expression = .timestamp
                parts.append(.timestamp(pattern))
            case ("firehose", "random-string"):
                expression = .randomString
                parts.append(.randomString)
            case ("firehose", "error-output-type"):
                expression = .errorOutputType
                parts.append(.errorOutputType)
            default: throw refuse("!{\(written)} is not one of \(allowed.map(\.form).joined(separator: ", "))")
            }
            guard allowed.contains(expression) else {
                throw refuse("!{\(written)} is not one of \(allowed.map(\.form).joined(separator: ", "))")
            }
            expressions.insert(expression)
            rest = rest[rest.index(after: end)...]
        }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        if !expressions.contains(.timestamp) { parts.append(.timestamp(Self.defaultTimestamp)) }
        self.parts = parts
        self.expressions = expressions
    }

    private static let defaultTimestamp = DateTimePattern(
        of: [("y", 4), ("M", 2), ("d", 2), ("H", 2)], separator: "/", ending: "/")

    package var hasExpressions: Bool { !expressions.isEmpty }
    package func names(_ expression: PrefixExpression) -> Bool { expressions.contains(expression) }

    /// The prefix of one object.
    package func evaluated(at time: CalendarTime, random: () -> UInt64, errorOutputType: String = "") -> String {
        var text = ""
        for part in parts {
            switch part {
            case .text(let literal): text += literal
            case .timestamp(let pattern): text += pattern.format(time)
            case .randomString: text += Self.randomString(random)
            case .errorOutputType: text += errorOutputType
            }
        }
        return text
    }

    /// Eleven characters, as Firehose's random-string has.
    private static func randomString(_ random: () -> UInt64) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        // 62^10 < 2^64: ten characters from one number, the eleventh from another.
        var bits = random()
        var text = ""
        for index in 0..<11 {
            if index == 10 { bits = random() }
            text.append(alphabet[Int(bits % 62)])
            bits /= 62
        }
        return text
    }
}
