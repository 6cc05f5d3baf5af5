/// Definitions as bytes for `StreamStore.setDefinitions`: JSON that says its version.

import FoundationEssentials

/// Writes and reads definitions. A definition without a version was written before there were any; that is version 1.
public enum StoredDefinition {
    /// Why bytes are no definition that can be worked with.
    public enum Failure: Error, Sendable, Hashable {
        /// They are right, and of a version that this build does not know.
        case unknownFormat(found: Int, known: Int)
        /// They are none: damaged, or none of ours. In words.
        case unreadable(String)
    }

    /// What every version has.
    private struct Head: Decodable {
        var formatVersion: Int?
    }

    /// The bytes of a value whose JSON is an object.
    /// - Parameter format: the version of its layout, from 1.
    public static func encode(_ value: some Encodable, format: Int) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Values of plain Codable structs always encode; were one not to, an empty value is refused when it is read.
        guard let json = try? encoder.encode(value), json.first == UInt8(ascii: "{"), json.count > 2 else { return [] }
        return Array(#"{"formatVersion":\#(format),"#.utf8) + json.dropFirst()
    }

    /// The value that `encode` wrote.
    /// - Parameter known: the newest version of its layout that the caller reads; it reads all before.
    public static func decode<Value: Decodable>(
        _ type: Value.Type, from bytes: [UInt8], knownFormat known: Int
    ) throws(Failure) -> Value {
        do {
            let (data, decoder) = (Data(bytes), JSONDecoder())
            let found = try decoder.decode(Head.self, from: data).formatVersion ?? 1
            guard (1...known).contains(found) else { throw Failure.unknownFormat(found: found, known: known) }
            return try decoder.decode(Value.self, from: data)
        } catch let failure as Failure {
            throw failure
        } catch {
            throw .unreadable("\(error)")
        }
    }
}
