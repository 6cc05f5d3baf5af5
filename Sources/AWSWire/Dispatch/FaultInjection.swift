/// Faults on purpose, for testing other people's back-off: a share of calls fails or is late.

/// What is to go wrong, as `OPERATION:FAULT:SHARE` with commas between: `PutRecords:ProvisionedThroughputExceededException:0.1,*:delay=200:0.05`.
///
/// OPERATION is a name, or `*` for all; FAULT is the name of an error, or `delay=` and a number of milliseconds; SHARE lies between 0 and 1. Of several
/// that fit a call each has its chance, in their order, and the first that strikes is the one.
public struct FaultInjection: Sendable {
    enum Fault: Sendable, Hashable {
        case error(AWSError.Name)
        case delay(Duration)
    }

    private struct Rule: Sendable {
        var operation: String
        var fault: Fault
        var share: Double
    }

    private let rules: [Rule]

    /// Why a text says no faults, in words.
    public struct Malformed: Error, Sendable, CustomStringConvertible {
        public var description: String
    }

    /// - Throws: for a text of another form.
    public init(_ text: String) throws(Malformed) {
        var rules: [Rule] = []
        for part in text.split(separator: ",") {
            let fields = part.split(separator: ":", omittingEmptySubsequences: false)
            guard fields.count == 3, !fields[0].isEmpty else {
                throw Malformed(description: "'\(part)' must be of the form OPERATION:FAULT:SHARE")
            }
            guard let share = Double(fields[2]), (0...1).contains(share) else {
                throw Malformed(description: "'\(fields[2])' must be a share from 0 to 1")
            }
            rules.append(Rule(operation: String(fields[0]), fault: try Self.fault(fields[1]), share: share))
        }
        self.rules = rules
    }

    private static func fault(_ text: Substring) throws(Malformed) -> Fault {
        if text.hasPrefix("delay=") {
            guard let milliseconds = Int(text.dropFirst("delay=".count)), (0...600_000).contains(milliseconds) else {
                throw Malformed(description: "'\(text)' must be delay= and 0 to 600000 milliseconds")
            }
            return .delay(.milliseconds(milliseconds))
        }
        guard let name = AWSError.Name(rawValue: String(text)) else {
            throw Malformed(description: "'\(text)' is neither an error nor delay=MILLISECONDS")
        }
        return .error(name)
    }

    /// What happens to a call; nil nearly always.
    func strike(_ operation: String) -> Fault? {
        rules.first { rule in
            (rule.operation == "*" || rule.operation == operation) && Double.random(in: 0..<1) < rule.share
        }?.fault
    }
}
