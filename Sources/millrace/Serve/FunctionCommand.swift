/// Runs a command once: what it is given on its standard input, what it gives on its standard output.

import Foundation
import Glibc
import StreamEngine
import Synchronization

enum FunctionCommand {
    /// Runs a command by `/bin/sh`. Its standard error is the server's. When time is up it is killed, with what it has started.
    static func run(
        _ command: String, input: [UInt8], timeoutSeconds: Int, largest: Int
    ) throws(ProcessingFailure) -> [UInt8] {
        let (child, output) = try spawning.withLock { _ throws(ProcessingFailure) in try start(command, input) }
        defer { close(output) }
        var deadline = timespec()
        clock_gettime(CLOCK_MONOTONIC, &deadline)
        deadline.tv_sec += timeoutSeconds
        let answer = read(output, until: deadline, largest: largest)
        // Whoever has closed its output has said everything.
        let status = wait(for: child, until: answer == nil ? nil : deadline)
        guard let answer else {
            throw ProcessingFailure("it gave no answer within \(timeoutSeconds) s, or a too large one; it was killed")
        }
        guard status == 0 else { throw ProcessingFailure("it ended with status \(status)") }
        return answer
    }

    /// One at a time: no command must inherit another one's pipe, whose end it would keep from coming.
    private static let spawning = Mutex(())

    /// - Returns: the command's process, and where its output is read.
    private static func start(_ command: String, _ input: [UInt8]) throws(ProcessingFailure) -> (child: pid_t, output: Int32) {
        let source = try inputFile(input)
        defer { close(source) }
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw failure("no pipe") }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        do throws(ProcessingFailure) {
            return (try spawn(command, input: source, output: ends[1]), ends[0])
        } catch {
            close(ends[0])
            throw error
        }
    }

    private static func failure(_ what: String) -> ProcessingFailure {
        ProcessingFailure("\(what): \(String(cString: strerror(errno)))")
    }

    /// A file without a name that holds the input: a command that does not read it stops nobody.
    private static func inputFile(_ input: [UInt8]) throws(ProcessingFailure) -> Int32 {
        var template = Array("/tmp/millrace-event-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        guard descriptor >= 0 else { throw failure("no file for the event") }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        unlink(template)
        var written = 0
        while written < input.count {
            let count = input.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: written), $0.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                close(descriptor)
                throw failure("the event cannot be written")
            }
            written += count
        }
        lseek(descriptor, 0, SEEK_SET)
        return descriptor
    }

    private static func spawn(_ command: String, input: Int32, output: Int32) throws(ProcessingFailure) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        keepDescriptors()
        // A group of its own, so that it can be killed with all that it has started; and no signals that the server ignores.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        let arguments = ["sh", "-c", command].map { $0.withCString { strdup($0) } } + [nil]
        defer { for argument in arguments { free(argument) } }
        var child = pid_t()
        let error = posix_spawn(&child, "/bin/sh", &actions, &attributes, arguments, environ)
        guard error == 0 else { throw ProcessingFailure("it cannot be started: \(String(cString: strerror(error)))") }
        return child
    }

    /// None of the server's sockets goes to a command: one that outlives the server would keep its port taken.
    private static func keepDescriptors() {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd") else { return }
        for descriptor in names.compactMap({ Int32($0) }) where descriptor > STDERR_FILENO {
            let flags = fcntl(descriptor, F_GETFD)
            if flags >= 0, flags & FD_CLOEXEC == 0 { _ = fcntl(descriptor, F_SETFD, flags | FD_CLOEXEC) }
        }
    }

    /// - Returns: everything up to its end; nil when time is up or it is too much.
    private static func read(_ descriptor: Int32, until deadline: timespec, largest: Int) -> [UInt8]? {
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let left = milliseconds(until: deadline)
            guard left > 0 else { return nil }
            let ready = poll(&waiting, 1, Int32(clamping: left))
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { return nil }
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return count == 0 ? output : nil }
            guard output.count + count <= largest else { return nil }
            output += buffer[..<count]
        }
    }

    private static func milliseconds(until deadline: timespec) -> Int {
        var now = timespec()
        clock_gettime(CLOCK_MONOTONIC, &now)
        return (deadline.tv_sec - now.tv_sec) * 1000 + (deadline.tv_nsec - now.tv_nsec) / 1_000_000
    }

    /// - Parameter deadline: when it is killed; nil for now.
    /// - Returns: its exit status; 128 and the signal's number where a signal ended it.
    private static func wait(for child: pid_t, until deadline: timespec?) -> Int32 {
        var status: Int32 = 0
        var mayEnd = deadline != nil
        while mayEnd {
            let ended = waitpid(child, &status, WNOHANG)
            if ended == child { return code(status) }
            if ended < 0, errno != EINTR { return 127 }
            mayEnd = deadline.map { milliseconds(until: $0) > 0 } ?? false
            // Between the end of its output and its own end there is mostly nothing.
            if mayEnd { usleep(500) }
        }
        kill(-child, SIGKILL)
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return code(status)
    }

    private static func code(_ status: Int32) -> Int32 { status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + status & 0x7F }
}
