"""Durable things of a version that this build does not know: the server ends with a message that names them, and changes nothing."""

import hashlib
import json
import shutil
import sqlite3
import struct
import subprocess
import tarfile

import pytest

from server import BINARY, ROOT, Server

GOLDEN = sorted((ROOT / "Tests/GoldenDirectories").glob("*.tar.gz"))


@pytest.fixture
def data(tmp_path):
    """A data directory of the oldest kept format, as a crash left it."""
    with tarfile.open(ROOT / "Tests/GoldenDirectories/2026-11-30-4b1544b.tar.gz") as archive:
        archive.extractall(tmp_path, filter="data")
    (tmp_path / "data" / "lock").unlink(missing_ok=True)
    return tmp_path / "data"


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def contents(directory):
    """A digest of every file but the lock, which an opening leaves, and the catalog, which is brought up to date before the log is looked at."""
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(directory.rglob("*"))
            if path.is_file() and path.name != "lock" and not path.name.startswith("catalog.sqlite")}


def refusal(data):
    """What the server says as it refuses to start; nothing may have changed."""
    before = contents(data)
    result = subprocess.run(
        [BINARY, "serve", "--data-dir", str(data), "--http", "127.0.0.1:0"], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1, (result.returncode, result.stdout, result.stderr)
    assert "Ready." not in result.stdout
    return result.stderr, before == contents(data)


def patch(path, place, byte, covered, checksum):
    """Changes the version in a header and puts the header's checksum right, as another version would have written it."""
    with open(path, "r+b") as file:
        header = bytearray(file.read(4096))
        header[place] = byte
        header[checksum:checksum + 4] = struct.pack("<I", crc32c(bytes(header[:covered])))
        file.seek(0)
        file.write(header)


def test_journal(data):
    journal = max((data / "journal").glob("*.journal"))
    patch(journal, 3, ord("9"), 52, 52)
    said, unchanged = refusal(data)
    assert f"journal/{journal.name}" in said and "MRJ9" in said and "MRJ2" in said
    assert unchanged
    # Nor is it damage to those who look at it.
    verified = subprocess.run([BINARY, "verify", "--data-dir", str(data)], capture_output=True, text=True, timeout=60)
    assert verified.returncode == 1 and "MRJ9" in verified.stderr and "damage" not in verified.stdout


def test_segment(data):
    segment = sorted((data / "logs").rglob("*.segment"))[-1]
    patch(segment, 7, ord("7"), 36, 36)
    said, unchanged = refusal(data)
    assert str(segment.relative_to(data)) in said and "MRSEG007" in said and "MRSEG001" in said
    assert unchanged


@pytest.mark.parametrize("kind,name,subject,known", [
    ("application", "counting", "the definition of application counting", 3),
    ("deliveryStream", "waiting", "the definition of delivery stream waiting", 2),
    ("deliveryProgress", "quick", "the progress of delivery stream quick", 1)])
def test_definition(data, kind, name, subject, known):
    def stored():
        with sqlite3.connect(data / "catalog.sqlite") as catalog:
            return catalog.execute("SELECT value FROM definition WHERE kind = ? AND name = ?", (kind, name)).fetchone()[0]

    newer = json.dumps({"formatVersion": 5, **json.loads(stored())}).encode()
    with sqlite3.connect(data / "catalog.sqlite") as catalog:
        catalog.execute("UPDATE definition SET value = ? WHERE kind = ? AND name = ?", (newer, kind, name))
    said, _ = refusal(data)
    assert subject in said and " 5" in said and f"knows {known}" in said
    assert stored() == newer


def test_catalog(data):
    with sqlite3.connect(data / "catalog.sqlite") as catalog:
        catalog.execute("INSERT INTO grdb_migrations (identifier) VALUES ('99 of a later version')")
    before = (data / "catalog.sqlite").read_bytes()
    said, unchanged = refusal(data)
    assert "catalog.sqlite" in said and "99 of a later version" in said
    assert unchanged and before == (data / "catalog.sqlite").read_bytes()


def test_secret(data):
    (data / "secret").write_bytes(b"x" * 48)
    said, unchanged = refusal(data)
    assert "secret" in said and "48 bytes" in said and "32 bytes" in said
    assert unchanged


def test_backup(data, tmp_path):
    source = (data.parent / "backup.tar").read_bytes()
    text = b'"format":"millrace-backup 1"'
    assert source.count(text) == 1
    changed = bytearray(source.replace(text, b'"format":"millrace-backup 2"'))
    # The manifest's own checksum stands at its end, over all before it.
    start, end = changed.rindex(b'{"createdMilliseconds"'), changed.rindex(b',"manifestCRC32C"')
    place = end + len(b',"manifestCRC32C":"')
    changed[place:place + 8] = f"{crc32c(bytes(changed[start:end])):08x}".encode()
    (tmp_path / "newer.tar").write_bytes(changed)
    result = subprocess.run(
        [BINARY, "restore", str(tmp_path / "newer.tar"), "--data-dir", str(tmp_path / "restored")], capture_output=True, text=True, timeout=60)
    assert result.returncode == 1, result.stderr
    assert "millrace-backup 2" in result.stderr and "millrace-backup 1" in result.stderr
    assert not (tmp_path / "restored/catalog.sqlite").exists()


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.name.removesuffix(".tar.gz"))
def test_every_kept_directory_serves(path, tmp_path):
    """What is in it is checked by the Swift tests, whose clock stands where it was left; here it starts as a whole node."""
    with tarfile.open(path) as archive:
        archive.extractall(tmp_path, filter="data")
    server = Server(tmp_path / "data")
    try:
        server.start()
        expected = json.loads(path.with_name(path.name.removesuffix(".tar.gz") + ".json").read_text())
        assert set(server.client("kinesis").list_streams()["StreamNames"]) == set(expected["streams"])
        for stream, attributes in expected.get("attributes", {}).items():
            summary = server.client("kinesis").describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
            assert {name: summary[name] for name in attributes} == attributes
        assert set(server.client("firehose").list_delivery_streams()["DeliveryStreamNames"]) == {"quick", "reading", "waiting"}
        assert server.stop() == 0
        shutil.rmtree(tmp_path / "data/lock", ignore_errors=True)
        server.start()
    finally:
        server.close()


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda path: path.name.split(".")[0])
def test_a_kept_directory_is_no_damage_and_can_be_backed_up_before_and_after_a_start(golden, tmp_path):
    """It was killed, and lies longer than a segment is young: what a start leaves out of a segment's end must not stand twice after the next stop."""
    with tarfile.open(golden) as archive:
        archive.extractall(tmp_path, filter="data")
    data = tmp_path / "data"
    (data / "lock").unlink(missing_ok=True)
    unopened = tmp_path / "unopened"
    shutil.copytree(data, unopened)

    def run(*arguments):
        result = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, (arguments, result.returncode, result.stdout, result.stderr)

    run("verify", "--data-dir", str(data))
    run("backup", str(tmp_path / "unopened.tar"), "--data-dir", str(unopened))
    run("restore", str(tmp_path / "unopened.tar"), "--data-dir", str(tmp_path / "restored"))
    run("restore", str(tmp_path / "backup.tar"), "--data-dir", str(tmp_path / "older"))
    for _ in range(2):
        server = Server(data)
        server.start()
        run("backup", str(tmp_path / "online.tar"), "--endpoint", server.endpoint)
        (tmp_path / "online.tar").unlink()
        server.stop()
        server.close()
        run("verify", "--data-dir", str(data))
