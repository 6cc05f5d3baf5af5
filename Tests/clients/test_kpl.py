"""Records that the Kinesis Producer Library aggregates, made by PyPI's aws-kinesis-agg: stored as sent, taken apart where that is wanted."""

import base64
import json
import random

import pytest

from server import stream_arn, read_all, rows, unique, until
from test_applications import COPY, KEY_AND_VALUE, create, start, to_stream
from test_delivery import content, destination, objects

aggregator = pytest.importorskip("aws_kinesis_agg.aggregator")
deaggregator = pytest.importorskip("aws_kinesis_agg.deaggregator")


def aggregate(records):
    """One aggregated record of (partition key, explicit hash key or None, data)."""
    maker = aggregator.RecordAggregator()
    for key, hash_key, data in records:
        assert maker.add_user_record(key, data, hash_key) is None
    return maker.clear_and_get()


def put(kinesis, stream, record):
    key, hash_key, data = record.get_contents()
    explicit = {"ExplicitHashKey": hash_key} if hash_key else {}
    kinesis.put_record(StreamName=stream, PartitionKey=key, Data=data, **explicit)
    return data


@pytest.fixture
def stream(kinesis):
    name = unique("kpl")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    yield name
    kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)


def test_aggregates_are_stored_as_sent(kinesis, stream):
    users = [(f"k{number}", None, json.dumps({"n": number})) for number in range(100)]
    data = put(kinesis, stream, aggregate(users))
    found = read_all(kinesis, stream)["shardId-000000000000"]
    assert len(found) == 1 and found[0]["Data"] == data
    # And the library's other half takes them apart.
    record = {"kinesis": {
        "data": base64.b64encode(found[0]["Data"]).decode(), "partitionKey": found[0]["PartitionKey"],
        "sequenceNumber": found[0]["SequenceNumber"], "kinesisSchemaVersion": "1.0", "approximateArrivalTimestamp": 1.0},
        "eventSource": "aws:kinesis", "eventVersion": "1.0", "eventID": "e", "eventName": "n", "invokeIdentityArn": "i",
        "awsRegion": "us-east-1", "eventSourceARN": "a"}
    parts = deaggregator.deaggregate_records([record])
    assert [base64.b64decode(part["kinesis"]["data"]).decode() for part in parts] == [user[2] for user in users]


def test_the_command_line_takes_them_apart_where_it_is_told(server, kinesis, stream):
    users = [("a", None, '{"n":1}'), ("b", str(2**127), '{"n":2}'), ("a", None, "")]
    whole = put(kinesis, stream, aggregate(users))
    kinesis.put_record(StreamName=stream, PartitionKey="plain", Data=b"plain")
    broken = bytearray(whole)
    broken[-1] ^= 1
    kinesis.put_record(StreamName=stream, PartitionKey="broken", Data=bytes(broken))

    def lines(*flags):
        return [json.loads(line) for line in server.millrace("cat", stream, "--output", "ndjson", *flags).stdout.splitlines()]

    plain = lines()
    assert len(plain) == 3 and base64.b64decode(plain[0]["DataBase64"]) == whole
    apart = lines("--deaggregate")
    assert [(line["PartitionKey"], line.get("SubSequenceNumber"), line.get("Data")) for line in apart[:4]] == [
        ("a", 0, '{"n":1}'), ("b", 1, '{"n":2}'), ("a", 2, ""), ("plain", None, "plain")]
    assert len({line["SequenceNumber"] for line in apart[:3]}) == 1
    # With a wrong checksum it is one record like any other.
    assert len(apart) == 5 and base64.b64decode(apart[4]["DataBase64"]) == bytes(broken)
    tailed = server.millrace("tail", stream, "--from", "start", "--limit", "2", "--deaggregate", "--format", "data").stdout
    assert tailed == '{"n":1}\n{"n":2}\n\nplain\n'


