"""The Kinesis API through boto3, as a user's own script would call it."""

import base64
import datetime
import hashlib
import json

import pytest
from botocore.exceptions import ClientError

from server import raw_blobs, read_all, stream_arn, unique


@pytest.fixture
def stream(kinesis):
    name = unique("stream")
    kinesis.create_stream(StreamName=name, ShardCount=3)
    yield name
    kinesis.delete_stream(StreamName=name)


def refused(error, call, **arguments):
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    assert raised.value.response["Error"]["Code"] == error, raised.value
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return raised.value.response["Error"]["Message"]


def test_a_stream_is_described_with_even_hash_ranges(kinesis, stream):
    description = kinesis.describe_stream(StreamName=stream)["StreamDescription"]
    assert description["StreamStatus"] == "ACTIVE"
    assert description["StreamARN"] == stream_arn(stream)
    assert description["RetentionPeriodHours"] == 24
    assert [shard["ShardId"] for shard in description["Shards"]] == [f"shardId-{n:012d}" for n in range(3)]
    width = 2**128 // 3
    for number, shard in enumerate(description["Shards"]):
        assert int(shard["HashKeyRange"]["StartingHashKey"]) == number * width
        assert "EndingSequenceNumber" not in shard["SequenceNumberRange"]
    assert int(description["Shards"][-1]["HashKeyRange"]["EndingHashKey"]) == 2**128 - 1
    summary = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    assert summary["OpenShardCount"] == 3 and summary["ConsumerCount"] == 0
    assert kinesis.describe_stream(StreamARN=stream_arn(stream))["StreamDescription"]["StreamName"] == stream
    pages = [page["Shards"] for page in kinesis.get_paginator("describe_stream").paginate(StreamName=stream, PaginationConfig={"PageSize": 1})
             for page in [page["StreamDescription"]]]
    assert [len(page) for page in pages] == [1, 1, 1]


def test_records_come_back_as_they_were_put_in_the_shard_of_their_key(kinesis, stream):
    put = {}
    for number in range(60):
        key = f"key-{number}"
        data = bytes([number]) * (number * 37 % 200)
        answer = kinesis.put_record(StreamName=stream, PartitionKey=key, Data=data)
        put[answer["SequenceNumber"]] = (answer["ShardId"], key, data)
    records = read_all(kinesis, stream)
    width = 2**128 // 3
    found = {}
    for shard, items in records.items():
        assert [int(item["SequenceNumber"]) for item in items] == sorted(int(item["SequenceNumber"]) for item in items)
        for item in items:
            found[item["SequenceNumber"]] = (shard, item["PartitionKey"], item["Data"])
            expected = min(2, int.from_bytes(hashlib.md5(item["PartitionKey"].encode()).digest(), "big") // width)
            assert shard == f"shardId-{expected:012d}"
            now = datetime.datetime.now(datetime.timezone.utc)
            assert abs((now - item["ApproximateArrivalTimestamp"]).total_seconds()) < 60
    assert found == put


def test_put_records_answers_in_request_order(kinesis, stream):
    records = [{"Data": str(n).encode(), "PartitionKey": f"k{n % 17}"} for n in range(500)]
    answer = kinesis.put_records(StreamName=stream, Records=records)
    assert answer["FailedRecordCount"] == 0 and len(answer["Records"]) == 500
    by_sequence = {(shard, item["SequenceNumber"]): item["Data"] for shard, items in read_all(kinesis, stream).items() for item in items}
    for record, result in zip(records, answer["Records"]):
        assert by_sequence[(result["ShardId"], result["SequenceNumber"])] == record["Data"]


def test_explicit_hash_keys_choose_the_shard(kinesis, stream):
    for shard, key in [(0, "0"), (2, str(2**128 - 1)), (1, str(2**127))]:
        answer = kinesis.put_record(StreamName=stream, PartitionKey="p", ExplicitHashKey=key, Data=b"x")
        assert answer["ShardId"] == f"shardId-{shard:012d}"
    refused("InvalidArgumentException", kinesis.put_record, StreamName=stream, PartitionKey="p", ExplicitHashKey=str(2**128), Data=b"x")


def test_all_five_iterator_types(kinesis, stream):
    put = [kinesis.put_record(StreamName=stream, PartitionKey="same", Data=str(n).encode()) for n in range(5)]
    shard = put[0]["ShardId"]

    def read(**arguments):
        iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, **arguments)["ShardIterator"]
        return [item["Data"] for item in kinesis.get_records(ShardIterator=iterator)["Records"]], iterator

    assert read(ShardIteratorType="TRIM_HORIZON")[0] == [b"0", b"1", b"2", b"3", b"4"]
    assert read(ShardIteratorType="AT_SEQUENCE_NUMBER", StartingSequenceNumber=put[2]["SequenceNumber"])[0] == [b"2", b"3", b"4"]
    assert read(ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=put[2]["SequenceNumber"])[0] == [b"3", b"4"]
    assert read(ShardIteratorType="AT_TIMESTAMP", Timestamp=datetime.datetime(2020, 1, 1))[0][0] == b"0"
    nothing, latest = read(ShardIteratorType="LATEST")
    assert nothing == []
    kinesis.put_record(StreamName=stream, PartitionKey="same", Data=b"new")
    assert [item["Data"] for item in kinesis.get_records(ShardIterator=latest)["Records"]] == [b"new"]
    answer = kinesis.get_records(ShardIterator=read(ShardIteratorType="TRIM_HORIZON")[1], Limit=2)
    assert len(answer["Records"]) == 2
    assert [item["Data"] for item in kinesis.get_records(ShardIterator=answer["NextShardIterator"])["Records"]][0] == b"2"


