/// Verifies one log: its segments, one by one, and whether they and the journal together hold all that was acknowledged.

internal import Host

/// One log as a verification sees it. It may be read again; segments that can no longer change are not.
struct ShardVerification {
    /// What one reading found.
    struct Result {
        var findings: [VerificationFinding] = []
        var batches = 0
        var corruptBatches = 0
        var files = 0
        var bytes: UInt64 = 0
        /// Something is wrong that a server which is writing could have caused.
        var dependsOnWhatIsWritten = false
    }

    let id: LogID
    /// Those that had one after them.
    private var finished: [Int64: SegmentVerification] = [:]
    /// Said once, for it does not change.
    private var unknownFiles: Set<String> = []

    init(id: LogID) { self.id = id }

    private enum Start {
        case absent
        case damaged
        case offset(Int64, slots: Int)
    }

    /// Reads the log and joins it with the journal.
    /// - Throws: when its directory cannot be read.
    mutating func read<D: Disk>(_ scan: LogVerification<D>) throws(DiskError) -> Result {
        var result = Result()
        let directory = Paths.directory(id)
        let names = try scan.entries(of: directory)
        for name in names where Paths.segmentBase(name) == nil && name != Paths.start {
            if unknownFiles.insert(name).inserted { scan.tellUnknown("\(directory)/\(name)") }
        }
        let bases = names.compactMap(Paths.segmentBase).sorted()
        var segments: [SegmentVerification] = []
        var unreadable: [Int64: DiskError] = [:]
        for (index, base) in bases.enumerated() {
            do throws(DiskError) {
                segments.append(try segment(base, next: index + 1 < bases.count ? bases[index + 1] : nil, scan))
            } catch {
                // What vanished was trimmed, or is missing: the start offset, read afterwards, will tell.
                if error.kind != .notFound { unreadable[base] = error }
            }
        }
        let start = try readStart(scan, exists: names.contains(Paths.start))
        // The stream was removed while it was read.
        if !names.isEmpty, try scan.entries(of: directory).isEmpty { return Result() }
        join(
            segments, start, unreadable, journal: scan.journal.logs[id] ?? JournalVerification.Log(), hasFiles: !names.isEmpty,
            &result)
        result.files = segments.count
        result.bytes = segments.reduce(0) { $0 + $1.bytes }
        return result
    }

    private mutating func segment<D: Disk>(
        _ base: Int64, next: Int64?, _ scan: LogVerification<D>
    ) throws(DiskError) -> SegmentVerification {
        if let known = finished[base] { return known }
        var read: UInt64 = 0
        let segment = try SegmentVerification(scan.disk, id, base: base, windowBytes: scan.windowBytes) { place in
            scan.advance(by: place > read ? place - read : 0)
            read = max(read, place)
        }
        if next != nil { finished[base] = segment }
        return segment
    }

    private func readStart<D: Disk>(_ scan: LogVerification<D>, exists: Bool) throws(DiskError) -> Start {
        guard exists else { return .absent }
        do throws(DiskError) {
            let file = try scan.disk.open(Paths.start(id), .existing)
            defer { file.close() }
            let slots = try StartOffsetFile.slots(file, of: id)
            guard let newest = slots.max(by: { $0.generation < $1.generation }) else {
                return try StartOffsetFile.isUnfinished(file, of: id) ? .absent : .damaged
            }
            return .offset(newest.offset, slots: slots.count)
        } catch {
            if error.kind == .notFound { return .absent }
            return .damaged
        }
    }

    // MARK: Joining

