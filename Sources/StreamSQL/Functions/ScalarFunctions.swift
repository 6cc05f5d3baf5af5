/// The table of all scalar functions and operators.

/// Every scalar function and operator by its canonical name. A folder's functions are listed in its own table.
public enum ScalarFunctions {
    public static let all: [ScalarFunction] = operators + numeric + text + datetime

    private static let byName: [String: ScalarFunction] = {
        var table = Dictionary(all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for function in all { for alias in function.aliases { table[alias] = function } }
        return table
    }()

    /// The function of a name in upper case (`SUBSTRING`) or an operator's symbol (`+`, `IS NOT NULL`); nil when there is none.
    public static func named(_ name: String) -> ScalarFunction? { byName[name] }

    /// The functions that are written without parentheses.
    static let bareWords = Set(all.filter(\.isBareWord).map(\.name))
}
