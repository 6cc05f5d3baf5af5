"""Firehose through boto3: buffered by size and by time into compressed objects below the data directory."""

import gzip
import re
import subprocess
import time
import zipfile

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


def unsnap(block):
    """One block of snappy's format (google/snappy, format_description.txt)."""
    position, shift, length = 0, 0, 0
    while True:
        byte = block[position]
        position += 1
        length |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            break
    out = bytearray()
    while position < len(block):
        tag = block[position]
        position += 1
        kind, size = tag & 3, tag >> 2
        if kind == 0:
            if size >= 60:
                extra = size - 59
                size = int.from_bytes(block[position:position + extra], "little")
                position += extra
            out += block[position:position + size + 1]
            position += size + 1
            continue
        width = {1: 1, 2: 2, 3: 4}[kind]
        offset = int.from_bytes(block[position:position + width], "little")
        position += width
        if kind == 1:
            offset, size = offset | (size >> 3) << 8, (size & 7) + 3
        for _ in range(size + (kind != 1)):
            out.append(out[-offset])
    assert len(out) == length
    return bytes(out)


def snappy_java(data):
    assert data[:16] == bytes.fromhex("82534e41505059000000000100000001")
    out, position = b"", 16
    while position < len(data):
        size = int.from_bytes(data[position:position + 4], "big")
        out += unsnap(data[position + 4:position + 4 + size])
        position += 4 + size
    return out


def hadoop_snappy(data):
    out, position = b"", 0
    while position < len(data):
        size = int.from_bytes(data[position + 4:position + 8], "big")
        out += unsnap(data[position + 8:position + 8 + size])
        position += 8 + size
    return out


def content(path):
    data = path.read_bytes()
    if path.suffix == ".zip":
        archive = zipfile.ZipFile(path)
        [name] = archive.namelist()
        return archive.read(name)
    if path.suffix == ".snappy":
        return snappy_java(data) if data.startswith(b"\x82SNAPPY") else hadoop_snappy(data)
    tool = {".gz": "gzip", ".zst": "zstd", ".lz4": "lz4"}.get(path.suffix)
    if tool is None:
        return path.read_bytes()
    return subprocess.run([tool, "-dc", str(path)], check=True, capture_output=True).stdout


@pytest.mark.parametrize("compression,suffix", [("GZIP", ".gz"), ("ZSTD", ".zst"), ("LZ4", ".lz4"), ("UNCOMPRESSED", ""), ("ZIP", ".zip"), ("Snappy", ".snappy"),
                                                ("HADOOP_SNAPPY", ".snappy")])
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


def test_a_destination_is_updated_from_the_next_object_on(server, firehose):
    name = unique("update")
    firehose.create_delivery_stream(
        DeliveryStreamName=name, ExtendedS3DestinationConfiguration=destination(name + "/old/", "GZIP", interval=1))
    firehose.put_record(DeliveryStreamName=name, Record={"Data": b"1\n"})
    until(lambda: objects(server, name + "/old"), what="the first object")
    update = dict(DeliveryStreamName=name, DestinationId="destinationId-000000000001")
    firehose.update_destination(
        **update, CurrentDeliveryStreamVersionId="1", ExtendedS3DestinationUpdate={"Prefix": name + "/new/", "CompressionFormat": "ZIP"})
    description = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    settings = description["Destinations"][0]["ExtendedS3DestinationDescription"]
    assert (description["VersionId"], settings["Prefix"], settings["CompressionFormat"]) == ("2", name + "/new/", "ZIP")
    assert settings["BufferingHints"] == {"SizeInMBs": 1, "IntervalInSeconds": 1}
    firehose.put_record(DeliveryStreamName=name, Record={"Data": b"2\n"})
    [path] = until(lambda: objects(server, name + "/new"), what="the next object")
    assert content(path) == b"2\n" and f"{name}-2-" in path.name

    def refused(**fields):
        with pytest.raises(ClientError) as error:
            firehose.update_destination(**{**update, "CurrentDeliveryStreamVersionId": "2", **fields})
        return error.value.response["Error"]["Code"]

    assert refused(CurrentDeliveryStreamVersionId="1", S3DestinationUpdate={"Prefix": "x"}) == "ConcurrentModificationException"
    assert refused() == "InvalidArgumentException"
    assert refused(DestinationId="destinationId-000000000009", S3DestinationUpdate={"Prefix": "x"}) == "InvalidArgumentException"
    assert refused(DeliveryStreamName="nobody", S3DestinationUpdate={"Prefix": "x"}) == "ResourceNotFoundException"
    assert refused(RedshiftDestinationUpdate={}) == "InvalidArgumentException"
    assert refused(ExtendedS3DestinationUpdate={"Prefix": "!{timestamp:", "ErrorOutputPrefix": "e/"}) == "InvalidArgumentException"
    server.kill()
    server.start()
    description = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]
    assert description["VersionId"] == "2"


def test_tags_and_encryption(server, firehose, kinesis):
    name = unique("tags")
    firehose.create_delivery_stream(
        DeliveryStreamName=name, ExtendedS3DestinationConfiguration=destination(name + "/"), Tags=[{"Key": "a", "Value": "1"}])
    firehose.tag_delivery_stream(DeliveryStreamName=name, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b"}])
    assert firehose.list_tags_for_delivery_stream(DeliveryStreamName=name)["Tags"] == [{"Key": "a", "Value": "2"}, {"Key": "b"}]
    firehose.untag_delivery_stream(DeliveryStreamName=name, TagKeys=["a", "nobody"])
    assert firehose.list_tags_for_delivery_stream(DeliveryStreamName=name)["Tags"] == [{"Key": "b"}]
    with pytest.raises(ClientError) as error:
        firehose.tag_delivery_stream(DeliveryStreamName=name, Tags=[{"Key": f"k{n}"} for n in range(50)])
    assert error.value.response["Error"]["Code"] == "LimitExceededException"

    def encryption():
        return firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"]["DeliveryStreamEncryptionConfiguration"]

    assert encryption() == {"Status": "DISABLED"}
    firehose.start_delivery_stream_encryption(DeliveryStreamName=name)
    assert encryption() == {"Status": "ENABLED", "KeyType": "AWS_OWNED_CMK"}
    firehose.stop_delivery_stream_encryption(DeliveryStreamName=name)
    assert encryption() == {"Status": "DISABLED"}
    source, reader = unique("source"), unique("reader")
    kinesis.create_stream(StreamName=source, ShardCount=1)
    firehose.create_delivery_stream(
        DeliveryStreamName=reader, DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": stream_arn(source), "RoleARN": ROLE},
        ExtendedS3DestinationConfiguration=destination(reader + "/"))
    for call in (lambda: firehose.start_delivery_stream_encryption(DeliveryStreamName=reader),
                 lambda: firehose.put_record(DeliveryStreamName=reader, Record={"Data": b"1"})):
        with pytest.raises(ClientError) as error:
            call()
        assert error.value.response["Error"]["Code"] == "InvalidArgumentException"
        assert "not permitted on KinesisStreamAsSource" in error.value.response["Error"]["Message"]
