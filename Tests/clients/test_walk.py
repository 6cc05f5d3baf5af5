"""A random walk of splits, merges, puts and reads through the API, killed now and then, against a model.

`MILLRACE_WALK_STEPS=10000 MILLRACE_WALK_SEED=7 Tests/run clients -k test_walk -s` walks further, and repeats a walk."""

import hashlib
import os
import random

from botocore.exceptions import ClientError

from server import Server

STEPS = int(os.environ.get("MILLRACE_WALK_STEPS", "500"))
SEED = int(os.environ.get("MILLRACE_WALK_SEED", str(random.SystemRandom().randrange(2**32))))
SPACE = 2**128


def place(key):
    return int.from_bytes(hashlib.md5(key.encode()).digest(), "big")


class Shard:
    def __init__(self, low, high, parents):
        self.low, self.high, self.parents = low, high, parents
        self.records = []
        self.closed = False


class Walk:
    """What the service must hold. Shards are known by their ids, in the order in which they came into being."""

    def __init__(self, server, generator):
        self.server, self.generator = server, generator
        self.kinesis = server.client("kinesis")
        self.kinesis.create_stream(StreamName="walk", ShardCount=2)
        half = SPACE // 2
        self.shards = {self.name(0): Shard(0, half - 1, set()), self.name(1): Shard(half, SPACE - 1, set())}
        self.number, self.kills, self.changes, self.puts = 0, 0, 0, 0

    @staticmethod
    def name(number):
        return f"shardId-{number:012}"

    def open(self):
        return sorted((item for item in self.shards.items() if not item[1].closed), key=lambda item: item[1].low)

    def step(self):
        few = len(self.open()) < 6
        choice = self.generator.choices(
            [self.put, self.put_many, self.read, self.split, self.merge, self.look, self.kill],
            [30, 10, 14, 12 if few else 6, 6 if few else 12, 4, 0.5])[0]
        choice()

    # Steps

    def put(self):
        key = f"key-{self.generator.randrange(500)}"
        data = self.data()
        answer = self.kinesis.put_record(StreamName="walk", PartitionKey=key, Data=data)
        self.note(answer, place(key), data)

    def put_many(self):
        records = []
        for _ in range(self.generator.randrange(1, 20)):
            hash_key = self.generator.choice([0, SPACE - 1, self.generator.randrange(SPACE)])
            records.append({"PartitionKey": "k", "ExplicitHashKey": str(hash_key), "Data": self.data()})
        answer = self.kinesis.put_records(StreamName="walk", Records=records)
        assert answer["FailedRecordCount"] == 0
        for record, result in zip(records, answer["Records"]):
            self.note(result, int(record["ExplicitHashKey"]), record["Data"])

    def data(self):
        self.number += 1
        return f"{self.number} ".encode() + bytes(self.generator.randrange(200))

    def note(self, result, hash_key, data):
        self.puts += 1
        shard = self.shards[result["ShardId"]]
        assert not shard.closed and shard.low <= hash_key <= shard.high
        number = int(result["SequenceNumber"])
        assert not shard.records or shard.records[-1][0] < number, "sequence numbers rise"
        for parent in shard.parents:
            assert not self.shards[parent].records or self.shards[parent].records[-1][0] < number, "and from parent to child"
        shard.records.append((number, data))

    def split(self):
        name, shard = self.generator.choice(self.open())
        if shard.high - shard.low < 16:
            return
        cut = self.generator.randrange(shard.low + 2, shard.high)
        self.kinesis.split_shard(StreamName="walk", ShardToSplit=name, NewStartingHashKey=str(cut))
        shard.closed = True
        self.begin(shard.low, cut - 1, {name})
        self.begin(cut, shard.high, {name})

    def merge(self):
        open_shards = self.open()
        if len(open_shards) < 2:
            return
        index = self.generator.randrange(len(open_shards) - 1)
        (lower, low), (upper, high) = open_shards[index:index + 2]
        self.kinesis.merge_shards(StreamName="walk", ShardToMerge=lower, AdjacentShardToMerge=upper)
        low.closed = high.closed = True
        self.begin(low.low, high.high, {lower, upper})

    def begin(self, low, high, parents):
        self.shards[self.name(len(self.shards))] = Shard(low, high, parents)
        self.changes += 1

    def look(self):
        found, token = [], {"StreamName": "walk"}
        while token:
            page = self.kinesis.list_shards(**token)
            found += page["Shards"]
            token = {"NextToken": page["NextToken"]} if "NextToken" in page else None
        assert [shard["ShardId"] for shard in found] == sorted(self.shards)
        for shard in found:
            known = self.shards[shard["ShardId"]]
            keys = shard["HashKeyRange"]
            assert (int(keys["StartingHashKey"]), int(keys["EndingHashKey"])) == (known.low, known.high)
            assert {shard[name] for name in ("ParentShardId", "AdjacentParentShardId") if name in shard} == known.parents
            assert ("EndingSequenceNumber" in shard["SequenceNumberRange"]) == known.closed
        ranges = [(shard.low, shard.high) for _, shard in self.open()]
        assert ranges[0][0] == 0 and ranges[-1][1] == SPACE - 1
        assert all(before[1] + 1 == after[0] for before, after in zip(ranges, ranges[1:]))

    def read(self, name=None):
        name = name or self.generator.choice(sorted(self.shards))
        shard = self.shards[name]
        first = self.generator.randrange(len(shard.records) + 1)
        if first < len(shard.records):
            position = {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": str(shard.records[first][0])}
        else:
            first, position = 0, {"ShardIteratorType": "TRIM_HORIZON"}
        iterator = self.kinesis.get_shard_iterator(StreamName="walk", ShardId=name, **position)["ShardIterator"]
        found = []
        while iterator:
            answer = self.kinesis.get_records(ShardIterator=iterator, Limit=self.generator.choice([1, 7, 10_000]) if len(found) < 20 else 10_000)
            found += [(int(record["SequenceNumber"]), record["Data"]) for record in answer["Records"]]
            iterator = answer.get("NextShardIterator")
            if answer["MillisBehindLatest"] == 0 and not shard.closed:
                break
        assert found == shard.records[first:]
        assert (iterator is None) == shard.closed
        if shard.closed:
            children = {child for child, other in self.shards.items() if name in other.parents}
            assert {child["ShardId"] for child in answer["ChildShards"]} == children

    def kill(self):
        """Kills the server between two calls; all that was answered is there afterwards."""
        self.kills += 1
        self.server.kill()
        self.server.start()
        self.look()
        for name in self.generator.sample(sorted(self.shards), min(5, len(self.shards))):
            self.read(name)


def test_walk(tmp_path):
    print(f"seed {SEED}, {STEPS} steps; again: MILLRACE_WALK_STEPS={STEPS} MILLRACE_WALK_SEED={SEED} Tests/run clients -k test_walk -s")
    server = Server(tmp_path / "data").start()
    try:
        walk = Walk(server, random.Random(SEED))
        for number in range(STEPS):
            try:
                walk.step()
            except (AssertionError, ClientError, KeyError) as error:
                raise AssertionError(
                    f"step {number}: {error!r}; again: MILLRACE_WALK_STEPS={STEPS} MILLRACE_WALK_SEED={SEED} Tests/run clients -k test_walk -s"
                ) from error
        walk.kill()
        walk.look()
        for name in sorted(walk.shards):
            walk.read(name)
        print(f"{walk.puts} records, {walk.changes} shards begun, {walk.kills} kills: as the model says")
        assert walk.puts > STEPS and walk.changes > STEPS / 8
        assert server.millrace("verify", "--data-dir", str(server.data_dir)).returncode == 0
    finally:
        server.close()
