"""Every operation of Kinesis Data Streams through the aws CLI, and all of them through boto3: none is left out."""

import contextlib
import io
import json

import awscli.clidriver
import boto3

from server import ACCOUNT, CREDENTIALS, Server, raw_blobs, stream_arn, unique, until

# The CLI offers no command for an operation that answers with an event stream.
WITHOUT_COMMAND = {"SubscribeToShard"}
KEY = "alias/aws/kinesis"
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "kinesis:GetRecords", "Resource": "*"}]})


# Those of the model up to botocore 1.43; the queues and channels of later ones are not served.
OPERATIONS = {
    "AddTagsToStream", "CreateStream", "DecreaseStreamRetentionPeriod", "DeleteResourcePolicy", "DeleteStream",
    "DeregisterStreamConsumer", "DescribeAccountSettings", "DescribeLimits", "DescribeStream", "DescribeStreamConsumer",
    "DescribeStreamSummary", "DisableEnhancedMonitoring", "EnableEnhancedMonitoring", "GetRecords", "GetResourcePolicy",
    "GetShardIterator", "IncreaseStreamRetentionPeriod", "ListShards", "ListStreamConsumers", "ListStreams",
    "ListTagsForResource", "ListTagsForStream", "MergeShards", "PutRecord", "PutRecords", "PutResourcePolicy",
    "RegisterStreamConsumer", "RemoveTagsFromStream", "SplitShard", "StartStreamEncryption", "StopStreamEncryption",
    "SubscribeToShard", "TagResource", "UntagResource", "UpdateAccountSettings", "UpdateMaxRecordSize", "UpdateShardCount",
    "UpdateStreamMode", "UpdateStreamWarmThroughput",
}


def operations():
    """What is served, as far as the SDK at hand knows it."""
    return OPERATIONS & set(boto3.client("kinesis", **CREDENTIALS).meta.service_model.operation_names)


class Caller:
    """Calls the CLI's own entry, in this process: to start one for each command takes a second."""

    def __init__(self):
        self.driver = awscli.clidriver.create_clidriver()
        self.called = set()

    def __call__(self, command, *arguments):
        self.called.add(command.title().replace("-", ""))
        printed, complaints = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(complaints):
            status = self.driver.main(["kinesis", command, "--output", "json", *arguments])
        assert status == 0, (command, arguments, printed.getvalue(), complaints.getvalue())
        return json.loads(printed.getvalue() or "{}")


def spelled(name):
    """The model's spelling of an operation that was called by its command."""
    return {operation.lower(): operation for operation in operations()}[name.lower()]


def test_every_operation_has_a_command_that_works(tmp_path, monkeypatch):
    server = Server(tmp_path / "data").start()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    try:
        aws = Caller()
        streams(aws)
        shards(aws)
        consumers(aws)
        settings(aws)
        ends(aws)
        assert {spelled(name) for name in aws.called} == operations() - WITHOUT_COMMAND and len(operations()) == 39
    finally:
        server.close()


def streams(aws):
    aws("create-stream", "--stream-name", "s", "--shard-count", "2", "--tags", "team=data")
    aws("create-stream", "--stream-name", "demand", "--stream-mode-details", "StreamMode=ON_DEMAND")
    assert aws("list-streams")["StreamNames"] == ["demand", "s"]
    assert len(aws("describe-stream", "--stream-name", "s")["StreamDescription"]["Shards"]) == 2
    assert aws("describe-stream-summary", "--stream-name", "s")["StreamDescriptionSummary"]["OpenShardCount"] == 2
    put = aws("put-record", "--stream-name", "s", "--partition-key", "k", "--data", "one", "--explicit-hash-key", "0", *raw_blobs())
    records = json.dumps([{"Data": "dHdv", "PartitionKey": "k", "ExplicitHashKey": "0"}])
    assert aws("put-records", "--stream-name", "s", "--records", records)["FailedRecordCount"] in (0, None)
    iterator = aws(
        "get-shard-iterator", "--stream-name", "s", "--shard-id", put["ShardId"], "--shard-iterator-type", "TRIM_HORIZON")
    assert len(aws("get-records", "--shard-iterator", iterator["ShardIterator"])["Records"]) == 2


