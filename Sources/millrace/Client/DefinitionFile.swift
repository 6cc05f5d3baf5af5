/// JSON request files, as `aws --cli-input-json file://...` takes them.

import Foundation

/// A request read from a file.
struct DefinitionFile {
    let path: String
    private let data: Data

    init(path: String) throws(CommandFailure) {
        self.path = path
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.failed, "\(path): cannot be read")
        }
        self.data = data
    }

    /// The request with some fields set, nil leaves a field as the file has it, and some entries of its `Tags` set.
    func merging(_ fields: [String: String?], tags: [String: String] = [:]) throws(CommandFailure) -> Data {
        do {
            guard var request = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
                throw CommandFailure(.failed, "\(path): must hold a JSON object")
            }
            for (name, value) in fields {
                if let value { request[name] = value }
            }
            if !tags.isEmpty {
                guard var merged = (request["Tags"] ?? [String: Any]()) as? [String: Any] else {
                    throw CommandFailure(.failed, "\(path): Tags must be a JSON object")
                }
                for (tag, value) in tags { merged[tag] = value }
                request["Tags"] = merged
            }
            return try JSONSerialization.data(withJSONObject: request, options: [.withoutEscapingSlashes])
        } catch let failure as CommandFailure {
            throw failure
        } catch {
            throw CommandFailure(.failed, "\(path): not JSON: \(error)")
        }
    }

    /// A top-level text field, when the file has it.
    func text(_ field: String) -> String? {
        let object = try? JSONSerialization.jsonObject(with: data)
        return (object as? [String: Any])?[field] as? String
    }
}
