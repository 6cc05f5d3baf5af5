/// Which data directory a verb means that works without a server.

import Foundation

enum DataDirectory {
    /// The flag's, else that of `MILLRACE_DATA_DIR`, else the server's default.
    static func path(_ flag: String?) throws(CommandFailure) -> String {
        let path = flag ?? ProcessInfo.processInfo.environment["MILLRACE_DATA_DIR"] ?? ServeSettings().dataDirectory
        guard !path.isEmpty else { throw CommandFailure(.usage, "--data-dir must not be empty.") }
        return path
    }
}
