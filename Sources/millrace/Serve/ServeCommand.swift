/// `millrace serve`: the server. `millrace config`: the settings it would run with.

import ArgumentParser

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the server.",
        discussion: """
            Every setting is a flag, a variable (MILLRACE_DATA_DIR, MILLRACE_HTTP, ...) or a key of the YAML file; the flag wins over \
            the variable, the variable over the file. When requests are accepted it prints one line, \
            `Ready. http=HOST:PORT data=DIR`, with https=HOST:PORT where TLS is spoken; before it, where the certificate is one of its own, \
            `Trust. AWS_CA_BUNDLE=FILE`. SIGTERM stops it cleanly.
            """)
    @OptionGroup var options: ServeOptions

    func run() async throws { try await ServerNode.run(options.resolve().settings) }
}

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Print the server's effective settings and where each is from.")
    @OptionGroup var options: ServeOptions
    @Option(help: "A table for people, or a form for programs.") var output = ListFormat.table

    struct Row: Listable {
        var key: String
        var value: String
        var from: String
        static let columns = ["KEY", "VALUE", "FROM"]
        var cells: [String] { [key, value, from] }
    }

    func run() throws {
        let (settings, origins) = try options.resolve()
        let rows = ServeSettings.keys.map { key in
            Row(key: key.name, value: key.text(settings), from: (origins[key.name] ?? .standard).description)
        }
        try ListPrinter.print(rows, as: output)
    }
}
