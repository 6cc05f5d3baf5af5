/// CPU time of the whole process.

import Glibc

enum ProcessTime {
    /// User and system time of all threads, in seconds.
    static var seconds: Double {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
        return seconds(usage.ru_utime) + seconds(usage.ru_stime)
    }

    /// The largest resident size so far, in bytes.
    static var peakBytes: Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss * 1024
    }

    /// What a piece of work takes.
    static func of<Result>(_ work: () throws -> Result) rethrows -> (seconds: Double, result: Result) {
        let begun = Self.seconds
        let result = try work()
        return (Self.seconds - begun, result)
    }
}

extension [Double] {
    /// The middle one; of an even number, the lower middle.
    var median: Double { isEmpty ? 0 : sorted()[(count - 1) / 2] }
}
