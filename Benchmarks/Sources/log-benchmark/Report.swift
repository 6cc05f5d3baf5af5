/// What the benchmark tells: figures beside their targets, one line each, for people or as JSON.

/// What a figure is held against.
enum Target {
    case atLeast(Double)
    case atMost(Double)

    var value: Double {
        switch self {
        case .atLeast(let value), .atMost(let value): value
        }
    }

    func isMet(by figure: Double) -> Bool {
        switch self {
        case .atLeast(let value): figure >= value
        case .atMost(let value): figure <= value
        }
    }
}

/// Prints figures as they come.
struct Report {
    /// One JSON object a line, for programs.
    let isJSON: Bool

    /// - Parameters:
    ///   - name: a stable name of words and dots, for programs.
    ///   - note: what was compared with what, for people.
    func figure(_ name: String, _ value: Double, _ unit: String, target: Target? = nil, _ note: String = "") {
        if isJSON {
            var fields = ["\"name\":\"\(name)\"", "\"value\":\(Report.short(value))", "\"unit\":\"\(unit)\""]
            if let target {
                fields.append("\"target\":\(Report.short(target.value))")
                fields.append("\"ratio\":\(Report.short(value / target.value))")
                fields.append("\"met\":\(target.isMet(by: value))")
            }
            fields.append("\"note\":\"\(note)\"")
            return Report.line("{" + fields.joined(separator: ",") + "}")
        }
        var line = Report.pad(name, 44) + Report.padLeft(Report.readable(value), 14) + " " + Report.pad(unit, 10)
        if let target {
            let sign = if case .atLeast = target { ">=" } else { "<=" }
            line += " target \(sign) " + Report.pad(Report.readable(target.value), 10)
            line += " ratio " + Report.pad(Report.readable(value / target.value), 6)
            line += target.isMet(by: value) ? " met   " : " MISSED"
        }
        Report.line(note.isEmpty ? line : Report.pad(line, 70) + "  " + note)
    }

    /// A heading or a remark; programs don't get it.
    func say(_ text: String) {
        if !isJSON { Report.line(text) }
    }

    private static func line(_ text: String) {
        print(text)
        flushOutput()
    }

    private static func short(_ value: Double) -> String {
        abs(value) >= 1e15 || value != value ? "null" : "\((value * 10_000).rounded() / 10_000)"
    }

    private static func readable(_ value: Double) -> String {
        if abs(value) < 100 { return "\((value * 100).rounded() / 100)" }
        var digits = String(Int(value.rounded()))
        var groups: [Substring] = []
        while digits.count > 3 {
            groups.insert(digits.suffix(3), at: 0)
            digits.removeLast(3)
        }
        return ([digits[...]] + groups).joined(separator: ",")
    }

    private static func pad(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func padLeft(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
