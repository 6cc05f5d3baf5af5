/// Datetimes and intervals: arithmetic, fields, formats.

import StreamSQL
import Testing

@Suite("Datetime functions") struct DatetimeFunctionTests {
    private func between(
        _ a: TypedExpression, _ b: TypedExpression, _ leading: TimeUnit, to trailing: TimeUnit? = nil
    ) throws -> TypedExpression {
        try call("INTERVAL_BETWEEN", a, b, as: .interval(IntervalQualifier(leading, to: trailing)))
    }

    @Test("differences of datetimes have the documented values")
    func differences() throws {
        let (late, early) = (time("12:03:34"), time("11:57:23"))
        #expect(shown(try between(late, early, .minute, to: .second)) == "+6:11")
        #expect(shown(try between(late, early, .second)) == "+371")
        #expect(shown(try between(late, early, .minute)) == "+6")
        #expect(shown(try between(early, late, .minute, to: .second)) == "-6:11")
        let (may, april) = (timestamp("2004-05-01 12:03:34"), timestamp("2004-04-29 11:57:23"))
        #expect(shown(cast(try between(may, april, .day, to: .second), .varchar(11))) == "+2 00:06:11")
        #expect(shown(cast(try between(may, april, .day, to: .second), .varchar(10))) == "error: Conversion error")
        #expect(shown(try between(date("2004-12-02"), date("2003-12-01"), .day)) == "+367")
        #expect(shown(try between(date("2004-12-02"), date("2003-12-03"), .month)) == "+11")
        #expect(shown(try between(date("2004-12-03"), date("2003-12-03"), .year, to: .month)) == "+1-00")
        #expect(shown(try between(date("2003-12-03"), date("2004-12-02"), .year)) == "+0")
    }

    @Test("intervals are added to datetimes and to each other")
    func sums() throws {
        #expect(shown(try call("+", timestamp("2004-02-28 23:59:59"), interval("1", .second))) == "2004-02-29 00:00:00")
        #expect(shown(try call("+", interval("1", .month), timestamp("2004-01-31 10:00:00"))) == "2004-02-29 10:00:00")
        #expect(shown(try call("-", date("2004-03-01"), interval("1", .day))) == "2004-02-29")
        #expect(shown(try call("+", date("2004-02-29"), interval("1", .year))) == "2005-02-28")
        #expect(shown(try call("-", time("00:00:10"), interval("20", .second))) == "23:59:50")
        #expect(shown(try call("+", interval("1", .hour), interval("30", .minute))) == "+1:30")
        #expect(shown(try call("*", interval("1:30", .hour, to: .minute), integer(3))) == "+4:30")
        #expect(shown(try call("*", double(0.5), interval("1", .hour))) == "+0")
        #expect(shown(try call("/", interval("90", .second), integer(4))) == "+22.500")
        #expect(shown(try call("/", interval("90", .second), integer(0))) == "error: Division by zero")
        #expect(shown(try call("-", interval("3 4", .day, to: .hour))) == "-3 04")
        #expect(shown(try call("+", timestamp("9999-12-31 23:59:59"), interval("1", .second))) == "error: Numeric overflow")
        #expect(refusal("+", .time, .interval(IntervalQualifier(.month))) != nil)
    }

    @Test("the epoch-division idioms give buckets of whole seconds")
    func epochIdiom() throws {
        let epoch = timestamp("1970-01-01 00:00:00")
        let since = try between(timestamp("2021-06-01 09:00:59.999"), epoch, .second)
        let bucket = try call("FLOOR_TO", try call("/", since, integer(60)), text("SECOND"))
        #expect(shown(bucket) == "+27042300")
        let start = try call("+", epoch, try call("*", integer(60), bucket))
        #expect(shown(start) == "2021-06-01 09:00:00")
        let earlier = try call(
            "FLOOR_TO", try call("/", try between(timestamp("2021-06-01 09:00:59.994"), epoch, .second), integer(10)),
            text("SECOND"))
        #expect(shown(earlier) == "+162253805")
    }

