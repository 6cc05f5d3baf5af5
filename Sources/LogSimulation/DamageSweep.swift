/// Damages one file of a log at every place, and checks what is left each time.

internal import HostSimulation
internal import StreamLog

/// A log with one large file, opened again and again with that file damaged.
package struct DamageSweep: Sendable {
    /// The file that is damaged.
    package enum Target: String, Sendable {
        /// The only journal file; no segment holds anything.
        case journal
        /// A segment, with the journal's older files gone.
        case segment
    }

    /// What became of one damage.
    package enum Outcome: Equatable, Sendable {
        /// Everything was served.
        case harmless
        /// Batches were reported as damaged, or cut off as a torn tail.
        case detected
        case violated([String])
    }

    private let disk: SimulatedDisk
    private let model: LogModel
    private let options: LogOptions
    private let survey: FileSurvey
    private let file: Int

    /// - Parameter bytes: the file is at least so long.
    package init?(_ target: Target, bytes: Int) {
        let world = LogWorld(seed: 1, kind: .none, planted: nil, digests: false, tellsStory: false)
        var options = LogOptions()
        options.journalFileBytes = UInt64(bytes) * 2
        options.spareJournalFiles = 0
        options.segmentBytes = UInt64(bytes) * 4
        options.indexIntervalBytes = 4_096
        options.readThreads = 1
        world.options = options
        world.model.books = (0..<2).map { LogModel.Book(id: LogID(stream: 1, shard: $0)) }
        guard world.start() else { return nil }
        let ending = target == .journal ? ".journal" : ".segment"
        var largest: (path: String, bytes: Int)?
        for _ in 0..<200 where largest?.bytes ?? 0 < bytes {
            for _ in 0..<10 {
                world.append()
                world.settleDown()
            }
            if target == .segment {
                world.close()
                guard world.start() else { return nil }
            }
            largest = world.disk.sizes.filter { $0.path.hasSuffix(ending) }.max { $0.bytes < $1.bytes }
        }
        world.log = nil
        world.model.endProcess()
        guard let largest, largest.bytes >= bytes, world.violations.isEmpty else { return nil }
        disk = world.disk.crash(keeping: .everything).copy()
        model = world.model
        self.options = options
        survey = FileSurvey(disk, model)
        guard let file = survey.files.firstIndex(where: { $0.path == largest.path }) else { return nil }
        self.file = file
    }

    /// The length of the file.
    package var fileBytes: Int { survey.files[file].bytes }

    /// Cuts the file to a length.
    package func cut(to length: Int) -> Outcome {
        let copy = disk.copy()
        return check(copy, Damage.truncate(file, length, copy, survey, model))
    }

    /// Flips a bit of the file, counted from its first.
    package func flip(bit: Int) -> Outcome {
        let copy = disk.copy()
        return check(copy, Damage.flip(file, bit / 8, bit % 8, copy, survey, model))
    }

    private func check(_ disk: SimulatedDisk, _ damage: Damage) -> Outcome {
        do throws(LogError) {
            let (log, report) = try StreamLog<SimulatedDisk>.openStepped(
                disk: disk, time: SimulatedTime(), options: options, knownLogs: model.knownLogs, removedLogs: [])
            var checker = LogChecker(damage: damage, mayFail: false)
            var found = model
            checker.check(log, report, &found, isSettled: false, maxBytes: 1 << 16)
            if !checker.violations.isEmpty { return .violated([damage.description] + checker.violations) }
            return checker.tally.damaged + checker.tally.unknowable > 0 ? .detected : .harmless
        } catch {
            return .violated([damage.description, "the log cannot be opened: \(error)"])
        }
    }
}
