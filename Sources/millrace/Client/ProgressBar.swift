/// How far a long verb has come, on standard error, where a person can see it.

import Glibc

/// A line that is written over and over. Used by one thread at a time.
struct ProgressBar {
    private static var width: Int { 24 }
    private let isShown: Bool
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var last: ContinuousClock.Instant?

    /// - Parameter quiet: shows nothing, as on anything but a terminal.
    init(quiet: Bool) {
        isShown = !quiet && isatty(STDERR_FILENO) == 1
        start = clock.now
    }

    /// Shows bytes done, of a total where that is known, and the speed; a few times a second at the most.
    mutating func update(bytes: UInt64, of total: UInt64? = nil) {
        guard isShown else { return }
        let now = clock.now
        if let last, last.duration(to: now) < .milliseconds(100) { return }
        last = now
        let (seconds, attoseconds) = start.duration(to: now).components
        let elapsed = Double(seconds) + Double(attoseconds) / 1e18
        let speed = elapsed > 0 ? Amount.bytes(UInt64(Double(bytes) / elapsed)) + "/s" : ""
        var text = Amount.bytes(bytes)
        if let total, total > 0 {
            let filled = Int(Double(min(bytes, total)) / Double(total) * Double(Self.width))
            text =
                "[" + String(repeating: "#", count: filled) + String(repeating: ".", count: Self.width - filled)
                + "] \(text) of \(Amount.bytes(total))"
        }
        _ = Descriptor.write(STDERR_FILENO, "\r\u{1B}[K\(text), \(speed)".utf8)
    }

    /// Takes the line away.
    func clear() {
        if isShown, last != nil { _ = Descriptor.write(STDERR_FILENO, "\r\u{1B}[K".utf8) }
    }
}

/// Amounts as people read them.
enum Amount {
    /// 1234567 as `1,234,567`.
    static func count(_ number: some BinaryInteger) -> String {
        var text = ""
        for (index, digit) in String(number).reversed().enumerated() {
            if index > 0, index % 3 == 0, digit != "-" { text.append(",") }
            text.append(digit)
        }
        return String(text.reversed())
    }

    /// Bytes in kB, MB or GB of powers of 1000.
    static func bytes(_ bytes: UInt64) -> String {
        switch bytes {
        case ..<1_000_000: return "\((bytes + 999) / 1_000) kB"
        case ..<10_000_000_000: return "\(count((bytes + 500_000) / 1_000_000)) MB"
        default: return "\(count((bytes + 500_000_000) / 1_000_000_000)) GB"
        }
    }
}
