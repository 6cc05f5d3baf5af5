"""Clients that others wrote, from PyPI: async-kinesis, aws-kinesis-consumer. They live in a virtual environment of their own, for they want other
versions of botocore than the tests; `Tests/run` makes it and sets MILLRACE_PEERS to its Python."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from server import read_all, unique, until

PYTHON = os.environ.get("MILLRACE_PEERS", sys.executable)


def has(module):
    return subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True).returncode == 0


needs_async = pytest.mark.skipif(not has("kinesis"), reason="async-kinesis is not installed; Tests/run installs it")
needs_consumer = pytest.mark.skipif(not has("aws_kinesis_consumer"), reason="aws-kinesis-consumer is not installed; Tests/run installs it")

# Sends and takes through async-kinesis; what it took is printed as JSON lines.
PROGRAM = """
import asyncio, json, sys
import kinesis

async def main(endpoint, stream, aggregator, count):
    maker = {
        "simple": kinesis.aggregators.SimpleAggregator, "newline": kinesis.aggregators.NewlineAggregator,
        "kpl": kinesis.aggregators.KPLAggregator, "netstring": kinesis.aggregators.NetstringAggregator}[aggregator]

    class Processor(maker, kinesis.serializers.JsonSerializer):
        pass

    options = {"endpoint_url": endpoint, "region_name": "us-east-1"}
    async with kinesis.Producer(stream, processor=Processor(), buffer_time=0.1, create_stream=True, create_stream_shards=2, **options) as producer:
        for number in range(count):
            await producer.put({"number": number})
        await producer.flush()
    found = []
    async with kinesis.Consumer(stream, processor=Processor(), sleep_time_no_records=0.1, **options) as consumer:
        while len(found) < count:
            async for item in consumer:
                found.append(item["number"])
                if len(found) >= count:
                    break
    print(json.dumps(sorted(found)))

import kinesis.aggregators, kinesis.serializers
asyncio.run(asyncio.wait_for(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])), 60))
"""


@needs_async
@pytest.mark.parametrize("aggregator", ["simple", "newline", "netstring", "kpl"])
def test_async_kinesis_sends_and_takes(server, aggregator):
    if aggregator == "kpl" and not has("aws_kinesis_agg"):
        pytest.skip("aws-kinesis-agg is not installed; Tests/run installs it")
    stream = unique("async")
    result = subprocess.run(
        [PYTHON, "-c", PROGRAM, server.endpoint, stream, aggregator, "300"], env=server.environment, capture_output=True, text=True,
        timeout=90)
    assert result.returncode == 0, result.stderr[-4000:]
    assert json.loads(result.stdout.splitlines()[-1]) == list(range(300))
    stored = sum(len(records) for records in read_all(server.client("kinesis"), stream).values())
    # Three of the four put several into one record.
    assert stored == 300 if aggregator == "simple" else 1 <= stored < 300


@needs_consumer
def test_aws_kinesis_consumer_prints_the_records(server, kinesis):
    stream = unique("consumer")
    kinesis.create_stream(StreamName=stream, ShardCount=2)
    expected = [f"record {number}" for number in range(40)]
    kinesis.put_records(StreamName=stream, Records=[{"PartitionKey": text, "Data": text.encode()} for text in expected])
    program = Path(PYTHON).parent / "aws-kinesis-consumer"
    command = [str(program)] if program.exists() else [PYTHON, "-m", "aws_kinesis_consumer"]
    output = server.data_dir.parent / f"{stream}.out"
    with open(output, "wb") as target:
        process = subprocess.Popen(
            [*command, "--stream-name", stream, "--endpoint", server.endpoint, "--iterator-type", "trim-horizon"],
            env={**server.environment, "PYTHONUNBUFFERED": "1"}, stdout=target, stderr=subprocess.STDOUT)
    try:
        until(
            lambda: sorted(line for line in output.read_text().splitlines() if line.startswith("record ")) == sorted(expected),
            what="all records on its standard output: " + output.read_text()[-2000:])
    finally:
        process.kill()
        process.wait()
