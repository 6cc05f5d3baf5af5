/// `||`: joins texts (other values as CAST writes them), or binaries.
extension ScalarFunction {
    static let concatenate = ScalarFunction(
        name: "||", example: (sql: "'a' || '-' || 12", gives: "a-12"),
        resolve: { types throws(SignatureError) in
            guard types.count == 2 else { throw SignatureError("takes 2 arguments, not \(types.count)") }
            if types[0].isBinary && types[1].isBinary {
                let length = min(65_535, (types[0].length ?? 0) + (types[1].length ?? 0))
                return Signature(types, returns: .varbinary(length))
            }
            if types[0].isBinary || types[1].isBinary { throw SignatureError("cannot join \(types[0]) and \(types[1])") }
            let texts = types.map { $0.isCharacter ? $0 : .varchar(Cast.textLength($0)) }
            return Signature(texts, returns: .varchar(min(65_535, texts.reduce(0) { $0 + ($1.length ?? 0) })))
        },
        evaluate: { columns, type, context in
            let nulls = Kernel.nulls(columns)
            let (a, b) = (columns[0].byteColumn, columns[1].byteColumn)
            var joined = ByteColumn()
            joined.bytes.reserveCapacity(a.bytes.count + b.bytes.count)
            joined.ends.reserveCapacity(context.count)
            for row in 0..<context.count {
                if nulls?[row] != true {
                    joined.bytes.append(contentsOf: a.bytes[a.range(row)])
                    joined.bytes.append(contentsOf: b.bytes[b.range(row)])
                }
                joined.ends.append(joined.bytes.count)
            }
            return Column(type, .bytes(joined), nulls: nulls)
        })
}
