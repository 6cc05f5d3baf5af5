/// The table of all scalar functions and operators.

/// Every scalar function and operator by its canonical name. A folder's functions are listed in its own table.
public enum ScalarFunctions {
    public static let all: [ScalarFunction] = operators + numeric + text + datetime

    private static let byName: [String: ScalarFunction] = {
        var table = Dictionary(all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        for (alias, name) in aliases { table[alias] = table[name] }
        return table
    }()

    /// Other spellings of the same function.
    private static let aliases = [
        "!=": "<>", "CEILING": "CEIL", "CHARACTER_LENGTH": "CHAR_LENGTH",
    ]

    /// The function of a name in upper case (`SUBSTRING`) or an operator's symbol (`+`, `IS NOT NULL`); nil when there is none.
    public static func named(_ name: String) -> ScalarFunction? { byName[name] }

    /// Functions that give a value for all values of their arguments.
    static let infallible: Set<String> = [
        "=", "<>", "<", "<=", ">", ">=", "IS NULL", "IS NOT NULL", "IS TRUE", "IS NOT TRUE", "IS FALSE", "IS NOT FALSE",
        "IS UNKNOWN", "IS NOT UNKNOWN", "IS DISTINCT FROM", "IS NOT DISTINCT FROM", "NOT", "CHAR_LENGTH", "UPPER", "LOWER",
        "POSITION",
    ]
}
