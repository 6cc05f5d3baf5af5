/// The JSONPath expressions of an input schema (Developer Guide, "Working with JSONPath").

/// A path from a record or a row's object to a value: names, array positions and at most one `[0:]`, "every element".
struct JSONPath: Sendable, Hashable {
    enum Step: Sendable, Hashable {
        case name([UInt8])
        case position(Int)
        /// `[0:]`; `[n:]` skips the first n elements.
        case all(from: Int)
    }
    var steps: [Step]

    /// - Throws: in words, what is wrong with the path.
    init(_ text: String) throws(JSONError) {
        guard text.first == "$" else { throw JSONError("a path begins with $, unlike '\(text)'") }
        steps = []
        var rest = text.dropFirst()
        while let first = rest.first {
            rest = rest.dropFirst()
            if first == "." {
                let name = rest.prefix { $0 != "." && $0 != "[" }
                guard !name.isEmpty else { throw JSONError("'\(text)' has a dot without a name") }
                steps.append(.name(Array(name.utf8)))
                rest = rest.dropFirst(name.count)
            } else if first == "[" {
                guard let close = Self.closing(rest) else { throw JSONError("'\(text)' has an open bracket") }
                steps.append(try Self.bracket(rest[..<close], text))
                rest = rest[rest.index(after: close)...]
            } else {
                throw JSONError("'\(text)' has '\(first)' where a dot or bracket belongs")
            }
        }
        guard steps.count <= 64 else { throw JSONError("'\(text)' has more than 64 steps") }
        guard steps.count(where: { if case .all = $0 { true } else { false } }) <= 1 else {
            throw JSONError("'\(text)' has more than one array with [0:]; one level can be flattened")
        }
    }

    private static func closing(_ rest: Substring) -> Substring.Index? {
        guard let quote = rest.first, quote == "'" || quote == "\"" else { return rest.firstIndex(of: "]") }
        guard let end = rest.dropFirst().firstIndex(of: quote) else { return nil }
        let next = rest.index(after: end)
        return next < rest.endIndex && rest[next] == "]" ? next : nil
    }

    private static func bracket(_ inside: Substring, _ text: String) throws(JSONError) -> Step {
        if let quote = inside.first, quote == "'" || quote == "\"" { return .name(Array(inside.dropFirst().dropLast().utf8)) }
        if inside == "*" { return .all(from: 0) }
        if inside.last == ":" {
            guard let from = inside == ":" ? 0 : Int(inside.dropLast()), from >= 0 else {
                throw JSONError("'\(text)' has '[\(inside)]'")
            }
            return .all(from: from)
        }
        guard let position = Int(inside), position >= 0 else { throw JSONError("'\(text)' has '[\(inside)]'") }
        return .position(position)
    }

    /// The steps up to `[0:]` and those after it; nil when there is none.
    var split: (array: [Step], from: Int, element: [Step])? {
        for (index, step) in steps.enumerated() {
            if case .all(let from) = step { return (Array(steps[..<index]), from, Array(steps[(index + 1)...])) }
        }
        return nil
    }
}

extension JSONValue {
    /// The value at the end of the steps; nil when it is not there. Names are matched with their case.
    func value(at steps: some Sequence<JSONPath.Step>, scratch: inout [UInt8]) -> JSONValue? {
        var value = self
        for step in steps {
            let next: JSONValue?
            switch step {
            case .name(let name): next = value.member(name, scratch: &scratch)
            case .position(let position): next = value.elements.dropFirst(position).first { _ in true }
            case .all: next = value
            }
            guard let next else { return nil }
            value = next
        }
        return value
    }
}
