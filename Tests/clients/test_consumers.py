"""Named consumers: several processes share a stream, each record is done with once, whoever pauses too long is refused.

    Tests/run clients -k consumers -s                                        20 takeovers, 100 steps
    MILLRACE_TAKEOVERS=500 Tests/run clients -k takeover -s                  500 takeovers
    MILLRACE_SEED=N MILLRACE_STEPS=1000 Tests/run clients -k histories -s    the choices of one run again, and more of them

The members (member.py) copy what they read into another stream, each record in one commit with the checkpoint that covers it: so that stream holds
each record once, in the order of its key, or a fence has failed.
"""

import base64
import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from member import Caller, Refused
from server import BINARY, Server, read_all, unique, until

TAKEOVERS = int(os.environ.get("MILLRACE_TAKEOVERS", "20"))
STEPS = int(os.environ.get("MILLRACE_STEPS", "100"))
SEED = int(os.environ.get("MILLRACE_SEED", random.randrange(1 << 32)))
PROGRAM = Path(__file__).with_name("member.py")


class Process:
    """A member in a process of its own, and what it says."""

    def __init__(self, server, stream, consumer, name, lease, output, work=0.0):
        self.name = name
        self.process = subprocess.Popen(
            [sys.executable, PROGRAM, server.endpoint, stream, consumer, name, str(lease), output, str(work)],
            stdout=subprocess.PIPE, text=True)
        self.lines = queue.SimpleQueue()
        self.counts = {}
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            words = line.split()
            self.counts[words[0]] = self.counts.get(words[0], 0) + 1
            self.lines.put((time.monotonic(), words))
        self.lines.put((time.monotonic(), ["ended"]))

    def expect(self, *wanted, timeout=20):
        """The next line that begins with one of the words, and when it came."""
        deadline = time.monotonic() + timeout
        while True:
            at, words = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
            assert words[0] != "ended", f"{self.name} ended"
            if words[0] in wanted:
                return at, words

    def forget(self):
        while not self.lines.empty():
            self.lines.get()

    def signal(self, number):
        self.process.send_signal(number)

    def close(self):
        self.process.kill()
        self.process.wait()


class Numbers:
    """Records with a key and a number that rises with each of the key."""

    def __init__(self, kinesis, stream, keys=8):
        self.kinesis, self.stream, self.keys = kinesis, stream, keys
        self.last = dict.fromkeys(range(keys), 0)

    def put(self, count, choose=random):
        records, numbers = [], []
        for _ in range(count):
            key = choose.randrange(self.keys)
            self.last[key] += 1
            numbers.append(key)
            records.append({"PartitionKey": f"k{key}", "Data": f"{key}:{self.last[key]}".encode()})
        answer = self.kinesis.put_records(StreamName=self.stream, Records=records)
        assert answer["FailedRecordCount"] == 0


def copies(kinesis, output):
    """The numbers of each key in the order in which they stand in the stream of one shard that the members write."""
    found = {}
    for shard in read_all(kinesis, output).values():
        for record in shard:
            key, number = map(int, record["Data"].split(b":"))
            found.setdefault(key, []).append(number)
    return found


def check(kinesis, output, last):
    for key, numbers in copies(kinesis, output).items():
        assert numbers == list(range(1, last[key] + 1)), f"key {key}: {numbers[:20]}... of {last[key]}"
    assert {key for key, number in last.items() if number} == copies(kinesis, output).keys()


def is_done(server, stream, consumer):
    try:
        shards = Caller(server.endpoint).own("DescribeNamedConsumer", StreamName=stream, ConsumerName=consumer)["Consumer"]["Shards"]
    except (OSError, Refused):
        return False
    return all(shard["LagRecords"] == 0 for shard in shards)


