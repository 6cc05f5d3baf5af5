/// The segments' work: writes what the journal holds into segments, recycles covered journal files, and does the work on logs' files.

internal import Host

extension StreamLog {
    /// How long to wait before a full disk is tried again, in milliseconds.
    private static var fullDiskPause: Int { 100 }

    /// The segment thread.
    func runSegments() {
        while true {
            let task = node.wait(on: NodeCondition.segments) { state -> SegmentTask? in
                if let task = state.nextSegmentTask(options) { return task }
                return state.phase == .open && state.isShortOfSpace ? .awaitSpace : nil
            }
            perform(task)
            if case .finish = task { return }
        }
    }

    /// Does one piece of the segments' work, if there is one. A full disk is tried again each time.
    package func stepSegments() -> Bool {
        lookForSpace()
        let task = node.withLock { $0.phase == .closed ? nil : $0.nextSegmentTask(options) }
        guard let task else { return false }
        perform(task)
        return true
    }

    private func perform(_ task: SegmentTask) {
        switch task {
        case .job(let job): run(job)
        case .flush(let logs): flush(logs)
        case .makeSpare: makeSpare()
        case .dropJournals: dropCoveredJournals()
        case .awaitSpace: awaitSpace()
        case .handOver: node.withLockAndWake { _ in }
        case .finish: finishClosing()
        }
    }

    private func finishClosing() {
        let (jobs, replies) = node.withLockAndWake { $0.finishClosing() }
        for job in jobs { job.reply(.failure(.closed)) }
        for reply in replies { reply() }
    }

    // MARK: Flushing

    /// The most bytes that are written before the first log is synced.
    private static var bytesAtOnce: Int { 32 << 20 }

    private func flush(_ logs: [LogID]) {
        var rest = logs[...]
        while !rest.isEmpty {
            let parts = node.withLock { state -> [FlushPart] in
                var parts: [FlushPart] = []
                var bytes = 0
                while let log = rest.first, parts.count < max(1, options.flushedSegments), bytes < StreamLog.bytesAtOnce {
                    rest.removeFirst()
                    guard let part = state.nextPart(of: log, options) else { continue }
                    bytes += part.items.reduce(0) { $0 + $1.byteCount }
                    parts.append(part)
                }
                return parts
            }
            if parts.isEmpty { continue }
            let outcome = SegmentWriter(disk: disk, options: options).write(loadingIndexes(parts))
            node.withLockAndWake { state in for (part, segment) in outcome.segments { state.publish(segment, part) } }
            if let failure = outcome.failure { return flushFailed(failure) }
            // Those who trim or remove a log do not wait for all the others to be written.
            while let job = node.withLock({ $0.takeJob() }) { run(job) }
        }
        dropCoveredJournals()
    }

    /// Segments that were there at the start have their index on the disk; to write on, it is needed in memory. One whose index cannot be
    /// read is left as it is, and a new one is begun.
    private func loadingIndexes(_ parts: [FlushPart]) -> [FlushPart] {
        parts.map { part in
            guard let segment = part.segment, segment.state.index.isEmpty else { return part }
            var part = part
            let index = reader.index(of: segment)
            part.segment?.state.index = index
            if index.isEmpty { part.segment = nil }
            return part
        }
    }

    private func flushFailed(_ error: DiskError) {
        let failure = JournalWriter<D>.failure(error)
        if failure.passes { pause(because: failure) } else { seal(failure) }
    }

    /// The segments' work goes on when `lookForSpace` says so.
    private func pause(because failure: GroupCommit.JournalFailure) {
        node.withLockAndWake { $0.pause(because: failure) }
    }

    /// A thread waits a little before it tries a full disk again, but not with the work of those who may make space.
    private func awaitSpace() {
        _ = node.wait(on: NodeCondition.segments, atMost: StreamLog.fullDiskPause) {
            $0.phase != .open || !$0.jobs.isEmpty ? () : nil
        }
        lookForSpace()
    }

    /// Lets the disk be tried again, and says that it is not full any more where that can be seen without trying.
    private func lookForSpace() {
        guard node.withLock({ $0.phase == .open && $0.isShortOfSpace }) else { return }
        // A disk that cannot tell is tried by the next append.
        let free = (try? disk.freeBytes()) ?? 0
        node.withLockAndWake { $0.resume(hasSpace: free >= min(options.journalFileBytes, 1 << 20)) }
    }

    /// A sync failed or a write did for another reason than space: nothing is tried again.
    private func seal(_ failure: GroupCommit.JournalFailure) {
        node.withLockAndWake { $0.seal(failure) }
    }

    /// Runs syncs. One that fails for lack of space has failed for good like any other.
    static func syncing(_ body: () throws(DiskError) -> Void) throws(DiskError) {
        do throws(DiskError) {
            try body()
        } catch {
            throw error.kind == .noSpace ? DiskError(.inputOutput, operation: error.operation, path: error.path) : error
        }
    }