    @Test(
        "FLOOR and CEIL cut datetimes to units",
        arguments: [
            ("YEAR", "2004-01-01 00:00:00", "2005-01-01 00:00:00"), ("MONTH", "2004-09-01 00:00:00", "2004-10-01 00:00:00"),
            ("DAY", "2004-09-30 00:00:00", "2004-10-01 00:00:00"), ("HOUR", "2004-09-30 13:00:00", "2004-09-30 14:00:00"),
            ("MINUTE", "2004-09-30 13:48:00", "2004-09-30 13:49:00"), ("SECOND", "2004-09-30 13:48:23", "2004-09-30 13:48:24"),
        ])
    func rounding(_ unit: String, _ floor: String, _ ceil: String) throws {
        let value = timestamp("2004-09-30 13:48:23.500")
        #expect(shown(try call("FLOOR_TO", value, text(unit))) == floor)
        #expect(shown(try call("CEIL_TO", value, text(unit))) == ceil)
        #expect(shown(try call("CEIL_TO", timestamp(floor), text(unit))) == floor)
    }

    @Test("FLOOR goes down before 1970 too, and takes dates, times and intervals")
    func roundingEdges() throws {
        #expect(shown(try call("FLOOR_TO", timestamp("1969-12-31 23:59:59.999"), text("SECOND"))) == "1969-12-31 23:59:59")
        #expect(shown(try call("FLOOR_TO", date("2004-09-30"), text("HOUR"))) == "2004-09-30")
        #expect(shown(try call("CEIL_TO", date("2004-09-30"), text("YEAR"))) == "2005-01-01")
        #expect(shown(try call("FLOOR_TO", time("13:48:23"), text("HOUR"))) == "13:00:00")
        #expect(shown(try call("FLOOR_TO", interval("-1.5", .second), text("SECOND"))) == "-2")
        #expect(shown(try call("FLOOR_TO", timestamp("2004-09-30 13:48:23"), text("WEEK"))) == "error: Invalid argument")
    }

    @Test("STEP goes down to a multiple")
    func step() throws {
        let value = timestamp("2004-09-30 13:48:23")
        #expect(shown(try call("STEP", value, interval("2", .hour))) == "2004-09-30 12:00:00")
        #expect(shown(try call("STEP", value, interval("10", .second))) == "2004-09-30 13:48:20")
        #expect(shown(try call("STEP", value, interval("1", .month))) == "2004-09-01 00:00:00")
        #expect(shown(try call("STEP", value, interval("1", .year))) == "2004-01-01 00:00:00")
        #expect(shown(try call("STEP", timestamp("2004-09-27 13:00:00"), interval("5", .day))) == "2004-09-24 00:00:00")
        #expect(shown(try call("STEP", integer(17), integer(5))) == "15")
        #expect(shown(try call("STEP", value, interval("0", .hour))) == "error: Invalid argument")
        #expect(refusal("STEP", .varchar(3), .integer) != nil)
    }

    @Test("EXTRACT reads fields of datetimes and intervals")
    func extract() throws {
        let value = timestamp("2004-09-30 13:48:23.250")
        for (unit, field) in [("YEAR", "2004"), ("MONTH", "9"), ("DAY", "30"), ("HOUR", "13"), ("MINUTE", "48"), ("SECOND", "23")] {
            #expect(shown(try call("EXTRACT", text(unit), value)) == field)
        }
        #expect(shown(try call("EXTRACT", text("SECOND"), value, as: .decimal(precision: 5, scale: 3))) == "23.250")
        #expect(shown(try call("EXTRACT", text("MONTH"), date("2004-02-29"))) == "2")
        #expect(shown(try call("EXTRACT", text("HOUR"), interval("2 05:06:07", .day, to: .second))) == "5")
        #expect(shown(try call("EXTRACT", text("MINUTE"), interval("90", .minute))) == "90")
        #expect(shown(try call("EXTRACT", text("MONTH"), interval("3-11", .year, to: .month))) == "11")
    }

    @Test("epoch milliseconds, differences and the clock")
    func epoch() throws {
        #expect(shown(try call("TO_TIMESTAMP", bigint(testStart))) == "2021-06-01 09:00:00")
        #expect(shown(try call("TO_TIMESTAMP", bigint(.max))) == "error: Numeric overflow")
        #expect(shown(try call("UNIX_TIMESTAMP", timestamp("2021-06-01 09:00:00.001"))) == "1622538000001")
        #expect(shown(try call("TSDIFF", timestamp("2004-05-01 12:00:00"), timestamp("2004-05-01 12:00:01.500"))) == "1500")
        #expect(shown(try call("TSDIFF", bigint(10), integer(4))) == "-6")
        #expect(shown(try call("CURRENT_TIMESTAMP")) == "2021-06-01 09:00:00")
        #expect(shown(try call("CURRENT_ROW_TIMESTAMP")) == "2021-06-01 09:00:01")
        #expect(shown(try call("CURRENT_DATE")) == "2021-06-01")
        #expect(shown(try call("LOCALTIME")) == "09:00:00")
        #expect(shown(try call("MONOTONIC", integer(7))) == "7")
    }

