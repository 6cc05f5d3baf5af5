"""Few descriptors and many idle connections: puts that roll journal and segments go on, without a restart."""

import resource
import socket

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from server import Server, read_all, until

LIMIT = 400


@pytest.fixture
def poor(tmp_path):
    """A server that may have 400 descriptors, and files so small that puts always need new ones."""
    server = Server(tmp_path / "data")
    server.variables = {
        "MILLRACE_LOG_JOURNAL_FILE_BYTES": "65536", "MILLRACE_LOG_SEGMENT_BYTES": "32768", "MILLRACE_LOG_FLUSH_BYTES": "16384"}
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    server.prefix = ["prlimit", f"--nofile=256:{LIMIT}"]
    server.start()
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4_096, hard), hard))
    yield server
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    server.close()


def put(kinesis, number):
    """Whether the node took it: it may say for a while that it cannot."""
    try:
        kinesis.put_record(StreamName="s", PartitionKey=f"k{number % 97}", Data=f"{number} ".encode() + b"x" * 4_000)
        return True
    except (ClientError, BotoCoreError):
        return False


def test_puts_go_on_after_idle_connections_took_all_descriptors(poor):
    kinesis = poor.client("kinesis")
    kinesis.create_stream(StreamName="s", ShardCount=8)
    taken = [number for number in range(20) if put(kinesis, number)]
    assert len(taken) == 20
    host, port = poor.address.split(":")
    idle = []
    for _ in range(600):
        connection = socket.socket()
        connection.settimeout(2)
        try:
            connection.connect((host, int(port)))
        except OSError:
            connection.close()
            continue
        idle.append(connection)
    # On the connection that is open already. What is refused meanwhile was not stored; nothing else may be said.
    taken += [number for number in range(20, 320) if put(kinesis, number)]
    assert (poor.process.poll() is None)
    for connection in idle:
        connection.close()
    until(lambda: put(kinesis, 1_000), what="a put after the connections have left")
    taken.append(1_000)
    more = [number for number in range(1_001, 1_201) if put(kinesis, number)]
    assert len(more) == 200, "every put succeeds again, without a restart"
    taken += more

    def numbers():
        return {int(record["Data"].split()[0]) for records in read_all(poor.client("kinesis"), "s").values() for record in records}

    assert set(taken) <= numbers()
    assert poor.stop() == 0
    poor.start()
    assert set(taken) <= numbers()
