/// What the disk gives where a batch goes straight into its log's file and the journal holds its place only, beside the way the log goes: each byte into
/// the journal, and later into the segments. No code of the log is in it: it tells what either way could give at most (see FileFormat).

/// Compares the two ways at several sizes, as shares of a plain loop that writes each byte once into one pre-written file.
struct WriteOnce {
    let directory: WorkingDirectory
    let report: Report
    let seconds: Double
    let rounds: Int

    private struct Size {
        /// How many logs have a batch in a commit.
        var logs: Int
        /// Of each batch.
        var bytes: Int
        var name: String
    }

    /// 75,000 bytes are 500 records of 150.
    private static let sizes = [
        Size(logs: 1, bytes: 75_000, name: "1x75KB"), Size(logs: 16, bytes: 75_000, name: "16x75KB"),
        Size(logs: 1, bytes: 1 << 20, name: "1x1MB"), Size(logs: 16, bytes: 1 << 20, name: "16x1MB"),
        Size(logs: 1, bytes: 16 << 20, name: "1x16MB"),
    ]
    /// A frame that holds places only.
    private static let frameBytes = 4096
    /// After so many bytes the log writes them into the segments and syncs those.
    private static let flushBytes = 64 << 20

    func run() {
        report.say(
            "Batches written once (each log's file synced, then a frame of 4 KB) and twice (journal, then segments), as shares of a plain loop:"
        )
        for size in Self.sizes {
            var (plain, once, twice) = (Samples(), Samples(), Samples())
            for _ in 0..<rounds {
                plain.add(measurePlain(size))
                once.add(measureOnce(size))
                twice.add(measureTwice(size))
            }
            report.figure("once.\(size.name).plain", plain.median / 1e6, "MB/s")
            report.figure("once.\(size.name).once", once.median / plain.median, "of plain", "the most that writing once could give")
            report.figure(
                "once.\(size.name).twice", twice.median / plain.median, "of plain", "the most that the log's way could give")
        }
    }

    private func measurePlain(_ size: Size) -> Double {
        measure(size, [writer(.prewritten, "plain", size.logs * size.bytes)]) { $0[0].once() }
    }

    private func measureOnce(_ size: Size) -> Double {
        let logs = (0..<size.logs).map { writer(.prewritten, "log\($0)", size.bytes, fileBytes: 64 << 20) }
        let journal = writer(.direct, "journal", Self.frameBytes)
        return measure(size, logs) { logs in
            // All are written before the first is synced; the frame must not be on the disk before what it points to.
            for log in logs { log.write() }
            for log in logs { log.sync() }
            journal.once()
        }
    }

    private func measureTwice(_ size: Size) -> Double {
        let logs = (0..<size.logs).map { writer(.growing, "log\($0)", size.bytes) }
        let journal = writer(.direct, "journal", size.logs * size.bytes)
        var waiting = 0
        return measure(size, logs) { logs in
            journal.once()
            for log in logs { log.write() }
            waiting += size.logs * size.bytes
            guard waiting >= Self.flushBytes else { return }
            waiting = 0
            for log in logs { log.sync() }
        }
    }

    /// A file of the yardstick; past the page cache, as the log's journal is, where the file system can.
    private func writer(_ way: WriteWay, _ name: String, _ bytes: Int, fileBytes: Int = 256 << 20) -> DurableWriter {
        directory.clear(name)
        let path = directory.place(name)
        if let made = DurableWriter(way, path: path, size: bytes, fileBytes: fileBytes) { return made }
        guard let made = DurableWriter(.prewritten, path: path, size: bytes, fileBytes: fileBytes) else {
            give(up: "\(path): no memory")
        }
        return made
    }

    /// Bytes of batches per second.
    private func measure(_ size: Size, _ files: [DurableWriter], commit: ([DurableWriter]) -> Void) -> Double {
        let start = nanoseconds()
        let end = start + UInt64(seconds * 1e9)
        var (commits, now) = (0, start)
        while now < end {
            commit(files)
            commits += 1
            now = nanoseconds()
        }
        return Double(commits * size.logs * size.bytes) / (Double(now - start) / 1e9)
    }
}
