/// The directory of one log, and the quarantine.

internal import Host

/// Creates and removes the directory of a log.
struct LogDirectory<D: Disk> {
    let disk: D
    let log: LogID

    /// Creates the directory with a start offset, durably.
    func create(startOffset: Int64) throws(DiskError) {
        try prepare(startOffset: startOffset)
        try StreamLog<D>.syncing { () throws(DiskError) in
            // From the top down: an entry is only as durable as those above it.
            try disk.syncDirectory(Paths.logs)
            try disk.syncDirectory(Paths.stream(log))
            try disk.syncDirectory(Paths.directory(log))
        }
    }

    /// Creates the directory with a start offset. The directories' entries are the caller's to sync.
    func prepare(startOffset: Int64) throws(DiskError) {
        try disk.createDirectory(Paths.directory(log))
        let file = try disk.open(Paths.start(log), .createIfAbsent)
        defer { file.close() }
        try StartOffsetFile.create(file, of: log, offset: startOffset)
    }

    /// Removes the directory with our files in it; what else is there goes to quarantine.
    func remove() throws(DiskError) {
        let directory = Paths.directory(log)
        let names: [String]
        do throws(DiskError) {
            names = try disk.list(directory)
        } catch  where error.kind == .notFound {
            return
        } catch {
            throw error
        }
        for name in names {
            if Paths.segmentBase(name) != nil || name == Paths.start {
                try disk.remove("\(directory)/\(name)")
            } else {
                try Quarantine(disk: disk).move("\(directory)/\(name)")
            }
        }
        try disk.remove(directory)
        try disk.syncDirectory(Paths.stream(log))
        if try disk.list(Paths.stream(log)).isEmpty {
            try disk.remove(Paths.stream(log))
            try disk.syncDirectory(Paths.logs)
        }
    }
}

/// Where files and directories go that cannot be explained or are damaged. Nothing is ever deleted from it.
struct Quarantine<D: Disk> {
    let disk: D

    /// Moves a file or directory, naming it after its path.
    func move(_ path: String) throws(DiskError) {
        try disk.createDirectory(Paths.quarantine)
        let plain = (path.hasSuffix("/") ? String(path.dropLast()) : path)
        let name = plain.split(separator: "/").joined(separator: "-")
        let taken = Set(try disk.list(Paths.quarantine).map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 })
        var free = name
        var attempt = 1
        while taken.contains(free) {
            free = "\(name)-\(attempt)"
            attempt += 1
        }
        try disk.rename(plain, to: "\(Paths.quarantine)/\(free)")
        try disk.syncDirectory(Paths.quarantine)
        try disk.syncDirectory(plain.split(separator: "/").dropLast().joined(separator: "/"))
    }
}
