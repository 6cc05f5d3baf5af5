"""TLS from outside: the certificate that a node makes or is given, the clients that people have, and what the connection must withstand."""

import json
import os
import socket
import ssl
import stat
import subprocess
import threading
import time

import pytest

from server import BINARY, Server, unique, until


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    """A server with a certificate of its own."""
    server = Server(tmp_path_factory.mktemp("tls") / "data", "--tls")
    server.start()
    server.authority = server.data_dir / "tls/ca.pem"
    yield server
    server.close()


def context_for(server, *protocols):
    context = ssl.create_default_context(cafile=server.authority)
    # As newer versions of Python are by default.
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context


def connect(server, *protocols, name="localhost"):
    host, port = server.address.rsplit(":", 1)
    return context_for(server, *protocols).wrap_socket(socket.create_connection((host, int(port)), 20), server_hostname=name)


def request(operation, body, more=""):
    body = json.dumps(body).encode()
    return (
        "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-amz-json-1.1\r\n"
        f"X-Amz-Target: Kinesis_20131202.{operation}\r\n{more}Content-Length: {len(body)}\r\n\r\n").encode() + body


def received(connection):
    """All until the server's end; fails where the end is not said."""
    parts = []
    while part := connection.recv(1 << 18):
        parts.append(part)
    return b"".join(parts)


def serial(address):
    """What tells one certificate from another."""
    host, port = address.rsplit(":", 1)
    return ssl.get_server_certificate((host, int(port)))


def make_pair(directory, name):
    """A certificate that vouches for itself, as people make them with openssl."""
    certificate, key = directory / f"{name}.pem", directory / f"{name}-key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3", "-subj", f"/CN={name}", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


def test_the_files_are_their_owners_and_outlive_a_restart(tmp_path):
    server = Server(tmp_path / "data", "--tls")
    server.start()
    try:
        folder = server.data_dir / "tls"
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        assert modes["ca-key.pem"] == modes["node-key.pem"] == 0o600 and stat.S_IMODE(folder.stat().st_mode) == 0o700
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        server.stop()
        server.start()
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
        # Another name to be called by: another certificate, of the same authority.
        server.stop()
        server.flags += ["--allowed-hosts", "millrace.example"]
        server.start()
        assert (folder / "ca.pem").read_bytes() == before["ca.pem"] and (folder / "node.pem").read_bytes() != before["node.pem"]
        server.authority = folder / "ca.pem"
        connect(server, name="millrace.example").close()
        server.stop()
        assert server.millrace("verify", "--data-dir", str(server.data_dir)).returncode == 0
    finally:
        server.close()


def test_clients_that_people_have(secured):
    name = unique("tls")
    kinesis = secured.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    kinesis.put_records(StreamName=name, Records=[{"Data": os.urandom(50_000), "PartitionKey": str(i)} for i in range(60)])
    iterator = kinesis.get_shard_iterator(
        StreamName=name, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    assert len(kinesis.get_records(ShardIterator=iterator)["Records"]) == 60
    assert name in secured.aws("kinesis", "list-streams")["StreamNames"]
    secured.millrace("put", name, input="one\ntwo\n")
    assert len(secured.millrace("cat", name, "--output", "ndjson").stdout.splitlines()) == 62
    # By options instead of variables.
    plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    told = subprocess.run(
        [BINARY, "stream", "ls", "--endpoint", secured.endpoint, "--ca-bundle", secured.authority], env=plain, capture_output=True, text=True)
    assert name in told.stdout, told.stderr
    for flag, version in {"--http1.1": "1.1", "--http2": "2"}.items():
        told = subprocess.run(
            ["curl", "-sS", flag, "--cacert", secured.authority, "-w", " %{http_version} %{ssl_verify_result}", f"{secured.endpoint}/healthz"],
            capture_output=True, text=True)
        assert told.stdout == f"ok\n {version} 0", told.stderr
    # In clear on the same port, for who has not changed yet.
    assert subprocess.run(
        ["curl", "-sS", f"http://{secured.address}/healthz"], capture_output=True, text=True).stdout == "ok\n"


def test_a_client_that_does_not_trust_the_authority_is_told_so(secured):
    result = subprocess.run(
        [BINARY, "stream", "ls"], env={**secured.environment, "AWS_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt"},
        capture_output=True, text=True)
    assert result.returncode == 5 and "no safe connection" in result.stderr


@pytest.mark.parametrize("version, spoken", [("-tls1_3", True), ("-tls1_2", True), ("-tls1_1", False)])
def test_versions(secured, version, spoken):
    result = subprocess.run(
        ["openssl", "s_client", "-connect", secured.address, version, "-cipher", "DEFAULT:@SECLEVEL=0", "-CAfile", secured.authority,
         "-verify_return_error", "-alpn", "h2,http/1.1"], input="", capture_output=True, text=True, timeout=20)
    assert (result.returncode == 0) == spoken, result.stderr
    if spoken:
        assert "ALPN protocol: h2" in result.stdout and "Verify return code: 0 (ok)" in result.stdout


def test_renegotiation_is_not_had(secured):
    """A client may not make the server shake hands again and again."""
    process = subprocess.run(
        ["openssl", "s_client", "-connect", secured.address, "-tls1_2", "-CAfile", secured.authority], input="R\n", capture_output=True,
        text=True, timeout=20)
    assert "no renegotiation" in process.stderr or process.returncode != 0


def test_ends_are_said(secured):
    """An answer cannot be cut off by somebody between without the client's noticing, and a client that has ended gets its answer."""
    connection = connect(secured)
    connection.sendall(request("ListStreams", {}, "Connection: close\r\n"))
    assert received(connection).startswith(b"HTTP/1.1 200")
    connection.close()
    # Half closed below TLS, as proxies do.
    connection = connect(secured)
    connection.sendall(request("ListStreams", {}))
    raw = socket.socket(fileno=os.dup(connection.fileno()))
    raw.shutdown(socket.SHUT_WR)
    assert received(connection).startswith(b"HTTP/1.1 200")
    raw.close()
    connection.close()


def test_a_subscription_comes_over_tls(secured):
    name = unique("pushed")
    kinesis = secured.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]["ConsumerARN"]
    stream = kinesis.subscribe_to_shard(
        ConsumerARN=consumer, ShardId="shardId-000000000000", StartingPosition={"Type": "TRIM_HORIZON"})["EventStream"]
    putter = threading.Timer(0.3, lambda: secured.client("kinesis").put_record(StreamName=name, Data=b"x" * 300_000, PartitionKey="k"))
    putter.start()
    for event in stream:
        records = event["SubscribeToShardEvent"]["Records"]
        if records:
            assert records[0]["Data"] == b"x" * 300_000
            break
    stream.close()


