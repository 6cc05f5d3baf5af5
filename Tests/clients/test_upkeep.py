"""`millrace verify`, `backup` and `restore`, beside a server under load and on what it leaves."""

import json
import os
import random
import socket
import subprocess
import tarfile
import threading
import time

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from server import BINARY, Server, read_all, unique, until


def run(*arguments, **environment):
    return subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=60, env={**os.environ, **environment})


class Load:
    """Writers that put numbered records until they are told to end."""

    def __init__(self, server, stream, writers=3, size=3000):
        self.server, self.stream, self.padding = server, stream, "x" * size
        self.acknowledged = {number: [] for number in range(writers)}
        self.attempted = {number: 0 for number in range(writers)}
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.write, args=(number,), daemon=True) for number in range(writers)]
        for thread in self.threads:
            thread.start()

    def write(self, writer):
        client = self.server.client("kinesis")
        while not self.ended.is_set():
            first = self.attempted[writer]
            self.attempted[writer] += 20
            try:
                answer = client.put_records(StreamName=self.stream, Records=[
                    {"PartitionKey": f"{writer}", "Data": f"{writer}:{number}:{self.padding}".encode()} for number in range(first, first + 20)])
                assert answer["FailedRecordCount"] == 0
                self.acknowledged[writer] += range(first, first + 20)
            except (BotoCoreError, ClientError):
                self.ended.wait(0.01)

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()


def by_writer(records):
    """{writer: [number]} in stored order."""
    found = {}
    for items in records.values():
        for item in items:
            writer, number, _ = item["Data"].decode().split(":", 2)
            found.setdefault(int(writer), []).append(int(number))
    return found


@pytest.fixture
def loaded(mortal):
    mortal.client("kinesis").create_stream(StreamName="s", ShardCount=2)
    load = Load(mortal, "s")
    until(lambda: all(len(done) >= 200 for done in load.acknowledged.values()), what="some records")
    yield mortal, load
    load.end()


# Verify


def test_a_clean_directory_verifies_and_a_server_may_run_on_it(loaded):
    server, load = loaded
    for _ in range(5):
        result = run("verify", "--data-dir", server.data_dir)
        assert result.returncode == 0 and result.stderr == "", (result.stdout, result.stderr)
        assert result.stdout.startswith("0 corrupt batches in ")
    load.end()
    server.kill()
    result = run("verify", MILLRACE_DATA_DIR=str(server.data_dir))
    assert result.returncode == 0, (result.stdout, result.stderr)
    server.start()
    assert server.stop() == 0
    before = {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in server.data_dir.rglob("*")}
    result = run("verify", "--data-dir", server.data_dir, "--output", "json")
    answer = json.loads(result.stdout)
    assert result.returncode == 0 and answer["findings"] == []
    assert answer["summary"]["corruptBatches"] == 0 and answer["summary"]["batches"] > 20 and answer["summary"]["bytes"] > 1_000_000
    assert before == {path: (path.stat().st_size, path.stat().st_mtime_ns) for path in server.data_dir.rglob("*")}


def test_damage_is_named_with_its_stream_and_offsets(loaded):
    server, load = loaded
    load.end()
    assert server.stop() == 0
    # The node has a table of its own, whose segment is small.
    segment = max(server.data_dir.glob("logs/*/*/*.segment"), key=lambda path: path.stat().st_size)
    content = bytearray(segment.read_bytes())
    place = content.index(b"MRSF", 100)
    content[place + 200] ^= 4
    segment.write_bytes(content)
    result = run("verify", "--data-dir", server.data_dir)
    lines = result.stdout.splitlines()
    assert result.returncode == 7
    assert lines[-1].startswith("1 corrupt batches in ")
    assert len(lines) == 2 and str(segment.relative_to(server.data_dir)) in lines[0] and "stream s" in lines[0] and "offset" in lines[0]
    finding = json.loads(run("verify", "--data-dir", server.data_dir, "--output", "json").stdout)["findings"][0]
    assert finding["severity"] == "damage" and finding["stream"] == "s" and finding["shard"].startswith("shardId-")
    # Reading tells of the same range.
    assert finding["firstOffset"] <= finding["lastOffset"]


def test_a_directory_that_is_none_or_not_ours_is_not_found(tmp_path):
    for path in [tmp_path / "absent", tmp_path]:
        result = run("verify", "--data-dir", path)
        assert result.returncode == 3 and str(path) in result.stderr and result.stdout == ""
    assert list(tmp_path.iterdir()) == []


# Backup and restore


