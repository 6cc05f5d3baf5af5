"""A disk that is really full: puts are refused whole, reads go on, everything resumes by itself when there is space again.

The data directory is on a small file system of its own, a tmpfs and an ext4 image in turn; mounting one needs root, so elsewhere the tests are
skipped and say so. What is not the server's fills it, but for a few random kilobytes, so that now the journal finds no space, now a segment,
now the catalog. In some cycles the server is killed on the full disk and has to start there.

    Tests/run clients -k full_disk -s
    MILLRACE_FULL_DISKS=200 Tests/run clients -k full_disk -s     200 cycles on each file system

Variables:
    MILLRACE_FULL_DISKS    cycles on each file system (3); each five begin with an empty disk
    MILLRACE_SEED, MILLRACE_KEEP    as in test_kills.py
"""

import errno
import gzip
import json
import os
import random
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

import test_applications as applications
from definer import Definer
from ledger import Ledger
from server import BINARY, Server, read_all, rows, stream_arn, until
from test_kills import SEED, Tail, fail, log_variables
from wire import Refused, Wire
from writers import Crew

CYCLES = int(os.environ.get("MILLRACE_FULL_DISKS", "3"))
ROUND = 5
MEGABYTES = 64
# Small files, so that a full disk is met soon.
SIZES = [(64 << 10, 256 << 10, 32 << 10), (256 << 10, 1 << 20, 128 << 10), (1 << 20, 64 << 10, 512 << 10)]


