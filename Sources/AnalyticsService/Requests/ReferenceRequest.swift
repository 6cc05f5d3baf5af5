/// ReferenceDataSource and its update: a table whose rows come from an object of a bucket.

import AWSWire
import StreamEngine

/// ReferenceDataSource.
struct ReferenceRequest: WireReadable {
    var tableName: String?
    var object: S3ObjectRequest?
    var schema: SchemaRequest?

    init(_ fields: WireFields) throws(AWSError) {
        tableName = try fields.string("TableName")
        object = try fields.structure("S3ReferenceDataSource")
        schema = try fields.structure("ReferenceSchema")
    }

    static func rules(_ version: APIVersion) -> [Rule<ReferenceRequest>] {
        [
            .inApplicationName("tableName", \.tableName, version, isRequired: true),
            .structure("s3ReferenceDataSource", \.object, S3ObjectRequest.rules(version)),
            .present("referenceSchema", \.schema), .structure("referenceSchema", \.schema, SchemaRequest.rules(version)),
        ]
    }
}

/// S3ReferenceDataSource.
struct S3ObjectRequest: WireReadable {
    var bucketARN: String?
    var fileKey: String?
    var roleARN: String?

    init(_ fields: WireFields) throws(AWSError) {
        bucketARN = try fields.string("BucketARN")
        fileKey = try fields.string("FileKey")
        roleARN = try fields.string("ReferenceRoleARN")
    }

    static func rules(_ version: APIVersion) -> [Rule<S3ObjectRequest>] {
        let role = Rule.roleARN("referenceRoleARN", \S3ObjectRequest.roleARN, .v1, isRequired: true)
        return [
            .resourceARN("bucketARN", \.bucketARN, isRequired: version == .v1),
            Rule { object, violations in
                violations.check(
                    "fileKey", object.fileKey, (version == .v1 ? [.notNull] : []) + [.minLength(1), .maxLength(1_024)])
            },
        ] + (version == .v1 ? [role] : [])
    }
}

/// ReferenceDataSourceUpdate.
struct ReferenceUpdate: WireReadable {
    var id: String?
    var tableName: String?
    var object: S3ObjectUpdate?
    var schema: SchemaRequest?

    init(_ fields: WireFields) throws(AWSError) {
        id = try fields.string("ReferenceId")
        tableName = try fields.string("TableNameUpdate")
        object = try fields.structure("S3ReferenceDataSourceUpdate")
        schema = try fields.structure("ReferenceSchemaUpdate")
    }

    static func rules(_ version: APIVersion) -> [Rule<ReferenceUpdate>] {
        [
            .itemID("referenceId", \.id),
            .inApplicationName("tableNameUpdate", \.tableName, version, isRequired: false),
            .structure("s3ReferenceDataSourceUpdate", \.object, S3ObjectUpdate.rules(version)),
            .structure("referenceSchemaUpdate", \.schema, SchemaRequest.rules(version)),
        ]
    }

    /// - Parameter field: where the update stands in the request.
    func apply(to reference: inout ApplicationReference, at field: String) throws(InvalidArgument) {
        if let tableName { reference.tableName = tableName }
        if let key = object?.fileKey { reference.fileKey = key }
        if let arn = object?.bucketARN {
            reference.bucketARN = try ApplicationReference.checked(arn, at: "\(field).S3ReferenceDataSourceUpdate.BucketARNUpdate")
        }
        if let role = object?.roleARN { reference.roleARN = role }
        if let schema { reference.schema = schema.schema }
    }
}

/// S3ReferenceDataSourceUpdate.
struct S3ObjectUpdate: WireReadable {
    var bucketARN: String?
    var fileKey: String?
    var roleARN: String?

    init(_ fields: WireFields) throws(AWSError) {
        bucketARN = try fields.string("BucketARNUpdate")
        fileKey = try fields.string("FileKeyUpdate")
        roleARN = try fields.string("ReferenceRoleARNUpdate")
    }

    static func rules(_ version: APIVersion) -> [Rule<S3ObjectUpdate>] {
        [
            .resourceARN("bucketARNUpdate", \.bucketARN, isRequired: false),
            .member("fileKeyUpdate", \.fileKey, .minLength(1), .maxLength(1_024)),
        ] + (version == .v1 ? [.roleARN("referenceRoleARNUpdate", \.roleARN, .v1, isRequired: false)] : [])
    }
}

extension ApplicationReference {
    /// The ARN of a bucket.
    static func checked(_ arn: String, at field: String) throws(InvalidArgument) -> String {
        guard let parsed = ARN(arn), parsed.service == "s3", !parsed.resource.isEmpty, !parsed.resource.contains("/") else {
            throw InvalidArgument("\(field) '\(arn)' must have the form arn:aws:s3:::BUCKET.")
        }
        return arn
    }
}

extension ApplicationDefinition {
    /// - Parameter field: where the source stands in the request.
    mutating func add(_ request: ReferenceRequest, at field: String) throws(InvalidArgument) {
        guard references.count < ApplicationLimits.references else {
            throw InvalidArgument(
                "\(field): the application has \(references.count) reference data sources already, which is the limit.")
        }
        guard let bucket = request.object?.bucketARN, let key = request.object?.fileKey else {
            throw InvalidArgument("\(field).S3ReferenceDataSource must have BucketARN and FileKey.")
        }
        guard let name = request.tableName, let schema = request.schema?.schema else {
            throw InvalidArgument("\(field) must have TableName and ReferenceSchema.")
        }
        let arn = try ApplicationReference.checked(bucket, at: "\(field).S3ReferenceDataSource.BucketARN")
        references.append(
            ApplicationReference(
                id: takeItemID(), tableName: name, bucketARN: arn, fileKey: key, roleARN: request.object?.roleARN, schema: schema))
    }

    mutating func apply(_ updates: [ReferenceUpdate], at field: String) throws(InvalidArgument) {
        for (number, update) in updates.enumerated() {
            guard let index = references.firstIndex(where: { $0.id == update.id }) else {
                throw .noItem(update.id, "\(field)[\(number)].ReferenceId", among: references.map(\.id), "reference data source")
            }
            try update.apply(to: &references[index], at: "\(field)[\(number)]")
        }
    }

    mutating func removeReference(_ id: String?) throws(InvalidArgument) {
        guard let index = references.firstIndex(where: { $0.id == id }) else {
            throw .noItem(id, "ReferenceId", among: references.map(\.id), "reference data source")
        }
        references.remove(at: index)
    }
}
