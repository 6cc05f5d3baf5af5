/// FAST_REGEX_LOG_PARSE(text, pattern): a field for each group, found step by step without ever going back (SQL Reference, "FAST_REGEX_LOG_PARSER").
extension LogParserFunction {
    static let fastRegex = LogParserFunction(name: "FAST_REGEX_LOG_PARSE", aliases: ["FAST_REGEX_LOG_PARSER"]) {
        arguments throws(SignatureError) in
        try LogParsers.check(arguments, 1...1)
        let text = try LogParsers.text(arguments, 0, "the pattern")
        let steps = try LogParsers.compiled(0) { () throws(RowFailure) in try FastRegexSteps(text) }
        guard (1...LogParsers.mostFields).contains(steps.fieldCount) else {
            throw SignatureError("the pattern has no group", argument: 1)
        }
        return LogParser("FAST_REGEX_LOG_PARSE \(text)", LogField.numbered(steps.fieldCount)) { FastRegexSplitter(steps: steps) }
    }
}

/// The steps of a pattern. What an expression of the pattern begins with, if it has a fixed length, belongs to the step before: it is what ends it.
private struct FastRegexSteps: Sendable {
    /// The expressions to be matched one after the other, each where the one before ended.
    var steps: [RegularExpression] = []
    /// Of each field, the first and the last of its stretches: each is a group of a step.
    var fields: [(first: (step: Int, group: Int), last: (step: Int, group: Int))] = []
    var fieldCount: Int { fields.count }

    init(_ pattern: String) throws(RowFailure) {
        var open: [RegularExpressionNode] = []
        var closed: [[RegularExpressionNode]] = []
        var groups = 0
        var field: (first: (step: Int, group: Int), last: (step: Int, group: Int))?
        func stretch(_ nodes: [RegularExpressionNode]) {
            groups += 1
            open.append(.group(.sequence(nodes), number: groups))
            let place = (step: closed.count, group: groups)
            field = (field?.first ?? place, place)
        }
        for part in try FastRegexPattern(pattern).parts {
            let (fixed, rest) = part.node.parted
            field = nil
            if !fixed.isEmpty || rest.isEmpty { stretch(fixed) }
            if !rest.isEmpty {
                if !open.isEmpty { closed.append(open) }
                (open, groups) = ([], 0)
                stretch(rest)
            }
            if part.isGroup, let field { fields.append(field) }
        }
        closed.append(open)
        for (place, nodes) in closed.enumerated() {
            // A step that nothing ends takes all it can.
            let isEnded = nodes.last?.fixedLength != nil
            let node = RegularExpressionNode.sequence(
                isEnded || place == closed.count - 1 ? nodes : nodes.map { $0.repeating(greedily: true) })
            steps.append(try RegularExpression(node, groupCount: nodes.count))
        }
    }
}

private struct FastRegexSplitter: LogSplitter {
    let steps: FastRegexSteps

    mutating func split(_ line: UnsafeRawBufferPointer, into fields: inout [Range<Int>?]) -> Bool {
        var matches: [RegularExpression.Match] = []
        var index = 0
        for (place, step) in steps.steps.enumerated() {
            let isLast = place == steps.steps.count - 1
            guard let match = step.firstMatch(in: line, from: index, anchored: true, whole: isLast), let end = match[1] else {
                return false
            }
            matches.append(match)
            index = end
        }
        for (number, field) in steps.fields.enumerated() {
            if let start = matches[field.first.step][2 * field.first.group],
                let end = matches[field.last.step][2 * field.last.group + 1], start <= end
            {
                fields[number] = start..<end
            }
        }
        return true
    }
}
