/// What placeholders of a request's expressions stand for, and which of them were used.

package import AWSWire

/// ExpressionAttributeNames and ExpressionAttributeValues.
package struct ExpressionInputs: Sendable {
    /// By the placeholder with its `#`; nil where the request has none.
    let names: [AttributeName: AttributeName]?
    /// By the placeholder with its `:`; nil where the request has none.
    let values: [AttributeName: AttributeValue]?
    private var usedNames: Set<AttributeName> = []
    private var usedValues: Set<AttributeName> = []

    package init(names: [AttributeName: AttributeName]? = nil, values: [AttributeName: AttributeValue]? = nil) {
        (self.names, self.values) = (names, values)
    }

    package init(_ fields: WireFields) throws(AWSError) {
        let texts = try fields.map("ExpressionAttributeNames")
        names = texts.map { texts in
            Dictionary(texts.entries.map { (AttributeName($0.key.utf8), AttributeName($0.value.utf8)) }) { $1 }
        }
        values = try fields["ExpressionAttributeValues"].map { map throws(AWSError) in try AttributeValue.item(map) }
    }

    mutating func name(_ placeholder: AttributeName) -> AttributeName? {
        usedNames.insert(placeholder)
        return names?[placeholder]
    }

    mutating func value(_ placeholder: AttributeName) -> AttributeValue? {
        usedValues.insert(placeholder)
        return values?[placeholder]
    }

    /// Checks the placeholders themselves, before any expression is read.
    /// - Parameters:
    ///   - hasExpressions: whether the request has any expression.
    ///   - missing: the expressions that may use values, as messages name them.
    func check(hasExpressions: Bool, valuesWhere missing: String) throws(AWSError) {
        if let names {
            guard hasExpressions else {
                throw .invalid("ExpressionAttributeNames can only be specified when using expressions")
            }
            guard !names.isEmpty else { throw .invalid("ExpressionAttributeNames must not be empty") }
            for name in names.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                try Self.check(name, UInt8(ascii: "#"), "ExpressionAttributeNames")
            }
        }
        if let values {
            guard hasExpressions else {
                throw .invalid("ExpressionAttributeValues can only be specified when using expressions: \(missing) is null")
            }
            guard !values.isEmpty else { throw .invalid("ExpressionAttributeValues must not be empty") }
            for name in values.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
                try Self.check(name, UInt8(ascii: ":"), "ExpressionAttributeValues")
            }
        }
    }

    private static func check(_ placeholder: AttributeName, _ mark: UInt8, _ parameter: String) throws(AWSError) {
        let rest = placeholder.dropFirst()
        guard placeholder.first == mark, !rest.isEmpty, rest.allSatisfy(Lexer.isNameByte) else {
            throw .invalid(
                "\(parameter) contains invalid key: Syntax error; key: \"\(String(decoding: placeholder.prefix(256), as: UTF8.self))\""
            )
        }
    }

    /// Checks that every placeholder was used by some expression.
    package func checkUsed() throws(AWSError) {
        try Self.check(names?.keys.filter { !usedNames.contains($0) }, "ExpressionAttributeNames")
        try Self.check(values?.keys.filter { !usedValues.contains($0) }, "ExpressionAttributeValues")
    }

    private static func check(_ unused: [AttributeName]?, _ parameter: String) throws(AWSError) {
        guard let unused, !unused.isEmpty else { return }
        let shown = unused.map { String(decoding: $0.prefix(256), as: UTF8.self) }.sorted().prefix(32).joined(separator: ", ")
        throw .invalid("Value provided in \(parameter) unused in expressions: keys: {\(shown)}")
    }
}
