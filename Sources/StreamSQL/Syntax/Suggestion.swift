/// Finds the name that the author of a misspelt one may have meant.

enum Suggestion {
    /// The candidate closest to `name`, if one is close enough to be a slip of the keyboard: another case, or an edit distance of at most a
    /// third of the length, none in a single letter. Ties go to the first candidate.
    static func closest(to name: String, among candidates: some Sequence<String>) -> String? {
        let wanted = Array(name.uppercased())
        guard !wanted.isEmpty, wanted.count <= 128 else { return nil }
        let allowed = wanted.count == 1 ? 0 : max(1, wanted.count / 3)
        var best: (name: String, distance: Int)?
        for candidate in candidates where candidate != name {
            let letters = Array(candidate.uppercased())
            guard abs(letters.count - wanted.count) <= allowed else { continue }
            let distance = editDistance(wanted, letters)
            if distance <= allowed, distance < best?.distance ?? .max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// `; did you mean X?` or nothing.
    static func hint(for name: String, among candidates: some Sequence<String>) -> String {
        guard let meant = closest(to: name, among: candidates) else { return "" }
        return "; did you mean \(Identifiers.written(meant))?"
    }

    /// Levenshtein's distance, with a swap of neighbours counted as one edit (V. I. Levenshtein 1966; F. J. Damerau 1964).
    static func editDistance(_ a: [Character], _ b: [Character]) -> Int {
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for (i, x) in a.enumerated() {
            var row = [i + 1]
            row.reserveCapacity(b.count + 1)
            for (j, y) in b.enumerated() {
                var cost = min(last[j] + (x == y ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, x == b[j - 1], a[i - 1] == y { cost = min(cost, beforeLast[j - 1] + 1) }
                row.append(cost)
            }
            (beforeLast, last) = (last, row)
        }
        return last[b.count]
    }
}
