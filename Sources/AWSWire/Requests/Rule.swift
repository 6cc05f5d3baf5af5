/// Validation: what must hold of a request's members, in the order and the words of AWS's ValidationException.

/// One member's constraints, or a check of one's own.
public struct Rule<Request: Sendable>: Sendable {
    let check: @Sendable (Request, inout Violations) -> Void

    /// A check of one's own.
    public init(_ check: @escaping @Sendable (Request, inout Violations) -> Void) { self.check = check }

    /// A member and its constraints, which are reported in the order given.
    /// - Parameter name: as AWS shows it, such as `streamName`.
    public static func member<Value: Constrainable & SendableMetatype>(
        _ name: String, _ value: any KeyPath<Request, Value?> & Sendable, _ constraints: Constraint...
    ) -> Rule {
        Rule { request, violations in violations.check(name, request[keyPath: value], constraints) }
    }

    /// A structure inside the request and its rules.
    public static func structure<Inner: Sendable>(
        _ name: String, _ value: any KeyPath<Request, Inner?> & Sendable, _ rules: [Rule<Inner>]
    ) -> Rule {
        Rule { request, violations in
            guard let inner = request[keyPath: value] else { return }
            violations.within(name) { violations in
                for rule in rules { rule.check(inner, &violations) }
            }
        }
    }

    /// A list of structures and the rules of each; AWS counts from 1.
    public static func each<Element: Sendable>(
        _ name: String, _ value: any KeyPath<Request, [Element]?> & Sendable, _ rules: [Rule<Element>]
    ) -> Rule {
        Rule { request, violations in
            for (index, element) in (request[keyPath: value] ?? []).enumerated() {
                if violations.isFull { return }
                violations.within("\(name).\(index + 1).member") { violations in
                    for rule in rules { rule.check(element, &violations) }
                }
            }
        }
    }

    /// A structure that must be there.
    public static func present<Value: Sendable>(_ name: String, _ value: any KeyPath<Request, Value?> & Sendable) -> Rule {
        Rule { request, violations in
            if request[keyPath: value] == nil { violations.add(name, "null", "Member must not be null") }
        }
    }

    /// A list's number of elements.
    public static func count<Element: Sendable>(
        _ name: String, _ list: any KeyPath<Request, [Element]?> & Sendable, _ range: ClosedRange<Int>
    ) -> Rule {
        Rule { request, violations in
            guard let count = request[keyPath: list]?.count else { return }
            // The elements would make the message as long as the request.
            let shown = "'[\(count) elements]'"
            if count < range.lowerBound {
                violations.add(name, shown, "Member must have length greater than or equal to \(range.lowerBound)")
            }
            if count > range.upperBound {
                violations.add(name, shown, "Member must have length less than or equal to \(range.upperBound)")
            }
        }
    }
}

/// What is required of one value.
public enum Constraint: Sendable {
    case notNull
    case atLeast(Int)
    case atMost(Int)
    case pattern(Pattern)
    /// Of texts in UTF-16 code units (as Java counts), of blobs in bytes, of lists and maps in elements.
    case minLength(Int)
    case maxLength(Int)
    /// In the order in which AWS lists them.
    case oneOf([String])
    /// Of each element of a list.
    case elementLengths(ClosedRange<Int>)
    /// Of each key of a map.
    case keyLengths(ClosedRange<Int>)
    /// Of each value of a map.
    case valueLengths(ClosedRange<Int>)
}

/// The ValidationException that is being put together.
public struct Violations: Sendable {
    /// AWS reports no more than these.
    public static let limit = 10

    private(set) var messages: [String] = []
    private var path = ""

    public init() {}

    /// Whether no more will be reported.
    public var isFull: Bool { messages.count >= Self.limit }

    /// Checks with a path in front of the names: `records.1.member`.
    public mutating func within(_ name: String, _ body: (inout Violations) -> Void) {
        let outer = path
        path += name + "."
        body(&self)
        path = outer
    }

    /// Checks one value.
    public mutating func check<Value: Constrainable>(_ name: String, _ value: Value?, _ constraints: [Constraint]) {
        for constraint in constraints {
            if isFull { return }
            guard let ending = violation(of: constraint, value) else { continue }
            add(name, value.map { "'\($0.shown)'" } ?? "null", ending)
        }
    }

    /// Reports a member.
    /// - Parameters:
    ///   - shown: the value, with its quotes.
    ///   - constraint: the sentence at the end, such as "Member must not be null".
    public mutating func add(_ name: String, _ shown: String, _ constraint: String) {
        guard !isFull else { return }
        messages.append("Value \(Self.capped(shown)) at '\(path)\(name)' failed to satisfy constraint: \(constraint)")
    }

    /// A value comes from outside and may be megabytes long; an answer must not be.
    private static func capped(_ shown: String) -> String {
        guard shown.utf8.count > longestShown else { return shown }
        return shown.prefix(longestShown) + "..." + (shown.hasSuffix("'") ? "'" : "")
    }
    private static let longestShown = 1024

    private func violation(of constraint: Constraint, _ value: (some Constrainable)?) -> String? {
        guard let value else {
            if case .notNull = constraint { return "Member must not be null" }
            return nil
        }
        switch constraint {
        case .notNull: return nil
        case .atLeast(let bound):
            return value.number.map { $0 < bound } ?? false ? "Member must have value greater than or equal to \(bound)" : nil
        case .atMost(let bound):
            return value.number.map { $0 > bound } ?? false ? "Member must have value less than or equal to \(bound)" : nil
        case .minLength(let bound):
            return value.length.map { $0 < bound } ?? false ? "Member must have length greater than or equal to \(bound)" : nil
        case .maxLength(let bound):
            return value.length.map { $0 > bound } ?? false ? "Member must have length less than or equal to \(bound)" : nil
        case .pattern(let pattern):
            return pattern.matches(value.shown) ? nil : "Member must satisfy regular expression pattern: \(pattern.text)"
        case .oneOf(let values):
            return values.contains(value.shown) ? nil : "Member must satisfy enum value set: [\(values.joined(separator: ", "))]"
        case .elementLengths(let range): return lengths(of: value.parts.values, range, "Member")
        case .keyLengths(let range): return lengths(of: value.parts.keys, range, "Map keys")
        case .valueLengths(let range): return lengths(of: value.parts.values, range, "Map value")
        }
    }

    private func lengths(of texts: [String], _ range: ClosedRange<Int>, _ subject: String) -> String? {
        guard !texts.allSatisfy({ range.contains($0.utf16.count) }) else { return nil }
        return "\(subject) must satisfy constraint: [Member must have length less than or equal to \(range.upperBound), "
            + "Member must have length greater than or equal to \(range.lowerBound)]"
    }

    /// The error, if anything was reported.
    public var error: AWSError? {
        guard !messages.isEmpty else { return nil }
        let noun = messages.count == 1 ? "error" : "errors"
        return AWSError(
            .validation, "\(messages.count) validation \(noun) detected: \(messages.joined(separator: "; "))")
    }
}