def shards(aws):
    assert len(aws("list-shards", "--stream-name", "s")["Shards"]) == 2
    aws("split-shard", "--stream-name", "s", "--shard-to-split", "shardId-000000000000", "--new-starting-hash-key", str(2**126))
    aws(
        "merge-shards", "--stream-name", "s", "--shard-to-merge", "shardId-000000000002", "--adjacent-shard-to-merge",
        "shardId-000000000003")
    answer = aws("update-shard-count", "--stream-name", "s", "--target-shard-count", "4", "--scaling-type", "UNIFORM_SCALING")
    assert (answer["CurrentShardCount"], answer["TargetShardCount"]) == (2, 4)
    until(
        lambda: aws("describe-stream-summary", "--stream-name", "s")["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE",
        what="ACTIVE")


def consumers(aws):
    arn = stream_arn("s")
    aws("register-stream-consumer", "--stream-arn", arn, "--consumer-name", "c")
    found = aws("describe-stream-consumer", "--stream-arn", arn, "--consumer-name", "c")["ConsumerDescription"]
    assert [consumer["ConsumerName"] for consumer in aws("list-stream-consumers", "--stream-arn", arn)["Consumers"]] == ["c"]
    aws("tag-resource", "--resource-arn", found["ConsumerARN"], "--tags", "a=b")
    assert aws("list-tags-for-resource", "--resource-arn", found["ConsumerARN"])["Tags"] == [{"Key": "a", "Value": "b"}]
    aws("untag-resource", "--resource-arn", found["ConsumerARN"], "--tag-keys", "a")
    aws("deregister-stream-consumer", "--consumer-arn", found["ConsumerARN"])


def settings(aws):
    arn = stream_arn("s")
    aws("increase-stream-retention-period", "--stream-name", "s", "--retention-period-hours", "48")
    aws("decrease-stream-retention-period", "--stream-name", "s", "--retention-period-hours", "24")
    aws("add-tags-to-stream", "--stream-name", "s", "--tags", "x=y")
    assert {tag["Key"] for tag in aws("list-tags-for-stream", "--stream-name", "s")["Tags"]} == {"team", "x"}
    aws("remove-tags-from-stream", "--stream-name", "s", "--tag-keys", "x")
    aws("start-stream-encryption", "--stream-name", "s", "--encryption-type", "KMS", "--key-id", KEY)
    aws("stop-stream-encryption", "--stream-name", "s", "--encryption-type", "KMS", "--key-id", KEY)
    assert aws("enable-enhanced-monitoring", "--stream-name", "s", "--shard-level-metrics", "ALL")["DesiredShardLevelMetrics"]
    assert aws("disable-enhanced-monitoring", "--stream-name", "s", "--shard-level-metrics", "ALL")["CurrentShardLevelMetrics"]
    aws("update-max-record-size", "--stream-arn", arn, "--max-record-size-in-ki-b", "2048")
    aws("update-stream-mode", "--stream-arn", stream_arn("s"), "--stream-mode-details", "StreamMode=ON_DEMAND")
    assert aws("update-stream-warm-throughput", "--stream-name", "demand", "--warm-throughput-mi-bps", "4")["WarmThroughput"]
    aws("put-resource-policy", "--resource-arn", arn, "--policy", POLICY)
    assert json.loads(aws("get-resource-policy", "--resource-arn", arn)["Policy"]) == json.loads(POLICY)
    aws("delete-resource-policy", "--resource-arn", arn)
    assert aws("describe-limits")["OpenShardCount"] >= 8
    assert "MinimumThroughputBillingCommitment" in aws("describe-account-settings")
    aws("update-account-settings", "--minimum-throughput-billing-commitment", "Status=ENABLED")


def ends(aws):
    aws("delete-stream", "--stream-name", "s")
    aws("delete-stream", "--stream-name", "demand", "--enforce-consumer-deletion")
    assert aws("list-streams")["StreamNames"] == []


def test_every_operation_is_called_through_boto3(tmp_path):
    """The same through boto3, with the one that the CLI has no command for."""
    server = Server(tmp_path / "data").start()
    try:
        kinesis, called = server.client("kinesis"), set()
        kinesis.meta.events.register("before-call.kinesis.*", lambda model, **_: called.add(model.name))
        arn, ARN = stream_arn("s"), {"StreamARN": stream_arn("s")}
        name = {"StreamName": "s"}
        kinesis.create_stream(**name, ShardCount=1)
        number = kinesis.put_record(**name, PartitionKey="k", Data=b"1")["SequenceNumber"]
        kinesis.put_records(**ARN, Records=[{"PartitionKey": "k", "Data": b"2"}])
        iterator = kinesis.get_shard_iterator(
            **ARN, ShardId="0", ShardIteratorType="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=number)["ShardIterator"]
        assert [record["Data"] for record in kinesis.get_records(ShardIterator=iterator, **ARN)["Records"]] == [b"2"]
        consumer = kinesis.register_stream_consumer(**ARN, ConsumerName="c")["Consumer"]["ConsumerARN"]
        events = kinesis.subscribe_to_shard(ConsumerARN=consumer, ShardId="0", StartingPosition={"Type": "TRIM_HORIZON"})["EventStream"]
        assert len(next(iter(events))["SubscribeToShardEvent"]["Records"]) == 2
        events.close()
        kinesis.describe_stream_consumer(ConsumerARN=consumer)
        assert len(kinesis.list_stream_consumers(**ARN)["Consumers"]) == 1
        kinesis.tag_resource(ResourceARN=arn, Tags={"a": "b"})
        assert kinesis.list_tags_for_resource(ResourceARN=arn)["Tags"] == kinesis.list_tags_for_stream(**name)["Tags"]
        kinesis.untag_resource(ResourceARN=arn, TagKeys=["a"])
        kinesis.add_tags_to_stream(**ARN, Tags={"a": "b"})
        kinesis.remove_tags_from_stream(**ARN, TagKeys=["a"])
        kinesis.deregister_stream_consumer(ConsumerARN=consumer)
        kinesis.split_shard(**ARN, ShardToSplit="0", NewStartingHashKey=str(2**127))
        kinesis.merge_shards(**name, ShardToMerge="1", AdjacentShardToMerge="2")
        kinesis.update_shard_count(**ARN, TargetShardCount=2, ScalingType="UNIFORM_SCALING")
        assert len(kinesis.list_shards(**ARN)["Shards"]) == 6
        for change in ("increase", "decrease"):
            getattr(kinesis, f"{change}_stream_retention_period")(**name, RetentionPeriodHours=48 if change == "increase" else 24)
        for change in ("start", "stop"):
            getattr(kinesis, f"{change}_stream_encryption")(**ARN, EncryptionType="KMS", KeyId=KEY)
        kinesis.enable_enhanced_monitoring(**ARN, ShardLevelMetrics=["ALL"])
        kinesis.disable_enhanced_monitoring(**name, ShardLevelMetrics=["ALL"])
        kinesis.update_max_record_size(**ARN, MaxRecordSizeInKiB=1024)
        kinesis.update_stream_mode(**ARN, StreamModeDetails={"StreamMode": "ON_DEMAND"})
        kinesis.update_stream_warm_throughput(**ARN, WarmThroughputMiBps=2)
        kinesis.put_resource_policy(ResourceARN=arn, Policy=POLICY)
        kinesis.get_resource_policy(ResourceARN=arn)
        kinesis.delete_resource_policy(ResourceARN=arn)
        kinesis.describe_stream(**ARN)
        kinesis.describe_stream_summary(**ARN)
        kinesis.describe_limits()
        kinesis.describe_account_settings()
        kinesis.update_account_settings(MinimumThroughputBillingCommitment={"Status": "DISABLED"})
        kinesis.list_streams()
        kinesis.delete_stream(**ARN)
        assert called == operations()
    finally:
        server.close()
