"""The `millrace` verbs, for people without an SDK."""

import json
import subprocess
import urllib.error
import urllib.request
import xml.etree.ElementTree

import pytest

from server import BINARY, ROOT, Server, unique, until


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
        described = json.loads(server.millrace("stream", "describe", "s", "--output", "json").stdout)
        assert described["StreamARN"] == "arn:aws:kinesis:eu-central-1:123456789012:stream/s"
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


def test_forest_forecast_goes_on_with_a_table():
    saw = "a\n" + "".join(f"{n % 12}\n" for n in range(600))
    result = forest("forecast", "--trees", "30", "--shingle", "12", "--steps", "12", input=saw)
    lines = result.stdout.splitlines()
    assert result.returncode == 0 and lines[0] == "step,a,a_lower,a_upper"
    assert all(abs(float(line.split(",")[1]) - n) < 0.6 for n, line in enumerate(lines[1:]))
    short = forest("forecast", "--shingle", "12", input="1\n2\n")
    assert short.returncode == 1 and "fewer points than the shingle of 12" in short.stderr
    assert forest("forecast", "--steps", "0").returncode == 64
