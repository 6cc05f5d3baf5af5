/// The table of numeric functions.

extension ScalarFunctions {
    static let numeric: [ScalarFunction] = [.abs, .ceil, .exp, .floor, .ln, .log10, .mod, .power, .sqrt]
}
