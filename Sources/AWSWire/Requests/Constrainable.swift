/// Which kinds of values constraints speak of, and how AWS shows each in a message.

/// A member's value as constraints see it.
public protocol Constrainable {
    /// As AWS shows it in a message.
    var shown: String { get }
    /// Nil for values that have no length.
    var length: Int? { get }
    /// Nil for values that are no numbers.
    var number: Int? { get }
    /// The texts in a list (as values) or a map.
    var parts: (keys: [String], values: [String]) { get }
}

extension Constrainable {
    public var length: Int? { nil }
    public var number: Int? { nil }
    public var parts: (keys: [String], values: [String]) { ([], []) }
}

extension String: Constrainable {
    public var shown: String { self }
    public var length: Int? { utf16.count }
}

extension Int: Constrainable {
    public var shown: String { String(self) }
    public var number: Int? { self }
}

/// A list of texts, `[a, b]`, or a blob, which AWS shows as the Java buffer that holds it.
extension Array: Constrainable {
    public var shown: String {
        if Element.self == UInt8.self { return Blob.shown(count) }
        return "[" + map { String(describing: $0) }.joined(separator: ", ") + "]"
    }
    public var length: Int? { count }
    public var parts: (keys: [String], values: [String]) { ([], self as? [String] ?? []) }
}

/// A map of texts, which AWS shows as `{key=value}`.
public struct TextMap: Constrainable, Hashable, Sendable {
    public var entries: [String: String]
    /// The keys in the order of the request.
    private let order: [String]

    /// Of two entries with the same key the last one counts.
    public init(_ entries: [(key: String, value: String)]) {
        self.entries = Dictionary(entries.map { ($0.key, $0.value) }) { $1 }
        var seen: Set<String> = []
        order = entries.map(\.key).filter { seen.insert($0).inserted }
    }

    public var shown: String { "{" + order.map { "\($0)=\(entries[$0] ?? "")" }.joined(separator: ", ") + "}" }
    public var length: Int? { entries.count }
    public var parts: (keys: [String], values: [String]) { (order, order.compactMap { entries[$0] }) }
}

/// How AWS shows a blob.
public enum Blob {
    public static func shown(_ count: Int) -> String { "java.nio.HeapByteBuffer[pos=0 lim=\(count) cap=\(count)]" }
}
