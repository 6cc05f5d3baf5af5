/// The patterns of policies: `*` for any text, `?` for one character, `${name}` for what is known of the call.

/// A pattern of a policy, compared character by character (IAM User Guide, "IAM JSON policy elements: Resource", "Variables and tags").
package struct PolicyPattern: Sendable, Hashable {
    private enum Element: Sendable, Hashable {
        case scalar(Unicode.Scalar)
        case any, one
        case variable(String)
    }

    /// The longest pattern, in characters: with the longest value that is compared it bounds the time of a comparison.
    package static let longest = 1024

    package let text: String
    private let elements: [Element]
    private let hasVariables: Bool

    /// - Parameter hasVariables: whether `${...}` has a meaning: only in policies of version 2012-10-17.
    package init(_ text: String, hasVariables: Bool) {
        self.text = text
        let elements = Self.elements(text, hasVariables)
        self.elements = elements
        self.hasVariables = elements.contains { if case .variable = $0 { true } else { false } }
    }

    /// The names of its variables, in lower case.
    package var variables: [String] { elements.compactMap { if case .variable(let name) = $0 { name } else { nil } } }

    /// A pattern of ARNs for which the region says nothing: what a node keeps is in no region, and clients of any are served.
    package static func ofResource(_ text: String, hasVariables: Bool) -> PolicyPattern {
        var parts = text.split(separator: ":", maxSplits: 5, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 6, parts[0] == "arn" else { return PolicyPattern(text, hasVariables: hasVariables) }
        parts[3] = "*"
        return PolicyPattern(parts.joined(separator: ":"), hasVariables: hasVariables)
    }

    private static func elements(_ text: String, _ hasVariables: Bool) -> [Element] {
        var elements: [Element] = []
        var rest = text.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            if hasVariables, scalar == "$", rest.first == "{", let end = rest.firstIndex(of: "}") {
                let name = String(rest[rest.index(after: rest.startIndex)..<end])
                rest = rest[rest.index(after: end)...]
                // ${*}, ${?} and ${$} are the characters themselves.
                let only = name.unicodeScalars.first
                if name.unicodeScalars.count == 1, let only, "*?$".unicodeScalars.contains(only) {
                    elements.append(.scalar(only))
                } else {
                    elements.append(.variable(name.lowercased()))
                }
                continue
            }
            elements.append(scalar == "*" ? .any : scalar == "?" ? .one : .scalar(scalar))
        }
        return elements
    }

    /// Whether a text is of the pattern. A variable that has no value, or several, matches nothing.
    package func matches(_ text: String, ignoringCase: Bool = false, _ context: PolicyContext? = nil) -> Bool {
        guard let elements = expanded(context) else { return false }
        return Self.matches(Array((ignoringCase ? text.lowercased() : text).unicodeScalars), elements, ignoringCase)
    }

    /// Whether a text is the pattern's own, `*` and `?` included.
    package func equals(_ text: String, ignoringCase: Bool, _ context: PolicyContext) -> Bool {
        guard let elements = expanded(context) else { return false }
        var own = ""
        for element in elements {
            switch element {
            case .scalar(let scalar): own.unicodeScalars.append(scalar)
            case .any: own += "*"
            case .one: own += "?"
            case .variable: return false
            }
        }
        return ignoringCase ? own.lowercased() == text.lowercased() : own == text
    }

    private func expanded(_ context: PolicyContext?) -> [Element]? {
        guard hasVariables else { return elements }
        var expanded: [Element] = []
        for element in elements {
            guard case .variable(let name) = element else {
                expanded.append(element)
                continue
            }
            guard let values = context?[name], values.count == 1 else { return nil }
            expanded += values[0].unicodeScalars.map { .scalar($0) }
        }
        return expanded
    }

    /// On a mismatch only the last `*` is tried again one character further, which is enough and keeps the work bounded.
    private static func matches(_ text: [Unicode.Scalar], _ elements: [Element], _ ignoringCase: Bool) -> Bool {
        var (element, index) = (0, 0)
        var retry: (element: Int, index: Int)?
        while true {
            if element < elements.count {
                switch elements[element] {
                case .any:
                    element += 1
                    retry = (element, index)
                    continue
                case .one where index < text.count:
                    (element, index) = (element + 1, index + 1)
                    continue
                case .scalar(let scalar) where index < text.count && isEqual(scalar, text[index], ignoringCase):
                    (element, index) = (element + 1, index + 1)
                    continue
                default: break
                }
            } else if index == text.count {
                return true
            }
            guard let last = retry, last.index < text.count else { return false }
            retry = (last.element, last.index + 1)
            (element, index) = (last.element, last.index + 1)
        }
    }

    private static func isEqual(_ own: Unicode.Scalar, _ other: Unicode.Scalar, _ ignoringCase: Bool) -> Bool {
        own == other || ignoringCase && own.properties.lowercaseMapping == String(Character(other))
    }
}
