/// What the forest refuses, each case with the facts a caller needs to say so to its own user.
public enum ForestError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A parameter is outside its range: its name, the value given and the rule it breaks.
    case invalidParameter(name: String, value: String, rule: String)
    /// A record has another number of columns than the forest.
    case wrongColumnCount(expected: Int, found: Int)
    /// A column (counted from 0) is NaN, infinite or larger than ``RandomCutForest/largestMagnitude``. Nothing was learnt.
    case unusableValue(column: Int, value: Double)
    /// Snapshot bytes of a format that this version does not read.
    case unsupportedSnapshot(version: UInt8)
    /// Snapshot bytes that are cut short, altered or contradict themselves.
    case damagedSnapshot(reason: String)

    public var description: String {
        switch self {
        case .invalidParameter(let name, let value, let rule): "\(name) is \(value); \(rule)"
        case .wrongColumnCount(let expected, let found): "the record has \(found) columns; the forest has \(expected)"
        case .unusableValue(let column, let value):
            "column \(column + 1) is \(value); a value must be finite and at most \(RandomCutForest.largestMagnitude) in magnitude"
        case .unsupportedSnapshot(let version): "the forest's snapshot has format \(version); this version reads format 2"
        case .damagedSnapshot(let reason): "the forest's snapshot is damaged: \(reason)"
        }
    }

    // NaN makes two equal refusals differ under the derived ==, so values are compared by their bits.
    public static func == (left: ForestError, right: ForestError) -> Bool {
        switch (left, right) {
        case (.invalidParameter(let a, let b, let c), .invalidParameter(let x, let y, let z)): a == x && b == y && c == z
        case (.wrongColumnCount(let a, let b), .wrongColumnCount(let x, let y)): a == x && b == y
        case (.unusableValue(let a, let b), .unusableValue(let x, let y)): a == x && b.bitPattern == y.bitPattern
        case (.unsupportedSnapshot(let a), .unsupportedSnapshot(let x)): a == x
        case (.damagedSnapshot(let a), .damagedSnapshot(let x)): a == x
        default: false
        }
    }
}
