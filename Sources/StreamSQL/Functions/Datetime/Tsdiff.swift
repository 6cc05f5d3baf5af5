/// TSDIFF(start, end): milliseconds from start to end, given as TIMESTAMP or as BIGINT milliseconds.
extension ScalarFunction {
    static let tsdiff = ScalarFunction(
        name: "TSDIFF",
        example: (sql: "TSDIFF(TIMESTAMP '2004-05-01 12:00:00', TIMESTAMP '2004-05-01 12:00:01.500')", gives: "1500"),
        resolve: { types throws(SignatureError) in
            guard types.count == 2 else { throw SignatureError("takes 2 arguments, not \(types.count)") }
            if types.allSatisfy({ $0 == .timestamp || $0 == .null }) {
                return Signature([.timestamp, .timestamp], returns: .bigint)
            }
            if types.allSatisfy({ $0.isInteger || $0 == .null }) { return Signature([.bigint, .bigint], returns: .bigint) }
            throw SignatureError("takes two TIMESTAMPs or two BIGINTs, not \(types[0]) and \(types[1])")
        },
        evaluate: { columns, type, context in
            let nulls = Kernel.nulls(columns)
            let values = Kernel.map(columns[0].integerOperand, columns[1].integerOperand, nulls: nulls, filler: Int64(0), &context)
            {
                start, end throws(RowFailure) in
                let (difference, overflow) = end.subtractingReportingOverflow(start)
                if overflow { throw .overflow(type) }
                return difference
            }
            return Column(type, .integers(values), nulls: nulls)
        })
}
