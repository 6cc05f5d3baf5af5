/// Programs that are as large or as deep as one may be, and those that are larger.

import StreamSQL
import Testing

@Suite struct PlanSizeTests {
    @Test("programs that grow without bound when views and functions are put in are refused")
    func expansion() {
        var views = "CREATE VIEW V0 AS SELECT A FROM S;"
        for i in 1...30 { views += "CREATE VIEW V\(i) AS SELECT A FROM V\(i - 1) UNION ALL SELECT A FROM V\(i - 1);" }
        #expect(Plans.errors(views).first?.contains("too large") == true)
        let stars = "SELECT *" + String(repeating: ",*", count: 40_000) + " FROM S"
        #expect(Plans.errors(stars).first?.contains("too large") == true)
        var functions = "CREATE FUNCTION F0(X INTEGER) RETURNS INTEGER RETURN X + X;"
        for i in 1...30 { functions += "CREATE FUNCTION F\(i)(X INTEGER) RETURNS INTEGER RETURN F\(i - 1)(X) + F\(i - 1)(X);" }
        #expect(Plans.errors(functions).first?.contains("too large") == true)
    }

    @Test("expressions as deep as the parser allows are planned, and functions that make them deeper are refused")
    func depth() {
        let chain = "SELECT A" + String(repeating: " + A", count: 126) + " FROM S"
        #expect(Plans.errors(chain) == [])
        #expect(
            Plans.errors("SELECT " + String(repeating: "(A + ", count: 60) + "A" + String(repeating: ")", count: 60) + " FROM S")
                == [])
        #expect(
            Plans.errors(
                "SELECT A FROM S WHERE A IN (1" + String(repeating: ", 1", count: 10_000) + ") AND F"
                    + String(repeating: " AND F", count: 5000)) == [])
        var functions = "CREATE FUNCTION F0(X INTEGER) RETURNS INTEGER RETURN X;"
        for i in 1...20 {
            functions +=
                "CREATE FUNCTION F\(i)(X INTEGER) RETURNS INTEGER RETURN F\(i - 1)(X" + String(repeating: " + 1", count: 100) + ");"
        }
        #expect(Plans.errors(functions).first?.contains("too deeply") == true)
        var nested = "CREATE FUNCTION F0(X INTEGER) RETURNS INTEGER RETURN X;"
        for i in 1...4 {
            nested +=
                "CREATE FUNCTION F\(i)(X INTEGER) RETURNS INTEGER RETURN " + String(repeating: "ABS(", count: 100) + "F\(i - 1)(X)"
                + String(repeating: ")", count: 100) + ";"
        }
        #expect(Plans.errors(nested).first?.contains("too deeply") == true)
    }
}