def test_takeovers_of_stopped_members(server, kinesis):
    """One of two members is stopped with work in its hands; the other has its shards within the lease and a second; what the stopped one does
    when it wakes is refused."""
    stream, output, lease = unique("takeovers"), unique("copies"), 1000
    kinesis.create_stream(StreamName=stream, ShardCount=2)
    kinesis.create_stream(StreamName=output, ShardCount=1)
    numbers = Numbers(kinesis, stream)
    stop = threading.Event()

    def produce():
        while not stop.wait(0.02):
            numbers.put(4)

    members = [Process(server, stream, "c", f"m{i}", lease, output, 0.1) for i in range(2)]
    producer = threading.Thread(target=produce)
    producer.start()
    waits = []
    try:
        for member in members:
            member.expect("kept")
        for round in range(TAKEOVERS):
            stopped, other = members if round % 2 else members[::-1]
            # Both have a shard, and the one to be stopped works on records that it has not checkpointed.
            until(lambda: all(shard.get("Owner") for shard in describe(server, stream)) and len(owners(server, stream)) == 2,
                  what="both members hold a shard")
            stopped.forget()
            other.forget()
            _, (_, shard, epoch, _) = stopped.expect("took")
            stopped.signal(signal.SIGSTOP)
            began = time.monotonic()
            while True:
                at, words = other.expect("took", timeout=lease / 1000 + 10)
                if words[1] == shard:
                    break
            waits.append(at - began)
            stopped.forget()
            stopped.signal(signal.SIGCONT)
            _, words = stopped.expect("lost", "kept")
            assert words[:2] == ["lost", shard], f"round {round}: a stopped member was taken at its word: {words}"
    finally:
        stop.set()
        producer.join()
        for member in members:
            if member.process.poll() is None:
                member.signal(signal.SIGCONT)
    until(lambda: is_done(server, stream, "c"), what="the members catch up")
    for member in members:
        member.close()
    check(kinesis, output, numbers.last)
    waits.sort()
    print(f"\n{len(waits)} takeovers: median {waits[len(waits) // 2]:.2f} s, longest {waits[-1]:.2f} s; lease {lease / 1000} s; "
          f"{sum(numbers.last.values())} records, each once")
    # What the other has in its hands is done first.
    assert waits[-1] <= lease / 1000 + 1


def describe(server, stream):
    return Caller(server.endpoint).own("DescribeNamedConsumer", StreamName=stream, ConsumerName="c")["Consumer"]["Shards"]


def owners(server, stream):
    return {shard["Owner"] for shard in describe(server, stream) if shard.get("Owner")}


