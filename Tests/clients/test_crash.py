"""kill -9 at awkward moments, then a restart: what is computed and delivered from the records appears once. test_kills.py has the records
themselves.

Every test prints its seed; MILLRACE_SEED=N Tests/run clients -k NAME repeats it.
"""

import calendar
import gzip
import json
import os
import random
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError

import test_applications as applications
from server import read_all, rows, stream_arn, unique, until


@pytest.fixture
def chance():
    seed = int(os.environ.get("MILLRACE_SEED", random.randrange(1 << 32)))
    print(f"seed {seed}: MILLRACE_SEED={seed} repeats this")
    return random.Random(seed)


class Writer(threading.Thread):
    """Puts numbered records one after the other; notes what was acknowledged and what may have been."""

    def __init__(self, server, stream, name, data=lambda writer, number: f"{writer}:{number}"):
        super().__init__(daemon=True)
        self.client = server.client("kinesis")
        self.stream, self.name, self.data = stream, name, data
        self.acknowledged, self.attempted = [], []
        self.ended = threading.Event()

    def run(self):
        number = 0
        while not self.ended.is_set():
            record = self.data(self.name, number)
            self.attempted.append(record)
            try:
                answer = self.client.put_record(StreamName=self.stream, PartitionKey=self.name, Data=record.encode())
                self.acknowledged.append((answer["ShardId"], int(answer["SequenceNumber"]), record))
            except (BotoCoreError, ClientError):
                # Not acknowledged: it may be there or not, but is not sent again.
                self.ended.wait(0.01)
            number += 1


class BatchWriter(Writer):
    """Puts 200 records of 50 keys at a time."""

    def run(self):
        number = 0
        while not self.ended.is_set():
            records = [json.dumps({"k": f"{self.name}{n % 50}", "v": number * 200 + n}) for n in range(200)]
            try:
                self.client.put_records(
                    StreamName=self.stream, Records=[{"Data": record.encode(), "PartitionKey": json.loads(record)["k"]} for record in records])
            except (BotoCoreError, ClientError):
                self.ended.wait(0.01)
            number += 1


def ended(row):
    return calendar.timegm(time.strptime(row["ended"][:19], "%Y-%m-%d %H:%M:%S"))


def test_windows_of_busy_applications_survive_kills(mortal, chance):
    """Two applications on one stream, both cores busy, windows open at every kill: every derived row is there once, is what an independent
    computation gives, and the rows of a key are in one shard in their order. Their states are written all the time, mostly what has changed.
    MILLRACE_WINDOW_KILLS=N for more than 20 kills."""
    mortal.variables["MILLRACE_APPLICATION_SNAPSHOT_BYTES"] = "200000"
    mortal.kill()
    mortal.start()
    kinesis, analytics = mortal.client("kinesis", retries=3), mortal.client("kinesisanalytics", retries=3)
    kinesis.create_stream(StreamName="source", ShardCount=4)
    for name in ["one", "two"]:
        kinesis.create_stream(StreamName=name, ShardCount=3)
        applications.create(
            analytics, name, applications.COUNTS, "source", applications.KEY_AND_VALUE, [applications.to_stream("OUT", name)])
        applications.start(analytics, name, "TRIM_HORIZON")
    writers = [BatchWriter(mortal, "source", name) for name in "ab"]
    for writer in writers:
        writer.start()
    for _ in range(int(os.environ.get("MILLRACE_WINDOW_KILLS", "20"))):
        time.sleep(chance.uniform(0.2, 1.3))  # inside an open window, at its end, while rows leave
        mortal.kill()
        mortal.start()
    for writer in writers:
        writer.ended.set()
    for writer in writers:
        writer.join()
    expected = {}
    for items in read_all(kinesis, "source").values():
        for item in items:
            row = json.loads(item["Data"])
            second = int(item["ApproximateArrivalTimestamp"].timestamp() * 1000 + 0.5) // 1000
            count, total = expected.get((row["k"], second + 1), (0, 0))
            expected[(row["k"], second + 1)] = (count + 1, total + row["v"])
    for name in ["one", "two"]:
        until(lambda: len(rows(kinesis, name)) >= len(expected), timeout=60, interval=0.5, what="all windows")
        shards = {shard: [json.loads(item["Data"]) for item in items] for shard, items in read_all(kinesis, name).items()}
        found = sorted(((row["k"], ended(row)), (row["n"], row["total"])) for rows_ in shards.values() for row in rows_)
        assert found == sorted(expected.items()), name
        shard_of = {}
        for shard, rows_ in shards.items():
            last = {}
            for row in rows_:
                assert shard_of.setdefault(row["k"], shard) == shard, f"{row['k']} is in two shards of {name}"
                assert last.get(row["k"], 0) < ended(row), f"{row['k']} is out of order in {name}"
                last[row["k"]] = ended(row)


