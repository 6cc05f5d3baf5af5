/// Names of objects, and prefixes that are refused.

import Delivery
import Foundation
import Testing

@Suite struct ObjectNameTests {
    /// 2024-02-29 23:05:07.042 UTC.
    private static let leapDay: Int64 = 1_709_247_907_042

    private func name(_ prefix: String, zone: String? = nil, suffix: String = "") throws(ObjectNameError) -> String {
        try ObjectName(prefix: prefix, timeZone: zone, stream: "orders", version: 3, suffix: suffix).key(
            at: Self.leapDay, random: { 0 })
    }

    private static let tail = "orders-3-2024-02-29-23-05-07-00000000-0000-4000-8000-000000000000"

    @Test(
        "names are made by Firehose's rule",
        arguments: [
            ("", "2024/02/29/23/"), ("raw/", "raw/2024/02/29/23/"), ("raw", "raw2024/02/29/23/"), ("/", "/2024/02/29/23/"),
            ("y=!{timestamp:yyyy}/m=!{timestamp:MM}/", "y=2024/m=02/"), ("!{timestamp:yyyy/MM/dd/HH}/x-", "2024/02/29/23/x-"),
            ("!{firehose:random-string}/", "AAAAAAAAAAA/2024/02/29/23/"),
            ("!{timestamp:'year='yyyy'/o''clock='HH}/", "year=2024/o'clock=23/"),
            ("!{timestamp:D EEE EEEE MMM MMMM yy h a K k m s SSS}/", "60 Thu Thursday Feb February 24 11 PM 11 23 5 7 042/"),
            ("a{b}!c/", "a{b}!c/2024/02/29/23/"),
        ])
    func golden(prefix: String, expected: String) throws {
        #expect(try name(prefix) == expected + Self.tail)
    }

    @Test("the suffix stands last")
    func suffix() throws { #expect(try name("", suffix: ".json.gz") == "2024/02/29/23/" + Self.tail + ".json.gz") }

    @Test("a time zone moves the prefix and leaves the name in UTC")
    func timeZone() throws {
        #expect(try name("", zone: "Asia/Tokyo") == "2024/03/01/08/" + Self.tail)
        #expect(try name("!{timestamp:MM-dd'T'HH}/", zone: "America/New_York") == "02-29T18/" + Self.tail)
        #expect(throws: ObjectNameError.self) { try name("", zone: "Mars/Olympus") }
    }

    @Test("random bits decide the UUID and the random string")
    func random() throws {
        var numbers: [UInt64] = [.max, 0x0123_4567_89AB_CDEF, .max, .max]
        let key = try ObjectName(prefix: "!{firehose:random-string}/!{timestamp:yyyy}", stream: "s", version: 1, suffix: "")
            .key(at: 0, random: { numbers.removeFirst() })
        #expect(key.split(separator: "/")[0].utf8.count == 11 && key.dropFirst(11).hasPrefix("/1970s-1-1970-01-01-00-00-00-"))
        #expect(key.hasSuffix("ffffffff-ffff-4fff-bfff-ffffffffffff"))
    }

    @Test(
        "prefixes that make no name are refused",
        arguments: [
            "!{timestamp:yyyy", "!{timestamp}", "!{timestamp:}", "!{timestamp:Q}", "!{timestamp:'open}", "!{timestamp:HHH}",
            "!{firehose:x}",
            "!{firehose:error-output-type}/", "!{partitionKeyFromQuery:k}/", "!{}", "a/../b/", "../", "./", "!{timestamp:'..'}/x",
            ".!{timestamp:'.'}/", "a\u{0}b/", "a\nb/", "!{timestamp:'\u{0}'}", String(repeating: "x", count: 240),
            String(repeating: "x/", count: 500),
        ])
    func refused(prefix: String) {
        #expect(throws: ObjectNameError.self) { try name(prefix) }
    }

    @Test("days are those of the calendar from 1599 to 2401")
    func calendar() throws {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
        for day in stride(from: -135_140, through: 157_800, by: 1) where day % 97 == 0 || day % 365 < 2 || (day - 59) % 366 < 2 {
            let milliseconds = Int64(day) * 86_400_000 + 3_723_004
            let time = CalendarTime(milliseconds: milliseconds)
            let date = Date(timeIntervalSince1970: Double(milliseconds) / 1000)
            let parts = calendar.dateComponents([.year, .month, .day, .weekday], from: date)
            let isSame =
                time.year == parts.year && time.month == parts.month && time.day == parts.day && time.dayOfWeek + 1 == parts.weekday
                && time.dayOfYear == calendar.ordinality(of: .day, in: .year, for: date)
            #expect(isSame, "\(day)")
            #expect(time.hour == 1 && time.minute == 2 && time.second == 3 && time.millisecond == 4)
        }
        _ = CalendarTime(milliseconds: .max)
        _ = CalendarTime(milliseconds: .min)
    }
}
