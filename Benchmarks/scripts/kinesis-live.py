"""Kinesis while it lives: a subscriber's throughput and latency, and splits and merges under puts.

    kinesis-live.py throughput ADDRESS PID [RECORDS]          one subscriber reads RECORDS records of 120 bytes from the start
    kinesis-live.py latency ADDRESS PID [PUTS]                from a put's answer, and from its sending, to its arrival at a subscriber
    kinesis-live.py reshard ADDRESS PID [RATE] [SECONDS]      splits and merges in turns under RATE records a second

Standard library only. PID is the server's, whose processor time is counted.
"""

import base64
import hashlib
import http.client
import json
import os
import random
import socket
import statistics
import struct
import sys
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")


class Kinesis:
    """One connection."""

    def __init__(self, address):
        self.connection = http.client.HTTPConnection(address, timeout=60)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def post(self, operation, body):
        self.connection.request(
            "POST", "/", body, {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"Kinesis_20131202.{operation}"})
        answer = self.connection.getresponse()
        return answer.status, answer.read()

    def call(self, operation, **members):
        status, body = self.post(operation, json.dumps(members).encode())
        if status != 200:
            raise SystemExit(f"{operation}: {status} {body[:300]}")
        return json.loads(body) if body else {}


def processor_seconds(pid):
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def put_body(stream, count, size, seed):
    generator = random.Random(seed)
    return json.dumps({"StreamName": stream, "Records": [
        {"PartitionKey": f"key-{generator.randrange(10**8):08}", "Data": base64.b64encode(generator.randbytes(size)).decode()}
        for _ in range(count)]}).encode()


