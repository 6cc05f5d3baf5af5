"""A supervisor kills, stops and restarts the server at random moments under writers on real sockets: nothing acknowledged is lost.

Each cycle the server runs for 1 to 500 ms, in some of them stopped for a while (SIGSTOP, SIGCONT), is killed (SIGKILL), killed again one to
three times while it starts, and started. Meanwhile five writers put single records and batches into a stream of several shards, through
plain sockets and boto3, with and without retries; one more thread creates and deletes streams; a reader compares all that it finds with what was
acknowledged (ledger.py has the rules). Journal and segments are so small in most cycles that files roll all the time. Now and then `millrace
verify` looks at what a kill has left. After 100 cycles, and at the end, everything is read once more, before and after a clean stop, and
the next hundred begin with an empty directory.

    Tests/run clients -k kills -s                                  25 cycles
    MILLRACE_KILLS=2000 Tests/run clients -k kills -s              2,000 cycles, some 20 minutes
    MILLRACE_SEED=N MILLRACE_KILLS=100 Tests/run clients -k kills -s    the choices of one run of 100 again

Variables:
    MILLRACE_KILLS     cycles (25)
    MILLRACE_SEED      what the random choices follow from; printed by every run. The moments are the machine's: a seed repeats the plan, not
                       the microsecond
    MILLRACE_TAIL_MB   how much is left to recover in the test of the restart time (64)
    MILLRACE_KEEP      where the data directory of a failed run is kept (/tmp/millrace-failed)
"""

import base64
import os
import random
import shutil
import statistics
import subprocess
import threading
import time
from pathlib import Path

import pytest

from definer import Definer
from ledger import PADDING, Ledger, Reader, payload
from server import BINARY, Server, until
from wire import Wire
from writers import BatchWriter, Crew

CYCLES = int(os.environ.get("MILLRACE_KILLS", "25"))
SEED = int(os.environ.get("MILLRACE_SEED", random.randrange(1 << 32)))
TAIL_MB = int(os.environ.get("MILLRACE_TAIL_MB", "64"))
KEEP = Path(os.environ.get("MILLRACE_KEEP", "/tmp/millrace-failed"))
ROUND = 100
# Bytes of a journal file, of a segment, and of what is flushed at once; chosen anew at every start.
SIZES = [(64 << 10, 64 << 10, 16 << 10), (256 << 10, 1 << 20, 64 << 10), (1 << 20, 256 << 10, 512 << 10), (4 << 20, 8 << 20, 1 << 20), None]


def log_variables(sizes):
    if sizes is None:
        return {}
    names = ["MILLRACE_LOG_JOURNAL_FILE_BYTES", "MILLRACE_LOG_SEGMENT_BYTES", "MILLRACE_LOG_FLUSH_BYTES"]
    return dict(zip(names, map(str, sizes)))


class Tail(threading.Thread):
    """Reads what is new all the time, through kills, and now and then something old."""

    def __init__(self, server, stream, ledger, seed):
        super().__init__(daemon=True, name="tail")
        self.reader, self.ledger = Reader(Wire(server), stream, ledger), ledger
        self.chance = random.Random(seed)
        self.ended, self.turn = threading.Event(), threading.Lock()

    def run(self):
        while not self.ended.is_set():
            try:
                with self.turn:
                    for shard, ranges in self.ledger.ranges.items():
                        self.reader.read_some(shard)
                        if ranges and self.chance.random() < 0.05:
                            start = self.chance.randrange(len(ranges))
                            self.reader.read_again(shard, start, start + 3)
            except OSError:
                pass
            except Exception as error:  # a refusal, or the test's own mistake: neither may pass unseen
                self.ledger.violation(f"reader: {error!r}")
            self.ended.wait(0.003)

    def settle(self):
        """Reads to the tip; every acknowledged record must be found then. Only while no writer writes."""
        with self.turn:
            self.reader.wire.close()  # that connection may be to a server that was killed
            self.reader.read_to_tip()
            if self.ledger.backlog:
                self.ledger.violation(f"{self.ledger.backlog} acknowledged records are not there at the tip")

    def read_all_again(self):
        with self.turn:
            self.reader.read_all_again()


