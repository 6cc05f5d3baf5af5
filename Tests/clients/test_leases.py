"""Consumers that keep their leases in tables of the same node: one that takes the KCL's steps, and two that others wrote."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from server import unique, until

PYTHON = os.environ.get("MILLRACE_PEERS", sys.executable)
# kinesis-python's module has the same name as async-kinesis's, so it lives elsewhere.
CLASSIC = os.environ.get("MILLRACE_PEERS_CLASSIC", "")


def has(python, module):
    return bool(python) and subprocess.run([python, "-c", f"import {module}"], capture_output=True).returncode == 0


class Worker:
    """A process that prints JSON lines."""

    def __init__(self, server, command):
        self.lines = []
        self.errors = open(server.data_dir.parent / unique("worker"), "w+")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=server.environment,
            start_new_session=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            if line.startswith("{"):
                self.lines.append(json.loads(line))

    def said(self, what):
        return [line for line in list(self.lines) if line["what"] == what]

    def records(self):
        return [record for line in self.said("processes") for record in line["records"]]

    def kill(self):
        """The process and all that it has started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def check(self):
        if self.process.poll() not in (None, -signal.SIGKILL):
            self.errors.seek(0)
            raise AssertionError(self.errors.read()[-3000:])
        return True


def put(kinesis, stream, numbers):
    numbers = list(numbers)
    for start in range(0, len(numbers), 400):
        kinesis.put_records(
            StreamName=stream, Records=[{"PartitionKey": f"k{n}", "Data": str(n).encode()} for n in numbers[start:start + 400]])


def wait_for(workers, count, what):
    def done():
        for worker in workers:
            worker.check()
        return {int(record) for worker in workers for record in worker.records()} >= set(range(count))
    until(done, timeout=90, what=what)


@pytest.fixture
def workers():
    started = []
    yield started
    for worker in started:
        if worker.process.poll() is None:
            worker.process.send_signal(signal.SIGCONT)
            worker.kill()


def lease_worker(server, workers, stream, application, seconds=2):
    program = Path(__file__).parent / "lease_worker.py"
    worker = Worker(server, [sys.executable, str(program), server.endpoint, stream, application, f"w{len(workers)}", str(seconds)])
    workers.append(worker)
    return worker


def test_workers_share_take_over_and_are_refused_when_they_wake(server, kinesis, workers):
    stream, application = unique("kcl"), unique("app")
    kinesis.create_stream(StreamName=stream, ShardCount=6)
    put(kinesis, stream, range(600))
    first = lease_worker(server, workers, stream, application)
    until(lambda: first.check() and len(first.said("takes")) == 6, timeout=40, what="the first worker to take all leases")
    second, third = lease_worker(server, workers, stream, application), lease_worker(server, workers, stream, application)
    until(lambda: second.check() and third.check() and second.said("takes") and third.said("takes"), timeout=60, what="the others to take leases from it")
    put(kinesis, stream, range(600, 1200))
    wait_for(workers, 1200, "all records to be processed")
    # One stands still past its leases, and finds them gone when it wakes.
    second.process.send_signal(signal.SIGSTOP)
    # What it had said may be read only now: a lease that it lost before it stood still is not lost again.
    lost, taken = len(second.said("loses")), len(second.said("takes"))
    held = {line["lease"] for line in second.said("takes")} - {line["lease"] for line in second.said("loses")}
    put(kinesis, stream, range(1200, 1800))
    until(lambda: first.check() and third.check() and {int(record) for worker in workers for record in worker.records()} >= set(range(1800)),
          timeout=60, what="the records of the leases of the worker that stands still")
    second.process.send_signal(signal.SIGCONT)
    # Each is refused to it, unless it takes it from the others anew before it asks.
    until(lambda: second.check() and {line["lease"] for line in second.said("loses")[lost:] + second.said("takes")[taken:]} >= held,
          timeout=30, what="it to be refused")
    # One dies.
    third.kill()
    put(kinesis, stream, range(1800, 2400))
    wait_for(workers, 2400, "the records of the leases of the worker that died")
    # Checkpoints of a lease never went back, whoever made them.
    by_lease = {}
    for worker in workers:
        for line in worker.said("checkpoints"):
            by_lease.setdefault(line["lease"], []).append((line["counter"], int(line["checkpoint"])))
    assert len(by_lease) == 6
    for lease, checkpoints in by_lease.items():
        checkpoints.sort()
        assert [number for _, number in checkpoints] == sorted(number for _, number in checkpoints), lease
        assert len({counter for counter, _ in checkpoints}) == len(checkpoints), "two workers had a lease at a time"


