"""Every operation of Kinesis Data Streams beyond putting and getting, through boto3, and subscriptions over HTTP/1.1 and HTTP/2."""

import base64
import json
import struct
import subprocess
import threading
import time
import zlib

import boto3
import pytest
from botocore.exceptions import ClientError

from server import ACCOUNT, CREDENTIALS, Server, stream_arn, unique, until
from test_cbor import encode
from test_door import metric
from test_streams import refused
from wire import Wire

SHARD = "shardId-000000000000"


@pytest.fixture
def stream(kinesis):
    name = unique("operations")
    kinesis.create_stream(StreamName=name, ShardCount=2)
    yield name
    kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)


def summary(kinesis, name):
    return kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]


def test_the_shard_count_is_changed_by_splits_and_merges(kinesis, stream):
    for number in range(50):
        kinesis.put_record(StreamName=stream, PartitionKey=str(number), Data=str(number).encode())
    answer = kinesis.update_shard_count(StreamName=stream, TargetShardCount=3, ScalingType="UNIFORM_SCALING")
    assert (answer["CurrentShardCount"], answer["TargetShardCount"], answer["StreamARN"]) == (2, 3, stream_arn(stream))
    kinesis.get_waiter("stream_exists").wait(StreamName=stream)
    shards = kinesis.list_shards(StreamName=stream)["Shards"]
    open_shards = sorted(
        (int(shard["HashKeyRange"]["StartingHashKey"]), int(shard["HashKeyRange"]["EndingHashKey"]))
        for shard in shards if "EndingSequenceNumber" not in shard["SequenceNumberRange"])
    assert len(open_shards) == 3 and open_shards[0][0] == 0 and open_shards[-1][1] == 2**128 - 1
    assert all(lower[1] + 1 == upper[0] for lower, upper in zip(open_shards, open_shards[1:]))
    message = refused(
        "LimitExceededException", kinesis.update_shard_count, StreamName=stream, TargetShardCount=7, ScalingType="UNIFORM_SCALING")
    assert "cannot scale up over double" in message