def subscribe(address, kinesis, stream, position):
    """A socket on which the events come, and what came with the head."""
    arn = kinesis.call("DescribeStreamSummary", StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    consumer = kinesis.call("RegisterStreamConsumer", StreamARN=arn, ConsumerName="c")["Consumer"]["ConsumerARN"]
    body = json.dumps({"ConsumerARN": consumer, "ShardId": "0", "StartingPosition": {"Type": position}}).encode()
    host, port = address.rsplit(":", 1)
    peer = socket.create_connection((host, int(port)))
    peer.sendall(
        b"POST / HTTP/1.1\r\nHost: " + address.encode() + b"\r\nContent-Type: application/x-amz-json-1.1\r\n"
        b"X-Amz-Target: Kinesis_20131202.SubscribeToShard\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n" + body)
    head = b""
    while b"\r\n\r\n" not in head:
        head += peer.recv(4096)
    if not head.startswith(b"HTTP/1.1 200"):
        raise SystemExit(head.decode())
    return peer, head.split(b"\r\n\r\n", 1)[1]


def throughput(address, pid, records=2_000_000):
    kinesis, stream = Kinesis(address), "throughput"
    kinesis.call("CreateStream", StreamName=stream, ShardCount=1)
    body = put_body(stream, 500, 120, 1)
    for _ in range(int(records) // 500):
        kinesis.post("PutRecords", body)
    records = int(records) // 500 * 500
    peer, rest = subscribe(address, kinesis, stream, "TRIM_HORIZON")
    room, found, tail, taken = bytearray(4 << 20), rest.count(b'"PartitionKey"'), rest[-13:], len(rest)
    before, own, begun = processor_seconds(pid), time.process_time(), time.monotonic()
    while found < records:
        count = peer.recv_into(room)
        if count == 0:
            raise SystemExit("the subscription has ended")
        # A name may be cut in two.
        found += room.count(b'"PartitionKey"', 0, count) + (tail + room[:13]).count(b'"PartitionKey"')
        tail = (tail + room[max(0, count - 13):count])[-13:]
        taken += count
    seconds = time.monotonic() - begun
    print(f"{records} records of 120 bytes in {seconds:.2f} s: {records / seconds:,.0f} records/s, {taken / seconds / 1e6:,.0f} MB/s on the wire")
    print(f"server: {(processor_seconds(pid) - before) / records * 1e6:.3f} us of processor time a record; "
          f"the subscriber itself: {(time.process_time() - own) / records * 1e6:.3f} us")


def latency(address, pid, puts=1000):
    kinesis, stream = Kinesis(address), "latency"
    kinesis.call("CreateStream", StreamName=stream, ShardCount=1)
    peer, rest = subscribe(address, kinesis, stream, "LATEST")
    arrived = {}

    def take():
        buffer = rest
        while True:
            piece = peer.recv(1 << 20)
            now = time.monotonic()
            if not piece:
                return
            buffer += piece
            for part in buffer.split(base64.b64encode(b"<<<")[:4])[1:]:
                arrived.setdefault(part[:12], now)
            buffer = buffer[-4096:]

    threading.Thread(target=take, daemon=True).start()
    time.sleep(0.2)
    after_answer, after_sending = [], []
    for number in range(int(puts)):
        data = base64.b64encode(b"<<<" + f"{number:09}".encode())
        body = json.dumps({"StreamName": stream, "PartitionKey": "k", "Data": data.decode()}).encode()
        sent = time.monotonic()
        kinesis.post("PutRecord", body)
        answered = time.monotonic()
        name = data[4:16]
        while name not in arrived:
            time.sleep(0.0002)
        after_sending.append(arrived[name] - sent)
        after_answer.append(max(0, arrived[name] - answered))
        time.sleep(random.random() * 0.004)
    for name, values in (("from its answer", after_answer), ("from its sending", after_sending)):
        values.sort()
        print(f"a record reaches the subscriber {name}: median {statistics.median(values) * 1e3:.2f} ms, "
              f"p99 {values[len(values) * 99 // 100] * 1e3:.2f} ms")


class Producer(threading.Thread):
    """Puts batches of 500 at its share of the rate, and notes how long each took and what was refused."""

    def __init__(self, address, stream, rate, until, seed):
        super().__init__()
        self.kinesis, self.body, self.pace, self.until = Kinesis(address), put_body(stream, 500, 120, seed), 500 / rate, until
        self.answers, self.failed, self.records = [], 0, 0

    def run(self):
        due = time.monotonic()
        while due < self.until:
            begun = time.monotonic()
            status, body = self.kinesis.post("PutRecords", self.body)
            self.answers.append((begun, time.monotonic()))
            self.records += 500
            if status != 200:
                self.failed += 500
            elif not body.startswith(b'{"FailedRecordCount":0,'):
                self.failed += json.loads(body)["FailedRecordCount"]
            due = max(due + self.pace, time.monotonic() - 0.5)
            time.sleep(max(0, due - time.monotonic()))


def reshard(address, pid, rate=50_000, seconds=15):
    kinesis, stream = Kinesis(address), "reshard"
    kinesis.call("CreateStream", StreamName=stream, ShardCount=4)
    begun = time.monotonic()
    producers = [Producer(address, stream, float(rate) / 4, begun + float(seconds), seed) for seed in range(4)]
    before = processor_seconds(pid)
    for producer in producers:
        producer.start()
    time.sleep(1)
    changes = []
    while time.monotonic() < begun + float(seconds) - 1:
        shards = sorted(
            (shard for shard in kinesis.call("ListShards", StreamName=stream)["Shards"]
             if "EndingSequenceNumber" not in shard["SequenceNumberRange"]),
            key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))
        at = time.monotonic()
        if len(shards) < 8:
            shard = random.choice(shards)
            low, high = (int(shard["HashKeyRange"][name]) for name in ("StartingHashKey", "EndingHashKey"))
            kinesis.call("SplitShard", StreamName=stream, ShardToSplit=shard["ShardId"], NewStartingHashKey=str((low + high) // 2))
        else:
            for lower, upper in list(zip(shards[::2], shards[1::2]))[:4]:
                kinesis.call("MergeShards", StreamName=stream, ShardToMerge=lower["ShardId"], AdjacentShardToMerge=upper["ShardId"])
        changes.append(time.monotonic() - at)
        time.sleep(0.3)
    for producer in producers:
        producer.join()
    records = sum(producer.records for producer in producers)
    times = sorted(end - begin for producer in producers for begin, end in producer.answers)
    ends = sorted(end for producer in producers for _, end in producer.answers)
    pause = max(later - earlier for earlier, later in zip(ends, ends[1:]))
    print(f"{records / (ends[-1] - begun):,.0f} records/s put, {len(changes)} rounds of splits and merges, each {statistics.median(changes) * 1e3:.1f} ms (median), "
          f"{max(changes) * 1e3:.1f} ms (longest)")
    print(f"records that failed: {sum(producer.failed for producer in producers)}; a put takes {statistics.median(times) * 1e3:.1f} ms (median), "
          f"{times[len(times) * 99 // 100] * 1e3:.1f} ms (p99), {times[-1] * 1e3:.1f} ms (longest); longest time without any answer {pause * 1e3:.1f} ms")
    print(f"server: {(processor_seconds(pid) - before) / records * 1e6:.3f} us of processor time a record")


if __name__ == "__main__":
    modes = {"throughput": throughput, "latency": latency, "reshard": reshard}
    modes[sys.argv[1]](sys.argv[2], int(sys.argv[3]), *(float(text) for text in sys.argv[4:]))