    private func join(
        _ segments: [SegmentVerification], _ start: Start, _ unreadable: [Int64: DiskError], journal: JournalVerification.Log,
        hasFiles: Bool, _ result: inout Result
    ) {
        let first = tellStart(start, segments, journal: journal, hasFiles: hasFiles, &result)
        var inSegments = OffsetRanges()
        var end = first
        for (index, segment) in segments.enumerated() {
            let isLast = index + 1 == segments.count
            result.batches += segment.batches
            if index > 0, segment.base < segments[index - 1].endOffset {
                result.findings.append(
                    finding(
                        .structure, segment.base, "it begins before the segment before it ends",
                        segment.base..<segments[index - 1].endOffset))
            }
            tellStructure(segment, isLast: isLast, journal: journal, &result)
            var good = OffsetRanges()
            good.insert(segment.base..<segment.endOffset)
            for bad in segment.bad { good.remove(bad.offsets) }
            inSegments.formUnion(good)
            end = max(end, segment.endOffset)
        }
        var named = OffsetRanges()
        for (index, segment) in segments.enumerated() {
            tellBad(segment, isLast: index + 1 == segments.count, from: first, journal: journal, &named, &result)
        }
        for (base, error) in unreadable.sorted(by: { $0.key < $1.key }) {
            result.findings.append(
                VerificationFinding(.damage, .unreadable, file: Paths.segment(id, base), "it cannot be read: \(error)", log: id))
        }
        for bad in journal.bad {
            var isLost = false
            for offsets in inSegments.missing(from: bad.offsets) where offsets.upperBound > first {
                isLost = true
                named.insert(offsets)
                result.findings.append(
                    VerificationFinding(
                        .damage, .batch, file: bad.file, "a batch is damaged", log: id,
                        offsets: max(first, offsets.lowerBound)..<offsets.upperBound, frames: bad.frame...bad.frame))
            }
            result.corruptBatches += isLost ? 1 : 0
            result.dependsOnWhatIsWritten = result.dependsOnWhatIsWritten || isLost
            if !isLost {
                result.findings.append(
                    VerificationFinding(
                        .notice, .batch, file: bad.file, "a batch is damaged; a segment holds it as well", log: id,
                        offsets: bad.offsets, frames: bad.frame...bad.frame))
            }
        }
        var held = inSegments
        held.formUnion(journal.held)
        held.formUnion(named)
        let highWatermark = max(journal.highWatermark, end)
        guard highWatermark > first else { return }
        for offsets in held.missing(from: first..<highWatermark) {
            result.dependsOnWhatIsWritten = true
            result.findings.append(
                VerificationFinding(
                    .damage, .missing, file: Paths.directory(id), "these records were acknowledged, and no file holds them",
                    log: id,
                    offsets: offsets))
        }
    }

    private func finding(_ kind: VerificationFinding.Kind, _ base: Int64, _ what: String, _ offsets: Range<Int64>?)
        -> VerificationFinding
    {
        VerificationFinding(.damage, kind, file: Paths.segment(id, base), what, log: id, offsets: offsets)
    }

    /// What is wrong with the start offset's file. Returns the first offset that counts.
    private func tellStart(
        _ start: Start, _ segments: [SegmentVerification], journal: JournalVerification.Log, hasFiles: Bool, _ result: inout Result
    ) -> Int64 {
        switch start {
        case .offset(let offset, let slots):
            if slots < StartOffsetFile.slotPlaces.count {
                result.findings.append(
                    VerificationFinding(
                        .notice, .structure, file: Paths.start(id), "one of its two slots is damaged; the other counts", log: id))
            }
            return offset
        case .damaged:
            result.findings.append(
                VerificationFinding(.damage, .structure, file: Paths.start(id), "both of its slots are damaged", log: id))
        // A power cut while the directory was made leaves none; then nothing was trimmed and the journal holds the first record.
        case .absent where hasFiles && !journal.held.missing(from: journal.beginning..<journal.beginning + 1).isEmpty:
            result.dependsOnWhatIsWritten = true
            result.findings.append(
                VerificationFinding(.damage, .structure, file: Paths.start(id), "it is missing, though there are segments", log: id)
            )
        case .absent: return journal.beginning
        }
        return segments.first?.base ?? journal.held.ranges.first?.lowerBound ?? 0
    }

    private func tellStructure(
        _ segment: SegmentVerification, isLast: Bool, journal: JournalVerification.Log, _ result: inout Result
    ) {
        // A flush that was cut short, or is under way, leaves a segment without a trailer; the journal still holds what it was to write.
        let mayBeTorn = isLast && journal.held.reaches(past: segment.isEmpty ? segment.base : segment.endOffset - 1)
        for found in segment.findings where !mayBeTorn || found.severity == .notice { result.findings.append(found) }
        if !segment.hasTrailer, !mayBeTorn {
            result.findings.append(finding(.structure, segment.base, "its trailer is damaged or missing", nil))
        }
        if isLast, !segment.hasTrailer || !segment.findings.isEmpty { result.dependsOnWhatIsWritten = true }
    }

    private func tellBad(
        _ segment: SegmentVerification, isLast: Bool, from first: Int64, journal: JournalVerification.Log,
        _ named: inout OffsetRanges, _ result: inout Result
    ) {
        for bad in segment.bad {
            var isLost = false
            for offsets in journal.held.missing(from: bad.offsets) where offsets.upperBound > first {
                isLost = true
                named.insert(offsets)
                result.findings.append(
                    finding(
                        bad.batches > 0 ? .batch : .missing, segment.base, bad.what,
                        max(first, offsets.lowerBound)..<offsets.upperBound))
            }
            result.corruptBatches += isLost ? bad.batches : 0
            if isLast { result.dependsOnWhatIsWritten = result.dependsOnWhatIsWritten || isLost }
            // What the journal holds is written again by the next start where it is the end of the log; elsewhere it is only good to know.
            if !isLost, !isLast, bad.offsets.upperBound > first {
                result.findings.append(
                    VerificationFinding(
                        .notice, .batch, file: Paths.segment(id, segment.base), "\(bad.what); the journal holds it as well",
                        log: id,
                        offsets: bad.offsets))
            }
        }
    }
}