def test_flags_sizes_and_modes_are_told_in_descriptions(kinesis, stream):
    arn = stream_arn(stream)
    kinesis.start_stream_encryption(StreamName=stream, EncryptionType="KMS", KeyId="alias/aws/kinesis")
    assert kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"x")["EncryptionType"] == "KMS"
    answer = kinesis.enable_enhanced_monitoring(StreamName=stream, ShardLevelMetrics=["ALL"])
    assert answer["CurrentShardLevelMetrics"] == [] and len(answer["DesiredShardLevelMetrics"]) == 7
    kinesis.disable_enhanced_monitoring(StreamARN=arn, ShardLevelMetrics=["IteratorAgeMilliseconds"])
    refused("InvalidArgumentException", kinesis.put_record, StreamName=stream, PartitionKey="k", Data=bytes(2 << 20))
    kinesis.update_max_record_size(StreamARN=arn, MaxRecordSizeInKiB=4096)
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=bytes(2 << 20))
    found = summary(kinesis, stream)
    assert (found["EncryptionType"], found["KeyId"], found["MaxRecordSizeInKiB"]) == ("KMS", "alias/aws/kinesis", 4096)
    assert len(found["EnhancedMonitoring"][0]["ShardLevelMetrics"]) == 6
    kinesis.stop_stream_encryption(StreamName=stream, EncryptionType="KMS", KeyId="alias/aws/kinesis")
    kinesis.update_stream_mode(StreamARN=arn, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    answer = kinesis.update_stream_warm_throughput(StreamName=stream, WarmThroughputMiBps=50)
    assert answer["WarmThroughput"]["TargetMiBps"] == 50
    found = summary(kinesis, stream)
    assert (found["EncryptionType"], found["StreamModeDetails"], found["WarmThroughput"]["TargetMiBps"]) == (
        "NONE", {"StreamMode": "ON_DEMAND"}, 50)
    limits = kinesis.describe_limits()
    assert limits["OpenShardCount"] >= 2 and limits["OnDemandStreamCount"] >= 1 and limits["ShardLimit"] >= 1000


def test_the_retention_period_is_changed_and_outlives_a_kill(mortal):
    kinesis = mortal.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    kinesis.increase_stream_retention_period(StreamName="s", RetentionPeriodHours=8760)
    kinesis.decrease_stream_retention_period(StreamARN=stream_arn("s"), RetentionPeriodHours=168)
    mortal.kill()
    mortal.start()
    assert summary(kinesis, "s")["RetentionPeriodHours"] == 168
    refused("InvalidArgumentException", kinesis.increase_stream_retention_period, StreamName="s", RetentionPeriodHours=24)


def test_the_account_has_settings_and_a_caller(server, kinesis):
    assert kinesis.describe_account_settings()["MinimumThroughputBillingCommitment"]["Status"] == "DISABLED"
    answer = kinesis.update_account_settings(MinimumThroughputBillingCommitment={"Status": "ENABLED"})
    assert answer["MinimumThroughputBillingCommitment"]["Status"] == "ENABLED"
    identity = server.client("sts").get_caller_identity()
    assert (identity["Account"], identity["Arn"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")


def test_tags_and_policies_by_arn(kinesis, stream):
    arn = stream_arn(stream)
    kinesis.tag_resource(ResourceARN=arn, Tags={"team": "a", "stage": "b"})
    assert kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "stage", "Value": "b"}, {"Key": "team", "Value": "a"}]
    kinesis.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert kinesis.list_tags_for_stream(StreamName=stream)["Tags"] == [{"Key": "stage", "Value": "b"}]
    assert kinesis.get_resource_policy(ResourceARN=arn)["Policy"] == "{}"
    policy = json.dumps({"Version": "2012-10-17", "Statement": []})
    kinesis.put_resource_policy(ResourceARN=arn, Policy=policy)
    assert kinesis.get_resource_policy(ResourceARN=arn)["Policy"] == policy
    kinesis.delete_resource_policy(ResourceARN=arn)
    refused("ResourceNotFoundException", kinesis.delete_resource_policy, ResourceARN=arn)


def test_arns_are_of_the_callers_region(server, stream):
    paris = boto3.client("kinesis", endpoint_url=server.endpoint, **{**CREDENTIALS, "region_name": "eu-west-3"})
    arn = paris.describe_stream(StreamName=stream)["StreamDescription"]["StreamARN"]
    assert arn == f"arn:aws:kinesis:eu-west-3:{ACCOUNT}:stream/{stream}"
    paris.put_record(StreamARN=arn, PartitionKey="k", Data=b"x")
    consumer = paris.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]
    assert consumer["ConsumerARN"].startswith(arn + "/consumer/c:")
    assert paris.describe_stream_consumer(ConsumerARN=consumer["ConsumerARN"])["ConsumerDescription"]["StreamARN"] == arn


def test_consumers_and_attributes_outlive_a_kill(mortal):
    kinesis = mortal.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    consumer = kinesis.register_stream_consumer(StreamARN=stream_arn("s"), ConsumerName="c", Tags={"a": "b"})["Consumer"]
    kinesis.start_stream_encryption(StreamName="s", EncryptionType="KMS", KeyId="k")
    mortal.kill()
    mortal.start()
    assert summary(kinesis, "s")["ConsumerCount"] == 1 and summary(kinesis, "s")["KeyId"] == "k"
    assert kinesis.list_tags_for_resource(ResourceARN=consumer["ConsumerARN"])["Tags"] == [{"Key": "a", "Value": "b"}]
    listed = kinesis.list_stream_consumers(StreamARN=stream_arn("s"))["Consumers"]
    assert [(one["ConsumerName"], one["ConsumerStatus"]) for one in listed] == [("c", "ACTIVE")]
    refused("ResourceInUseException", kinesis.delete_stream, StreamName="s")
    kinesis.deregister_stream_consumer(ConsumerARN=consumer["ConsumerARN"])
    kinesis.delete_stream(StreamName="s")


def register(kinesis, stream, name="c"):
    return kinesis.register_stream_consumer(StreamARN=stream_arn(stream), ConsumerName=name)["Consumer"]["ConsumerARN"]


