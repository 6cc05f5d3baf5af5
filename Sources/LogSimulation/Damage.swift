/// Damages files between two runs, and says what that can cost.

internal import HostSimulation
internal import StreamLog

/// What was damaged.
struct Damage {
    var description: String
    /// Batches that may be reported as damaged.
    var suspects: Set<Int> = []
    /// Batches that may be lost without a trace: it looks as if they had never been written (FileFormat, "What cannot be known").
    var losable: Set<Int> = []
    /// Logs whose start offset may go back.
    var starts: Set<LogID> = []
    /// The files that were damaged.
    var paths: Set<String> = []
    /// Batches of which a whole copy is in a damaged file: if they are not served, some file must go on keeping it.
    var evidence: Set<Int> = []

    /// Damages one file, or two, of a disk at rest.
    /// - Returns: nil when there is nothing to damage.
    static func inflict(_ kind: FaultKind, on disk: SimulatedDisk, _ model: LogModel, _ random: inout SeededGenerator) -> Damage? {
        let survey = FileSurvey(disk, model)
        let candidates = survey.files.indices.filter { survey.files[$0].bytes > 0 && survey.files[$0].role != .other }
        guard let file = candidates.randomElement(using: &random) else { return nil }
        let damage: Damage
        switch kind {
        case .bitFlip: damage = flip(file, disk, survey, model, &random)
        case .truncated: damage = truncate(file, disk, survey, model, &random)
        case .missing:
            disk.set(survey.files[file].path, to: nil)
            damage = lose([file], "\(survey.files[file].path) is missing", survey, model)
        case .swapped:
            let others = candidates.filter { $0 != file && survey.files[$0].role == survey.files[file].role }
            guard let other = others.randomElement(using: &random) else { return nil }
            let (one, two) = (survey.files[file].path, survey.files[other].path)
            disk.swap(one, two)
            damage = lose([file, other], "\(one) and \(two) have changed places", survey, model)
        default: return nil
        }
        return damage.withEvidence(FileSurvey(disk, model))
    }

    /// A read that gives a wrong bit: anything may seem damaged, and the last frame may seem torn.
    static func ofReads(_ disk: SimulatedDisk, _ model: LogModel) -> Damage {
        let survey = FileSurvey(disk, model)
        var damage = Damage(description: "a read gave one bit wrong")
        damage.suspects = Set(model.batches.indices)
        if let newest = survey.newestJournal, let last = survey.frames[newest]?.last {
            damage.losable = survey.batches { $0.file == newest && last.range.contains($0.range.lowerBound) }
        }
        damage.starts = Set(model.books.map(\.id))
        return damage.withEvidence(survey)
    }

    private static func lose(_ files: Set<Int>, _ text: String, _ survey: FileSurvey, _ model: LogModel) -> Damage {
        var damage = Damage(description: text)
        let newest = survey.newestJournal
        damage.paths = Set(files.map { survey.files[$0].path })
        damage.charge(survey, model, hit: { files.contains($0.file) }, lost: { files.contains($0.file) && $0.file == newest })
        for file in files { damage.note(start: survey.files[file], model) }
        return damage
    }

    private static func flip(
        _ file: Int, _ disk: SimulatedDisk, _ survey: FileSurvey, _ model: LogModel, _ random: inout SeededGenerator
    ) -> Damage {
        let info = survey.files[file]
        let frames = survey.frames[file] ?? []
        // Most of a pre-written journal file means nothing.
        let reach = frames.last.map { $0.range.upperBound } ?? info.bytes
        let bound = Int.random(in: 0..<8, using: &random) == 0 ? info.bytes : reach
        let place = Int.random(in: 0..<max(1, bound), using: &random)
        let bit = Int.random(in: 0..<8, using: &random)
        return flip(file, place, bit, disk, survey, model)
    }

    /// Flips one bit.
    static func flip(
        _ file: Int, _ place: Int, _ bit: Int, _ disk: SimulatedDisk, _ survey: FileSurvey, _ model: LogModel
    ) -> Damage {
        let info = survey.files[file]
        let frames = survey.frames[file] ?? []
        disk.damage(info.path) { $0[place] ^= 1 << UInt8(bit) }
        var damage = Damage(description: "bit \(bit) of byte \(place) of \(info.path) (\(info.bytes) bytes) is flipped")
        damage.paths = [info.path]
        switch info.role {
        case .segment:
            // A frame is its header and its batch. The file's own header is that of none.
            damage.charge(
                survey, model,
                hit: { $0.file == file && (place < 40 || ($0.range.lowerBound - 48..<$0.range.upperBound).contains(place)) },
                lost: { _ in false })
        case .journal:
            let last = file == survey.newestJournal ? frames.last?.range : nil
            damage.charge(
                survey, model, hit: { $0.file == file && $0.range.contains(place) },
                lost: { copy in
                    guard let last, last.contains(place) else { return false }
                    return copy.file == file && last.contains(copy.range.lowerBound)
                })
        case .start, .other: damage.note(start: info, model)
        }
        return damage
    }

    private static func truncate(
        _ file: Int, _ disk: SimulatedDisk, _ survey: FileSurvey, _ model: LogModel, _ random: inout SeededGenerator
    ) -> Damage {
        let info = survey.files[file]
        let frames = survey.frames[file] ?? []
        let reach = frames.last.map { $0.range.upperBound } ?? info.bytes
        return truncate(file, Int.random(in: 0..<max(1, reach), using: &random), disk, survey, model)
    }

    /// Cuts a file.
    static func truncate(
        _ file: Int, _ length: Int, _ disk: SimulatedDisk, _ survey: FileSurvey, _ model: LogModel
    ) -> Damage {
        let info = survey.files[file]
        let frames = survey.frames[file] ?? []
        disk.damage(info.path) { $0.removeLast($0.count - length) }
        var damage = Damage(description: "\(info.path) is cut from \(info.bytes) to \(length) bytes")
        damage.paths = [info.path]
        let firstCut = frames.first { $0.range.upperBound > length }?.range.lowerBound ?? length
        damage.charge(
            survey, model, hit: { $0.file == file && $0.range.upperBound > firstCut },
            lost: { $0.file == file && $0.range.upperBound > firstCut && file == survey.newestJournal })
        damage.note(start: info, model)
        return damage
    }

    private mutating func note(start file: FileSurvey.File, _ model: LogModel) {
        guard file.role == .start else { return }
        for book in model.books where file.path == "logs/\(book.id)/start" { starts.insert(book.id) }
    }

    /// Works out who may suffer: whose copies were hit, and who shares an append in the journal with them; but not those of whom a segment
    /// holds a copy that was not.
    private mutating func charge(
        _ survey: FileSurvey, _ model: LogModel, hit: (FileSurvey.Copy) -> Bool, lost: (FileSurvey.Copy) -> Bool
    ) {
        losable = survey.batches(where: lost)
        suspects = survey.batches(where: hit).union(losable)
        for batch in suspects { suspects.formUnion(model.appends[model.batches[batch].append].batches) }
        let safe = survey.batches { $0.isIntact && survey.files[$0.file].role == .segment && !hit($0) }
        suspects.subtract(safe)
        losable.subtract(safe)
    }

    private func withEvidence(_ survey: FileSurvey) -> Damage {
        var damage = self
        damage.evidence = suspects.subtracting(losable).intersection(
            survey.batches { $0.isIntact && paths.contains(survey.files[$0.file].path) })
        return damage
    }
}
