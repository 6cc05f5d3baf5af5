/// What a table of latest values must say: changes decided one after the other.

internal import LatestValues

/// The keys with their values, and what nobody was told of.
struct LatestModel {
    /// A key's value; the revision is known where its change was answered or its value was seen.
    struct Value: Equatable {
        var text: [UInt8]
        var revision: Int64?
    }

    var values: [[UInt8]: Value] = [:]
    /// The highest revision that was told or seen.
    var highest: Int64 = 0

    /// The first change of a call whose condition does not hold, after those before it; nil when all hold.
    func refusal(of changes: [LatestChange]) -> (index: Int, current: Value?)? {
        var copy = self
        for (index, change) in changes.enumerated() {
            let current = copy.values[change.key]
            let holds =
                switch change.condition {
                case .none: true
                case .absent: current == nil
                case .present: current != nil
                // One that nobody was told of is none that a condition names.
                case .revision(let wanted): current?.revision == wanted
                }
            guard holds else { return (index, current) }
            copy.apply(change, revision: nil)
        }
        return nil
    }

    mutating func apply(_ change: LatestChange, revision: Int64?) {
        values[change.key] = change.value.map { Value(text: $0, revision: revision) }
    }

    /// Whether a table may show this; revisions count where they are known.
    func looksLike(_ found: [LatestEntry]) -> Bool {
        found.count == values.count
            && found.allSatisfy { entry in
                guard let value = values[entry.key], value.text == entry.value.bytes else { return false }
                return value.revision.map { $0 == entry.value.revision } ?? (entry.value.revision > highest)
            }
    }

    /// Takes the revisions that a table shows.
    mutating func learn(_ found: [LatestEntry]) {
        for entry in found {
            values[entry.key]?.revision = entry.value.revision
            highest = max(highest, entry.value.revision)
        }
    }
}
