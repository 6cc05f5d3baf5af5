"""What writers were told and what readers found, compared record by record while both go on.

A record's data is `NAME:NUMBER:` and bytes that follow from both, so that one which was read tells what it has to be. Violations are collected
as text; the rules are:

- an acknowledged record is found under the sequence number that was told, and nothing else is found there;
- a record is found at the most as often as it was sent without being refused: no duplicates but those of retries;
- in every shard a writer's records come in the order in which they were first sent;
- sequence numbers rise, arrival times don't fall;
- what has been read once is read again, bytes and all (`ranges` keeps the digests).
"""

import base64
import hashlib
import json
import random
import threading

PADDING = random.Random(4).randbytes(1 << 18)


def payload(name, number, largest):
    """A record's data; most are short, some fill several pages."""
    chosen = number * 2654435761 % 1009
    length = chosen % 300 if chosen < 980 else chosen * 37 % (largest + 1)
    start = number * 40503 % (len(PADDING) - largest)
    return b"%s:%d:%d:" % (name.encode(), number, largest) + PADDING[start:start + length]


class Ledger:
    """One stream's records, from its writers' and its readers' side. For any thread."""

    def __init__(self, shards):
        self.lock = threading.Lock()
        self.violations = []
        self.acknowledged_count = self.read_count = self.duplicates = self.unknown_outcomes = self.refusals = self.lost = 0
        # By writer's name: how often each number was sent without being refused, and how often it was found.
        self.sent, self.found = {}, {}
        # By shard: sequence number -> (name, number), told but not read yet, and read but not told.
        self.awaited = {shard: {} for shard in shards}
        self.untold = {shard: {} for shard in shards}
        self.position = {shard: 0 for shard in shards}
        self.last_told = {shard: None for shard in shards}
        self.arrival = {shard: 0.0 for shard in shards}
        self.first_of = {shard: {} for shard in shards}
        # By shard: (last sequence number before, last sequence number, records, digest) of each piece that was read.
        self.ranges = {shard: [] for shard in shards}
        # Not 0 while the server is known to be stopped.
        self.frozen = 0

    def violation(self, text):
        if len(self.violations) < 20:
            self.violations.append(text)

    # Writers

    def register(self, name):
        with self.lock:
            self.sent[name], self.found[name] = bytearray(), bytearray()

    def sending(self, name, numbers):
        """To be called before records are sent, each time they are."""
        with self.lock:
            sent = self.sent[name]
            if numbers[-1] >= len(sent):
                more = bytes(numbers[-1] + 1024 - len(sent))
                sent += more
                self.found[name] += more
            for number in numbers:
                if sent[number] < 255:
                    sent[number] += 1
        return self.frozen

    def acknowledged(self, name, numbers, places, frozen):
        """`places`: for each number its shard and sequence number; `frozen`: what `sending` gave."""
        if frozen and frozen == self.frozen:
            self.violation(f"{name}: records {numbers[0]} to {numbers[-1]} were sent and acknowledged while the server was stopped")
        with self.lock:
            self.acknowledged_count += len(numbers)
            for number, (shard, sequence) in zip(numbers, places):
                sequence = int(sequence)
                told = self.last_told[shard]
                if told is None or sequence > told:
                    self.last_told[shard] = sequence
                read = self.untold[shard].pop(sequence, None)
                if read is not None:
                    if read != (name, number):
                        self.violation(f"{shard} {sequence}: {name}:{number} was acknowledged, {read[0]}:{read[1]} is there")
                elif sequence <= self.position[shard]:
                    self.lost += 1
                    self.violation(f"LOST {name}:{number}: acknowledged as {shard} {sequence}, which was read over already")
                else:
                    self.awaited[shard][sequence] = (name, number)

    def refused(self, name, numbers):
        """The service said that nothing was appended."""
        self.refusals += 1
        self.not_sent(name, numbers)

    def not_sent(self, name, numbers):
        """What `sending` noted did not happen."""
        with self.lock:
            for number in numbers:
                if self.sent[name][number] < 255:
                    self.sent[name][number] -= 1

    def broke(self):
        """The outcome of what was sent is unknown."""
        with self.lock:
            self.unknown_outcomes += 1

    # Readers

    def read(self, shard, records):
        """The next records of a shard as GetRecords gave them, read for the first time."""
        if not records:
            return
        digest, entries = self.digest(records)
        with self.lock:
            before, last = self.position[shard], self.position[shard]
            awaited, untold, first_of = self.awaited[shard], self.untold[shard], self.first_of[shard]
            for sequence, arrival, data in entries:
                if sequence <= last:
                    self.violation(f"{shard}: sequence number {sequence} after {last}")
                last = sequence
                if arrival < self.arrival[shard]:
                    self.violation(f"{shard} {sequence}: arrival {arrival} after {self.arrival[shard]}")
                self.arrival[shard] = arrival
                name, number = self._identify(shard, sequence, data)
                if name is None:
                    continue
                found = self.found[name]
                found[number] = min(found[number] + 1, 255)
                if found[number] > 1:
                    self.duplicates += 1
                else:
                    if number <= first_of.get(name, -1):
                        self.violation(f"{shard} {sequence}: {name}:{number} comes after {name}:{first_of[name]}")
                    first_of[name] = number
                if found[number] > self.sent[name][number]:
                    self.violation(
                        f"{shard} {sequence}: {name}:{number} is there {found[number]} times, but was sent {self.sent[name][number]} times")
                told = awaited.pop(sequence, None)
                if told is None:
                    untold[sequence] = (name, number)
                elif told != (name, number):
                    self.violation(f"{shard} {sequence}: {told[0]}:{told[1]} was acknowledged, {name}:{number} is there")
            self.position[shard] = last
            self.read_count += len(entries)
            self.ranges[shard].append((before, last, len(entries), digest))
            for sequence in [sequence for sequence in awaited if sequence <= last]:
                self._lose(shard, sequence)

    def _identify(self, shard, sequence, data):
        try:
            name, number, largest, _ = data.split(b":", 3)
            name, number, largest = name.decode(), int(number), int(largest)
            is_right = data == payload(name, number, largest) and number < len(self.found[name])
        except (ValueError, KeyError):
            is_right = False
        if is_right:
            return name, number
        self.violation(f"{shard} {sequence}: nobody wrote {data[:60]!r} ({len(data)} bytes)")
        return None, None

    def at_tip(self, shard, told_before):
        """A reader found no more records; `told_before` is what `last_told` was before it asked."""
        with self.lock:
            for sequence in [sequence for sequence in self.awaited[shard] if told_before is not None and sequence <= told_before]:
                self._lose(shard, sequence)

    def _lose(self, shard, sequence):
        name, number = self.awaited[shard].pop(sequence)
        self.lost += 1
        self.violation(f"LOST {name}:{number}: acknowledged as {shard} {sequence}, and not there")

    @staticmethod
    def digest(records):
        """A digest of records and their (sequence number, arrival, data)."""
        digest = hashlib.blake2b(digest_size=16)
        entries = []
        for record in records:
            data = base64.b64decode(record["Data"])
            sequence = record["SequenceNumber"]
            digest.update(b"%s %r %s %d " % (sequence.encode(), record["ApproximateArrivalTimestamp"], record["PartitionKey"].encode(), len(data)))
            digest.update(data)
            entries.append((int(sequence), record["ApproximateArrivalTimestamp"], data))
        return digest.digest(), entries

    @property
    def backlog(self):
        """Records that were told and are not read yet."""
        return sum(map(len, self.awaited.values()))


