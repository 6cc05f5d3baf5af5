"""The Kinesis API through boto3, as a user's own script would call it."""

import base64
import datetime
import hashlib
import json
import subprocess
import threading
import urllib.request

import pytest
from botocore.exceptions import ClientError

from server import BINARY, Server, raw_blobs, read_all, stream_arn, unique, until


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


def tags_of(kinesis, stream):
    return {tag["Key"]: tag["Value"] for tag in kinesis.list_tags_for_stream(StreamName=stream)["Tags"]}


def test_tags_are_added_replaced_listed_in_pages_and_removed(kinesis, stream):
    assert tags_of(kinesis, stream) == {}
    kinesis.add_tags_to_stream(StreamName=stream, Tags={f"key-{n:02d}": "old" for n in range(45)})
    kinesis.add_tags_to_stream(StreamName=stream, Tags={"key-03": "new", "größe": "", "a b": "c/d=e+f @ g:h"})
    tags = tags_of(kinesis, stream)
    assert len(tags) == 47 and tags["key-03"] == "new" and tags["key-04"] == "old"
    assert tags["größe"] == "" and tags["a b"] == "c/d=e+f @ g:h"
    keys, more = [], {}
    while True:
        page = kinesis.list_tags_for_stream(StreamName=stream, Limit=20, **more)
        keys += [tag["Key"] for tag in page["Tags"]]
        if not page["HasMoreTags"]:
            break
        assert len(page["Tags"]) == 20
        more = {"ExclusiveStartTagKey": keys[-1]}
    assert len(keys) == 47 and set(keys) == set(tags)
    message = refused("InvalidArgumentException", kinesis.add_tags_to_stream, StreamName=stream, Tags={f"more-{n}": "" for n in range(4)})
    assert "more than 50 tags" in message
    assert len(tags_of(kinesis, stream)) == 47
    refused("InvalidArgumentException", kinesis.add_tags_to_stream, StreamName=stream, Tags={"a;b": "c"})
    refused("ResourceNotFoundException", kinesis.add_tags_to_stream, StreamName="absent", Tags={"a": "b"})
    kinesis.remove_tags_from_stream(StreamName=stream, TagKeys=[f"key-{n:02d}" for n in range(45)] + ["absent"])
    assert tags_of(kinesis, stream) == {"größe": "", "a b": "c/d=e+f @ g:h"}


def test_a_stream_is_compressed_as_its_tags_say(tmp_path):
    """On a server of its own, whose figures no other test changes."""
    server = Server(tmp_path / "data").start()
    try:
        kinesis = server.client("kinesis")
        kept = {}
        for name, tags in [("plain", {"team": "a"}), ("zstd", {"millrace:compression": "zstd"}), ("lz4", {"millrace:compression": "lz4"})]:
            kinesis.create_stream(StreamName=name, ShardCount=2, Tags=tags)
            assert tags_of(kinesis, name) == tags
            before = server_bytes(server)
            records = [{"Data": f"{n} ".encode() * 2_000, "PartitionKey": f"k{n}"} for n in range(400)]
            assert kinesis.put_records(StreamName=name, Records=records)["FailedRecordCount"] == 0
            kinesis.put_record(StreamName=name, PartitionKey="small", Data=b"x")
            kept[name] = server_bytes(server) - before
            expected = sorted([record["Data"] for record in records] + [b"x"])
            assert sorted(item["Data"] for items in read_all(kinesis, name).values() for item in items) == expected
        assert kept["plain"] > 2_500_000
        assert kept["zstd"] < kept["plain"] / 10 and kept["lz4"] < kept["plain"] / 10, kept

        # A changed tag holds from the next put on; what is there stays readable, also after a kill.
        kinesis.add_tags_to_stream(StreamName="plain", Tags={"millrace:compression": "zstd"})
        before = server_bytes(server)
        kinesis.put_record(StreamName="plain", PartitionKey="late", Data=b"late " * 100_000)
        assert server_bytes(server) - before < 50_000
        kinesis.remove_tags_from_stream(StreamName="plain", TagKeys=["millrace:compression"])
        before = server_bytes(server)
        kinesis.put_record(StreamName="plain", PartitionKey="last", Data=b"last " * 100_000)
        assert server_bytes(server) - before > 400_000
        kinesis.add_tags_to_stream(StreamName="plain", Tags={"millrace:compression": "lz4"})
        server.kill()
        server.start()
        for name in ["plain", "zstd", "lz4"]:
            found = [item["Data"] for items in read_all(kinesis, name).values() for item in items]
            assert len(found) == (403 if name == "plain" else 401)
            assert b"399 " * 2_000 in found
        assert tags_of(kinesis, "plain") == {"team": "a", "millrace:compression": "lz4"}
        before = server_bytes(server)
        kinesis.put_record(StreamName="plain", PartitionKey="later", Data=b"later " * 100_000)
        assert server_bytes(server) - before < 50_000
    finally:
        server.close()