class Figures:
    def __init__(self):
        self.cycles = self.kills = self.recovery_kills = self.stops = self.acknowledged = self.lost = self.unknown = 0
        self.duplicates = self.definitions = self.empty_files = self.verified = 0
        self.restarts = []

    def line(self):
        times = sorted(self.restarts) or [0]
        return (
            f"{self.cycles} cycles: {self.kills} kills, {self.recovery_kills} of them before Ready, {self.stops} stops; "
            f"acknowledged records lost: {self.lost} of {self.acknowledged:,}; "
            f"{self.duplicates} records twice after {self.unknown:,} calls without an answer; {self.definitions:,} changes of streams; "
            f"{self.verified} verifications; {self.empty_files} empty files in quarantine; "
            f"restart median {statistics.median(times) * 1000:.0f} ms, longest {times[-1] * 1000:.0f} ms")


class Round:
    """A data directory from its beginning through a number of cycles."""

    def __init__(self, directory, seed, figures):
        self.chance = random.Random(seed)
        self.seed, self.figures = seed, figures
        self.server = Server(directory / "data")
        self.typical_start = 0.1

    def run(self, cycles):
        server, chance = self.server, self.chance
        self._start()
        shards = chance.randint(2, 6)
        wire = Wire(server)
        wire.call("CreateStream", {"StreamName": "records", "ShardCount": shards})
        self.ledger = ledger = Ledger([f"shardId-{number:012d}" for number in range(shards)])
        self.crew = Crew(server, "records", ledger, self.seed, largest=chance.choice((2000, 6000, 60_000)))
        self.tail, self.definer = Tail(server, "records", ledger, self.seed), Definer(server, ledger, self.seed)
        self.crew.start()
        self.tail.start()
        self.definer.start()
        try:
            for cycle in range(cycles):
                self._cycle()
                self.figures.cycles += 1
                if cycle % 10 == 9 or cycle == cycles - 1 or ledger.backlog > 20_000:
                    self._settle()
                if ledger.violations:
                    return
            self.crew.end()
            self._end(self.definer)
            self._end(self.tail)
            for stop in (server.kill, server.stop):
                self.tail.settle()
                self.tail.read_all_again()
                self.definer.check_contents()
                stop()
                self._start()
            self.tail.settle()
            self.tail.read_all_again()
            self.definer.check_contents()
            server.stop()
            self._inspect()
        finally:
            for thread in [*self.crew.writers, self.definer, self.tail]:
                thread.ended.set()
            self.crew.release()
            server.close()
            self._count()

    @staticmethod
    def _end(thread):
        thread.ended.set()
        thread.join(60)
        assert not thread.is_alive(), f"{thread.name} does not end"

    def _count(self):
        figures, ledger = self.figures, self.ledger
        figures.acknowledged += ledger.acknowledged_count
        figures.unknown += ledger.unknown_outcomes
        figures.duplicates += ledger.duplicates
        figures.definitions += self.definer.calls
        figures.lost += ledger.lost

    def _settle(self):
        self.crew.hold()
        self.tail.settle()
        self.crew.release()

    def _cycle(self):
        chance, server = self.chance, self.server
        up = chance.uniform(0.001, 0.5)
        if chance.random() < 0.3:
            before = chance.uniform(0, up)
            time.sleep(before)
            goes_on = self._freeze(chance.uniform(0.002, 0.3), chance.random() < 0.8)
            if goes_on:
                time.sleep(up - before)
        else:
            time.sleep(up)
        self._kill()
        if chance.random() < 0.05:
            self._verify()
        for _ in range(chance.choice((1, 2, 3, 3))):
            server.variables = log_variables(chance.choice(SIZES))
            server.launch()
            time.sleep(chance.uniform(0.05, 0.85) * self.typical_start)
            if chance.random() < 0.1:
                self._freeze(chance.uniform(0.002, 0.05), chance.random() < 0.5)
            if "Ready." not in self._kill():
                self.figures.recovery_kills += 1
        self._start()

    def _freeze(self, seconds, goes_on):
        if self.server.process.poll() is not None:
            return False  # `_kill` tells of it
        self.server.freeze()
        self.figures.stops += 1
        if ledger := getattr(self, "ledger", None):
            ledger.frozen = self.figures.stops
        time.sleep(seconds)
        if ledger:
            ledger.frozen = 0
        if goes_on:
            self.server.thaw()
        return goes_on

    def _kill(self):
        status = self.server.process.poll()
        if status is not None:
            self.ledger.violation(f"the server had ended with status {status}; see {self.server.log_path}")
        self.figures.kills += 1
        return self.server.kill()

    def _start(self):
        self.server.variables = log_variables(self.chance.choice(SIZES))
        start = time.monotonic()
        self.server.start()
        seconds = time.monotonic() - start
        self.figures.restarts.append(seconds)
        self.typical_start += (seconds - self.typical_start) / 8

    def _inspect(self):
        """What a kill cannot have done must not be reported, and nothing is put aside."""
        put_aside = [path for path in (self.server.data_dir / "quarantine").rglob("*") if path.is_file()]
        # A file that was made and not written yet says nothing; only its name is kept.
        self.figures.empty_files += sum(path.stat().st_size == 0 for path in put_aside)
        for path in put_aside:
            if path.stat().st_size > 0:
                self.ledger.violation(f"in quarantine: {path.name}")
        for line in self.server.log_path.read_text().splitlines():
            if "level=critical" in line or "level=error" in line and "quarantine" not in line:
                self.ledger.violation(f"the server's log: {line}")
        self._verify()

    def _verify(self):
        """`millrace verify` finds no damage in what a kill has left."""
        found = subprocess.run(
            [BINARY, "verify", "--quiet", "--data-dir", str(self.server.data_dir)], capture_output=True, text=True, timeout=120)
        self.figures.verified += 1
        if found.returncode:
            self.ledger.violation(f"millrace verify: {found.returncode}: {found.stdout[-1000:]}{found.stderr[-1000:]}")


