/// The table of text functions.

extension ScalarFunctions {
    static let text: [ScalarFunction] = [
        .charLength, .initcap, .lower, .upper, .overlay, .position, .substring, .substringSimilar, .trim, .regexReplace,
    ]
}