def test_acknowledged_items_are_there_after_kill_minus_nine(mortal):
    dynamo = mortal.client("dynamodb")
    table = unique("kept")
    dynamo.create_table(
        TableName=table, KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "owner", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[{"IndexName": "owners", "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}],
                                 "Projection": {"ProjectionType": "KEYS_ONLY"}}])
    for life in range(4):
        acknowledged, stop = [{} for _ in range(4)], threading.Event()

        def write(writer):
            client, number = mortal.client("dynamodb"), 0
            while not stop.is_set():
                key = f"{writer}-{number % 50}"
                try:
                    client.update_item(
                        TableName=table, Key={"pk": {"S": key}}, UpdateExpression="SET n = :n, #o = :o",
                        ExpressionAttributeNames={"#o": "owner"}, ExpressionAttributeValues={":n": {"N": str(number)}, ":o": {"S": f"o{number % 3}"}})
                    client.transact_write_items(TransactItems=[
                        {"Put": {"TableName": table, "Item": {"pk": {"S": f"{side}-{key}"}, "n": {"N": str(number)}}}} for side in ("left", "right")])
                except Exception:
                    return
                acknowledged[writer][key] = number
                number += 1

        threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        until(lambda: all(len(known) > 20 * (life + 1) // 2 for known in acknowledged), what="writes")
        mortal.kill()
        stop.set()
        for thread in threads:
            thread.join()
        mortal.start()
        dynamo = mortal.client("dynamodb")
        items = {item["pk"]["S"]: item for page in dynamo.get_paginator("scan").paginate(TableName=table) for item in page["Items"]}
        for known in acknowledged:
            for key, number in known.items():
                # One write may have been made and not acknowledged.
                assert int(items[key]["n"]["N"]) in (number, number + 50), (key, items[key], number)
                left, right = (int(items[f"{side}-{key}"]["n"]["N"]) for side in ("left", "right"))
                assert left == right and left in (number, number + 50), "a transaction was made by half"
        indexed = {}
        for owner in range(3):
            for page in dynamo.get_paginator("query").paginate(
                    TableName=table, IndexName="owners", KeyConditionExpression="#o = :o", ExpressionAttributeNames={"#o": "owner"},
                    ExpressionAttributeValues={":o": {"S": f"o{owner}"}}):
                indexed.update({item["pk"]["S"]: f"o{owner}" for item in page["Items"]})
        assert indexed == {key: item["owner"]["S"] for key, item in items.items() if "owner" in item}


ASYNC_WORKER = """
import asyncio, json, sys
import kinesis
from kinesis.dynamodb import DynamoDBCheckPointer

async def main(endpoint, stream, application, worker):
    class Processor(kinesis.aggregators.SimpleAggregator, kinesis.serializers.JsonSerializer):
        pass

    checkpointer = DynamoDBCheckPointer(
        application, id=worker, session_timeout=4, heartbeat_frequency=1, endpoint_url=endpoint, region_name="us-east-1")
    async with kinesis.Consumer(
            stream, processor=Processor(), checkpointer=checkpointer, sleep_time_no_records=0.1, endpoint_url=endpoint,
            region_name="us-east-1", shard_fetch_rate=1, max_shard_consumers=2 if worker == "a" else None) as consumer:
        while True:
            async for item in consumer:
                print(json.dumps({"what": "processes", "records": [item["number"]]}), flush=True)
            await asyncio.sleep(0.1)

import kinesis.aggregators, kinesis.serializers
asyncio.run(main(*sys.argv[1:5]))
"""


@pytest.mark.skipif(not has(PYTHON, "kinesis.dynamodb, aioboto3"), reason="async-kinesis with aioboto3 is not installed; Tests/run installs it")
def test_async_kinesis_keeps_its_checkpoints_in_a_table(server, kinesis, workers):
    stream, application = unique("async"), unique("app")
    kinesis.create_stream(StreamName=stream, ShardCount=4)

    def send(numbers):
        for number in numbers:
            kinesis.put_record(StreamName=stream, PartitionKey=str(number), Data=json.dumps({"number": number}).encode())

    send(range(200))
    for name in "ab":
        workers.append(Worker(server, [PYTHON, "-c", ASYNC_WORKER, server.endpoint, stream, application, name]))
        # The first takes two shards at most.
        until(lambda: workers[-1].check() and workers[-1].records(), timeout=60, what="records in each")
    wait_for(workers, 200, "all records")
    assert all(worker.records() for worker in workers), "both took a part"
    workers[1].kill()
    send(range(200, 400))
    workers.append(Worker(server, [PYTHON, "-c", ASYNC_WORKER, server.endpoint, stream, application, "c"]))
    wait_for(workers, 400, "the records of the shards whose consumer died")
    table = server.client("dynamodb").scan(TableName=f"kinesis-checkpoints-{application}")
    assert table["Count"] == 4 and all("sequence" in item and "ref" in item for item in table["Items"])


CLASSIC_WORKER = """
import json, socket, sys
name = sys.argv[3]
socket.getfqdn = lambda *_: name
from kinesis.consumer import KinesisConsumer
from kinesis.state import DynamoDB

KinesisConsumer.LOCK_DURATION = 3
consumer = KinesisConsumer(stream_name=sys.argv[1], state=DynamoDB(table_name=sys.argv[2]), reader_sleep_time=0.1)
print(json.dumps({"what": "starts"}), flush=True)
for message in consumer:
    print(json.dumps({"what": "processes", "records": [message["Data"].decode()]}), flush=True)
"""


@pytest.mark.skipif(not has(CLASSIC, "kinesis.state"), reason="kinesis-python is not installed; Tests/run installs it")
def test_kinesis_python_keeps_its_state_in_a_table(server, kinesis, workers):
    stream, table = unique("classic"), unique("state")
    dynamo = server.client("dynamodb")
    dynamo.create_table(
        TableName=table, KeySchema=[{"AttributeName": "shard", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "shard", "AttributeType": "S"}],
        ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5})
    kinesis.create_stream(StreamName=stream, ShardCount=3)
    for name in "ab":
        workers.append(Worker(server, [CLASSIC, "-c", CLASSIC_WORKER, stream, table, name]))
        # Two that lock a shard for the first time at once are more than it can bear: the one that is refused ends.
        until(lambda: workers[-1].check() and dynamo.scan(TableName=table)["Count"] == 3, timeout=60, what="all shards to be locked")
    time.sleep(1)
    put(kinesis, stream, range(200))
    wait_for(workers, 200, "all records")
    owners = {item["fqdn"]["S"] for item in dynamo.scan(TableName=table)["Items"]}
    for name, worker in zip("ab", list(workers)):
        if name in owners:
            worker.kill()
    workers.append(Worker(server, [CLASSIC, "-c", CLASSIC_WORKER, stream, table, "c"]))
    put(kinesis, stream, range(200, 400))
    wait_for(workers, 400, "the records of the shards whose consumer died")
    assert all(item["fqdn"]["S"] not in owners for item in dynamo.scan(TableName=table)["Items"])
