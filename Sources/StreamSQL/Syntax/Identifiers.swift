/// Which words are names, and how a stored name is written in a program.

enum Identifiers {
    /// The stored name as a program would write it: bare where the language allows it, else in double quotes.
    static func written(_ stored: String) -> String {
        let isPlain =
            stored.unicodeScalars.enumerated().allSatisfy { index, scalar in
                switch scalar {
                case "A"..."Z", "_": true
                case "0"..."9", "$": index > 0
                default: false
                }
            } && !stored.isEmpty
        if isPlain, !reserved.contains(stored) || usableBare.contains(stored) { return stored }
        var quoted = "\""
        for character in stored { quoted += character == "\"" ? "\"\"" : String(character) }
        return quoted + "\""
    }

    /// Columns that every stream or every Kinesis-fed stream has: reserved as names, but written bare to read them.
    static let usableBare: Set<String> = [
        "ROWTIME", "APPROXIMATE_ARRIVAL_TIME", "PARTITION_KEY", "SEQUENCE_NUMBER", "SHARD_ID", "PARTITION_ID",
    ]

    /// Words that the grammar gives a meaning where a name or an alias could stand; as names they need quotes (SQL Reference, "Reserved
    /// Words and Keywords", less the words that are harmless and that programs in the field use bare).
    static let reserved: Set<String> = [
        "ALL", "ALTER", "AND", "ANY", "AS", "ASC", "BETWEEN", "BIGINT", "BINARY", "BOOLEAN", "BOTH", "BY", "CASE", "CAST", "CEIL",
        "CEILING", "CHAR", "CHARACTER", "COALESCE", "CREATE", "CROSS", "CURRENT_DATE", "CURRENT_ROW_TIMESTAMP", "CURRENT_TIME",
        "CURRENT_TIMESTAMP", "CURSOR", "DATE", "DAY", "DEC", "DECIMAL", "DESC", "DISTINCT", "DOUBLE", "DROP", "ELSE", "END",
        "ESCAPE",
        "EVERY", "EXCEPT", "EXISTS", "EXTRACT", "FALSE", "FETCH", "FLOAT", "FLOOR", "FOR", "FROM", "FULL", "FUNCTION", "GROUP",
        "HAVING",
        "HOUR", "IN", "INNER", "INSERT", "INT", "INTEGER", "INTERSECT", "INTERVAL", "INTO", "IS", "JOIN", "LEADING", "LEFT", "LIKE",
        "LIMIT", "LOCALTIME", "LOCALTIMESTAMP", "MINUTE", "MONTH", "NATURAL", "NOT", "NULL", "NULLIF", "NUMERIC", "OFFSET", "ON",
        "OR",
        "ORDER", "OUTER", "OVER", "OVERLAPS", "OVERLAY", "PARTITION", "POSITION", "PRECEDES", "RANGE", "REAL", "RETURN", "RETURNS",
        "RIGHT", "ROWS", "ROWTIME", "SECOND", "SELECT", "SIMILAR", "SMALLINT", "SOME", "STREAM", "SUBSTRING", "SUCCEEDS",
        "SYMMETRIC",
        "TABLE", "THEN", "TIME", "TIMESTAMP", "TINYINT", "TO", "TRAILING", "TRIM", "TRUE", "UESCAPE", "UNION", "UNIQUE", "UNKNOWN",
        "USER", "USING", "VALUES", "VARBINARY", "VARCHAR", "WHEN", "WHERE", "WINDOW", "WINDOWED", "WITH", "YEAR",
        "APPROXIMATE_ARRIVAL_TIME", "PARTITION_KEY", "SEQUENCE_NUMBER", "SHARD_ID", "PARTITION_ID",
    ]
}