class Reader:
    """Reads all shards of a stream into a ledger; can begin again where it was after any failure."""

    def __init__(self, wire, stream, ledger):
        self.wire, self.stream, self.ledger = wire, stream, ledger
        self.iterators = {}

    def _iterator(self, shard, after):
        place = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": str(after)} if after else {
            "ShardIteratorType": "TRIM_HORIZON"}
        return self.wire.call("GetShardIterator", {"StreamName": self.stream, "ShardId": shard, **place})["ShardIterator"]

    def read_some(self, shard, limit=5000):
        """One call's worth of a shard; returns whether its tip was reached. Raises as `Wire.call`."""
        told = self.ledger.last_told[shard]
        iterator = self.iterators.pop(shard, None) or self._iterator(shard, self.ledger.position[shard])
        answer = self.wire.call("GetRecords", {"ShardIterator": iterator, "Limit": limit})
        self.ledger.read(shard, answer["Records"])
        self.iterators[shard] = answer["NextShardIterator"]
        if answer["MillisBehindLatest"] > 0:
            return False
        self.ledger.at_tip(shard, told)
        return True

    def read_to_tip(self):
        for shard in self.ledger.position:
            while not self.read_some(shard):
                pass

    def read_again(self, shard, start, end):
        """Reads pieces `start` to `end` of `ledger.ranges` once more."""
        ranges = self.ledger.ranges[shard][start:end]
        iterator = None
        for before, last, count, digest in ranges:
            records = []
            iterator = iterator or self._iterator(shard, before)
            while len(records) < count:
                answer = self.wire.call("GetRecords", {"ShardIterator": iterator, "Limit": min(count - len(records), 10_000)})
                records += answer["Records"]
                iterator = answer["NextShardIterator"]
                if not answer["Records"]:
                    break
            if self.ledger.digest(records)[0] == digest:
                continue
            what = f"{len(records)} records" if len(records) != count else "other bytes"
            return self.ledger.violation(f"{shard}: of {count} records after {before} up to {last} there are, read again, {what}")

    def read_all_again(self):
        for shard, ranges in self.ledger.ranges.items():
            self.read_again(shard, 0, len(ranges))
