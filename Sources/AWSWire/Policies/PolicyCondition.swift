/// The conditions of policies: operators, and the values they compare.

/// One line of a Condition block: an operator, a key and its values (IAM User Guide, "IAM JSON policy elements: Condition operators").
package struct PolicyCondition: Sendable, Hashable {
    private enum Quantifier: Sendable { case one, all, any }
    private enum Comparison: String, Sendable, CaseIterable {
        case stringEquals = "StringEquals"
        case stringNotEquals = "StringNotEquals"
        case stringEqualsIgnoreCase = "StringEqualsIgnoreCase"
        case stringNotEqualsIgnoreCase = "StringNotEqualsIgnoreCase"
        case stringLike = "StringLike"
        case stringNotLike = "StringNotLike"
        case numericEquals = "NumericEquals"
        case numericNotEquals = "NumericNotEquals"
        case numericLessThan = "NumericLessThan"
        case numericLessThanEquals = "NumericLessThanEquals"
        case numericGreaterThan = "NumericGreaterThan"
        case numericGreaterThanEquals = "NumericGreaterThanEquals"
        case dateEquals = "DateEquals"
        case dateNotEquals = "DateNotEquals"
        case dateLessThan = "DateLessThan"
        case dateLessThanEquals = "DateLessThanEquals"
        case dateGreaterThan = "DateGreaterThan"
        case dateGreaterThanEquals = "DateGreaterThanEquals"
        case bool = "Bool"
        case ipAddress = "IpAddress"
        case notIpAddress = "NotIpAddress"
        case arnEquals = "ArnEquals"
        case arnNotEquals = "ArnNotEquals"
        case arnLike = "ArnLike"
        case arnNotLike = "ArnNotLike"
        case null = "Null"

        /// Whether it holds where the value is none of those listed.
        var isNegated: Bool {
            switch self {
            case .stringNotEquals, .stringNotEqualsIgnoreCase, .stringNotLike, .numericNotEquals, .dateNotEquals, .notIpAddress,
                .arnNotEquals, .arnNotLike:
                true
            default: false
            }
        }
    }

    private let comparison: Comparison
    private let quantifier: Quantifier
    private let ifExists: Bool
    /// As written: the names of tags are of one case.
    private let key: String
    private let values: [PolicyPattern]

    /// - Throws: for an operator that there is not, or values that it cannot compare.
    init(_ name: String, key: String, values: [PolicyPattern]) throws(MalformedPolicy) {
        var rest = name[...]
        var quantifier = Quantifier.one
        for (prefix, meaning) in [("ForAllValues:", Quantifier.all), ("ForAnyValue:", .any)] where rest.hasPrefix(prefix) {
            quantifier = meaning
            rest = rest.dropFirst(prefix.count)
        }
        ifExists = rest.hasSuffix("IfExists")
        if ifExists { rest = rest.dropLast("IfExists".count) }
        guard let comparison = Comparison(rawValue: String(rest)), !(ifExists && comparison == .null) else {
            throw MalformedPolicy("Condition.\(name): there is no such operator")
        }
        self.comparison = comparison
        self.quantifier = quantifier
        self.key = key
        self.values = values
        for value in values where !Self.isComparable(value.text, comparison) {
            throw MalformedPolicy("Condition.\(name).\(key): '\(value.text)' is no value that \(comparison.rawValue) compares")
        }
    }

    private static func isComparable(_ text: String, _ comparison: Comparison) -> Bool {
        switch comparison {
        case .numericEquals, .numericNotEquals, .numericLessThan, .numericLessThanEquals, .numericGreaterThan,
            .numericGreaterThanEquals:
            Double(text) != nil
        case .dateEquals, .dateNotEquals, .dateLessThan, .dateLessThanEquals, .dateGreaterThan, .dateGreaterThanEquals:
            PolicyDate.seconds(text) != nil
        case .bool, .null: ["true", "false"].contains(text.lowercased())
        case .ipAddress, .notIpAddress: AddressRange(text) != nil
        default: true
        }
    }

    /// Whether the condition holds.
    package func holds(_ context: PolicyContext) -> Bool {
        let found = context[key]
        if comparison == .null { return values.contains { ($0.text.lowercased() == "true") == (found ?? []).isEmpty } }
        guard let found, !found.isEmpty else { return ifExists || quantifier == .all || quantifier == .one && comparison.isNegated }
        switch quantifier {
        case .one: return found.count == 1 && accepts(found[0], context)
        case .all: return found.allSatisfy { accepts($0, context) }
        case .any: return found.contains { accepts($0, context) }
        }
    }

    private func accepts(_ value: String, _ context: PolicyContext) -> Bool {
        values.contains { isEqual(value, $0, context) } != comparison.isNegated
    }

    /// Whether the value stands to one of those listed as the operator asks, negation left aside.
    private func isEqual(_ value: String, _ listed: PolicyPattern, _ context: PolicyContext) -> Bool {
        switch comparison {
        case .stringEquals, .stringNotEquals: listed.equals(value, ignoringCase: false, context)
        case .stringEqualsIgnoreCase, .stringNotEqualsIgnoreCase: listed.equals(value, ignoringCase: true, context)
        case .stringLike, .stringNotLike: listed.matches(value, context)
        case .bool: value.lowercased() == listed.text.lowercased()
        case .ipAddress, .notIpAddress: AddressRange(listed.text)?.contains(value) ?? false
        case .arnEquals, .arnNotEquals, .arnLike, .arnNotLike: Self.isLike(value, listed, context)
        case .null: false
        default: Self.isOrdered(comparison, value, listed.text)
        }
    }

    /// The six parts of an ARN are compared one by one.
    private static func isLike(_ arn: String, _ listed: PolicyPattern, _ context: PolicyContext) -> Bool {
        func parts(_ text: String) -> [Substring] { text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false) }
        let (own, other) = (parts(listed.text), parts(arn))
        guard own.count == 6, other.count == 6 else { return false }
        return zip(own, other).allSatisfy { PolicyPattern(String($0), hasVariables: true).matches(String($1), context) }
    }

    private static func isOrdered(_ comparison: Comparison, _ value: String, _ listed: String) -> Bool {
        let isDate = comparison.rawValue.hasPrefix("Date")
        guard let value = isDate ? PolicyDate.seconds(value) : Double(value),
            let listed = isDate ? PolicyDate.seconds(listed) : Double(listed)
        else { return false }
        return switch comparison {
        case .numericLessThan, .dateLessThan: value < listed
        case .numericLessThanEquals, .dateLessThanEquals: value <= listed
        case .numericGreaterThan, .dateGreaterThan: value > listed
        case .numericGreaterThanEquals, .dateGreaterThanEquals: value >= listed
        default: value == listed
        }
    }
}

/// Dates of conditions: `2026-11-30T18:21:49Z`, a day alone, or seconds since 1970-01-01.
enum PolicyDate {
    /// Such as `2026-11-30T18:21:49Z`.
    static func text(_ seconds: Int64) -> String {
        var text = Array(SignatureTime.text(seconds))
        // yyyyMMddTHHmmssZ: the marks go in from the end, so that places stay.
        for (place, mark) in [(13, ":"), (11, ":"), (6, "-"), (4, "-")] as [(Int, Character)] { text.insert(mark, at: place) }
        return String(text)
    }

    static func seconds(_ text: String) -> Double? {
        if let seconds = Double(text), seconds.isFinite { return seconds }
        let time = text.count == 10 ? text + "T00:00:00Z" : text
        let basic = time.filter { $0 != "-" && $0 != ":" }
        return SignatureTime.seconds(basic).map(Double.init)
    }
}
