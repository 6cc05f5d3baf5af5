/// What every process tells of itself: `process_*` and `build_info`, read from /proc (proc(5)).

import Glibc

extension MetricsRegistry {
    /// Registers CPU time, memory, file descriptors, start time and the version.
    public func registerProcess(version: String) {
        gauge("build_info", help: "The version that is running.", labels: [("version", version)]).set(1)
        sampledCounter("process_cpu_seconds_total", help: "User and system CPU time in seconds.") {
            ProcessStatus.read().map { [Sample($0.cpuSeconds)] } ?? []
        }
        sampledGauge("process_resident_memory_bytes", help: "Resident memory in bytes.") {
            ProcessStatus.read().map { [Sample($0.residentBytes)] } ?? []
        }
        sampledGauge("process_virtual_memory_bytes", help: "Virtual memory in bytes.") {
            ProcessStatus.read().map { [Sample($0.virtualBytes)] } ?? []
        }
        sampledGauge("process_start_time_seconds", help: "Start time in seconds since 1970-01-01 UTC.") {
            ProcessStatus.read().flatMap(\.startSeconds).map { [Sample($0)] } ?? []
        }
        sampledGauge("process_open_fds", help: "Open file descriptors.") {
            ProcessStatus.openDescriptors().map { [Sample(Double($0))] } ?? []
        }
        sampledGauge("process_max_fds", help: "How many file descriptors may be open.") {
            var limit = rlimit()
            return getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 ? [Sample(Double(limit.rlim_cur))] : []
        }
    }
}

/// The fields of /proc/self/stat that are published.
struct ProcessStatus {
    var cpuSeconds: Double
    var virtualBytes: Double
    var residentBytes: Double
    /// Since 1970-01-01 UTC.
    var startSeconds: Double?

    static func read() -> ProcessStatus? {
        guard let text = contents("/proc/self/stat") else { return nil }
        return ProcessStatus(stat: text, bootSeconds: bootSeconds())
    }

    /// - Parameter stat: the line of proc(5). The second field, the command in parentheses, may itself hold spaces.
    init?(stat: String, bootSeconds: Double?) {
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        // The first field here is the third of the line: state.
        guard fields.count > 21, let user = Double(fields[11]), let system = Double(fields[12]), let start = Double(fields[19]),
            let virtual = Double(fields[20]), let pages = Double(fields[21].filter { $0 != "\n" })
        else { return nil }
        let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        cpuSeconds = (user + system) / ticks
        virtualBytes = virtual
        residentBytes = pages * Double(max(1, sysconf(Int32(_SC_PAGESIZE))))
        startSeconds = bootSeconds.map { $0 + start / ticks }
    }

    static func openDescriptors() -> Int? {
        guard let directory = opendir("/proc/self/fd") else { return nil }
        defer { closedir(directory) }
        var count = 0
        while readdir(directory) != nil { count += 1 }
        // Two are `.` and `..`, one is the directory itself.
        return max(0, count - 3)
    }

    private static func bootSeconds() -> Double? {
        contents("/proc/stat")?.split(separator: "\n").first { $0.hasPrefix("btime ") }.flatMap { Double($0.dropFirst(6)) }
    }

    private static func contents(_ path: String) -> String? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = fread(&bytes, 1, bytes.count, file)
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }
}
