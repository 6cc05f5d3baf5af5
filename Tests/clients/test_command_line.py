"""The `millrace` verbs, for people without an SDK."""

import base64
import contextlib
import gzip
import json
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.request
import xml.etree.ElementTree

import pytest

from server import BINARY, ROOT, Server, read_all, unique, until


def get(server, path):
    try:
        with urllib.request.urlopen(server.endpoint + path, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_streams_are_created_listed_described_and_deleted(server):
    name = unique("verbs")
    server.millrace("stream", "create", name, "--shards", "2")
    assert server.millrace("stream", "create", name, check=False).returncode == 4
    listed = json.loads(server.millrace("stream", "ls", "--output", "json").stdout)
    assert name in [item["StreamName"] for item in listed]
    described = json.loads(server.millrace("stream", "describe", name, "--output", "json").stdout)
    assert len(described["Shards"]) == 2
    server.millrace("stream", "delete", name, "--yes")
    assert server.millrace("stream", "describe", name, check=False).returncode == 3


def test_put_and_tail(server):
    name = unique("tail")
    server.millrace("stream", "create", name)
    server.millrace("put", name, input="one\ntwo\nthree\n")
    lines = server.millrace("tail", name, "--from", "start", "--limit", "3", "--format", "data").stdout.splitlines()
    assert lines == ["one", "two", "three"]
    server.millrace("put", name, "--json", "--key-field", "id", input='{"id":"a","v":1}\n')
    server.millrace("put", name, "--json", "--key-field", "id", input="no json\n", check=False).returncode == 1
    records = [json.loads(line) for line in server.millrace("tail", name, "--from", "start", "--limit", "4", "--output", "ndjson").stdout.splitlines()]
    assert records[3]["PartitionKey"] == "a" and records[3]["Data"] == '{"id":"a","v":1}'


def raw(server, *arguments, data=b""):
    """A verb's standard output as bytes."""
    return subprocess.run([BINARY, *arguments], input=data, env=server.environment, capture_output=True, timeout=60, check=True).stdout


def test_records_go_in_and_come_out_as_bytes(server):
    name = unique("bytes")
    server.millrace("stream", "create", name)
    lines = b"caf\xe9\nplain\ncrlf\r\n\n\xff\xfe\x80\nlast without an end"
    raw(server, "put", name, data=lines)
    stored = [record["Data"] for shard in read_all(server.client("kinesis"), name).values() for record in shard]
    assert sorted(stored) == sorted(lines.split(b"\n"))
    assert raw(server, "tail", name, "--from", "start", "--limit", "6", "--format", "data") == lines + b"\n"
    listed = [json.loads(line) for line in raw(server, "tail", name, "--from", "start", "--limit", "6", "--output", "ndjson").splitlines()]
    assert base64.b64decode(listed[0]["DataBase64"]) == b"caf\xe9" and "Data" not in listed[0]
    assert listed[1]["Data"] == "plain" and "DataBase64" not in listed[1]
    shown = raw(server, "tail", name, "--from", "start", "--limit", "6").splitlines()
    assert shown[0].endswith(b"  base64:" + base64.b64encode(b"caf\xe9")) and shown[1].endswith(b"  plain")


def test_a_compressed_record_comes_out_as_its_bytes(server):
    name = unique("gzip")
    server.millrace("stream", "create", name)
    whole = gzip.compress(b"one\ntwo\n" * 1000 + bytes(range(256)))
    raw(server, "put", name, "--whole", data=whole)
    server.client("kinesis").put_record(StreamName=name, PartitionKey="k", Data=gzip.compress(b"base64:"))
    assert raw(server, "tail", name, "--from", "start", "--limit", "1", "--format", "data") == whole
    assert gzip.decompress(raw(server, "tail", name, "--from", "start", "--limit", "2", "--format", "data")).endswith(b"\xffbase64:")
    # Text that looks like the mark of base64 is not mistaken for it.
    server.millrace("put", name, input="base64:AAAA\n")
    shown = raw(server, "tail", name, "--from", "start", "--limit", "3").splitlines()[2].split(b"  ")[3]
    assert base64.b64decode(shown.removeprefix(b"base64:")) == b"base64:AAAA"


def test_a_line_that_is_no_record_is_named_and_nothing_before_it_is_lost(server):
    name = unique("long")
    server.millrace("stream", "create", name)
    for line, reason in [(b"x" * (11 << 20), b"line 3: longer than"), (b"caf\xe9", b"line 3: not JSON")]:
        put = subprocess.run(
            [BINARY, "put", name, *(["--json"] if b"JSON" in reason else [])], input=b"1\n2\n" + line + b"\n", env=server.environment,
            capture_output=True, timeout=60)
        assert put.returncode == 1 and reason in put.stderr and b"2 records before it were put" in put.stderr, put.stderr
    assert raw(server, "tail", name, "--from", "start", "--limit", "4", "--format", "data") == b"1\n2\n1\n2\n"


def test_help_lists_what_a_verb_takes_and_the_verb_takes_what_is_listed(server, tmp_path):
    name = unique("help")
    server.millrace("stream", "create", name)
    server.millrace("put", name, input="x\n")
    verbs = {
        ("stream", "ls"): [], ("stream", "describe"): [name], ("tail",): [name, "--from", "start", "--limit", "1"], ("sql", "ls"): [],
        ("delivery", "ls"): [], ("config",): [], ("verify",): ["--data-dir", str(server.data_dir)]}
    every = {"table", "json", "ndjson", "csv"}
    for verb, arguments in verbs.items():
        told = subprocess.run([BINARY, *verb, "--help"], capture_output=True, text=True, check=True).stdout
        told = " ".join(told.rsplit("--output <output>", 1)[1].split())
        listed = set(told.split("(values: ")[1].split(";")[0].split(", "))
        assert listed <= every and "table" in listed, (verb, listed)
        for choice in every:
            result = server.millrace(*verb, *arguments, "--output", choice, check=False)
            if choice in listed:
                assert result.returncode == 0, (verb, choice, result.stderr)
            else:
                assert result.returncode == 64, (verb, choice)


def test_a_server_that_is_not_there_is_told_in_words(server, tmp_path):
    def told(endpoint):
        result = subprocess.run(
            [BINARY, "stream", "ls"], env={**server.environment, "AWS_ENDPOINT_URL": endpoint}, capture_output=True, text=True, timeout=60)
        return result.returncode, result.stderr

    for endpoint, words in [
        ("http://127.0.0.1:1", "the connection was refused, nothing listens there"), ("https://127.0.0.1:1", "the connection was refused"),
        ("http://no-such-host.invalid:4566", "the name of the host is not known"),
        (server.endpoint.replace("http:", "https:"), "no safe connection could be made"),
    ]:
        status, message = told(endpoint)
        assert status == 5 and words in message and endpoint in message, (endpoint, status, message)
        assert "NIO" not in message and "Error Domain" not in message
    assert told("ftp://127.0.0.1")[0] == 64
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        threading.Thread(target=lambda: listener.accept()[0].close(), daemon=True).start()
        status, message = told(f"http://127.0.0.1:{port}")
        assert status == 5 and "the connection ended without a whole answer" in message, message


def test_verbs_speak_tls_and_trust_nobody_unknown(server, tmp_path):
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "certificate.pem", "-days", "2", "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], cwd=tmp_path, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    behind = int(server.endpoint.rsplit(":", 1)[1])

    def pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def serve(listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(ssl.SSLError, OSError):
                safe = context.wrap_socket(client, server_side=True)
                plain = socket.create_connection(("127.0.0.1", behind))
                threading.Thread(target=pump, args=(safe, plain), daemon=True).start()
                threading.Thread(target=pump, args=(plain, safe), daemon=True).start()

    name = unique("tls")
    server.millrace("stream", "create", name)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, args=(listener,), daemon=True).start()
        endpoint = f"https://127.0.0.1:{listener.getsockname()[1]}"
        verb = lambda **more: subprocess.run(
            [BINARY, "stream", "ls"], env={**server.environment, "AWS_ENDPOINT_URL": endpoint, **more}, capture_output=True, text=True, timeout=30)
        unknown = verb()
        assert unknown.returncode == 5 and "no safe connection could be made" in unknown.stderr and "certificate" in unknown.stderr
        trusted = verb(AWS_CA_BUNDLE=str(tmp_path / "certificate.pem"))
        assert trusted.returncode == 0 and name in trusted.stdout, trusted.stderr


def test_tail_follows_what_comes(server):
    name = unique("follow")
    server.millrace("stream", "create", name)
    tail = subprocess.Popen(
        [BINARY, "tail", name, "--from", "start", "--format", "data"], env=server.environment, stdout=subprocess.PIPE, text=True)
    try:
        for word in ["first", "second"]:
            server.millrace("put", name, input=word + "\n")
            assert tail.stdout.readline().strip() == word
    finally:
        tail.kill()


def test_exit_codes_and_messages(server):
    missing = server.millrace("tail", "absent", check=False)
    assert missing.returncode == 3 and "absent" in missing.stderr and missing.stdout == ""
    assert server.millrace("stream", "create", check=False).returncode == 64
    unreachable = subprocess.run(
        [BINARY, "stream", "ls"], env={**server.environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}, capture_output=True, text=True)
    assert unreachable.returncode == 5 and "127.0.0.1:1" in unreachable.stderr
    config = server.data_dir.parent / "bad.yaml"
    config.write_text("data-dirr: x\n")
    wrong = subprocess.run([BINARY, "serve", "--config", str(config)], capture_output=True, text=True)
    assert wrong.returncode == 64 and "data-dir" in wrong.stderr
    assert subprocess.run([BINARY, "serve", "--http", "nonsense"], capture_output=True).returncode == 64


def test_health_readiness_and_metrics(server):
    assert get(server, "/healthz")[0] == 200
    assert get(server, "/readyz")[0] == 200
    name = unique("metered")
    server.millrace("stream", "create", name)
    server.millrace("put", name, input="a\nb\n")
    status, text = get(server, "/metrics")
    assert status == 200
    assert f'millrace_records_in_total{{stream="{name}"}} 2' in text
    for metric in ["millrace_bytes_in_total", "millrace_put_duration_seconds_bucket", "millrace_fsync_duration_seconds_bucket",
                   "millrace_storage_bytes", "millrace_disk_free_bytes", "process_resident_memory_bytes"]:
        assert metric in text, metric


def test_settings_from_flags_variables_and_a_file(tmp_path):
    config = tmp_path / "millrace.yaml"
    config.write_text("region: eu-west-1\naccount-id: '123456789012'\n")
    server = Server(tmp_path / "data", "--config", str(config), "--region", "eu-central-1")
    try:
        server.start()
        server.millrace("stream", "create", "s")
        # A call that is signed is answered with the region that it was signed for, another one with the server's.
        unsigned = {name: value for name, value in server.environment.items() if name not in ("AWS_ACCESS_KEY_ID", "HOME")}
        for environment, region in ((server.environment, "us-east-1"), (unsigned, "eu-central-1")):
            described = subprocess.run(
                [BINARY, "stream", "describe", "s", "--output", "json"], env=environment, capture_output=True, text=True, check=True)
            assert json.loads(described.stdout)["StreamARN"] == f"arn:aws:kinesis:{region}:123456789012:stream/s"
    finally:
        server.close()


def test_config_tells_where_each_setting_is_from(tmp_path):
    config = tmp_path / "millrace.yaml"
    config.write_text("region: eu-west-1\nlog-level: debug\n")
    result = subprocess.run(
        [BINARY, "config", "--config", str(config), "--region", "eu-central-1", "--output", "json"], capture_output=True, text=True,
        env={"MILLRACE_HTTP": "127.0.0.1:5000"}, check=True)
    rows = {row["key"]: (row["value"], row["from"]) for row in json.loads(result.stdout)}
    assert rows["region"] == ("eu-central-1", "flag")
    assert rows["http"] == ("127.0.0.1:5000", "MILLRACE_HTTP")
    assert rows["log-level"] == ("debug", str(config))
    assert rows["account-id"] == ("000000000000", "default")


def test_quotas_are_off_until_they_are_set(server, tmp_path):
    shown = json.loads(subprocess.run([BINARY, "config", "--output", "json"], capture_output=True, text=True, env={}, check=True).stdout)
    quotas = {row["key"]: row["value"] for row in shown if row["key"].startswith("quota-")}
    assert len(quotas) == 6 and set(quotas.values()) == {"off"}
    name = unique("many")
    server.millrace("stream", "create", name, "--shards", "1000")
    server.millrace("stream", "delete", name, "--yes")
    config = tmp_path / "millrace.yaml"
    config.write_text("quota-shards: 3\nquota-streams: 2\nquota-applications: 0\nquota-delivery-streams: off\n")
    limited = Server(tmp_path / "data", "--config", str(config), "--quota-delivery-streams", "0")
    try:
        limited.start()
        limited.millrace("stream", "create", "a", "--shards", "2")
        over = limited.millrace("stream", "create", "b", "--shards", "2", check=False)
        assert over.returncode == 1 and "LimitExceededException" in over.stderr and "Limit: 3" in over.stderr
        limited.millrace("stream", "create", "b")
        over = limited.millrace("stream", "create", "c", check=False)
        assert "LimitExceededException" in over.stderr and "Limit: 2" in over.stderr
        over = limited.millrace("delivery", "create", "d", check=False)
        assert "LimitExceededException" in over.stderr and "quota of 0" in over.stderr
        analytics = limited.client("kinesisanalytics")
        with pytest.raises(analytics.exceptions.LimitExceededException):
            analytics.create_application(ApplicationName="x")
    finally:
        limited.close()
    for wrong in ["-1", "many"]:
        refused = subprocess.run([BINARY, "config", "--quota-shards", wrong], capture_output=True, text=True)
        assert refused.returncode == 64 and "quota-shards" in refused.stderr


def test_sigterm_stops_cleanly_and_everything_is_there_afterwards(tmp_path):
    server = Server(tmp_path / "data").start()
    try:
        server.millrace("stream", "create", "s")
        server.millrace("put", "s", input="kept\n")
        assert server.stop() == 0
        server.start()
        assert server.millrace("tail", "s", "--from", "start", "--limit", "1", "--format", "data").stdout == "kept\n"
    finally:
        server.close()


def test_the_lifecycle_delay_shows_creating_and_deleting(tmp_path):
    server = Server(tmp_path / "data", "--lifecycle-delay", "1").start()
    try:
        kinesis = server.client("kinesis")
        kinesis.create_stream(StreamName="s", ShardCount=1)
        state = lambda: kinesis.describe_stream_summary(StreamName="s")["StreamDescriptionSummary"]["StreamStatus"]
        assert state() == "CREATING"
        until(lambda: state() == "ACTIVE", what="ACTIVE")
        kinesis.delete_stream(StreamName="s")
        assert state() == "DELETING"
        until(lambda: "s" not in kinesis.list_streams()["StreamNames"], what="its end")
    finally:
        server.close()


def test_two_servers_do_not_share_a_data_directory(server):
    second = subprocess.run(
        [BINARY, "serve", "--data-dir", str(server.data_dir), "--http", "127.0.0.1:0"], capture_output=True, text=True, timeout=20)
    assert second.returncode != 0 and "in use" in second.stderr


def test_sql_run_and_ls(server):
    for name in ["devices", "device-anomalies"]:
        server.millrace("stream", "create", name)
    example = ROOT / "Streams/device-anomaly"
    server.millrace("sql", "run", str(example / "anomaly.sql"), "--definition", str(example / "anomaly.json"))
    listed = json.loads(server.millrace("sql", "ls", "--output", "json").stdout)
    assert ["device-anomaly", "RUNNING"] in [[item["ApplicationName"], item["ApplicationStatus"]] for item in listed]
    wrong = server.data_dir.parent / "wrong.sql"
    wrong.write_text("CREATE STREAM x (a INTEGER;\n")
    refused = server.millrace("sql", "run", str(wrong), "--definition", str(example / "averages.json"), check=False)
    assert refused.returncode == 2 and "1:" in refused.stderr
    server.millrace("sql", "stop", "device-anomaly")


def test_forest_score():
    points = "\n".join(["0"] * 300 + ["50"]) + "\n"
    result = subprocess.run(
        [BINARY, "forest", "score", "--trees", "50", "--sample-size", "256", "--time-decay", "100000", "--shingle", "1"],
        input=points, capture_output=True, text=True, check=True)
    scores = [float(line) for line in result.stdout.split()]
    assert len(scores) == 301 and scores[0] == 0 and scores[-1] > 5


@pytest.mark.parametrize("name", ["weather", "device-anomaly", "truck"])
def test_an_examples_program_replays_its_sample(name, tmp_path):
    example = ROOT / "Streams" / name
    program = sorted(example.glob("*.sql"))[0]
    definition = json.loads(program.with_suffix(".json").read_text())
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"streams": {"SOURCE_SQL_STREAM_001": {"input_schema": definition["Inputs"][0]["InputSchema"]}}}))
    result = subprocess.run(
        [BINARY, "sql", "replay", "--program", str(program), "--schema", str(schema), "--input", str(example / "sample.ndjson"),
         "--advance-to", "4102444800000"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines(), "rows"
    assert "error_stream" not in result.stdout


def test_a_reader_that_goes_away_ends_a_verb_quietly(server):
    name = unique("pipe")
    server.millrace("stream", "create", name)
    server.millrace("put", name, input="".join(f"{n}\n" for n in range(500)))
    tail = subprocess.Popen(
        [BINARY, "tail", name, "--from", "start", "--format", "data"], env=server.environment, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    assert tail.stdout.readline()
    tail.stdout.close()
    server.millrace("put", name, input="".join(f"{n}\n" for n in range(5000)))
    assert tail.wait(20) == 141
    assert tail.stderr.read() == ""


def test_the_server_outlives_whoever_reads_its_log(tmp_path):
    with open("/dev/full", "w") as full:
        process = subprocess.Popen(
            [BINARY, "serve", "--data-dir", str(tmp_path / "data"), "--http", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=full, text=True)
    try:
        ready = process.stdout.readline()
        address = dict(part.split("=", 1) for part in ready.split()[1:])["http"]
        process.stdout.close()
        server = Server(tmp_path / "data")
        server.address = address
        server.millrace("stream", "create", "s")
        server.millrace("delivery", "create", "d", "--from", "s")
        assert get(server, "/healthz")[0] == 200
        process.terminate()
        assert process.wait(20) == 0
    finally:
        process.kill()


def test_replay_takes_a_time_before_1970():
    example = ROOT / "Tests/StreamEngineTests/Golden"
    case = sorted(path.parent for path in example.glob("*/*/input.ndjson"))[0]
    result = subprocess.run(
        [BINARY, "sql", "replay", "--program", str(case / "program.sql"), "--schema", str(case / "schema.json"),
         "--input", "/dev/null", "--advance-to", "-1000"], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def forest(*arguments, input=""):
    return subprocess.run([BINARY, "forest", *arguments], input=input, capture_output=True, text=True, timeout=60)


def readings(count, header="timestamp,load\n"):
    lines = [f"2024-01-{1 + n // 288:02}T{n // 12 % 24:02}:{n * 5 % 60:02}:00,{n % 7 + (90 if n == count - 5 else 0)}\n" for n in range(count)]
    return header + "".join(lines)


def test_forest_scores_a_table_line_by_line():
    plain = forest("score", "--trees", "20", "--sample-size", "32", "--mode", "kinesis", input=readings(200, header=""))
    assert plain.returncode == 0 and plain.stderr == ""
    scores = [float(line) for line in plain.stdout.splitlines()]
    assert scores[:32] == [0] * 32 and max(scores) == scores[195] > 3
    explained = forest(
        "score", "--trees", "20", "--sample-size", "32", "--mode", "kinesis", "--grade", "--explain", "--value-column", "load",
        input=readings(200)).stdout.splitlines()
    assert explained[0] == "score,grade,confidence,load_high,load_low"
    rows = [[float(field) for field in line.split(",")] for line in explained[1:]]
    assert [row[0] for row in rows] == scores
    assert all(abs(row[3] + row[4] - row[0]) < 1e-9 for row in rows)
    assert rows[195][1] == 1
    reference = forest("score", "--trees", "20", "--sample-size", "32", input=readings(200)).stdout.splitlines()
    assert reference[0] == "score" and float(reference[20]) > 0


def test_forest_names_the_line_and_its_status():
    garbage = forest("score", input="1,2\n3,x\n")
    assert garbage.returncode == 1 and garbage.stdout == "0.0\n" and "line 2: column 2 is 'x', not a number" in garbage.stderr
    missing = forest("score", input="1\n\n")
    assert missing.returncode == 1 and "line 2" in missing.stderr and "--missing skip" in missing.stderr
    assert forest("score", "--missing", "skip", input="1\nNA\n2\n").stdout == "0.0\n\n0.0\n"
    for arguments in [["--trees", "0"], ["--mode", "library"], ["--mode", "kinesis", "--shingle", "31"]]:
        assert forest("score", *arguments, input="1\n").returncode == 64, arguments


def test_forest_draws_a_picture_that_needs_nothing_else(tmp_path):
    table = tmp_path / "load of a <host>.csv"
    table.write_text(readings(600))
    for name in ["picture.svg", "picture.html"]:
        drawn = forest("plot", str(table), "--sample-size", "64", "--output", str(tmp_path / name), "--title", "Load & more")
        assert drawn.returncode == 0 and drawn.stdout == "" and drawn.stderr == ""
        picture = (tmp_path / name).read_text()
        for text in ["Load &amp; more", "600 readings", "anomaly score", "Strongest anomalies", "3 Jan"]:
            assert text in picture, text
        assert "href" not in picture and "<script" not in picture and picture.count("http") == 1
    xml.etree.ElementTree.parse(tmp_path / "picture.svg")
    assert "load of a &lt;host&gt;" in forest("plot", str(table)).stdout
    absent = forest("plot", str(tmp_path / "absent.csv"))
    assert absent.returncode == 1 and "absent.csv" in absent.stderr
    assert forest("plot", str(table), "--output", "picture.bmp").returncode == 64
    backwards = forest("plot", input="2024-01-02,1\n2024-01-01,2\n")
    assert backwards.returncode == 1 and "line 2" in backwards.stderr


def test_forest_takes_tables_as_people_have_them(tmp_path):
    values = [n % 12 + (40 if n == 580 else 0) for n in range(600)]
    days = [f"{2020 + n // 336:04}-{n // 28 % 12 + 1:02}-{n % 28 + 1:02}" for n in range(600)]
    rows = [f"{day},{value}\r\n" for day, value in zip(days, values)]
    table = tmp_path / "sales.csv"
    table.write_bytes(b"\xef\xbb\xbf" + ("ds,y\r\n" + "".join(rows)).encode())
    options = ["--trees", "30", "--shingle", "12"]
    plain = forest("score", *options, input="".join(f"{value}\n" for value in values)).stdout.splitlines()
    for arguments, data in [([str(table)], ""), (["-"], table.read_text(encoding="utf-8")), ([], "ds,y\n" + "".join(rows))]:
        scored = forest("score", *options, *arguments, input=data)
        assert scored.returncode == 0, scored.stderr
        assert scored.stdout.splitlines() == ["score", *plain]
        forecast = forest("forecast", *options, "--steps", "3", *arguments, input=data)
        assert forecast.returncode == 0 and forecast.stdout.splitlines()[0] == "step,y,y_lower,y_upper", forecast.stderr
    assert "600 readings" in forest("plot", *options, str(table)).stdout
    (tmp_path / "utf16.csv").write_text("ds,y\n2024-01-01,1\n", encoding="utf-16")
    refused = forest("score", str(tmp_path / "utf16.csv"))
    assert refused.returncode == 1 and "UTF-16" in refused.stderr
    absent = forest("forecast", str(tmp_path / "absent.csv"))
    assert absent.returncode == 1 and "absent.csv cannot be read" in absent.stderr


def test_forest_forecast_goes_on_with_a_table():
    saw = "a\n" + "".join(f"{n % 12}\n" for n in range(600))
    result = forest("forecast", "--trees", "30", "--shingle", "12", "--steps", "12", input=saw)
    lines = result.stdout.splitlines()
    assert result.returncode == 0 and lines[0] == "step,a,a_lower,a_upper"
    assert all(abs(float(line.split(",")[1]) - n) < 0.6 for n, line in enumerate(lines[1:]))
    short = forest("forecast", "--shingle", "12", input="1\n2\n")
    assert short.returncode == 1 and "fewer points than the shingle of 12" in short.stderr
    assert forest("forecast", "--steps", "0").returncode == 64


def test_cat_prints_what_there_is_and_stops(server, kinesis):
    name = unique("cat")
    kinesis.create_stream(StreamName=name, ShardCount=3)
    server.millrace("put", name, "--key-field", "k", "--json", input="".join(f'{{"k":"{number}"}}\n' for number in range(2_500)))
    shown = server.millrace("cat", name, "--output", "ndjson").stdout.splitlines()
    assert sorted(int(json.loads(json.loads(line)["Data"])["k"]) for line in shown) == list(range(2_500))
    assert len(server.millrace("cat", name, "--limit", "7", "--format", "data").stdout.splitlines()) == 7
    assert server.millrace("cat", unique("nowhere"), check=False).returncode == 3