    // MARK: Journal files

    /// Recycles or removes journal files from the oldest on, as long as segments hold all that is in them.
    ///
    /// Each is durably gone before the next: a file that came back without its successor would look like damage.
    private func dropCoveredJournals() {
        while let file = node.withLock({ $0.coveredJournal(options.judge) }) {
            let path = Paths.journal(file.name)
            var spare: UInt64?
            do throws(DiskError) {
                if file.isKept {
                    try Quarantine(disk: disk).move(path)
                } else if let number = node.withLock({ $0.spareNumber(for: file, options) }) {
                    try disk.rename(path, to: Paths.spare(number))
                    spare = number
                } else {
                    try disk.remove(path)
                }
                try StreamLog.syncing { () throws(DiskError) in try disk.syncDirectory(Paths.journal) }
            } catch  where error.kind == .notFound {
                // Gone already.
            } catch {
                return flushFailed(error)
            }
            node.withLockAndWake { $0.forget(file, recycledAs: spare) }
        }
    }

    /// Writes a file for the journal in advance: a sync into space that was written before costs half of one into a file that grows.
    private func makeSpare() {
        let number = node.withLock { $0.newSpare() }
        let path = Paths.spare(number)
        let chunk = AlignedBuffer()
        let size = FileAccess.aligned(Int(clamping: options.journalFileBytes))
        let memory = UnsafeMutableRawBufferPointer(rebasing: chunk.room(for: min(size, 1 << 20))[..<min(size, 1 << 20)])
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        do throws(DiskError) {
            let file = try disk.open(path, .createIfAbsent, .direct)
            defer { file.close() }
            var place = 0
            while place < size {
                try file.write(chunk.prefix(min(memory.count, size - place)), at: UInt64(place))
                place += memory.count
            }
            try file.sync()
            try disk.syncDirectory(Paths.journal)
            node.withLock { $0.add(spare: number) }
        } catch {
            // Nothing depends on it: journal files can grow as well.
            try? disk.remove(path)
            node.withLock { $0.spareWasNotMade() }
        }
    }

    // MARK: Jobs

    private func run(_ job: SegmentJob) {
        let result: Result<Void, LogError>
        do throws(LogError) {
            if let failure = node.withLock({ $0.failure }), !job.work.worksWhenSealed { throw .readOnly(reason: failure.reason) }
            switch job.work {
            case .trim(let log, let offset): try trimNow(log, before: offset)
            case .removeFiles(let log):
                if node.withLock({ $0.keepFiles(of: log) }) { break }
                try onDisk { () throws(DiskError) in try LogDirectory(disk: disk, log: log).remove() }
                node.withLock { $0.forgetFiles(of: log) }
            case .removeSegments(let paths): try remove(paths)
            }
            result = .success(())
        } catch {
            result = .failure(error)
        }
        job.reply(result)
    }

    /// Runs disk work. What fails other than for lack of space, descriptors or memory seals the log.
    private func onDisk<Result>(_ body: () throws(DiskError) -> Result) throws(LogError) -> Result {
        do throws(DiskError) {
            return try body()
        } catch {
            let failure = JournalWriter<D>.failure(error)
            if !failure.passes { seal(failure) }
            throw failure.refusal
        }
    }

    private func trimNow(_ id: LogID, before offset: Int64) throws(LogError) {
        let log = try node.withLock { state throws(LogError) in try state.log(id) }
        guard offset > log.startOffset else { return }
        if log.startGeneration == nil {
            try onDisk { () throws(DiskError) in try LogDirectory(disk: disk, log: id).create(startOffset: log.startOffset) }
        }
        let slot = StartOffsetFile(
            log: id, offset: offset, generation: (log.startGeneration ?? StartOffsetFile.firstGeneration) + 1)
        try onDisk { () throws(DiskError) in
            let file = try disk.open(Paths.start(id), .existing)
            defer { file.close() }
            try slot.write(to: file)
        }
        let dropped = node.withLockAndWake { $0.trimmed(id, to: slot) }
        // The start is durable, so a file that stays, or comes back, is dropped by the next start.
        for segment in dropped { reader.forget(segment.path) }
        try remove(dropped.map(\.path))
    }

    private func remove(_ paths: [String]) throws(LogError) {
        if node.withLock({ $0.keep(paths) }) { return }
        for path in paths {
            try onDisk { () throws(DiskError) in
                do throws(DiskError) {
                    try disk.remove(path)
                } catch {
                    // It went with all files of its log.
                    if error.kind != .notFound { throw error }
                }
            }
        }
    }
}

extension SegmentJob.Work {
    /// Removing files needs no sync to be right: what comes back is removed by the next start.
    var worksWhenSealed: Bool {
        if case .removeFiles = self { true } else { false }
    }
}