def test_a_given_pair_is_read_again_when_it_changes(tmp_path):
    first, first_key = make_pair(tmp_path, "first")
    second, second_key = make_pair(tmp_path, "second")
    certificate, key = tmp_path / "tls.pem", tmp_path / "tls-key.pem"
    certificate.write_bytes(first.read_bytes())
    key.write_bytes(first_key.read_bytes())
    server = Server(tmp_path / "data", "--tls-certificate", str(certificate), "--tls-key", str(key), "--tls-only")
    server.start()
    try:
        server.authority = first
        shown = serial(server.address)
        kept = connect(server)
        assert server.client("kinesis").list_streams()["StreamNames"] == []
        # A broken certificate: the one before stays, and the log says what is wrong with the new one.
        certificate.write_text("no certificate")
        until(lambda: "the one before stays" in server.log_path.read_text(), what="the error")
        assert "the certificate is not PEM" in server.log_path.read_text() and serial(server.address) == shown
        # One file after the other.
        certificate.write_bytes(second.read_bytes())
        time.sleep(0.5)
        key.write_bytes(second_key.read_bytes())
        until(lambda: serial(server.address) != shown, what="the new certificate")
        kept.sendall(request("ListStreams", {}, "Connection: close\r\n"))
        assert received(kept).startswith(b"HTTP/1.1 200")
        server.authority = second
        assert server.client("kinesis").list_streams()["StreamNames"] == []
        # And nothing in clear.
        told = subprocess.run(["curl", "-sS", "-i", f"http://{server.address}/healthz"], capture_output=True, text=True).stdout
        assert told.startswith("HTTP/1.1 400") and "https://" in told
        metrics = subprocess.run(
            ["curl", "-sS", "--cacert", second, f"{server.endpoint}/metrics"], capture_output=True, text=True).stdout
        assert 'millrace_tls_handshakes_total{result="done"}' in metrics and "millrace_tls_certificate_expiry" in metrics
    finally:
        server.close()


@pytest.mark.parametrize("flags, words", [
    (["--tls-only"], "tls-only: needs"), (["--tls-certificate", "/none.pem"], "give both"),
    (["--tls-certificate", "/none.pem", "--tls-key", "/none.pem"], "/none.pem cannot be read")])
def test_settings_that_cannot_be_met_are_refused(tmp_path, flags, words):
    server = Server(tmp_path / "data", *flags)
    server.launch()
    assert server.process.wait(20) in (1, 64)
    assert words in server.log_path.read_text()


def test_config_shows_the_settings(tmp_path):
    server = Server(tmp_path / "data")
    table = server.millrace("config", "--tls", "--tls-only").stdout
    lines = {line.split()[0]: line.split()[1:] for line in table.splitlines()}
    assert lines["tls"] == ["on", "flag"] and lines["tls-only"] == ["on", "flag"] and "tls-certificate" in lines and "tls-key" in lines