def server_bytes(server):
    """Bytes of acknowledged records: those that no segment holds yet, and the segments."""
    wanted = ("millrace_unflushed_bytes", 'millrace_storage_bytes{kind="segment"}')
    with urllib.request.urlopen(server.endpoint + "/metrics", timeout=10) as answer:
        values = [float(line.rsplit(" ", 1)[1]) for line in answer.read().decode().splitlines() if line.rsplit(" ", 1)[0] in wanted]
    assert len(values) == 2, values
    return sum(values)


@pytest.mark.parametrize("tag, value, rule", [
    ("millrace:compression", "gzip", "must be none, zstd or lz4"),
    ("millrace:compression", "", "must be none, zstd or lz4"),
    ("millrace:retention-bytes", "1 GB", "must be a whole number of bytes"),
    ("millrace:retention-bytes", "0", "must be a whole number of bytes"),
    ("millrace:retention-bytes", "-5", "must be a whole number of bytes"),
])
def test_a_setting_that_is_none_is_refused_by_tag_value_and_rule(kinesis, stream, tag, value, rule):
    name = unique("wrong")
    for call, arguments in [
        (kinesis.create_stream, {"StreamName": name, "ShardCount": 1}),
        (kinesis.add_tags_to_stream, {"StreamName": stream}),
    ]:
        message = refused("InvalidArgumentException", call, Tags={tag: value, "team": "a"}, **arguments)
        assert tag in message and f"'{value}'" in message and rule in message
    refused("ResourceNotFoundException", kinesis.describe_stream, StreamName=name)
    assert tags_of(kinesis, stream) == {}


def test_the_command_line_sets_and_shows_what_a_stream_keeps(server, kinesis, tmp_path):
    name = unique("settings")
    server.millrace("stream", "create", name, "--compression", "zstd", "--retention-bytes", "1000000000")
    assert tags_of(kinesis, name) == {"millrace:compression": "zstd", "millrace:retention-bytes": "1000000000"}
    shown = server.millrace("stream", "describe", name).stdout.splitlines()[0]
    assert "retention 24 h or 1000000000 bytes" in shown and "compression zstd" in shown
    described = json.loads(server.millrace("stream", "describe", name, "--output", "json").stdout)
    assert described["Tags"]["millrace:compression"] == "zstd"
    row = next(item for item in json.loads(server.millrace("stream", "ls", "--output", "json").stdout) if item["StreamName"] == name)
    assert row["Compression"] == "zstd" and row["RetentionBytes"] == 1_000_000_000
    server.millrace("put", name, input="one\ntwo\n")
    assert server.millrace("tail", name, "--from", "start", "--limit", "2", "--format", "data").stdout.split() == ["one", "two"]

    definition = tmp_path / "stream.json"
    other = unique("settings")
    definition.write_text(json.dumps({"StreamName": other, "ShardCount": 1, "Tags": {"team": "a", "millrace:compression": "zstd"}}))
    server.millrace("stream", "create", "--definition", str(definition), "--compression", "lz4")
    assert tags_of(kinesis, other) == {"team": "a", "millrace:compression": "lz4"}
    plain = unique("settings")
    server.millrace("stream", "create", plain)
    assert tags_of(kinesis, plain) == {}
    for wrong in [("--compression", "gzip"), ("--retention-bytes", "0"), ("--retention-bytes", "many")]:
        assert server.millrace("stream", "create", unique("wrong"), *wrong, check=False).returncode == 64


def follow(kinesis, stream):
    """All records in the order of a reader who reads parents to their end before children: [(shard, record)]."""
    parents = {shard["ShardId"]: {shard.get("ParentShardId"), shard.get("AdjacentParentShardId")} - {None}
               for shard in kinesis.list_shards(StreamName=stream)["Shards"]}
    waiting, found = dict(parents), []
    while waiting:
        shard = next(shard for shard, above in waiting.items() if not above & set(waiting))
        del waiting[shard]
        iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
        while iterator:
            answer = kinesis.get_records(ShardIterator=iterator)
            found += [(shard, record) for record in answer["Records"]]
            iterator = answer.get("NextShardIterator")
            if iterator and answer["MillisBehindLatest"] == 0:
                break
    return found