def test_every_windows_row_appears_exactly_once(mortal, chance):
    kinesis, analytics = mortal.client("kinesis", retries=3), mortal.client("kinesisanalytics", retries=3)
    for name in ["source", "derived"]:
        kinesis.create_stream(StreamName=name, ShardCount=2)
    applications.create(
        analytics, "counts", applications.COUNTS, "source", applications.KEY_AND_VALUE, [applications.to_stream("OUT", "derived")])
    applications.start(analytics, "counts", "TRIM_HORIZON")
    writers = [Writer(mortal, "source", name, lambda name, number: json.dumps({"k": name, "v": number})) for name in "abcd"]
    for writer in writers:
        writer.start()
    for _ in range(8):
        time.sleep(chance.uniform(0.3, 1.6))  # inside an open window, at its end, before a snapshot or after
        mortal.kill()
        mortal.start()
    for writer in writers:
        writer.ended.set()
    for writer in writers:
        writer.join()
    # The offline computation: the source's records by their arrival second, as they are stored.
    expected = {}
    for items in read_all(kinesis, "source").values():
        for item in items:
            row = json.loads(item["Data"])
            second = int(item["ApproximateArrivalTimestamp"].timestamp() * 1000 + 0.5) // 1000
            count, total = expected.get((row["k"], second), (0, 0))
            expected[(row["k"], second)] = (count + 1, total + row["v"])
    until(lambda: sum(row["n"] for row in rows(kinesis, "derived")) >= sum(count for count, _ in expected.values()), what="all windows")
    found = sorted(
        ((row["k"], ended(row) - 1), (row["n"], row["total"]))
        for row in rows(kinesis, "derived"))
    assert found == sorted(expected.items())


def test_anomaly_scores_go_on_as_if_nothing_had_happened(mortal, chance):
    kinesis, analytics = mortal.client("kinesis", retries=3), mortal.client("kinesisanalytics", retries=3)
    for name in ["devices", "scores"]:
        kinesis.create_stream(StreamName=name, ShardCount=1)
    columns = json.loads((applications.ROOT / "Streams/device-anomaly/anomaly.json").read_text())["Inputs"][0]["InputSchema"]["RecordColumns"]
    applications.create(analytics, "anomaly", applications.ANOMALY, "devices", columns, [applications.to_stream("TEMP_STREAM", "scores")])
    applications.start(analytics, "anomaly", "TRIM_HORIZON")
    readings = [{"deviceId": "abcde"[n % 5] * 4, "sensorReading": chance.randint(-5, 5)} for n in range(3000)]
    for number in range(0, 3000, 250):
        applications.put(kinesis, "devices", readings[number:number + 250])
        if number % 750 == 500:
            time.sleep(chance.uniform(0, 0.3))  # the moment of the kill
            mortal.kill()
            mortal.start()
    until(lambda: len(rows(kinesis, "scores")) >= len(readings), what="a score for every reading")
    found = rows(kinesis, "scores")
    assert [(row["deviceId"], row["sensorReading"]) for row in found] == [(row["deviceId"], row["sensorReading"]) for row in readings]
    assert all(row["ANOMALY_SCORE"] == 0 for row in found[:256])
    assert all(0 < row["ANOMALY_SCORE"] < 2 for row in found[300:])


def test_every_record_is_archived_exactly_once(mortal, chance):
    firehose, kinesis = mortal.client("firehose", retries=3), mortal.client("kinesis", retries=3)
    kinesis.create_stream(StreamName="s", ShardCount=2)
    hints = {"SizeInMBs": 1, "IntervalInSeconds": 1}
    destination = lambda prefix: {
        "RoleARN": applications.ROLE, "BucketARN": "arn:aws:s3:::lake", "Prefix": prefix, "BufferingHints": hints, "CompressionFormat": "GZIP"}
    firehose.create_delivery_stream(
        DeliveryStreamName="direct", DeliveryStreamType="DirectPut", ExtendedS3DestinationConfiguration=destination("direct/"))
    firehose.create_delivery_stream(
        DeliveryStreamName="source", DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": stream_arn("s"), "RoleARN": applications.ROLE},
        ExtendedS3DestinationConfiguration=destination("source/"))
    single = mortal.client("firehose")
    acknowledged, ended = set(), threading.Event()
    padding = "x" * 20_000

    def put():
        number = 0
        while not ended.is_set():
            try:
                single.put_record_batch(
                    DeliveryStreamName="direct", Records=[{"Data": f"{number}-{part}:{padding}\n".encode()} for part in range(20)])
                acknowledged.update(f"{number}-{part}" for part in range(20))
            except (BotoCoreError, ClientError):
                ended.wait(0.01)
            number += 1

    putter = threading.Thread(target=put, daemon=True)
    writer = Writer(mortal, "s", "w", lambda name, number: f"{number}:{padding}\n")
    putter.start()
    writer.start()
    for _ in range(8):
        time.sleep(chance.uniform(0.1, 1.5))  # while an object is cut, written, renamed
        mortal.kill()
        mortal.start()
    ended.set()
    writer.ended.set()
    putter.join()
    writer.join()

    def archived(prefix):
        found = []
        for path in sorted((mortal.data_dir / "buckets/lake" / prefix).rglob("*.gz")):
            found += [line.split(":")[0] for line in gzip.open(path, "rt").read().splitlines()]
        return found

    stored = {item["Data"].decode().split(":")[0] for items in read_all(kinesis, "s").values() for item in items}
    until(lambda: set(archived("source")) >= stored, what="every record of the stream in the archive")
    until(lambda: set(archived("direct")) >= acknowledged, what="every acknowledged put in the archive")
    for prefix in ["source", "direct"]:
        names = archived(prefix)
        assert len(names) == len(set(names)), f"{prefix}: a record is in two objects"
    assert set(archived("source")) == stored
