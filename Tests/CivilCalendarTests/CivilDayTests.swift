/// The calendar against Foundation's and against counting day by day.

import CivilCalendar
import Foundation
import Testing

@Suite struct CivilDayTests {
    @Test("a million days in a row: each is the day after the one before, and its number is found again")
    func counting() {
        var (year, month, day) = CivilDay.date(-800_000)
        for number in Int64(-799_999)...200_000 {
            let next = CivilDay.date(number)
            if next.day == 1 {
                #expect(day == CivilDay.daysInMonth(year: year, month: month))
                #expect(next.month == month % 12 + 1 && next.year == year + (month == 12 ? 1 : 0))
            } else {
                #expect(next.day == day + 1 && next.month == month && next.year == year)
            }
            if number % 97 == 0 || next.day == 1 {
                #expect(CivilDay.number(year: next.year, month: next.month, day: next.day) == number)
            }
            (year, month, day) = next
        }
    }

    @Test("known days, leap years, weekdays")
    func known() throws {
        #expect(CivilDay.number(year: 1970, month: 1, day: 1) == 0)
        #expect(CivilDay.number(year: 2000, month: 2, day: 29) == 11_016)
        #expect(CivilDay.number(year: 1, month: 1, day: 1) == -719_162)
        #expect(CivilDay.number(year: 2026, month: 14, day: 0) == CivilDay.number(year: 2027, month: 1, day: 31))
        #expect([1900, 2000, 2023, 2024].map { CivilDay.daysInMonth(year: $0, month: 2) } == [28, 29, 28, 29])
        #expect(CivilDay.weekday(0) == 4 && CivilDay.weekday(-1) == 3 && CivilDay.weekday(3) == 0)
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = try #require(TimeZone(secondsFromGMT: 0))
        for number in stride(from: Int64(-100_000), through: 100_000, by: 617) {
            let parts = calendar.dateComponents(
                [.year, .month, .day, .weekday], from: Date(timeIntervalSince1970: Double(number) * 86_400))
            let date = CivilDay.date(number)
            #expect(parts.year == Int(date.year) && parts.month == Int(date.month) && parts.day == Int(date.day))
            #expect(parts.weekday == Int(CivilDay.weekday(number)) + 1)
        }
    }

    @Test("division goes down, below zero too")
    func floor() {
        #expect([-7, -6, -1, 0, 1, 6, 7].map { CivilDay.floorDivide($0, 7) } == [-1, -1, -1, 0, 0, 0, 1])
    }
}