def test_nothing_acknowledged_is_lost_by_kills_and_stops_at_random_moments(tmp_path):
    print(f"\nseed {SEED}: MILLRACE_SEED={SEED} MILLRACE_KILLS={CYCLES} Tests/run clients -k kills -s")
    figures, begun = Figures(), time.monotonic()
    for number in range(-(-CYCLES // ROUND)):
        seed, cycles = SEED + number, min(ROUND, CYCLES - number * ROUND)
        directory = tmp_path / str(number)
        directory.mkdir()
        round = Round(directory, seed, figures)
        problems = []
        try:
            round.run(cycles)
        except Exception as error:
            problems.append(repr(error))
        problems += round.ledger.violations if hasattr(round, "ledger") else []
        print(f"{figures.line()}; {time.monotonic() - begun:.0f} s", flush=True)
        if problems:
            fail(problems, directory, f"kills-{seed}", f"MILLRACE_SEED={seed} MILLRACE_KILLS={cycles} Tests/run clients -k kills -s")
        shutil.rmtree(directory)


def fail(problems, directory, name, command):
    """Keeps the data and ends the test with what is wrong and how to repeat it."""
    kept = KEEP / name
    shutil.rmtree(kept, ignore_errors=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(directory, kept)
    pytest.fail(
        "\n".join(problems) + f"\nThe data directory and the server's log are kept in {kept}.\n{command}", pytrace=False)


def test_the_supervisor_notices_what_is_lost(tmp_path):
    """An older state of the data directory is put in the place of the newest: the ledger has to tell of it."""
    server = Server(tmp_path / "data")
    server.start()
    Wire(server).call("CreateStream", {"StreamName": "records", "ShardCount": 2})
    ledger = Ledger([f"shardId-{number:012d}" for number in range(2)])
    reader = Reader(Wire(server), "records", ledger)

    def write(name):
        writer = BatchWriter(server, "records", ledger, name, seed=1, retries=False)
        writer.start()
        until(lambda: ledger.acknowledged_count > 200 and not writer.failure, what="200 records")
        writer.ended.set()
        writer.join()
        ledger.acknowledged_count = 0

    try:
        write("before")
        reader.read_to_tip()
        server.kill()
        shutil.copytree(tmp_path / "data", tmp_path / "older")
        server.start()
        write("lost")
        server.kill()
        shutil.rmtree(tmp_path / "data")
        (tmp_path / "older").rename(tmp_path / "data")
        server.start()
        reader.wire.close()
        assert not ledger.violations
        reader.read_to_tip()
        assert ledger.lost > 200 and all(text.startswith("LOST lost:") for text in ledger.violations), ledger.violations
        ledger.violations.clear()
        # And where later records have taken the places of those that were read.
        ledger.ranges["shardId-000000000000"][0] = (0, *ledger.ranges["shardId-000000000000"][0][1:3], b"")
        reader.read_all_again()
        assert len(ledger.violations) == 1 and "other bytes" in ledger.violations[0]
    finally:
        server.close()


def test_the_ledger_notices_each_kind_of_mistake():
    def record(sequence, name, number, arrival=1.0):
        return {"SequenceNumber": str(sequence), "ApproximateArrivalTimestamp": arrival, "PartitionKey": "k",
                "Data": base64.b64encode(payload(name, number, 100)).decode()}

    def violations(*records, told=()):
        ledger = Ledger(["s"])
        ledger.register("w")
        for number in range(3):
            ledger.sending("w", [number])
        for sequence, number in told:
            ledger.acknowledged("w", [number], [("s", sequence)], 0)
        ledger.read("s", list(records))
        return " ".join(ledger.violations)

    assert violations(record(5, "w", 0), record(6, "w", 1), told=[(5, 0), (6, 1)]) == ""
    assert "sent 1 times" in violations(record(5, "w", 0), record(6, "w", 0))
    assert "comes after" in violations(record(5, "w", 1), record(6, "w", 0))
    assert "LOST w:0" in violations(record(6, "w", 1), told=[(5, 0), (6, 1)])
    assert "w:0 was acknowledged, w:1 is there" in violations(record(5, "w", 1), told=[(5, 0)])
    assert "arrival" in violations(record(5, "w", 0, arrival=2.0), record(6, "w", 1))
    assert "nobody wrote" in violations({**record(5, "w", 0), "Data": base64.b64encode(b"w:0:100:other").decode()})
    assert "sequence number" in violations(record(6, "w", 0), record(5, "w", 1))


def test_the_restart_after_a_kill_takes_the_time_of_the_unsealed_tail(tmp_path):
    """Fills the journal, and segments that are not sealed, then measures. 1 s a GB is the promise; it is printed, and held in long runs.

    On a busy machine the clock tells of its other work too, so the processor's time is what is held against the promise.
    """
    server = Server(tmp_path / "data")
    server.variables = log_variables((64 << 20, 16 << 30, 32 << 20))
    server.start()
    server.kill()
    empty, empty_processor = start_seconds(server)
    Wire(server).call("CreateStream", {"StreamName": "records", "ShardCount": 8})
    ledger = Ledger([f"shardId-{number:012d}" for number in range(8)])
    fillers = [Filler(server, f"f{number}", TAIL_MB << 18) for number in range(4)]
    for filler in fillers:
        filler.start()
    for filler in fillers:
        filler.join()
    server.kill()
    tail = sum(path.stat().st_size for path in server.data_dir.rglob("*") if path.suffix in (".journal", ".segment"))
    try:
        full, full_processor = start_seconds(server)
        reader = Reader(Wire(server), "records", ledger)
        found = {}
        for shard in ledger.position:
            iterator = reader._iterator(shard, None)
            while True:
                answer = reader.wire.call("GetRecords", {"ShardIterator": iterator, "Limit": 1000})
                for record in answer["Records"]:
                    found[(shard, record["SequenceNumber"])] = record["Data"]
                iterator = answer["NextShardIterator"]
                if answer["MillisBehindLatest"] == 0:
                    break
        told = {place: data for filler in fillers for place, data in filler.told.items()}
        assert told and all(found.get(place) == data for place, data in told.items())
        gigabytes = tail / (1 << 30)
        rate, processor_rate = (full - empty) / gigabytes, (full_processor - empty_processor) / gigabytes
        print(
            f"\nrestart of an empty store {empty * 1000:.0f} ms, with {tail >> 20} MB to recover {full * 1000:.0f} ms: {rate:.2f} s per GB, "
            f"{processor_rate:.2f} s per GB of the processor")
        assert TAIL_MB <= 64 or processor_rate <= 1
    finally:
        server.close()


def start_seconds(server):
    """Seconds until the server is ready, and those of a processor that it has used."""
    start = time.monotonic()
    server.start()
    seconds = time.monotonic() - start
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()
    return seconds, (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Filler(threading.Thread):
    """Puts some bytes in large records."""

    def __init__(self, server, name, size):
        super().__init__(daemon=True)
        self.wire, self.size = Wire(server), size
        self.told = {}
        self.key = name

    def run(self):
        put = 0
        while put < self.size:
            data = [base64.b64encode(payload(self.key, put + part, 100) + PADDING[:100_000]).decode() for part in range(8)]
            answer = self.wire.call("PutRecords", {"StreamName": "records", "Records": [
                {"PartitionKey": f"{self.key} {put} {part}", "Data": text} for part, text in enumerate(data)]})
            for place, text in zip(answer["Records"], data):
                self.told[(place["ShardId"], place["SequenceNumber"])] = text
            put += 800_000
