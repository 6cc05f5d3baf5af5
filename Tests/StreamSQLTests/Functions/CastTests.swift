/// Conversions.

import StreamSQL
import Testing

@Suite("CAST") struct CastTests {
    @Test("numbers are rounded half away from zero and checked")
    func numbers() {
        #expect(shown(cast(decimal("-1.5"), .integer)) == "-2")
        #expect(shown(cast(decimal("2.5"), .integer)) == "3")
        #expect(shown(cast(decimal("2.49"), .integer)) == "2")
        #expect(shown(cast(double(-1.5), .integer)) == "-2")
        #expect(shown(cast(double(3e9), .integer)) == "error: Numeric overflow")
        #expect(shown(cast(integer(300), .tinyint)) == "error: Numeric overflow")
        #expect(shown(cast(decimal("999.995"), .decimal(precision: 5, scale: 2))) == "error: Numeric overflow")
        #expect(shown(cast(decimal("1.005"), .decimal(precision: 5, scale: 2))) == "1.01")
        #expect(shown(cast(double(2.675), .decimal(precision: 5, scale: 2))) == "2.68")
        #expect(shown(cast(double(1e30), .decimal(precision: 18, scale: 0))) == "error: Numeric overflow")
        #expect(shown(cast(double(0.1), .real)) == "0.1")
        #expect(shown(cast(cast(double(0.1), .real), .decimal(precision: 9, scale: 8))) == "0.10000000")
        #expect(shown(cast(double(1e300), .real)) == "error: Numeric overflow")
        #expect(shown(cast(decimal("0.1"), .double)) == "0.1")
        #expect(shown(cast(decimal("123456789012345.678"), .double)) == "123456789012345.67")
    }

    @Test("text becomes a value of its type, or a row error")
    func texts() {
        #expect(shown(cast(text(" 42 "), .integer)) == "42")
        #expect(shown(cast(text("4x"), .integer)) == "error: Conversion error")
        #expect(shown(cast(text(""), .integer)) == "error: Conversion error")
        #expect(shown(cast(text("9007199254740993"), .bigint)) == "9007199254740993")
        #expect(shown(cast(text("9223372036854775808"), .bigint)) == "error: Conversion error")
        #expect(shown(cast(text("-9223372036854775808"), .bigint)) == "-9223372036854775808")
        #expect(shown(cast(text("1.239e1"), .decimal(precision: 5, scale: 2))) == "12.39")
        #expect(shown(cast(text("1e3"), .double)) == "1000.0")
        for bad in ["nan", "inf", "0x10", "1e999", "1e", ".", "--1", "1 2"] {
            #expect(shown(cast(text(bad), .double)) == "error: Conversion error")
        }
        #expect(shown(cast(text("TRUE"), .boolean)) == "TRUE")
        #expect(shown(cast(text("yes"), .boolean)) == "error: Conversion error")
        #expect(shown(cast(text("2007-02-19 21:23:45"), .timestamp)) == "2007-02-19 21:23:45")
        for bad in ["2007-02-19", "2007-2-19 21:23:45", "2007-02-30 21:23:45", "2007-02-19T21:23:45", "2007-02-19 24:00:00"] {
            #expect(shown(cast(text(bad), .timestamp)) == "error: Conversion error")
        }
        #expect(shown(cast(text("2:15"), .interval(IntervalQualifier(.hour, to: .minute)))) == "+2:15")
        #expect(shown(cast(text("2:60"), .interval(IntervalQualifier(.hour, to: .minute)))) == "error: Conversion error")
        #expect(shown(cast(text("120"), .interval(IntervalQualifier(.second)))) == "+120")
    }