    @Test(
        "CHAR_TO_TIMESTAMP reads the documented examples",
        arguments: [
            ("yyyy-MM-dd hh:mm:ss", "2009-09-16 03:15:24", "2009-09-16 03:15:24"),
            ("yyyy-MM-dd", "2009-09-16 03:15:24", "2009-09-16 00:00:00"),
            ("yyyy-mm", "2012-02-08 07:23:19", "2012-01-01 00:02:00"), ("yyyy-ss-mm", "2012-02-08 07:23:19", "2012-01-01 00:08:02"),
            ("MMM dd, yyyy", "March 7, 2010", "2010-03-07 00:00:00"), ("MMM dd,", "March 7, 2010", "1970-03-07 00:00:00"),
            ("MMM dd,y", "March 7, 2010", "2010-03-07 00:00:00"), ("MMM dd,y", "March 7, 10", "0010-03-07 00:00:00"),
            ("M-d", "2-8", "1970-02-08 00:00:00"), ("M-d", "2012-2-8", "error: Conversion error"),
            ("MM-dd-yyyy", "06-23-2012 10:11:12", "2012-06-23 00:00:00"),
            ("dd-MM-yy hh:mm:ss", "23-06-11 10:11:12", "2011-06-23 10:11:12"),
            ("MM-dd-yy ss:hh:mm", "06-23-11 12:10:11", "2011-06-23 10:11:12"),
            ("yy-dd-MM ss:hh:mm", "06-23-11 12:10:11", "2006-11-23 10:11:12"),
            ("dd-MM-yy hh:mm", "23-06-1 10:11:12", "0001-06-23 10:11:00"),
            ("MM/dd/yy hh:mm:ss", "12/19/11 12:11:10", "2011-12-19 00:11:10"),
            ("MM/dd/yy HH:mm:ss", "12/19/11 21:08:07", "2011-12-19 21:08:07"),
            ("MM/dd/yy HH:mm:ss", "2011-12-19 00:11:12", "error: Conversion error"),
            ("y/MM/dd HH:mm:ss", "2011/12/19 00:11:12", "2011-12-19 00:11:12"),
            ("yyyy-hh-mm", "2009-09-16 03:15:24", "2009-01-01 09:16:00"),
            ("yyyy", "09-16 03:15", "0009-01-01 00:00:00"), ("yyyy hh", "2009-09-16 03:15:24", "error: Conversion error"),
            ("yyyy-MM hh", "2009-09-16 03:15:24", "error: Conversion error"),
            ("MM/dd/yy hh:mm:ss", "2009/09/16 03:15:24", "error: Conversion error"),
            ("yyyy-MM-dd", "2009-02-30", "error: Conversion error"), ("h:mm a", "9:05 pm", "1970-01-01 21:05:00"),
            ("yyyyMMddHHmmssSSS", "20210601090000123", "2021-06-01 09:00:00.123"),
            ("dd/MMM/yyyy:HH:mm:ss Z", "01/Jun/2021:11:00:00 +0200", "2021-06-01 09:00:00"),
            ("yyyy-MM-dd'T'HH:mm:ss.SSSSSSX", "2021-06-01T09:00:00.123456Z", "2021-06-01 09:00:00.123"),
            ("EEE, d MMM yyyy HH:mm:ss z", "Tue, 1 Jun 2021 09:00:00 GMT", "2021-06-01 09:00:00"),
            ("yyyy QQ", "2021 02", "error: Invalid argument"), ("yyyy'", "2021", "error: Invalid argument"),
            ("yyyy", "", "error: Conversion error"),
        ])
    func parsing(_ format: String, _ value: String, _ expected: String) throws {
        #expect(shown(try call("CHAR_TO_TIMESTAMP", text(format), text(value))) == expected)
    }

    @Test(
        "TIMESTAMP_TO_CHAR writes every letter",
        arguments: [
            ("yyyy-MM-dd HH:mm:ss.SSS", "2004-02-29 00:05:09.007"), ("yy M d H m s S", "04 2 29 0 5 9 7"),
            ("hh K kk h a", "12 0 24 12 AM"),
            ("EEEE EEE u F", "Sunday Sun 7 5"), ("MMMM MMM", "February Feb"), ("D DDD w W Y", "60 060 10 5 2004"),
            ("z Z X", "UTC +0000 Z"), ("'at' yyyy ''", "at 2004 '"), ("", ""),
        ])
    func writing(_ format: String, _ expected: String) throws {
        #expect(shown(try call("TIMESTAMP_TO_CHAR", text(format), timestamp("2004-02-29 00:05:09.007"))) == expected)
    }