def key_of(shard, count=2):
    """An explicit hash key of a shard of a stream of so many."""
    return str(shard * (2**128 // count))


def test_boto3_subscribes_and_gets_records_as_they_are_committed(kinesis, stream):
    consumer = register(kinesis, stream)
    kinesis.put_record(StreamName=stream, PartitionKey="k", ExplicitHashKey=key_of(0), Data=b"before")
    subscription = kinesis.subscribe_to_shard(
        ConsumerARN=consumer, ShardId=SHARD, StartingPosition={"Type": "TRIM_HORIZON"})["EventStream"]
    events = (event["SubscribeToShardEvent"] for event in subscription)
    first = next(events)
    assert [record["Data"] for record in first["Records"]] == [b"before"] and first["MillisBehindLatest"] == 0
    delays = []
    for number in range(50):
        data = str(number).encode()
        sent = time.monotonic()
        put = kinesis.put_record(StreamName=stream, PartitionKey="k", ExplicitHashKey=key_of(0), Data=data)
        event = next(event for event in events if event["Records"])
        delays.append(time.monotonic() - sent)
        assert [(record["Data"], record["SequenceNumber"]) for record in event["Records"]] == [(data, put["SequenceNumber"])]
        assert event["ContinuationSequenceNumber"] == put["SequenceNumber"]
    print(f"put to event: median {sorted(delays)[25] * 1e3:.1f} ms")
    assert sorted(delays)[25] < 0.25
    with pytest.raises(ClientError) as raised:
        kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId=SHARD, StartingPosition={"Type": "LATEST"})
    assert raised.value.response["Error"]["Code"] == "ResourceInUseException"
    kinesis.split_shard(StreamName=stream, ShardToSplit=SHARD, NewStartingHashKey="1000")
    last = next(event for event in events if event.get("ChildShards"))
    assert len(last["ChildShards"]) == 2 and "ContinuationSequenceNumber" not in last
    assert list(events) == []
    subscription.close()


def test_many_records_arrive_whole_and_in_order(kinesis, stream):
    consumer = register(kinesis, stream)
    wanted = [f"{number} ".encode() + bytes(number % 3000) for number in range(4000)]
    for start in range(0, len(wanted), 500):
        kinesis.put_records(StreamName=stream, Records=[
            {"Data": data, "PartitionKey": "k", "ExplicitHashKey": key_of(1)} for data in wanted[start:start + 500]])
    subscription = kinesis.subscribe_to_shard(
        ConsumerARN=consumer, ShardId="shardId-000000000001", StartingPosition={"Type": "TRIM_HORIZON"})["EventStream"]
    found = []
    for event in subscription:
        found += [record["Data"] for record in event["SubscribeToShardEvent"]["Records"]]
        if event["SubscribeToShardEvent"]["MillisBehindLatest"] == 0:
            break
    subscription.close()
    assert found == wanted


def messages(body):
    """The messages of an event stream: (headers, payload)."""
    found = []
    while body:
        total, length, checksum = struct.unpack(">III", body[:12])
        assert zlib.crc32(body[:8]) == checksum and zlib.crc32(body[:total - 4]) == struct.unpack(">I", body[total - 4:total])[0]
        headers, place = {}, 12
        while place < 12 + length:
            name = body[place + 1:place + 1 + body[place]].decode()
            place += 1 + body[place]
            size = struct.unpack(">H", body[place + 1:place + 3])[0]
            headers[name] = body[place + 3:place + 3 + size].decode()
            place += 3 + size
        found.append((headers, body[place:total - 4]))
        body = body[total:]
    return found


@pytest.mark.parametrize("format", ["json", "cbor"])
def test_http_2_and_cbor_carry_the_same_events(server, kinesis, stream, tmp_path, format):
    consumer = register(kinesis, stream)
    kinesis.put_record(StreamName=stream, PartitionKey="k", ExplicitHashKey=key_of(0), Data=b"data")
    # A shard that is closed ends by itself.
    kinesis.split_shard(StreamName=stream, ShardToSplit=SHARD, NewStartingHashKey="1000")
    request = {"ConsumerARN": consumer, "ShardId": SHARD, "StartingPosition": {"Type": "TRIM_HORIZON"}}
    body = json.dumps(request).encode() if format == "json" else encode(request)
    (tmp_path / "request").write_bytes(body)
    result = subprocess.run(
        ["curl", "-s", "-S", "-m", "20", "--http2-prior-knowledge", "-D", tmp_path / "head", "-o", tmp_path / "answer",
         "-H", f"Content-Type: application/x-amz-{format}-1.1", "-H", "X-Amz-Target: Kinesis_20131202.SubscribeToShard",
         "--data-binary", f"@{tmp_path / 'request'}", server.endpoint], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    head = (tmp_path / "head").read_text().lower()
    assert head.startswith("http/2 200") and "content-type: application/vnd.amazon.eventstream" in head
    found = messages((tmp_path / "answer").read_bytes())
    assert [headers[":event-type"] for headers, _ in found] == ["initial-response"] + ["SubscribeToShardEvent"] * (len(found) - 1)
    assert all(headers[":content-type"] == f"application/x-amz-{format}-1.1" for headers, _ in found)
    payload = found[-1][1]
    if format == "json":
        event = json.loads(payload)
        assert base64.b64decode(event["Records"][0]["Data"]) == b"data"
    else:
        assert b"\x44data" in payload and b"ChildShards" in payload


def test_a_subscriber_that_reads_nothing_is_closed_and_harms_nobody(tmp_path):
    server = Server(tmp_path / "data")
    server.variables["MILLRACE_HTTP_STALL_TIMEOUT"] = "1"
    server.start()
    try:
        kinesis = server.client("kinesis")
        kinesis.create_stream(StreamName="s", ShardCount=1)
        stalled = Wire(server)
        consumer = register(kinesis, "s")
        # More than the kernel takes for a peer that does not read.
        for _ in range(24):
            kinesis.put_records(StreamName="s", Records=[{"Data": bytes(1 << 19), "PartitionKey": "k"}] * 8)
        stalled._connect()
        body = json.dumps({"ConsumerARN": consumer, "ShardId": SHARD, "StartingPosition": {"Type": "TRIM_HORIZON"}}).encode()
        stalled.socket.sendall((
            f"POST / HTTP/1.1\r\nHost: {server.address}\r\nContent-Type: application/x-amz-json-1.1\r\n"
            f"X-Amz-Target: Kinesis_20131202.SubscribeToShard\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body)
        watched = kinesis.subscribe_to_shard(
            ConsumerARN=register(kinesis, "s", "d"), ShardId=SHARD, StartingPosition={"Type": "LATEST"})["EventStream"]
        for number in range(5):
            kinesis.put_record(StreamName="s", PartitionKey="k", Data=str(number).encode())
        seen = []
        for event in watched:
            seen += [record["Data"] for record in event["SubscribeToShardEvent"]["Records"]]
            if len(seen) == 5:
                break
        assert seen == [str(number).encode() for number in range(5)]
        watched.close()
        # The server gives up on a peer that takes nothing: what it sent breaks off.
        until(lambda: metric(server, 'millrace_connections_stalled_total{protocol="http"}') == 1)
        taken = 0
        with pytest.raises(ConnectionResetError):
            while piece := stalled.socket.recv(1 << 20):
                taken += len(piece)
        assert taken < 96 << 20
    finally:
        server.close()


def test_a_stopping_server_ends_its_subscriptions(mortal):
    kinesis = mortal.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=1)
    subscription = kinesis.subscribe_to_shard(
        ConsumerARN=register(kinesis, "s"), ShardId=SHARD, StartingPosition={"Type": "LATEST"})["EventStream"]
    ended = threading.Event()
    reader = threading.Thread(target=lambda: (list(subscription), ended.set()), daemon=True)
    reader.start()
    began = time.monotonic()
    assert mortal.stop() == 0
    assert time.monotonic() - began < 5
    assert ended.wait(5), "the subscription was broken off instead of ended"


def test_get_records_may_wait_for_records(tmp_path):
    server = Server(tmp_path / "data", "--get-records-wait", "5000")
    server.start()
    try:
        kinesis = server.client("kinesis")
        kinesis.create_stream(StreamName="s", ShardCount=1)
        iterator = kinesis.get_shard_iterator(StreamName="s", ShardId=SHARD, ShardIteratorType="LATEST")["ShardIterator"]
        put = threading.Timer(0.3, lambda: server.client("kinesis").put_record(StreamName="s", PartitionKey="k", Data=b"x"))
        put.start()
        began = time.monotonic()
        assert [record["Data"] for record in kinesis.get_records(ShardIterator=iterator)["Records"]] == [b"x"]
        assert 0.2 < time.monotonic() - began < 4
    finally:
        server.close()


def test_strict_limits_and_injected_faults(tmp_path):
    server = Server(tmp_path / "data", "--strict-limits", "--inject", "DescribeLimits:LimitExceededException:1")
    server.start()
    try:
        kinesis = server.client("kinesis")
        kinesis.create_stream(StreamName="s", ShardCount=1)
        answer = kinesis.put_records(StreamName="s", Records=[{"Data": bytes(500_000), "PartitionKey": "k"}] * 4)
        assert answer["FailedRecordCount"] == 2
        assert [record.get("ErrorCode") for record in answer["Records"]] == [None, None] + ["ProvisionedThroughputExceededException"] * 2
        refused("LimitExceededException", kinesis.describe_limits)
    finally:
        server.close()