def test_shards_split_and_merge_under_puts_and_nothing_fails_or_changes_its_order(server, kinesis):
    stream = unique("reshaped")
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    done, put, failures = threading.Event(), {}, []

    def write(key):
        # Each key is put by one thread, one after the other.
        client, number = server.client("kinesis"), 0
        while not done.is_set():
            try:
                answer = client.put_records(StreamName=stream, Records=[
                    {"PartitionKey": key, "Data": f"{number + offset}".encode()} for offset in range(5)])
                assert answer["FailedRecordCount"] == 0, answer
            except Exception as error:
                failures.append(error)
                return
            number += 5
            put[key] = number

    threads = [threading.Thread(target=write, args=[f"key-{number}"]) for number in range(6)]
    for thread in threads:
        thread.start()
    tail = subprocess.Popen(
        [BINARY, "tail", stream, "--from", "start", "--output", "ndjson"], env=server.environment, stdout=subprocess.PIPE, text=True)
    until(lambda: len(put) == 6, what="the first puts")
    for step in range(12):
        shards = [shard for shard in kinesis.list_shards(StreamName=stream, ShardFilter={"Type": "AT_LATEST"})["Shards"]]
        shards.sort(key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))
        if step % 3 == 2:
            kinesis.merge_shards(StreamName=stream, ShardToMerge=shards[0]["ShardId"], AdjacentShardToMerge=shards[1]["ShardId"])
        else:
            chosen = shards[step % len(shards)]["HashKeyRange"]
            middle = (int(chosen["StartingHashKey"]) + int(chosen["EndingHashKey"])) // 2
            kinesis.split_shard(
                StreamName=stream, ShardToSplit=shards[step % len(shards)]["ShardId"], NewStartingHashKey=str(middle))
        reached = dict(put)
        until(lambda: failures or all(put[key] > reached[key] for key in put), what="puts after each change")
    done.set()
    for thread in threads:
        thread.join()
    assert not failures, failures
    expected = {key: [str(number) for number in range(count)] for key, count in put.items()}

    seen = {}
    for _, record in follow(kinesis, stream):
        seen.setdefault(record["PartitionKey"], []).append(record["Data"].decode())
    assert seen == expected
    numbers = [int(record["SequenceNumber"]) for _, record in follow(kinesis, stream) if record["PartitionKey"] == "key-0"]
    assert numbers == sorted(numbers)

    tailed = {}
    for _ in range(sum(put.values())):
        line = json.loads(tail.stdout.readline())
        tailed.setdefault(line["PartitionKey"], []).append(line["Data"])
    tail.kill()
    tail.wait()
    tail.stdout.close()
    assert tailed == expected
    open_ranges = sorted(
        (int(shard["HashKeyRange"]["StartingHashKey"]), int(shard["HashKeyRange"]["EndingHashKey"]))
        for shard in kinesis.list_shards(StreamName=stream, ShardFilter={"Type": "AT_LATEST"})["Shards"])
    assert open_ranges[0][0] == 0 and open_ranges[-1][1] == 2**128 - 1
    assert all(end + 1 == start for (_, end), (start, _) in zip(open_ranges, open_ranges[1:]))


def test_the_command_line_splits_and_merges(server, kinesis):
    stream = unique("by-hand")
    server.millrace("stream", "create", stream)
    server.millrace("stream", "split", stream, "shardId-000000000000")
    server.millrace("stream", "merge", stream, "shardId-000000000001", "shardId-000000000002")
    described = server.millrace("stream", "describe", stream).stdout.splitlines()
    assert [line.split()[0] for line in described[2:]] == [f"shardId-{number:012d}" for number in range(4)]
    assert [line.split()[-1] for line in described[2:]] == ["closed", "closed", "closed", "open"]
    again = server.millrace("stream", "split", stream, "shardId-000000000000", "--at", "5", check=False)
    assert again.returncode == 1 and "already been merged or split" in again.stderr
    assert server.millrace("stream", "split", stream, "shardId-000000000009", check=False).returncode == 3
    server.millrace("stream", "split", stream, "3")


def test_tail_goes_on_past_a_shard_that_was_closed_before_it_began(server, kinesis):
    stream = unique("past")
    server.millrace("stream", "create", stream)
    numbers = []
    for round in range(4):
        for number in range(3):
            answer = kinesis.put_record(StreamName=stream, PartitionKey="k", Data=f"{round}.{number}".encode())
            numbers.append(answer["SequenceNumber"])
        server.millrace("stream", "split", stream, answer["ShardId"])
    expected = [f"{round}.{number}" for round in range(4) for number in range(3)]
    for first in [0, 2, 5]:
        tail = server.millrace(
            "tail", stream, "--from", numbers[first], "--format", "data", "--limit", str(len(expected) - first)).stdout
        assert tail.split() == expected[first:]
    assert server.millrace("tail", stream, "--from", "start", "--format", "data", "--limit", "12").stdout.split() == expected
    assert server.millrace("tail", stream, "--from", "1h", "--format", "data", "--limit", "12").stdout.split() == expected