@pytest.mark.parametrize("shards", [1, 2])
def test_an_application_sees_users_records(server, kinesis, shards):
    source, derived, name = unique("source"), unique("derived"), unique("application")
    kinesis.create_stream(StreamName=source, ShardCount=shards)
    kinesis.create_stream(StreamName=derived, ShardCount=1)
    analytics = server.client("kinesisanalytics")
    code = COPY.replace('"v" INTEGER', '"v" INTEGER, "at" TIMESTAMP, "key" VARCHAR(16)').replace(
        '"k", "v" FROM', '"k", "v", ROWTIME, PARTITION_KEY FROM')
    create(analytics, name, code, source, KEY_AND_VALUE, [to_stream("OUT", derived)])
    half = 2**128 // shards
    expected = []
    for shard in range(shards):
        # Small and large: the one is copied on the way to rows, the other is not.
        for count, pad in ((3, 0), (400, 100)):
            users = [
                (f"p{number}", str(shard * half + number), json.dumps({"k": "x", "v": number, "pad": "." * pad}))
                for number in range(count)]
            put(kinesis, source, aggregate(users))
            expected += [(number, f"p{number}") for number in range(count)]
        kinesis.put_record(
            StreamName=source, PartitionKey="single", ExplicitHashKey=str(shard * half), Data=b'{"k": "y", "v": -1}')
        expected.append((-1, "single"))
    # One that has gone to the wrong shard as after a split: its producer sends it anew.
    if shards == 2:
        wrong = aggregate([("p", str(half), '{"k": "z", "v": 77}'), ("p", "0", '{"k": "z", "v": 78}')])
        put(kinesis, source, wrong)
    start(analytics, name, "TRIM_HORIZON")
    until(lambda: len(rows(kinesis, derived)) >= len(expected), what="the rows of all users' records")
    found = rows(kinesis, derived)
    assert sorted((row["v"], row["key"]) for row in found) == sorted(expected)
    times = {}
    for row in found:
        times.setdefault(row["at"], []).append(row["v"])
    # All of one whole have its time.
    assert any(len(values) >= 400 for values in times.values())
    analytics.stop_application(ApplicationName=name)


def test_a_delivery_stream_delivers_users_records(server, kinesis, stream):
    firehose, name = server.client("firehose"), unique("archive")
    users = [(f"p{number}", None, f"{number}\n") for number in range(500)]
    firehose.create_delivery_stream(
        DeliveryStreamName=name, DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": stream_arn(stream), "RoleARN": "arn:aws:iam::000000000000:role/r"},
        ExtendedS3DestinationConfiguration=destination(name + "/"))
    put(kinesis, stream, aggregate(users))
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"single\n")
    expected = "".join(user[2] for user in users).encode() + b"single\n"
    until(lambda: b"".join(map(content, objects(server, name))) == expected, what="the users' records in the archive")
    firehose.delete_delivery_stream(DeliveryStreamName=name)


def test_discovery_sees_users_records(server, kinesis, stream):
    put(kinesis, stream, aggregate([("p", None, json.dumps({"city": "Ulm", "degrees": number})) for number in range(20)]))
    answer = server.client("kinesisanalytics").discover_input_schema(
        ResourceARN=stream_arn(stream), RoleARN="arn:aws:iam::000000000000:role/r",
        InputStartingPositionConfiguration={"InputStartingPosition": "TRIM_HORIZON"})
    assert {column["Name"] for column in answer["InputSchema"]["RecordColumns"]} >= {"city", "degrees"}


def test_mutated_aggregates_harm_nobody(server, kinesis, stream):
    generator = random.Random(20261130)
    whole = aggregate([(f"k{number}", str(number), json.dumps({"k": "m", "v": number})) for number in range(50)]).get_contents()[2]
    records = []
    for number in range(400):
        data = bytearray(whole)
        for _ in range(generator.randrange(1, 4)):
            data[generator.randrange(4, len(data))] = generator.randrange(256)
        records.append({"PartitionKey": str(number), "Data": bytes(data)})
    kinesis.put_records(StreamName=stream, Records=records)
    result = server.millrace("cat", stream, "--output", "ndjson", "--deaggregate")
    assert len(result.stdout.splitlines()) == 400
