"""The Kinesis API in CBOR, as the SDKs for Java, the KCL and the KPL speak it, read by a library that is not ours (cbor2)."""

import http.client
import struct

import cbor2
import pytest

from server import unique


class Milliseconds(int):
    """A time as AWS has it in CBOR: tag 1 of whole milliseconds, which the RFC would take for seconds."""


def encode(value):
    """As the SDK for Java writes: maps and lists do not tell their length, texts and blobs do."""
    if isinstance(value, dict):
        return b"\xbf" + b"".join(encode(name) + encode(member) for name, member in value.items()) + b"\xff"
    if isinstance(value, list):
        return b"\x9f" + b"".join(encode(element) for element in value) + b"\xff"
    if isinstance(value, Milliseconds):
        return b"\xc1\x1b" + struct.pack(">q", value)
    return cbor2.dumps(value)


def decode(body):
    # Some versions of cbor2 hand over the value, others the decoder.
    return cbor2.loads(body, semantic_decoders={1: lambda given, *_: Milliseconds(given if isinstance(given, int) else given.decode())})


class Caller:
    def __init__(self, server):
        host, port = server.address.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=30)

    def call(self, operation, request, expecting=200, prefix="Kinesis_20131202"):
        body = request if isinstance(request, bytes) else encode(request)
        self.connection.request("POST", "/", body, {
            "Content-Type": "application/x-amz-cbor-1.1", "X-Amz-Target": f"{prefix}.{operation}",
            "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0"})
        answer = self.connection.getresponse()
        body = answer.read()
        assert answer.status == expecting, body
        if not body:
            return None
        assert answer.getheader("Content-Type") == "application/x-amz-cbor-1.1"
        return decode(body)


@pytest.fixture
def cbor(server):
    return Caller(server)


def read(cbor, name, **position):
    iterator = cbor.call("GetShardIterator", {"StreamName": name, "ShardId": "shardId-000000000000", **position})["ShardIterator"]
    answer = cbor.call("GetRecords", {"ShardIterator": iterator, "Limit": 10000})
    assert answer["MillisBehindLatest"] == 0 and answer["NextShardIterator"]
    return answer["Records"]


def test_records_go_in_and_come_out_as_bytes(cbor, kinesis):
    name = unique("cbor")
    assert cbor.call("CreateStream", {"StreamName": name, "ShardCount": 1}) is None
    single = cbor.call("PutRecord", {"StreamName": name, "Data": b"\x00\xff", "PartitionKey": "clé"})
    assert single["ShardId"] == "shardId-000000000000"
    data = [bytes([number % 256]) * (number * 97 % 5000) for number in range(500)]
    put = cbor.call("PutRecords", {"StreamName": name, "Records": [
        {"Data": value, "PartitionKey": f"key-{number}"} for number, value in enumerate(data)]})
    assert put["FailedRecordCount"] == 0 and len(put["Records"]) == 500
    records = read(cbor, name, ShardIteratorType="TRIM_HORIZON")
    assert [record["Data"] for record in records] == [b"\x00\xff"] + data
    assert records[0]["PartitionKey"] == "clé" and records[0]["SequenceNumber"] == single["SequenceNumber"]
    arrivals = [record["ApproximateArrivalTimestamp"] for record in records]
    assert all(isinstance(arrival, Milliseconds) for arrival in arrivals)
    # The same as JSON tells.
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    told = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert [record["Data"] for record in told] == [record["Data"] for record in records]
    assert [round(record["ApproximateArrivalTimestamp"].timestamp() * 1000) for record in told] == arrivals
    # A time in a request is one of milliseconds too.
    assert len(read(cbor, name, ShardIteratorType="AT_TIMESTAMP", Timestamp=Milliseconds(arrivals[0]))) == 501
    assert cbor.call("DeleteStream", {"StreamName": name}) is None


def test_descriptions_tags_and_lists(cbor, kinesis):
    name = unique("cbor")
    cbor.call("CreateStream", {"StreamName": name, "ShardCount": 2, "Tags": {"a": "b"}})
    summary = cbor.call("DescribeStreamSummary", {"StreamName": name})["StreamDescriptionSummary"]
    assert summary["StreamName"] == name and summary["OpenShardCount"] == 2
    told = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamCreationTimestamp"]
    assert summary["StreamCreationTimestamp"] == round(told.timestamp() * 1000)
    assert [shard["ShardId"] for shard in cbor.call("ListShards", {"StreamName": name})["Shards"]] == [
        "shardId-000000000000", "shardId-000000000001"]
    assert cbor.call("ListTagsForStream", {"StreamName": name}) == {"Tags": [{"Key": "a", "Value": "b"}], "HasMoreTags": False}
    assert name in cbor.call("ListStreams", {})["StreamNames"]


@pytest.mark.parametrize("body", [
    b"\xff", b"{}", b"\xbf", b"\xa1\x01\x01", b"\x81" * 60_000, b"\x9f" + b"\x00" * 60_000 + b"\xff"
], ids=["break", "json", "half", "key", "deep", "items"])
def test_what_is_no_request_is_refused_in_cbor(cbor, body):
    assert cbor.call("ListStreams", body, expecting=400)["__type"] == "SerializationException"


def test_errors_are_cbor(cbor):
    absent = cbor.call("DescribeStream", {"StreamName": "absent"}, expecting=400)
    assert absent["__type"] == "ResourceNotFoundException" and "absent" in absent["message"]
    assert cbor.call("DescribeStream", {"StreamName": "no good"}, expecting=400)["__type"] == "ValidationException"
    assert cbor.call("DescribeStream", {"StreamName": b"bytes"}, expecting=400)["__type"] == "SerializationException"
    assert cbor.call("Absent", {}, expecting=400)["__type"] == "UnknownOperationException"
