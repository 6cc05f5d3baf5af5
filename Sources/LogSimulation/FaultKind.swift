/// What a simulated run does to the log: the kinds, by name.

/// A kind of fault. Every seed runs one of them.
public enum FaultKind: String, CaseIterable, Sendable {
    case none
    case powerCut = "power-cut"
    case tornWrite = "torn-write"
    case lostPages = "lost-pages"
    case kill
    case recoveryCrash = "recovery-crash"
    case shortWrite = "short-write"
    case inputOutput = "io-error"
    case syncError = "sync-error"
    case readError = "read-error"
    case diskFull = "disk-full"
    case clock
    case bitFlip = "bit-flip"
    case readFlip = "read-flip"
    case truncated
    case missing
    case swapped
    case together
    case store
    case conditions
    case latest
    case walk

    /// One line for `--help`.
    public var summary: String {
        switch self {
        case .none: "nothing goes wrong but that the power goes between two steps of work, or the log is closed"
        case .powerCut: "the power goes in any call; any subset of unsynced pages, sectors and names survives"
        case .tornWrite: "the power goes in a write: a prefix up to any byte, or whole sectors"
        case .lostPages: "the power goes between two calls; any subset of what was not synced is lost, or all of it"
        case .kill: "the process is killed in any call, later the power goes as well"
        case .recoveryCrash: "the power goes in recovery, up to three times in a row"
        case .shortWrite: "a write fails after a prefix was written"
        case .inputOutput: "the Nth call of one operation fails with EIO, once or from then on"
        case .syncError: "a sync of a file or a directory fails; any subset of the pages was written, none is written later"
        case .readError: "the Nth read, listing or opening fails, at work or in recovery"
        case .diskFull: "ENOSPC at the Nth write, for a while, or because the disk's quota is used up"
        case .clock: "the wall clock jumps by an hour or a day, goes back, or stands still, with crashes"
        case .bitFlip: "one bit of one file is flipped between two runs"
        case .readFlip: "one read gives one bit wrong"
        case .truncated: "a file is cut at any byte between two runs"
        case .missing: "a file is gone between two runs"
        case .swapped: "two files have changed places between two runs"
        case .store:
            "a whole store, catalog and log: crashes between any two steps, failing calls, full disk, refused changes, clock jumps"
        case .conditions:
            "appends from several places and under conditions, decided in the order of the calls: crashes, full disk, failing syncs and writes"
        case .latest:
            "a table of latest values on a whole store: changes under conditions, compactions beside them, crashes, full disk, failing calls"
        case .walk:
            "splits, merges, puts and reads of one stream, as many as --steps says, killed now and then, against a model; only where it is asked for"
        case .together: "several of: failing calls, full disk, clock jumps, crashes, crashes in recovery"
        }
    }

    /// Whether files are damaged that were written rightly: then records can be lost, and must be reported.
    var isDamage: Bool {
        switch self {
        case .bitFlip, .readFlip, .truncated, .missing, .swapped: true
        default: false
        }
    }
}
