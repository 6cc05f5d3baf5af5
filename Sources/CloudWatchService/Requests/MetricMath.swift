/// Arithmetic over the results of queries: + - * / and unary minus, numbers, ids and brackets (CloudWatch User Guide, "Using metric math").

import AWSWire

/// An expression, read. Functions are refused by name.
indirect enum MetricMath: Sendable {
    case number(Double)
    case query(String)
    case negative(MetricMath)
    case pair(MetricMath, UInt8, MetricMath)

    /// The most letters of an expression (CloudWatch API, MetricExpression); it is also what bounds the depth of the tree.
    static let longest = 2048
    /// How deep brackets may stand inside each other.
    private static let deepest = 64

    /// - Throws: `.validationError`.
    init(_ text: String) throws(AWSError) {
        guard text.utf8.count <= Self.longest else {
            throw AWSError(.validationError, "An expression may have \(Self.longest) characters.")
        }
        var reader = Reader(text)
        self = try reader.sum(depth: 0)
        try reader.end()
    }

    static func isNamePart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// The ids that it speaks of.
    var queries: [String] {
        var ids: [String] = []
        collectQueries(in: &ids)
        return ids
    }

    private func collectQueries(in ids: inout [String]) {
        switch self {
        case .number: break
        case .query(let id): ids.append(id)
        case .negative(let inner): inner.collectQueries(in: &ids)
        case .pair(let left, _, let right):
            left.collectQueries(in: &ids)
            right.collectQueries(in: &ids)
        }
    }

    /// The value in one period; nil where one of the queries has none there, or a divisor is 0.
    func value(_ values: (String) -> Double?) -> Double? {
        switch self {
        case .number(let number): return number
        case .query(let id): return values(id)
        case .negative(let inner): return inner.value(values).map { -$0 }
        case .pair(let left, let sign, let right):
            guard let left = left.value(values), let right = right.value(values) else { return nil }
            let result =
                switch sign {
                case UInt8(ascii: "+"): left + right
                case UInt8(ascii: "-"): left - right
                case UInt8(ascii: "*"): left * right
                default: left / right
                }
            return result.isFinite ? result : nil
        }
    }

    /// Reads by recursive descent, no deeper than `deepest`.
    private struct Reader {
        private let text: String
        private var rest: Substring.UTF8View

        init(_ text: String) {
            self.text = text
            rest = Substring(text).utf8
        }

        private mutating func take(_ signs: StaticString...) -> UInt8? {
            while let byte = rest.first, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { rest.removeFirst() }
            guard let byte = rest.first, signs.contains(where: { $0.utf8Start.pointee == byte }) else { return nil }
            rest.removeFirst()
            return byte
        }

        mutating func sum(depth: Int) throws(AWSError) -> MetricMath {
            var left = try product(depth: depth)
            while let sign = take("+", "-") { left = .pair(left, sign, try product(depth: depth)) }
            return left
        }

        private mutating func product(depth: Int) throws(AWSError) -> MetricMath {
            var left = try factor(depth: depth)
            while let sign = take("*", "/") { left = .pair(left, sign, try factor(depth: depth)) }
            return left
        }

        private mutating func factor(depth: Int) throws(AWSError) -> MetricMath {
            guard depth < MetricMath.deepest else { throw refusal("brackets stand too deep inside each other") }
            if take("-") != nil { return .negative(try factor(depth: depth + 1)) }
            if take("(") != nil {
                let inner = try sum(depth: depth + 1)
                guard take(")") != nil else { throw refusal("a closing bracket is missing") }
                return inner
            }
            let word = rest.prefix { MetricMath.isNamePart($0) || $0 == UInt8(ascii: ".") }
            rest = rest.dropFirst(word.count)
            guard let name = String(word), !name.isEmpty else { throw refusal("a number or an id is missing") }
            if let number = Double(name), name.utf8.first.map({ $0 < UInt8(ascii: "A") }) == true { return .number(number) }
            if take("(") != nil {
                throw refusal("the function \(name) is not there; + - * / over ids and numbers are")
            }
            return .query(name)
        }

        mutating func end() throws(AWSError) {
            _ = take()
            if !rest.isEmpty { throw refusal("'\(String(decoding: rest.prefix(16), as: UTF8.self))' cannot stand there") }
        }

        private func refusal(_ reason: String) -> AWSError {
            AWSError(.validationError, "Error in expression '\(text.prefix(200))': \(reason).")
        }
    }
}