def test_a_backup_under_load_restores_what_was_acknowledged_before_it(loaded, tmp_path):
    server, load = loaded
    file, directory = tmp_path / "backup.tar", tmp_path / "restored"
    before = {writer: list(done) for writer, done in load.acknowledged.items()}
    made = server.millrace("backup", str(file), "--output", "json")
    after = {writer: load.attempted[writer] for writer in load.acknowledged}
    load.end()
    summary = json.loads(made.stdout)
    # The writers' stream, and the node's own tables of delivery progress and of consumers.
    assert summary["streams"] == 3 and summary["records"] > 0 and [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []
    with tarfile.open(file) as archive:
        names = archive.getnames()
        assert names[-1] == "millrace-backup.json" and "catalog.sqlite" in names
    assert server.millrace("backup", str(file), check=False).returncode == 4, "an existing file is not written over"

    restored = run("restore", file, "--data-dir", directory)
    assert restored.returncode == 0, restored.stderr
    assert run("restore", file, "--data-dir", directory).returncode == 4
    assert run("verify", "--data-dir", directory).returncode == 0
    other = Server(directory)
    other.start()
    try:
        found = by_writer(read_all(other.client("kinesis"), "s"))
        for writer, done in before.items():
            numbers = found[writer]
            assert numbers == sorted(numbers) and len(numbers) == len(set(numbers))
            assert set(done) <= set(numbers), "acknowledged before the backup"
            assert max(numbers) < after[writer], "nothing later"
            # Each put is one append for its shard: it is there whole or not at all.
            assert len(numbers) % 20 == 0
        # All others are the table's; a put has more records than it.
        assert 0 <= summary["records"] - sum(len(numbers) for numbers in found.values()) < 20
        # It goes on from there.
        other.millrace("put", "s", input="more\n")
    finally:
        other.close()


def test_a_stopped_servers_directory_is_backed_up_directly(loaded, tmp_path):
    server, load = loaded
    load.end()
    file = tmp_path / "b.tar"
    assert run("backup", file, "--data-dir", server.data_dir).returncode == 4, "a server uses it"
    server.kill()
    result = run("backup", file, "--data-dir", server.data_dir)
    assert result.returncode == 0, result.stderr
    assert run("restore", file, "--data-dir", tmp_path / "r").returncode == 0
    other = Server(tmp_path / "r")
    other.start()
    try:
        server.start()
        assert by_writer(read_all(other.client("kinesis"), "s")) == by_writer(read_all(server.client("kinesis"), "s"))
    finally:
        other.close()
    assert run("backup", tmp_path / "c.tar", "--data-dir", tmp_path / "absent").returncode == 3
    assert not (tmp_path / "c.tar").exists() and not (tmp_path / "absent").exists()


def test_a_stream_that_breaks_off_half_way_leaves_no_backup(loaded, tmp_path):
    server, load = loaded
    host, port = server.address.rsplit(":", 1)
    # A door between the two that shuts after a while.
    door = socket.create_server(("127.0.0.1", 0))

    def pass_on():
        client, _ = door.accept()
        upstream = socket.create_connection((host, int(port)))
        upstream.sendall(client.recv(65536))
        left = 300_000
        while left > 0 and (part := upstream.recv(min(left, 65536))):
            client.sendall(part)
            left -= len(part)
        client.close()
        upstream.close()

    threading.Thread(target=pass_on, daemon=True).start()
    result = run("backup", tmp_path / "b.tar", "--endpoint", f"http://127.0.0.1:{door.getsockname()[1]}")
    assert result.returncode in (1, 7), (result.returncode, result.stderr)
    assert result.stdout == "" and list(tmp_path.glob("*.tar*")) == []
    # The server has let go, and the next one succeeds.
    until(lambda: server.millrace("backup", str(tmp_path / "next.tar"), check=False).returncode == 0, what="the next backup")
    assert run("backup", tmp_path / "x.tar", "--endpoint", "http://127.0.0.1:1").returncode == 5


def test_a_backup_that_was_changed_or_cut_off_is_refused(loaded, tmp_path):
    server, load = loaded
    load.end()
    file = tmp_path / "b.tar"
    server.millrace("backup", str(file))
    whole = file.read_bytes()
    chance = random.Random(5)
    for _ in range(15):
        changed = bytearray(whole)
        changed[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        for content in [bytes(changed), whole[:chance.randrange(len(whole))]]:
            (tmp_path / "bad.tar").write_bytes(content)
            result = run("restore", tmp_path / "bad.tar", "--data-dir", tmp_path / "bad")
            assert result.returncode == 7, (result.returncode, result.stderr)
            assert not (tmp_path / "bad").exists()
    (tmp_path / "bad").mkdir()
    assert run("restore", tmp_path / "bad.tar", "--data-dir", tmp_path / "bad").returncode == 7
    assert list((tmp_path / "bad").iterdir()) == []
    assert run("restore", tmp_path / "absent.tar", "--data-dir", tmp_path / "bad").returncode == 3
    assert run("restore", file, "--data-dir", tmp_path / "bad").returncode == 0


def test_a_directory_with_anything_in_it_is_left_alone(loaded, tmp_path):
    server, load = loaded
    load.end()
    file = tmp_path / "b.tar"
    server.millrace("backup", str(file))
    target = tmp_path / "mine"
    target.mkdir()
    (target / "notes.txt").write_text("keep")
    result = run("restore", file, "--data-dir", target)
    assert result.returncode == 4 and "notes.txt" in result.stderr
    assert [path.name for path in target.iterdir()] == ["notes.txt"]
    assert run("restore", file, "--data-dir", server.data_dir).returncode == 4
    assert server.millrace("stream", "ls").returncode == 0
