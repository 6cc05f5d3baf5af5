/// What is asked of the machine: the time, the memory in use, which core to run on, whatever is not the log's.

import Glibc

/// Monotonic time in nanoseconds.
func nanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// CPU time of all threads of this process, in nanoseconds.
func processorNanoseconds() -> UInt64 {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

/// The seconds since `start`, a value of `nanoseconds()`.
func secondsSince(_ start: UInt64) -> Double { Double(nanoseconds() - start) / 1e9 }

/// Resident memory of this process in bytes: now, and the most it ever was.
func residentBytes() -> (now: Int, peak: Int) {
    guard let file = fopen("/proc/self/status", "r") else { return (0, 0) }
    defer { fclose(file) }
    var (now, peak) = (0, 0)
    var line = [CChar](repeating: 0, count: 256)
    while fgets(&line, Int32(line.count), file) != nil {
        let text = line.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
        let words = text.split(whereSeparator: { $0 == " " || $0 == "\t" })
        guard words.count >= 2, let kilobytes = Int(words[1]) else { continue }
        if text.hasPrefix("VmRSS:") { now = kilobytes << 10 }
        if text.hasPrefix("VmHWM:") { peak = kilobytes << 10 }
    }
    return (now, peak)
}

/// Writes everything back, so that what an earlier measurement left doesn't burden the next.
func settleDisk() { sync() }

/// Calls `body` with every file below a directory.
private func forEachFile(below path: String, _ body: (String, stat) -> Void) {
    guard let entries = opendir(path) else { return }
    defer { closedir(entries) }
    while let entry = readdir(entries) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
            pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name == "." || name == ".." { continue }
        var status = stat()
        guard lstat(path + "/" + name, &status) == 0 else { continue }
        if status.st_mode & S_IFMT == S_IFDIR {
            forEachFile(below: path + "/" + name, body)
        } else {
            body(path + "/" + name, status)
        }
    }
}

/// The lengths of all files below a directory, holes included.
func fileSizes(below path: String) -> Int {
    var sum = 0
    forEachFile(below: path) { sum += Int($1.st_size) }
    return sum
}

/// Drops what the page cache holds of the files below a directory. What is not written back stays.
func forgetCache(below path: String) {
    forEachFile(below: path) { name, _ in
        let file = open(name, O_RDONLY | O_CLOEXEC)
        if file >= 0 {
            posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED)
            close(file)
        }
    }
}

/// Prints what was buffered.
func flushOutput() { fflush(nil) }

/// Ends the program with a reason: a benchmark that cannot do its work has no figure.
func give(up reason: String) -> Never {
    let text = Array("log-benchmark: \(reason)\n".utf8)
    _ = write(2, text, text.count)
    exit(1)
}

/// Ends the process at once, as SIGKILL would: nothing is closed, nothing is flushed.
func endAsKilled() -> Never { _exit(0) }

/// Runs this program again with other arguments and returns what it printed; gives up when it fails.
/// - Parameter core: the only core it may run on.
func runAgain(_ arguments: [String], onCore core: Int? = nil) -> String {
    var own = [CChar](repeating: 0, count: 4096)
    guard readlink("/proc/self/exe", &own, own.count - 1) > 0 else { give(up: "no /proc") }
    let program = own.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    // Glibc's module does not have sched_setaffinity, so util-linux calls it.
    let command = (core.map { ["/usr/bin/taskset", "-c", "\($0)"] } ?? []) + [program] + arguments
    var pipeEnds: [Int32] = [0, 0]
    guard pipe(&pipeEnds) == 0 else { give(up: "no pipe") }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, pipeEnds[1], 1)
    posix_spawn_file_actions_addclose(&actions, pipeEnds[0])
    defer { posix_spawn_file_actions_destroy(&actions) }
    var pointers = command.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var environment: [UnsafeMutablePointer<CChar>?] = [nil]
    var child = pid_t()
    guard posix_spawn(&child, command[0], &actions, nil, &pointers, &environment) == 0 else { give(up: "cannot start a child") }
    close(pipeEnds[1])
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = read(pipeEnds[0], &buffer, buffer.count)
        if count <= 0 { break }
        output += buffer[..<count]
    }
    close(pipeEnds[0])
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 && errno == EINTR {}
    guard status == 0 else { give(up: "\(arguments.joined(separator: " ")) ended with status \(status)") }
    return String(decoding: output, as: UTF8.self)
}
