/// Which server a verb calls, and whom it trusts to be that server.

import ArgumentParser

/// The options of all verbs that call a server.
struct ServerOptions: ParsableArguments {
    @Option(help: "The server (default $AWS_ENDPOINT_URL, else http://127.0.0.1:4566).") var endpoint: String?
    @Option(help: "A PEM file of certificates to trust in place of the system's, for https:// (default $AWS_CA_BUNDLE).")
    var caBundle: String?

    var client: ServiceClient { ServiceClient(endpoint: endpoint, authorities: caBundle) }
}