class History:
    """Random steps on a stream and its members."""

    def __init__(self, tmp_path, seed):
        self.random = random.Random(seed)
        self.server = Server(tmp_path / "data")
        self.server.start()
        self.kinesis = self.server.client("kinesis", retries=8)
        self.kinesis.create_stream(StreamName="in", ShardCount=2)
        self.kinesis.create_stream(StreamName="out", ShardCount=1)
        self.numbers = Numbers(self.kinesis, "in")
        self.members, self.born, self.kills = [], 0, 0

    def step(self):
        choice = self.random.choice(["put"] * 6 + ["join", "leave", "kill", "pause", "split", "merge", "crash"])
        getattr(self, choice)()
        time.sleep(self.random.random() * 0.1)

    def put(self):
        self.numbers.put(self.random.randrange(1, 200), self.random)

    def join(self):
        if len(self.members) < 4:
            self.born += 1
            self.members.append(Process(self.server, "in", "c", f"m{self.born}", 1000, "out"))

    def leave(self):
        if self.members:
            member = self.members.pop(self.random.randrange(len(self.members)))
            member.close()
            try:
                Caller(self.server.endpoint).own("LeaveConsumer", StreamName="in", ConsumerName="c", MemberName=member.name)
            except Refused as refused:
                assert refused.name == "ResourceNotFoundException", refused

    def kill(self):
        if self.members:
            self.members.pop(self.random.randrange(len(self.members))).close()

    def pause(self):
        if self.members:
            member = self.random.choice(self.members)
            member.signal(signal.SIGSTOP)
            threading.Timer(self.random.random() * 2, member.signal, [signal.SIGCONT]).start()

    def open_shards(self):
        shards = self.kinesis.list_shards(StreamName="in", ShardFilter={"Type": "AT_LATEST"})["Shards"]
        return sorted(shards, key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))

    def split(self):
        shards = self.open_shards()
        if len(shards) < 6:
            shard = self.random.choice(shards)
            start, end = (int(shard["HashKeyRange"][name]) for name in ("StartingHashKey", "EndingHashKey"))
            self.kinesis.split_shard(
                StreamName="in", ShardToSplit=shard["ShardId"], NewStartingHashKey=str(start + (end - start) // 2 + 1))

    def merge(self):
        shards = self.open_shards()
        if len(shards) > 1:
            place = self.random.randrange(len(shards) - 1)
            self.kinesis.merge_shards(
                StreamName="in", ShardToMerge=shards[place]["ShardId"], AdjacentShardToMerge=shards[place + 1]["ShardId"])

    def crash(self):
        self.kills += 1
        self.server.kill()
        self.server.start()

    def finish(self):
        self.born += 1
        self.members.append(Process(self.server, "in", "c", f"m{self.born}", 1000, "out"))
        until(lambda: is_done(self.server, "in", "c"), timeout=60, what="the members catch up")

    def close(self):
        for member in self.members:
            member.close()
        self.server.close()


def test_histories_of_members_and_shards(tmp_path):
    history = History(tmp_path, SEED)
    print(f"\nMILLRACE_SEED={SEED} MILLRACE_STEPS={STEPS} Tests/run clients -k histories -s")
    try:
        for _ in range(STEPS):
            history.step()
        history.finish()
        check(history.kinesis, "out", history.numbers.last)
        shards = len(history.kinesis.list_shards(StreamName="in")["Shards"])
        print(f"{STEPS} steps, {history.kills} kills, {history.born} members, {shards} shards, {sum(history.numbers.last.values())} records, each once")
    finally:
        history.close()


def test_tail_shares_and_goes_on(server, kinesis, tmp_path):
    """`millrace tail --consumer` in two processes; a third goes on where they were."""
    stream = unique("tails")
    kinesis.create_stream(StreamName=stream, ShardCount=4)
    Numbers(kinesis, stream, 100).put(400)
    files = [open(tmp_path / f"{i}", "w+") for i in range(2)]
    command = [BINARY, "tail", stream, "--consumer", "c", "--from", "start", "--format", "data", "--lease", "2"]
    tails = [subprocess.Popen(command, stdout=file, env=server.environment) for file in files]
    try:
        until(lambda: len(json.loads(server.millrace("consumer", "ls", stream, "--output", "json").stdout)) == 1)
        until(lambda: len(owners(server, stream)) == 2, what="both processes hold shards")
        Numbers(kinesis, stream, 100).put(400)
        until(lambda: is_done(server, stream, "c"))
    finally:
        for tail in tails:
            tail.terminate()
        statuses = [tail.wait(20) for tail in tails]
    assert statuses == [130, 130]
    lines = []
    for file in files:
        file.seek(0)
        lines.append(file.read().split())
        file.close()
    assert len(lines[0]) + len(lines[1]) == 800
    assert lines[0] and lines[1]
    Numbers(kinesis, stream, 100).put(7)
    # Those before have left: nobody has to wait for their leases.
    third = server.millrace("tail", stream, "--consumer", "c", "--limit", "7", "--format", "data", timeout=10)
    assert len(third.stdout.split()) == 7
    assert is_done(server, stream, "c")


def test_commands(server, kinesis):
    stream = unique("commands")
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    Numbers(kinesis, stream).put(10)
    server.millrace("tail", stream, "--consumer", "c", "--from", "start", "--limit", "4")
    Caller(server.endpoint).own("RenewLeases", StreamName=stream, ConsumerName="c", MemberName="stuck")
    listed = json.loads(server.millrace("consumer", "ls", "--output", "json").stdout)
    assert [(row["lagRecords"], row["members"]) for row in listed if row["stream"] == stream] == [(6, 1)]
    [shard] = json.loads(server.millrace("consumer", "lag", stream, "c", "--output", "json").stdout)
    assert (shard["owner"], shard["lagRecords"], shard["state"]) == ("stuck", 6, "held")
    assert shard["stuckSince"]
    assert server.millrace("consumer", "rm", stream, "c", check=False).returncode == 4
    server.millrace("consumer", "kick", stream, "c", "stuck")
    assert server.millrace("consumer", "kick", stream, "c", "stuck", check=False).returncode == 3
    [move] = json.loads(server.millrace("consumer", "reset", stream, "c", "--to", "start", "--dry-run", "--output", "json").stdout)
    assert move["skippedRecords"] == -4
    again = server.millrace("tail", stream, "--consumer", "c", "--limit", "1", "--output", "ndjson")
    assert json.loads(again.stdout)["Data"].split(":")[1]
    server.millrace("consumer", "reset", stream, "c", "--to", "latest")
    [shard] = json.loads(server.millrace("consumer", "lag", stream, "c", "--output", "json").stdout)
    assert shard["lagRecords"] == 0
    server.millrace("consumer", "rm", stream, "c")
    missing = server.millrace("consumer", "lag", stream, "c", check=False)
    assert missing.returncode == 3 and "Consumer c not found" in missing.stderr


WHO = {"ConsumerName": "c", "MemberName": "m"}
REFUSALS = [
    ("RenewLeases", {}, "ValidationException", "streamName"),
    ("RenewLeases", {**WHO, "MemberName": "a/b"}, "ValidationException", "memberName"),
    ("RenewLeases", {**WHO, "LeaseDurationMilliseconds": 10}, "ValidationException", "leaseDurationMilliseconds"),
    ("RenewLeases", {**WHO, "StreamName": "nobody"}, "ResourceNotFoundException", "nobody"),
    ("RenewLeases", {**WHO, "ConsumerName": "new", "StartingPosition": {"Type": "AT_TIMESTAMP"}}, "InvalidArgumentException", "Timestamp"),
    ("RenewLeases", {**WHO, "ConsumerName": "new", "StartingPosition": {"Type": "NOW"}}, "ValidationException", "startingPosition.type"),
    ("CheckpointLeases", {**WHO}, "ValidationException", "checkpoints"),
    ("CheckpointLeases", {**WHO, "Checkpoints": []}, "ValidationException", "checkpoints"),
    ("CheckpointLeases", {**WHO, "Checkpoints": [{"ShardId": "shardId-0", "Epoch": 1}]}, "InvalidArgumentException", "SequenceNumber"),
    ("CheckpointLeases", {**WHO, "Checkpoints": [{"ShardId": "shardId-0", "Epoch": 0, "ShardEnd": True}]}, "InvalidArgumentException", "Epoch"),
    ("CheckpointLeases", {**WHO, "Checkpoints": [{"ShardId": "shardId-0", "Epoch": 1, "ShardEnd": True}]}, "InvalidArgumentException", "open"),
    ("CheckpointLeases", {**WHO, "Checkpoints": [{"ShardId": "shardId-0", "Epoch": 1, "SequenceNumber": "1" * 129}]}, "InvalidArgumentException", ""),
    ("CheckpointLeases", {**WHO, "Checkpoints": [{"ShardId": "shardId-0", "Epoch": 2 ** 63 - 1, "Release": True}]}, "LeaseLostException", "epoch"),
    ("CheckpointLeases", {**WHO, "Checkpoints": [{"ShardId": "shardId-7", "Epoch": 1, "Release": True}]}, "LeaseLostException", ""),
    ("CheckpointLeases", {**WHO, "Checkpoints": [{"ShardId": "shardId-0", "Epoch": 1, "Release": True}] * 2}, "InvalidArgumentException", "twice"),
    ("CheckpointLeases", {**WHO, "Checkpoints": [{"ShardId": "shardId-0", "Epoch": 1, "Release": True}],
                          "Records": [{"StreamName": "nobody", "PartitionKey": "k", "Data": ""}]}, "ResourceNotFoundException", "nobody"),
    ("ResetNamedConsumer", {"ConsumerName": "c"}, "ValidationException", "startingPosition"),
    ("ResetNamedConsumer", {"ConsumerName": "c", "StartingPosition": {"Type": "AT_SEQUENCE_NUMBER", "SequenceNumber": "7"}},
     "InvalidArgumentException", ""),
    ("DescribeNamedConsumer", {"ConsumerName": "nobody"}, "ResourceNotFoundException", "nobody"),
    ("KickMember", {"ConsumerName": "c", "MemberName": "nobody"}, "ResourceNotFoundException", "nobody"),
    ("ListNamedConsumers", {"NextToken": "x"}, "InvalidArgumentException", "NextToken"),
]


@pytest.mark.parametrize("operation, request_fields, name, word", REFUSALS)
def test_refusals_of_consumers(server, kinesis, operation, request_fields, name, word):
    stream = "refusals"
    caller = Caller(server.endpoint)
    if stream not in kinesis.list_streams()["StreamNames"]:
        kinesis.create_stream(StreamName=stream, ShardCount=1)
    caller.own("RenewLeases", StreamName=stream, **WHO)
    fields = {"StreamName": stream, **request_fields} if request_fields and operation != "ListNamedConsumers" else request_fields
    with pytest.raises(Refused) as refused:
        caller.own(operation, **fields)
    assert refused.value.status == 400 and refused.value.name == name
    assert word in str(refused.value)


def test_pages_of_consumers(server, kinesis):
    stream = unique("pages")
    kinesis.create_stream(StreamName=stream, ShardCount=1)
    caller = Caller(server.endpoint)
    for number in range(7):
        caller.own("RenewLeases", StreamName=stream, ConsumerName=f"c{number}", MemberName="m")
    names, token = [], {}
    while True:
        page = caller.own("ListNamedConsumers", StreamName=stream, MaxResults=3, **token)
        names += [consumer["ConsumerName"] for consumer in page["Consumers"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert names == [f"c{number}" for number in range(7)]