    @Test("values become text that must fit")
    func toText() {
        #expect(shown(cast(date("2008-08-23"), .varchar(10))) == "2008-08-23")
        #expect(shown(cast(date("2008-08-23"), .varchar(9))) == "error: Conversion error")
        #expect(shown(cast(date("2008-08-23"), .char(12))) == "2008-08-23  ")
        #expect(shown(cast(timestamp("2011-12-19 00:11:12"), .varchar(19))) == "2011-12-19 00:11:12")
        #expect(shown(cast(timestamp("2011-12-19 00:11:12.5"), .varchar(23))) == "2011-12-19 00:11:12.500")
        #expect(shown(cast(decimal("-0.05"), .varchar(9))) == "-0.05")
        #expect(shown(cast(boolean(true), .varchar(5))) == "TRUE")
        #expect(shown(cast(text("abc"), .varchar(2))) == "error: Conversion error")
        #expect(shown(cast(text("ab  "), .varchar(2))) == "ab")
        #expect(shown(cast(text("abc"), .char(5))) == "abc  ")
    }

    @Test("assignment cuts text to the column's length, by characters")
    func assignment() {
        #expect(shown(cast(text("abc"), .varchar(2), .assignment)) == "ab")
        #expect(shown(cast(text("日本語"), .varchar(2), .assignment)) == "日本")
        #expect(shown(cast(text("日本"), .char(3), .assignment)) == "日本 ")
        #expect(shown(cast(integer(300), .tinyint, .assignment)) == "error: Numeric overflow")
    }

    @Test("datetimes and intervals are converted to each other and to numbers")
    func datetimes() {
        #expect(shown(cast(timestamp("2004-02-29 13:14:15"), .date)) == "2004-02-29")
        #expect(shown(cast(timestamp("2004-02-29 13:14:15"), .time)) == "13:14:15")
        #expect(shown(cast(timestamp("1969-12-31 23:00:00"), .date)) == "1969-12-31")
        #expect(shown(cast(date("2004-02-29"), .timestamp)) == "2004-02-29 00:00:00")
        #expect(shown(cast(time("13:14:15"), .timestamp)) == "2021-06-01 13:14:15")
        #expect(shown(cast(interval("120", .minute), .decimal(precision: 3, scale: 0))) == "120")
        #expect(shown(cast(interval("1.5", .second), .bigint)) == "1")
        #expect(shown(cast(interval("1.5", .second), .decimal(precision: 5, scale: 2))) == "1.50")
        #expect(shown(cast(interval("120", .minute), .decimal(precision: 2, scale: 0))) == "error: Numeric overflow")
        #expect(shown(cast(interval("90", .minute), .interval(IntervalQualifier(.hour)))) == "+1")
    }

    @Test("only the documented conversions are possible")
    func matrix() {
        let day = SQLType.interval(IntervalQualifier(.day))
        let dayToSecond = SQLType.interval(IntervalQualifier(.day, to: .second))
        let explicit: [(SQLType, SQLType, Bool)] = [
            (.integer, .varchar(9), true), (.integer, .boolean, false), (.integer, .timestamp, false), (.varchar(9), day, true),
            (.date, .timestamp, true), (.date, .time, false), (.time, .timestamp, true), (.time, .date, false),
            (.timestamp, .date, true),
            (day, .bigint, true), (dayToSecond, .bigint, false), (day, .varchar(9), true), (.boolean, .varchar(5), true),
            (.boolean, .integer, false), (.binary(2), .varbinary(9), true), (.binary(2), .varchar(9), false),
            (.timestamp, .bigint, false),
        ]
        for (from, to, allowed) in explicit { #expect(from.canCast(to: to, mode: .explicit) == allowed, "\(from) to \(to)") }
        #expect(SQLType.integer.canCast(to: .decimal(precision: 3, scale: 1), mode: .assignment))
        #expect(SQLType.varchar(9).canCast(to: .char(2), mode: .assignment))
        #expect(!SQLType.integer.canCast(to: .varchar(9), mode: .assignment))
        #expect(!SQLType.date.canCast(to: .timestamp, mode: .assignment))
        #expect(SQLType.null.canCast(to: .timestamp, mode: .assignment))
    }
}
