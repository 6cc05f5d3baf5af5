"""Firehose through boto3: buffered by size and by time into compressed objects below the data directory."""

import gzip
import re
import subprocess
import time

import pytest
from botocore.exceptions import ClientError

from server import delivery_arn, raw_blobs, stream_arn, unique, until

ROLE = "arn:aws:iam::000000000000:role/millrace"


@pytest.fixture
def firehose(server):
    return server.client("firehose")


def destination(prefix, compression="GZIP", size=1, interval=1, bucket="lake"):
    return {"RoleARN": ROLE, "BucketARN": f"arn:aws:s3:::{bucket}", "Prefix": prefix,
            "BufferingHints": {"SizeInMBs": size, "IntervalInSeconds": interval}, "CompressionFormat": compression}


def objects(server, prefix, bucket="lake"):
    return sorted(path for path in (server.data_dir / "buckets" / bucket / prefix).rglob("*") if path.is_file())


def content(path):
    tool = {".gz": "gzip", ".zst": "zstd", ".lz4": "lz4"}.get(path.suffix)
    if tool is None:
        return path.read_bytes()
    return subprocess.run([tool, "-dc", str(path)], check=True, capture_output=True).stdout


@pytest.mark.parametrize("compression,suffix", [("GZIP", ".gz"), ("ZSTD", ".zst"), ("LZ4", ".lz4"), ("UNCOMPRESSED", "")])
def test_put_records_reach_an_object_in_the_format_asked_for(server, compression, suffix):
    # ZSTD and LZ4 are Millrace's own additions: boto3 sends them since enumerations are checked by the service.
    firehose = server.client("firehose")
    name = unique("format")
    arn = firehose.create_delivery_stream(
        DeliveryStreamName=name, DeliveryStreamType="DirectPut",
        ExtendedS3DestinationConfiguration=destination(name + "/", compression))["DeliveryStreamARN"]
    assert arn == delivery_arn(name)
    firehose.put_record(DeliveryStreamName=name, Record={"Data": b"first\n"})
    answer = firehose.put_record_batch(DeliveryStreamName=name, Records=[{"Data": f"{n}\n".encode()} for n in range(500)])
    assert answer["FailedPutCount"] == 0 and len(answer["RequestResponses"]) == 500
    expected = b"first\n" + b"".join(f"{n}\n".encode() for n in range(500))
    until(lambda: b"".join(map(content, objects(server, name))) == expected, what="all records in the archive, in order")
    pattern = rf"{name}/\d{{4}}/\d\d/\d\d/\d\d/{name}-1-\d{{4}}-\d\d-\d\d-\d\d-\d\d-\d\d-[0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}{re.escape(suffix)}"
    for path in objects(server, name):
        key = str(path.relative_to(server.data_dir / "buckets/lake"))
        assert re.fullmatch(pattern, key), key


def test_the_size_limit_cuts_before_the_time_does(server, firehose):
    name = unique("size")
    firehose.create_delivery_stream(
        DeliveryStreamName=name, ExtendedS3DestinationConfiguration=destination(name + "/", "UNCOMPRESSED", size=1, interval=900))
    for _ in range(5):
        firehose.put_record_batch(DeliveryStreamName=name, Records=[{"Data": b"y" * 50_000} for _ in range(10)])
    until(lambda: len(objects(server, name)) >= 2, what="two objects")
    sizes = [path.stat().st_size for path in objects(server, name)]
    assert all((1 << 20) <= size + 50_000 and size <= (1 << 20) + 500_000 for size in sizes), sizes


def test_a_kinesis_stream_as_source(server, firehose, kinesis):
    source, name = unique("source"), unique("delivery")
    kinesis.create_stream(StreamName=source, ShardCount=2)
    firehose.create_delivery_stream(
        DeliveryStreamName=name, DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": stream_arn(source), "RoleARN": ROLE},
        ExtendedS3DestinationConfiguration=destination(name + "/"))
    expected = sorted(f"{n}" for n in range(200))
    for n in range(0, 200, 50):
        kinesis.put_records(StreamName=source, Records=[{"Data": f"{m}\n".encode(), "PartitionKey": str(m)} for m in range(n, n + 50)])
    until(lambda: sorted(b"".join(gzip.decompress(path.read_bytes()) for path in objects(server, name)).decode().split()) == expected,
          what="all records of the stream in the archive")
    with pytest.raises(ClientError) as raised:
        firehose.put_record(DeliveryStreamName=name, Record={"Data": b"x"})
    assert raised.value.response["Error"]["Code"] in ("InvalidSourceException", "InvalidArgumentException")


def test_describe_list_and_delete(server, firehose):
    name = unique("described")
    firehose.create_delivery_stream(
        DeliveryStreamName=name, S3DestinationConfiguration={key: value for key, value in destination("p/").items()})
    description = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    assert description["DeliveryStreamStatus"] == "ACTIVE"
    assert description["DeliveryStreamType"] == "DirectPut"
    assert description["VersionId"] == "1"
    assert description["Destinations"][0]["DestinationId"] == "destinationId-000000000001"
    assert description["Destinations"][0]["S3DestinationDescription"]["CompressionFormat"] == "GZIP"
    assert name in firehose.list_delivery_streams(Limit=10000)["DeliveryStreamNames"]
    with pytest.raises(ClientError) as raised:
        firehose.create_delivery_stream(DeliveryStreamName=name, S3DestinationConfiguration=destination("p/"))
    assert raised.value.response["Error"]["Code"] == "ResourceInUseException"
    firehose.delete_delivery_stream(DeliveryStreamName=name)
    until(lambda: name not in firehose.list_delivery_streams(Limit=10000)["DeliveryStreamNames"], what="its end")
    with pytest.raises(ClientError) as raised:
        firehose.describe_delivery_stream(DeliveryStreamName=name)
    assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert name in raised.value.response["Error"]["Message"]


def test_the_aws_cli_works(server):
    name = unique("cli")
    server.aws(
        "firehose", "create-delivery-stream", "--delivery-stream-name", name, "--extended-s3-destination-configuration",
        f"RoleARN={ROLE},BucketARN=arn:aws:s3:::lake,Prefix={name}/,BufferingHints={{SizeInMBs=1,IntervalInSeconds=1}},CompressionFormat=GZIP")
    server.aws("firehose", "put-record", "--delivery-stream-name", name, *raw_blobs(), "--record", '{"Data":"hello\\n"}')
    until(lambda: objects(server, name), what="an object")
    assert content(objects(server, name)[0]) == b"hello\n"
