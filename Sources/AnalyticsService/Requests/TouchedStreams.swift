/// Which streams a request about an application lets it read and write: applications work with the rights of the node, so whoever sets one up must be
/// allowed to do himself what he has it do.

import AWSWire

extension ResourceName {
    /// A stream that is read.
    fileprivate static func read(_ arn: String?) -> ResourceName? {
        ARN(arn, ifStream: "GetRecords", ifDeliveryStream: "DescribeDeliveryStream")
    }

    /// A stream that is written to.
    fileprivate static func written(_ arn: String?) -> ResourceName? {
        ARN(arn, ifStream: "PutRecords", ifDeliveryStream: "PutRecordBatch")
    }

    /// Nil for what is no ARN, which is refused for that.
    private static func ARN(_ text: String?, ifStream: String, ifDeliveryStream: String) -> ResourceName? {
        text.flatMap { AWSWire.ARN($0) }.map {
            ResourceName(
                service: $0.service, resource: $0.resource, operation: $0.service == "firehose" ? ifDeliveryStream : ifStream)
        }
    }
}

extension InputRequest {
    fileprivate var touched: [ResourceName] { [stream, deliveryStream].compactMap { .read($0?.resourceARN) } }
}

extension InputUpdate {
    fileprivate var touched: [ResourceName] { [stream, deliveryStream].compactMap { .read($0?.resourceARN) } }
}

extension OutputRequest {
    fileprivate var touched: [ResourceName] { [stream, deliveryStream].compactMap { .written($0?.resourceARN) } }
}

extension OutputUpdate {
    fileprivate var touched: [ResourceName] { [stream, deliveryStream].compactMap { .written($0?.resourceARN) } }
}

extension AddInputRequest {
    var touched: [ResourceName] { input?.touched ?? [] }
}

extension AddOutputRequest {
    var touched: [ResourceName] { output?.touched ?? [] }
}

extension V1.CreateApplication.Request {
    var touched: [ResourceName] { (inputs ?? []).flatMap(\.touched) + (outputs ?? []).flatMap(\.touched) }
}

extension V2.CreateApplication.Request {
    var touched: [ResourceName] {
        let sql = configuration?.sql
        return (sql?.inputs ?? []).flatMap(\.touched) + (sql?.outputs ?? []).flatMap(\.touched)
    }
}

extension V1.UpdateApplication.Request {
    var touched: [ResourceName] { (update?.inputs ?? []).flatMap(\.touched) + (update?.outputs ?? []).flatMap(\.touched) }
}

extension V2.UpdateApplication.Request {
    var touched: [ResourceName] {
        let sql = configuration?.sql
        return (sql?.inputs ?? []).flatMap(\.touched) + (sql?.outputs ?? []).flatMap(\.touched)
    }
}