    @Test("the other conversions by format, and NULL")
    func otherFormats() throws {
        #expect(shown(try call("CHAR_TO_DATE", text("dd/MM/yyyy"), text("29/02/2004"))) == "2004-02-29")
        #expect(shown(try call("CHAR_TO_TIME", text("HH.mm"), text("21.45"))) == "21:45:00")
        #expect(shown(try call("DATE_TO_CHAR", text("yy.DDD"), date("2004-03-01"))) == "04.061")
        #expect(shown(try call("TIME_TO_CHAR", text("h:mm a"), time("00:07:00"))) == "12:07 AM")
        #expect(shown(try call("TIMESTAMP_TO_CHAR", text("yyyy"), null(.timestamp))) == "null")
        #expect(shown(try call("TIMESTAMP_TO_CHAR", null(.varchar(4)), timestamp("2004-02-29 00:00:00"))) == "NULL")
        #expect(shown(try call("DATE_TO_CHAR", text("yyyy"), null(.date))) == "NULL")
        #expect(shown(try call("CHAR_TO_DATE", text("yyyy"), null(.varchar(4)))) == "NULL")
    }

    @Test("every day from 1583 to 2400 survives being written and read")
    func calendar() throws {
        var previous = ""
        let first: Int64 = -141_428
        let count = 298_500
        let days = Column(.date, .integers((0..<count).map { first + Int64($0) }))
        var context = makeContext()
        let batch = ColumnBatch(rowtimes: [Int64](repeating: 0, count: count), columns: [days])
        let there = Evaluator().evaluate(cast(.column(0, .date), .varchar(10)), over: batch, context: &context)
        let back = Evaluator().evaluate(
            cast(.column(0, .varchar(10)), .date), over: ColumnBatch(rowtimes: batch.rowtimes, columns: [there]), context: &context)
        #expect(context.errors.isEmpty)
        #expect(back.values == days.values)
        for row in stride(from: 0, to: count, by: 997) {
            guard case .text(let text) = there.value(at: row) else { continue }
            #expect(text > previous)
            previous = text
        }
    }
}

@Suite("Extreme times") struct ExtremeTimeTests {
    @Test("no ROWTIME, however far away, ends the process")
    func extremes() throws {
        let times: [Int64] = [.min, .min + 1, -62_135_596_800_001, -1, 0, 253_402_300_800_000, .max - 1, .max]
        let batch = ColumnBatch(rowtimes: times, columns: [])
        let row = TypedExpression.rowtime
        var expressions: [TypedExpression] = [
            cast(row, .varchar(40)), cast(row, .date), cast(row, .time), try call("UNIX_TIMESTAMP", row),
            try call("TIMESTAMP_TO_CHAR", text("yyyy YY M w W D d F E u a H K h m s S"), row),
            try call("TSDIFF", row, timestamp("2004-02-29 00:00:00")), try call("=", row, date("2004-02-29")),
            try call("-", cast(row, .date), interval("1", .day)),
        ]
        for unit in TimeUnit.allCases {
            expressions.append(try call("FLOOR_TO", row, text(unit.rawValue)))
            expressions.append(try call("CEIL_TO", row, text(unit.rawValue)))
            expressions.append(try call("EXTRACT", text(unit.rawValue), row))
            expressions.append(try call("+", row, interval("3", unit)))
            expressions.append(try call("-", row, interval("3", unit)))
            expressions.append(try call("STEP", row, interval("7", unit)))
            let difference = try call(
                "INTERVAL_BETWEEN", row, timestamp("1970-01-01 00:00:00"), as: .interval(IntervalQualifier(unit)))
            expressions.append(difference)
            expressions.append(try call("FLOOR_TO", try call("/", difference, integer(7)), text(unit.rawValue)))
            expressions.append(try call("*", difference, integer(100)))
            expressions.append(
                try call("INTERVAL_BETWEEN", timestamp("1970-01-01 00:00:00"), row, as: .interval(IntervalQualifier(unit))))
        }
        for expression in expressions {
            var context = makeContext()
            #expect(Evaluator().evaluate(expression, over: batch, context: &context).count == times.count)
            #expect(Evaluator().evaluate(cast(expression, .varchar(200)), over: batch, context: &context).count == times.count)
        }
    }
}
