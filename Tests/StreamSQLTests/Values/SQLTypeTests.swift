/// Types as text, and their common types.

import StreamSQL
import Testing

@Suite("SQLType") struct SQLTypeTests {
    @Test(
        "types are read as users write them",
        arguments: [
            ("VARCHAR(8)", SQLType.varchar(8)), ("varchar( 8 )", .varchar(8)), ("VARCHAR", .varchar(65_535)), ("CHAR(4)", .char(4)),
            ("character varying(3)", .varchar(3)), ("DECIMAL(5,2)", .decimal(precision: 5, scale: 2)),
            ("DECIMAL(5, 2)", .decimal(precision: 5, scale: 2)), ("NUMERIC(9)", .decimal(precision: 9, scale: 0)),
            ("decimal", .decimal(precision: 18, scale: 0)), ("DECIMAL(19,2)", .decimal(precision: 18, scale: 2)), ("INT", .integer),
            ("INTEGER", .integer), ("BIGINT", .bigint), ("SMALLINT", .smallint), ("TINYINT", .tinyint), ("REAL", .real),
            ("FLOAT", .double),
            ("DOUBLE", .double), ("double  precision", .double), ("BOOLEAN", .boolean), ("DATE", .date), ("TIME", .time),
            ("TIMESTAMP", .timestamp), ("TIMESTAMP(3)", .timestamp), ("BINARY(3)", .binary(3)), ("VARBINARY(16)", .varbinary(16)),
        ])
    func reading(_ text: String, _ type: SQLType) throws {
        #expect(try SQLType(parsing: text) == type)
        #expect(try SQLType(parsing: type.description) == type)
    }

    @Test(
        "what is no column type is refused in words",
        arguments: [
            "", "STRING", "VARCHAR(0)", "VARCHAR(65536)", "VARCHAR(8", "VARCHAR(a)", "VARCHAR(1,2)", "DECIMAL(20,2)",
            "DECIMAL(5,6)",
            "DECIMAL(1,2,3)", "INTEGER(4)", "INTERVAL DAY", "VARCHAR(99999999999999999999)", "VARCHAR(-1)",
        ])
    func refusing(_ text: String) {
        #expect(throws: SQLType.ParseError.self) { try SQLType(parsing: text) }
    }

    @Test("the common type holds the values of both")
    func common() {
        #expect(SQLType.common(.integer, .bigint) == .bigint)
        #expect(SQLType.common(.null, .date) == .date)
        #expect(SQLType.common(.integer, .decimal(precision: 5, scale: 2)) == .decimal(precision: 12, scale: 2))
        #expect(SQLType.common(.real, .integer) == .double)
        #expect(SQLType.common(.char(3), .char(6)) == .varchar(6))
        #expect(SQLType.common(.char(3), .char(3)) == .char(3))
        #expect(SQLType.common(.varchar(3), .integer) == nil)
        #expect(SQLType.common(.date, .timestamp) == nil)
        let (minute, day) = (IntervalQualifier(.minute), IntervalQualifier(.day, to: .hour))
        #expect(SQLType.common(.interval(minute), .interval(day)) == .interval(IntervalQualifier(.day, to: .minute)))
        #expect(SQLType.common(.interval(minute), .interval(IntervalQualifier(.year))) == nil)
    }
}