class SmallDisk:
    """A mounted file system and what else lies on it."""

    def __init__(self, directory, kind, megabytes=MEGABYTES):
        if os.geteuid() != 0:
            pytest.skip("a full file system is not tested here: mounting one needs root")
        self.path = directory / "disk"
        self.path.mkdir()
        if kind == "tmpfs":
            command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", self.path]
        else:
            image = directory / "image"
            with open(image, "wb") as file:
                file.truncate(megabytes << 20)
            # Without blocks that only root may use, or the server, which is root here, would have those too.
            subprocess.run(["mkfs.ext4", "-q", "-m", "0", image], check=True)
            command = ["mount", "-o", "loop", image, self.path]
        mounted = subprocess.run(command, capture_output=True, text=True)
        if mounted.returncode:
            pytest.skip(f"a full file system is not tested here: this machine does not mount a {kind}: {mounted.stderr.strip()}")
        self.ballast = self.path / "ballast"

    def fill(self, leave=0):
        """Takes all space but for so many bytes."""
        with open(self.ballast, "ab", buffering=0) as file:
            for size in (1 << 20, 1 << 14, 1 << 12, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError as error:
                    assert error.errno == errno.ENOSPC
            file.truncate(max(0, file.tell() - leave))

    def clear(self):
        self.ballast.unlink()

    def unmount(self):
        # What the killed server still held open may take a moment to be let go.
        until(lambda: subprocess.run(["umount", self.path], capture_output=True).returncode == 0, what="the unmounting")


def page(server, path):
    try:
        with urllib.request.urlopen(server.endpoint + path, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def says_full(server):
    """Whether /readyz and the gauge say that the disk is full; both must agree."""
    status, text = page(server, "/readyz")
    gauge = next(line.split()[1] for line in page(server, "/metrics")[1].splitlines() if line.startswith("millrace_disk_full "))
    if status == 200:
        return False if gauge == "0" else None
    return True if status == 503 and "disk is full" in text and gauge == "1" else None


class Round:
    """A disk from its beginning through some cycles."""

    def __init__(self, directory, kind, seed):
        self.chance, self.seed = random.Random(seed), seed
        self.disk = SmallDisk(directory, kind)
        self.server = Server(self.disk.path / "data")
        # The test's own file, so not on that disk.
        self.server.log_path = directory / "data.log"
        self.refused_by = set()

    def run(self, cycles):
        server, chance = self.server, self.chance
        try:
            self._start()
            shards = chance.randint(2, 4)
            Wire(server).call("CreateStream", {"StreamName": "records", "ShardCount": shards})
            self.ledger = ledger = Ledger([f"shardId-{number:012d}" for number in range(shards)])
            self.crew = Crew(server, "records", ledger, self.seed, largest=600)
            for writer in self.crew.writers:
                writer.refusal = lambda error, writer=writer: self._refusal(writer, error)
            self.tail, self.definer = Tail(server, "records", ledger, self.seed), Definer(server, ledger, self.seed)
            self.definer.may_refuse = self._is_full
            self.crew.start()
            self.tail.start()
            self.definer.start()
            try:
                for _ in range(cycles):
                    self._cycle()
                    if ledger.violations:
                        return
                self.crew.end()
                for thread in (self.definer, self.tail):
                    thread.ended.set()
                    thread.join(60)
                server.stop()
                self._start()
                self.tail.settle()
                self.tail.read_all_again()
                self.definer.check_contents()
            finally:
                for thread in [*self.crew.writers, self.definer, self.tail]:
                    thread.ended.set()
                self.crew.release()
        finally:
            server.close()

    @staticmethod
    def _is_full(error):
        return error.status == 500 and error.code == "InternalFailure" and "full" in error.message

    def _refusal(self, writer, error):
        self.refused_by.add(writer.name)
        if not self._is_full(error):
            self.ledger.violation(f"{writer.name} was refused for another reason: {error}")

    def _cycle(self):
        server, ledger = self.server, self.ledger
        time.sleep(self.chance.uniform(0.01, 0.3))  # writes on a disk with space
        self.disk.fill(leave=self.chance.choice((0, self.chance.randrange(400 << 10))))
        self._expect_refusals()
        if self.chance.random() < 0.5:
            server.kill()
            self._start()
            self._expect_refusals()
        self.crew.hold()
        self.tail.settle()
        self.tail.read_all_again()
        assert page(server, "/healthz")[0] == 200
        self.disk.clear()
        until(lambda: says_full(server) is False, timeout=10, what="readiness without a put, once there is space")
        told = ledger.acknowledged_count
        self.crew.release()
        until(lambda: ledger.acknowledged_count > told + 100, what="acknowledgements")
        assert says_full(server) is False
        self.crew.hold()
        self.tail.settle()
        self.crew.release()

    def _expect_refusals(self):
        self.refused_by.clear()
        until(lambda: len(self.refused_by) == len(self.crew.writers) or self.ledger.violations, what="a refusal for each writer")
        # A small record may still have found a place: then the next one does not.
        until(lambda: says_full(self.server) or self.ledger.violations, what="/readyz and the gauge telling of the full disk")

    def _start(self):
        self.server.variables = log_variables(self.chance.choice(SIZES))
        self.server.start()


@pytest.mark.parametrize("kind", ["tmpfs", "ext4"])
def test_a_full_disk_refuses_puts_and_serves_reads_until_there_is_space(tmp_path, kind):
    print(f"\nseed {SEED}: MILLRACE_SEED={SEED} MILLRACE_FULL_DISKS={CYCLES} Tests/run clients -k 'full_disk and {kind}' -s")
    acknowledged = refusals = lost = 0
    for number in range(-(-CYCLES // ROUND)):
        seed, cycles = SEED + number, min(ROUND, CYCLES - number * ROUND)
        directory = tmp_path / str(number)
        directory.mkdir()
        round, problems = Round(directory, kind, seed), []
        try:
            round.run(cycles)
        except Exception as error:
            problems.append(repr(error))
        if hasattr(round, "ledger"):
            problems += round.ledger.violations
            acknowledged += round.ledger.acknowledged_count
            refusals += round.ledger.refusals
            lost += round.ledger.lost
        if problems:
            shutil.copytree(round.disk.path / "data", directory / "data")
        round.disk.unmount()
        print(f"{kind}, {number * ROUND + cycles} times full: {refusals:,} calls refused, acknowledged records lost: {lost} of {acknowledged:,}", flush=True)
        if problems:
            fail(problems, directory, f"full-disk-{kind}-{seed}",
                 f"MILLRACE_SEED={seed} MILLRACE_FULL_DISKS={cycles} Tests/run clients -k 'full_disk and {kind}' -s")
        shutil.rmtree(directory)


@pytest.fixture(params=["tmpfs", "ext4"])
def small_disk(tmp_path, request):
    disk = SmallDisk(tmp_path, request.param)
    yield disk
    disk.unmount()


@pytest.fixture
def server_on_it(small_disk, tmp_path):
    server = Server(small_disk.path / "data")
    server.log_path = tmp_path / "data.log"
    yield server
    server.close()


def test_applications_and_deliveries_start_on_a_full_disk_and_miss_nothing(small_disk, server_on_it):
    server = server_on_it
    server.variables = log_variables(SIZES[1])
    server.start()
    kinesis, analytics, firehose = (server.client(name) for name in ("kinesis", "kinesisanalytics", "firehose"))
    for name in ("source", "derived"):
        kinesis.create_stream(StreamName=name, ShardCount=2)
    applications.create(
        analytics, "copy", applications.COPY, "source", applications.KEY_AND_VALUE, [applications.to_stream("OUT", "derived")])
    applications.start(analytics, "copy", "TRIM_HORIZON")
    firehose.create_delivery_stream(
        DeliveryStreamName="archive", DeliveryStreamType="KinesisStreamAsSource",
        KinesisStreamSourceConfiguration={"KinesisStreamARN": stream_arn("source"), "RoleARN": applications.ROLE},
        ExtendedS3DestinationConfiguration={
            "RoleARN": applications.ROLE, "BucketARN": "arn:aws:s3:::lake", "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 1},
            "CompressionFormat": "GZIP"})
    acknowledged = []

    def put_until(refused):
        """Puts rows until a put is refused, or is accepted."""
        for number in range(len(acknowledged) * 1000, len(acknowledged) * 1000 + 100_000):
            row = {"k": f"k{number % 7}", "v": number}
            try:
                kinesis.put_record(StreamName="source", PartitionKey=row["k"], Data=json.dumps(row).encode())
                acknowledged.append(number)
                if not refused:
                    return
            except ClientError as error:
                assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 500
                if refused:
                    return
                time.sleep(0.01)

    def archived():
        lines = []
        for path in sorted((server.data_dir / "buckets/lake").rglob("*.gz")):
            lines += [json.loads(line)["v"] for line in gzip.open(path, "rt").read().replace("}{", "}\n{").splitlines()]
        return lines

    put_until(refused=False)
    small_disk.fill()
    put_until(refused=True)
    server.kill()
    server.start()
    assert says_full(server)
    assert len([item for items in read_all(kinesis, "source").values() for item in items]) == len(acknowledged)
    assert analytics.describe_application(ApplicationName="copy")["ApplicationDetail"]["ApplicationStatus"] in ("STARTING", "RUNNING")
    put_until(refused=True)
    small_disk.clear()
    until(lambda: says_full(server) is False, what="readiness once there is space")
    put_until(refused=False)
    until(lambda: len(rows(kinesis, "derived")) >= len(acknowledged), what="every row in the derived stream")
    assert sorted(row["v"] for row in rows(kinesis, "derived")) == sorted(acknowledged)
    until(lambda: set(archived()) >= set(acknowledged), what="every record in the archive")
    assert sorted(archived()) == sorted(acknowledged)


def test_without_a_byte_for_a_new_store_the_server_says_so(small_disk, server_on_it):
    small_disk.fill()
    refused = subprocess.run(
        [BINARY, "serve", "--data-dir", str(server_on_it.data_dir), "--http", "127.0.0.1:0"], capture_output=True, text=True, timeout=30)
    assert refused.returncode == 1 and "full" in refused.stderr, refused.stderr
    small_disk.clear()
    server_on_it.start()
    assert page(server_on_it, "/readyz")[0] == 200


def test_a_store_begun_on_an_almost_full_disk_starts_again_whatever_found_a_place(small_disk, server_on_it):
    """The catalog may have found space and the journal none, or half of it."""
    server = server_on_it
    started = 0
    for kilobytes in [*range(0, 400, 20), 600, 1000, 2000]:
        small_disk.fill(leave=kilobytes << 10)
        try:
            server.start()
            started += 1
        except AssertionError:
            assert "full" in server.log_path.read_text().splitlines()[-1]
        else:
            try:
                Wire(server).call("CreateStream", {"StreamName": "s", "ShardCount": 1})
                Wire(server).call("PutRecord", {"StreamName": "s", "PartitionKey": "k", "Data": "a2VwdA=="})
                told = 1
            except Refused as error:
                assert error.status == 500 and "full" in error.message
                told = 0
            server.kill()
            server.start()
            there = "s" in server.client("kinesis").list_streams()["StreamNames"]
            assert there or not told
            assert not there or sum(map(len, read_all(server.client("kinesis"), "s").values())) == told
            server.kill()
        small_disk.clear()
        # With space again it starts in any case.
        server.start()
        Wire(server).call("CreateStream", {"StreamName": "t", "ShardCount": 1})
        Wire(server).call("PutRecord", {"StreamName": "t", "PartitionKey": "k", "Data": "a2VwdA=="})
        server.kill()
        shutil.rmtree(server.data_dir)
    assert 3 <= started < 23


def test_a_store_that_filled_its_disk_itself_can_be_emptied(small_disk, server_on_it):
    """Nothing but the records is there to be removed: deleting a stream has to work, and puts afterwards."""
    server = server_on_it
    server.variables = log_variables(SIZES[1])
    server.start()
    wire = Wire(server)
    for name in ("large", "small"):
        wire.call("CreateStream", {"StreamName": name, "ShardCount": 2})
    wire.call("PutRecord", {"StreamName": "small", "PartitionKey": "k", "Data": "a2VwdA=="})
    batch = {"StreamName": "large", "Records": [{"PartitionKey": str(n), "Data": "A" * 4000} for n in range(250)]}
    with pytest.raises(Refused, match="full"):
        for _ in range(2 * MEGABYTES):
            wire.call("PutRecords", batch)
    server.kill()
    server.start()
    wire.close()
    with pytest.raises(Refused, match="full"):
        for _ in range(10):
            wire.call("PutRecords", batch)
    wire.call("DeleteStream", {"StreamName": "large"})
    until(lambda: says_full(server) is False, what="readiness after the deletion")
    wire.call("PutRecord", {"StreamName": "small", "PartitionKey": "k", "Data": "YWdhaW4="})
    assert [item["Data"] for items in read_all(server.client("kinesis"), "small").values() for item in items] == [b"kept", b"again"]
