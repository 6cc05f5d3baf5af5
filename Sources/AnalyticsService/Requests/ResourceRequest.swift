/// Where rows come from and go to: ResourceARN and RoleARN, and which streams they may name.

import AWSWire
import StreamEngine

/// KinesisStreamsInput, KinesisFirehoseOutput and their like.
struct ResourceRequest: WireReadable {
    var resourceARN: String?
    var roleARN: String?

    init(_ fields: WireFields) throws(AWSError) {
        resourceARN = try fields.string("ResourceARN")
        roleARN = try fields.string("RoleARN")
    }

    static func rules(_ version: APIVersion) -> [Rule<ResourceRequest>] {
        let resource = Rule.resourceARN("resourceARN", \ResourceRequest.resourceARN, isRequired: true)
        return version == .v1 ? [resource, .roleARN("roleARN", \.roleARN, .v1, isRequired: true)] : [resource]
    }
}

/// KinesisStreamsInputUpdate, KinesisFirehoseOutputUpdate and their like.
struct ResourceUpdate: WireReadable {
    var resourceARN: String?
    var roleARN: String?

    init(_ fields: WireFields) throws(AWSError) {
        resourceARN = try fields.string("ResourceARNUpdate")
        roleARN = try fields.string("RoleARNUpdate")
    }

    static func rules(_ version: APIVersion) -> [Rule<ResourceUpdate>] {
        let resource = Rule.resourceARN("resourceARNUpdate", \ResourceUpdate.resourceARN, isRequired: version == .v2)
        return version == .v1 ? [resource, .roleARN("roleARNUpdate", \.roleARN, .v1, isRequired: false)] : [resource]
    }

    /// Changes a source or destination.
    /// - Parameters:
    ///   - make: what an ARN of this kind names.
    ///   - isOfKind: whether the target is of the kind that this update is for.
    func apply(
        to target: inout StreamTarget, role: inout String?, at field: String, isOfKind: (StreamTarget) -> Bool,
        make: (_ arn: String, _ field: String) throws(InvalidArgument) -> StreamTarget
    ) throws(InvalidArgument) {
        if let resourceARN {
            target = try make(resourceARN, field + ".ResourceARNUpdate")
        } else if !isOfKind(target) {
            throw InvalidArgument("\(field) has no ResourceARNUpdate, and the present resource '\(target.arn)' is of another kind.")
        }
        if let roleARN { role = roleARN }
    }
}

extension StreamTarget {
    /// Chooses between the two kinds of resources: exactly one must be given.
    /// - Parameters:
    ///   - field: of the structure that holds both, such as `Inputs[0]`.
    ///   - direction: `Input` or `Output`, as in the names of the two fields.
    init(stream: String?, deliveryStream: String?, at field: String, direction: String) throws(InvalidArgument) {
        switch (stream, deliveryStream) {
        case (let arn?, nil): self = try .stream(arn, at: "\(field).KinesisStreams\(direction).ResourceARN")
        case (nil, let arn?): self = try .deliveryStream(arn, at: "\(field).KinesisFirehose\(direction).ResourceARN")
        case (nil, nil):
            throw InvalidArgument("\(field) names no resource: give KinesisStreams\(direction) or KinesisFirehose\(direction).")
        case (_?, _?):
            throw InvalidArgument(
                "\(field) names two resources: give either KinesisStreams\(direction) or KinesisFirehose\(direction), not both.")
        }
    }

    /// The stream with an ARN.
    static func stream(_ text: String, at field: String) throws(InvalidArgument) -> StreamTarget {
        try check(text, "kinesis", "stream/", at: field)
        return .stream(arn: text)
    }

    /// The delivery stream with an ARN.
    static func deliveryStream(_ text: String, at field: String) throws(InvalidArgument) -> StreamTarget {
        try check(text, "firehose", "deliverystream/", at: field)
        return .deliveryStream(arn: text)
    }

    private static func check(_ text: String, _ service: String, _ kind: String, at field: String) throws(InvalidArgument) {
        let name = ARN(text).flatMap { arn in
            arn.service == service && arn.resource.hasPrefix(kind) ? arn.resource.dropFirst(kind.count) : nil
        }
        guard let name, !name.isEmpty, name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "_.-".contains($0)) }) else {
            throw InvalidArgument("\(field) '\(text)' must have the form arn:aws:\(service):REGION:ACCOUNT:\(kind)NAME.")
        }
    }
}