def test_errors_are_the_services_own(kinesis, stream):
    assert refused("ResourceNotFoundException", kinesis.describe_stream, StreamName="absent") == "Stream absent under account 000000000000 not found."
    assert "already exists" in refused("ResourceInUseException", kinesis.create_stream, StreamName=stream, ShardCount=1)
    shard = "shardId-000000000000"
    refused("InvalidArgumentException", kinesis.get_shard_iterator, StreamName=stream, ShardId=shard, ShardIteratorType="LATEST", StartingSequenceNumber="1")
    refused("ResourceNotFoundException", kinesis.get_shard_iterator, StreamName=stream, ShardId="shardId-000000000009", ShardIteratorType="LATEST")
    refused("InvalidArgumentException", kinesis.get_records, ShardIterator="AAAA")
    message = refused("ValidationException", kinesis.get_shard_iterator, StreamName=stream, ShardId=shard, ShardIteratorType="SOMETIME")
    assert "enum value set" in message
    too_big = kinesis.put_record
    refused("ValidationException", too_big, StreamName=stream, PartitionKey="p", Data=b"x" * (11 << 20))
    refused("InvalidArgumentException", too_big, StreamName=stream, PartitionKey="p", Data=b"x" * ((1 << 20) + 1))
    refused("ValidationException", kinesis.put_records, StreamName=stream, Records=[{"Data": b"", "PartitionKey": "p"}] * 501)
    refused("InvalidArgumentException", kinesis.list_shards)


def test_streams_are_listed_in_pages(kinesis):
    names = sorted(unique("listed") for _ in range(5))
    for name in names:
        kinesis.create_stream(StreamName=name, ShardCount=1)
    listed = []
    page = kinesis.list_streams(Limit=2)
    while True:
        assert len(page["StreamNames"]) <= 2
        listed += page["StreamNames"]
        if not page["HasMoreStreams"]:
            break
        page = kinesis.list_streams(Limit=2, NextToken=page["NextToken"])
    assert [name for name in listed if name in names] == names
    for name in names:
        kinesis.delete_stream(StreamName=name)
    assert not set(names) & set(kinesis.list_streams()["StreamNames"])


def test_a_deleted_streams_records_do_not_return_under_its_name(kinesis):
    name = unique("again")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.put_record(StreamName=name, PartitionKey="p", Data=b"old")
    kinesis.delete_stream(StreamName=name)
    kinesis.create_stream(StreamName=name, ShardCount=1)
    assert read_all(kinesis, name) == {"shardId-000000000000": []}


def test_list_shards_pages_and_filters(kinesis, stream):
    first = kinesis.list_shards(StreamName=stream, MaxResults=2)
    assert len(first["Shards"]) == 2
    second = kinesis.list_shards(NextToken=first["NextToken"])
    assert [shard["ShardId"] for shard in second["Shards"]] == ["shardId-000000000002"]
    for kind in ["AT_TRIM_HORIZON", "FROM_TRIM_HORIZON", "AT_LATEST"]:
        assert len(kinesis.list_shards(StreamName=stream, ShardFilter={"Type": kind})["Shards"]) == 3


def test_the_aws_cli_works(server, kinesis):
    name = unique("cli")
    server.aws("kinesis", "create-stream", "--stream-name", name, "--shard-count", "2")
    server.aws("kinesis", "wait", "stream-exists", "--stream-name", name)
    put = server.aws(
        "kinesis", "put-record", "--stream-name", name, "--partition-key", "aaaa", *raw_blobs(),
        "--data", '{"deviceId":"aaaa","sensorReading":3}')
    iterator = server.aws(
        "kinesis", "get-shard-iterator", "--stream-name", name, "--shard-id", put["ShardId"],
        "--shard-iterator-type", "TRIM_HORIZON")["ShardIterator"]
    records = server.aws("kinesis", "get-records", "--shard-iterator", iterator)["Records"]
    assert json.loads(base64.b64decode(records[0]["Data"])) == {"deviceId": "aaaa", "sensorReading": 3}
    assert name in server.aws("kinesis", "list-streams")["StreamNames"]
    missing = server.aws("kinesis", "describe-stream", "--stream-name", "absent", check=False)
    assert missing.returncode != 0 and "ResourceNotFoundException" in missing.stderr


def test_an_absurd_request_is_refused_with_a_short_answer(kinesis, stream):
    message = refused("ValidationException", kinesis.put_records, StreamName=stream, Records=[{"Data": b"", "PartitionKey": "p"}] * 20_000)
    assert len(message) < 4096
    message = refused("ValidationException", kinesis.describe_stream, StreamName="x" * 60_000)
    assert len(message) < 4096
