/// Looks whether all files of logs have formats that this build knows, before anything in the directory is changed.

internal import Host

/// The look at the logs' own files. The journal's reader looks at the journal's.
struct FormatSurvey<D: Disk> {
    let disk: D

    /// The first file whose version is not known, in order of stream, shard and offset; nil when there is none.
    ///
    /// It reads one block of each file. What is damaged, or is none of ours, is for recovery to judge; what goes meanwhile is passed over.
    func unknownFormat() throws(DiskError) -> UnknownFormat? {
        for streamName in try list(Paths.logs) {
            guard let stream = Paths.directoryNumber(streamName, as: UInt64.self) else { continue }
            for name in try list("\(Paths.logs)/\(stream)") {
                guard let shard = Paths.directoryNumber(name, as: UInt32.self) else { continue }
                if let unknown = try unknownFormat(of: LogID(stream: stream, shard: shard)) { return unknown }
            }
        }
        return nil
    }

    /// Nil for what has gone.
    private func present<Value>(_ body: () throws(DiskError) -> Value) throws(DiskError) -> Value? {
        do throws(DiskError) {
            return try body()
        } catch {
            if error.kind == .notFound { return nil }
            throw error
        }
    }

    private func list(_ directory: String) throws(DiskError) -> [String] {
        try present { () throws(DiskError) in try disk.list(directory) } ?? []
    }

    private func unknownFormat(of log: LogID) throws(DiskError) -> UnknownFormat? {
        for name in try list(Paths.directory(log)) {
            let isSegment = Paths.segmentBase(name) != nil
            guard isSegment || name == Paths.start else { continue }
            let path = "\(Paths.directory(log))/\(name)"
            guard let file = try present({ () throws(DiskError) in try disk.open(path, .existing) }) else { continue }
            defer { file.close() }
            let found =
                isSegment
                ? try file.bytes(at: 0, count: SegmentHeader.size).withUnsafeBytes { SegmentHeader.unknownFormat($0) }
                : try StartOffsetFile.unknownFormat(file, of: log)
            if let found {
                return UnknownFormat(path, found: found, known: isSegment ? SegmentHeader.format : StartOffsetFile.format)
            }
        }
        return nil
    }
}
