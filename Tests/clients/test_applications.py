"""Kinesis Analytics through boto3: the SQL of 2016, pasted unchanged, both API versions."""

import json
import random
import subprocess
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from server import BINARY, ROOT, Server, delivery_arn, rows, stream_arn, unique, until

ROLE = "arn:aws:iam::000000000000:role/millrace"
WEATHER = (ROOT / "Streams/weather/weather.sql").read_text()
ANOMALY = (ROOT / "Streams/device-anomaly/anomaly.sql").read_text()
COUNTS = """
CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "n" BIGINT, "total" BIGINT, "ended" TIMESTAMP);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT"
SELECT STREAM "k", COUNT(*), SUM("v"), ROWTIME FROM "SOURCE_SQL_STREAM_001"
GROUP BY "k", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '1' SECOND);
"""
COPY = """
CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "v" INTEGER);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "k", "v" FROM "SOURCE_SQL_STREAM_001";
"""
KEY_AND_VALUE = [
    {"Name": "k", "Mapping": "$.k", "SqlType": "VARCHAR(8)"},
    {"Name": "v", "Mapping": "$.v", "SqlType": "INTEGER"},
]


def schema(columns, format="JSON"):
    if format == "JSON":
        record_format = {"RecordFormatType": "JSON", "MappingParameters": {"JSONMappingParameters": {"RecordRowPath": "$"}}}
    else:
        record_format = {"RecordFormatType": "CSV", "MappingParameters": {
            "CSVMappingParameters": {"RecordRowDelimiter": "\n", "RecordColumnDelimiter": ","}}}
        columns = [{key: value for key, value in column.items() if key != "Mapping"} for column in columns]
    return {"RecordFormat": record_format, "RecordEncoding": "UTF-8", "RecordColumns": columns}


def create(analytics, name, code, source, columns, outputs, format="JSON", source_kind="KinesisStreamsInput", source_arn=None):
    return analytics.create_application(
        ApplicationName=name, ApplicationCode=code,
        Inputs=[{"NamePrefix": "SOURCE_SQL_STREAM",
                 source_kind: {"ResourceARN": source_arn or stream_arn(source), "RoleARN": ROLE},
                 "InputSchema": schema(columns, format)}],
        Outputs=[{"Name": inner, kind: {"ResourceARN": arn, "RoleARN": ROLE}, "DestinationSchema": {"RecordFormatType": output_format}}
                 for inner, kind, arn, output_format in outputs])["ApplicationSummary"]


def start(analytics, name, position="NOW"):
    input_id = analytics.describe_application(ApplicationName=name)["ApplicationDetail"]["InputDescriptions"][0]["InputId"]
    analytics.start_application(
        ApplicationName=name,
        InputConfigurations=[{"Id": input_id, "InputStartingPositionConfiguration": {"InputStartingPosition": position}}])
    until(lambda: status(analytics, name) == "RUNNING", what="RUNNING")


def status(analytics, name):
    return analytics.describe_application(ApplicationName=name)["ApplicationDetail"]["ApplicationStatus"]


@pytest.fixture
def analytics(server):
    return server.client("kinesisanalytics")


@pytest.fixture
def pair(kinesis):
    source, derived = unique("source"), unique("derived")
    kinesis.create_stream(StreamName=source, ShardCount=2)
    kinesis.create_stream(StreamName=derived, ShardCount=1)
    return source, derived


def to_stream(inner, derived, format="JSON"):
    return (inner, "KinesisStreamsOutput", stream_arn(derived), format)


def put(kinesis, stream, items):
    for start_at in range(0, len(items), 500):
        answer = kinesis.put_records(StreamName=stream, Records=[
            {"Data": json.dumps(item).encode(), "PartitionKey": str(item.get("k", item.get("sensor_id", "p")))}
            for item in items[start_at:start_at + 500]])
        assert answer["FailedRecordCount"] == 0


def test_windows_close_when_their_time_has_passed_without_a_later_record(kinesis, analytics, pair):
    source, derived = pair
    name = unique("counts")
    create(analytics, name, COUNTS, source, KEY_AND_VALUE, [to_stream("OUT", derived)])
    start(analytics, name)
    put(kinesis, source, [{"k": key, "v": value} for value in range(100) for key in "abc"])
    until(lambda: sum(row["n"] for row in rows(kinesis, derived)) == 300, what="300 counted rows")
    found = rows(kinesis, derived)
    assert {row["k"] for row in found} == set("abc")
    for key in "abc":
        assert sum(row["total"] for row in found if row["k"] == key) == sum(range(100))
    assert all(row["ended"].endswith(".000") for row in found)
    analytics.stop_application(ApplicationName=name)
    until(lambda: status(analytics, name) == "READY", what="READY")


@pytest.mark.parametrize("window", [
    """FLOOR(("SOURCE_SQL_STREAM_001".ROWTIME - TIMESTAMP '1970-01-01 00:00:00') SECOND / 60 TO SECOND)""",
    """STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '60' SECOND)""",
])
def test_the_weather_application_as_people_wrote_it(kinesis, analytics, pair, window):
    source, derived = pair
    name = unique("weather")
    head, tail = WEATHER.split('FLOOR(("SOURCE_SQL_STREAM_001".ROWTIME')
    code = head + window + ";"
    columns = json.loads((ROOT / "Streams/weather/weather.json").read_text())["Inputs"][0]["InputSchema"]["RecordColumns"]
    create(analytics, name, code, source, columns, [to_stream("DESTINATION_SQL_STREAM", derived)])
    start(analytics, name)
    chance = random.Random(7)
    sensors = [(f"s{n:03d}", "vib" if n % 2 else "temp", f"st{n % 7}") for n in range(300)]
    readings = [
        {"sensor_id": sensor, "station_id": station, "sensor": kind, "timestamp": 1472611226005, "value": chance.randint(0, 400) / 4,
         "value_smoothed": chance.randint(0, 400) / 4, "direction": -1}
        for _ in range(5) for sensor, kind, station in sensors]
    put(kinesis, source, readings)
    until(lambda: sum(row["60sec_number_of_msg"] for row in rows(kinesis, derived)) == len(readings), timeout=75, interval=0.5, what="the minute")
    found = rows(kinesis, derived)
    # A minute's boundary may fall among the puts, so sums are compared over all windows of a sensor.
    for sensor, kind, station in sensors:
        mine = [row for row in found if row["sensor_id"] == sensor]
        values = [reading for reading in readings if reading["sensor_id"] == sensor]
        assert all((row["sensor"], row["station_id"]) == (kind, station) for row in mine)
        assert sum(row["60sec_sum_of_sensor_value"] for row in mine) == sum(value["value"] for value in values)
        assert abs(sum(row["avg_value_smoothed"] * row["60sec_number_of_msg"] for row in mine) - sum(value["value_smoothed"] for value in values)) < 1e-6
        assert all(row["record_timestamp"].endswith(":00.000") for row in mine)


def test_the_device_anomaly_application_passes_on_the_strange_reading(kinesis, analytics, pair):
    source, derived = pair
    name = unique("anomaly")
    columns = json.loads((ROOT / "Streams/device-anomaly/anomaly.json").read_text())["Inputs"][0]["InputSchema"]["RecordColumns"]
    create(analytics, name, ANOMALY, source, columns, [to_stream("DESTINATION_SQL_STREAM", derived)])
    start(analytics, name)
    chance = random.Random(3)
    ordinary = [{"deviceId": device, "sensorReading": chance.randint(-5, 5)} for _ in range(200) for device in ["aaaa", "bbbb", "cccc", "dddd", "eeee"]]
    put(kinesis, source, ordinary)
    kinesis.put_record(StreamName=source, PartitionKey="cccc", Data=json.dumps({"deviceId": "cccc", "sensorReading": 444}))
    found = until(lambda: rows(kinesis, derived), what="the anomaly")
    assert [(row["deviceId"], row["sensorReading"]) for row in found] == [("cccc", 444)]
    assert 4 < found[0]["ANOMALY_SCORE"] <= 8.01


def test_a_wrong_program_is_refused_with_line_column_and_what_was_expected(kinesis, analytics, pair):
    source, derived = pair
    for code, place, words in [
        ('CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8);', "1:", ")"),
        ('CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8));\nCREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT"\nSELECT STREAM "kk" FROM "SOURCE_SQL_STREAM_001";',
         "3:15", '"k"'),
    ]:
        with pytest.raises(ClientError) as raised:
            create(analytics, unique("wrong"), code, source, KEY_AND_VALUE, [to_stream("OUT", derived)])
        error = raised.value.response["Error"]
        assert error["Code"] == "CodeValidationException"
        assert place in error["Message"] and words in error["Message"], error["Message"]


def test_starting_positions(kinesis, analytics, pair):
    source, derived = pair
    name = unique("copy")
    create(analytics, name, COPY, source, KEY_AND_VALUE, [to_stream("OUT", derived)])
    put(kinesis, source, [{"k": "old", "v": value} for value in range(10)])
    start(analytics, name, "NOW")
    put(kinesis, source, [{"k": "new", "v": value} for value in range(10)])
    until(lambda: len(rows(kinesis, derived)) == 10, what="ten rows")
    assert {row["k"] for row in rows(kinesis, derived)} == {"new"}
    analytics.stop_application(ApplicationName=name)
    until(lambda: status(analytics, name) == "READY", what="READY")
    put(kinesis, source, [{"k": "while", "v": value} for value in range(10)])
    start(analytics, name, "LAST_STOPPED_POINT")
    until(lambda: len(rows(kinesis, derived)) == 20, what="the rows put while it was stopped")
    assert sorted((row["k"], row["v"]) for row in rows(kinesis, derived)) == sorted([("new", v) for v in range(10)] + [("while", v) for v in range(10)])
    analytics.stop_application(ApplicationName=name)
    until(lambda: status(analytics, name) == "READY", what="READY")
    start(analytics, name, "TRIM_HORIZON")
    until(lambda: len(rows(kinesis, derived)) == 50, what="everything again")


def test_code_updates_take_effect_and_stale_versions_are_refused(kinesis, analytics, pair):
    source, derived = pair
    name = unique("update")
    create(analytics, name, COPY, source, KEY_AND_VALUE, [to_stream("OUT", derived)])
    start(analytics, name)
    put(kinesis, source, [{"k": "one", "v": 1}])
    until(lambda: len(rows(kinesis, derived)) == 1, what="a row")
    version = analytics.describe_application(ApplicationName=name)["ApplicationDetail"]["ApplicationVersionId"]
    analytics.update_application(
        ApplicationName=name, CurrentApplicationVersionId=version,
        ApplicationUpdate={"ApplicationCodeUpdate": COPY.replace('"k", "v" FROM', '"k", "v" * 100 FROM')})
    detail = analytics.describe_application(ApplicationName=name)["ApplicationDetail"]
    assert detail["ApplicationVersionId"] == version + 1 and "* 100" in detail["ApplicationCode"]
    until(lambda: status(analytics, name) == "RUNNING", what="RUNNING")
    put(kinesis, source, [{"k": "two", "v": 2}])
    until(lambda: len(rows(kinesis, derived)) == 2, what="a second row")
    assert sorted((row["k"], row["v"]) for row in rows(kinesis, derived)) == [("one", 1), ("two", 200)]
    with pytest.raises(ClientError) as raised:
        analytics.update_application(
            ApplicationName=name, CurrentApplicationVersionId=version, ApplicationUpdate={"ApplicationCodeUpdate": COPY})
    assert raised.value.response["Error"]["Code"] == "ConcurrentModificationException"


def test_applications_are_listed_and_deleted(kinesis, analytics, pair):
    source, derived = pair
    name = unique("gone")
    summary = create(analytics, name, COPY, source, KEY_AND_VALUE, [to_stream("OUT", derived)])
    assert summary["ApplicationStatus"] == "READY"
    assert summary["ApplicationARN"] == f"arn:aws:kinesisanalytics:us-east-1:000000000000:application/{name}"
    assert name in [item["ApplicationName"] for item in analytics.list_applications(Limit=50)["ApplicationSummaries"]]
    with pytest.raises(ClientError) as raised:
        create(analytics, name, COPY, source, KEY_AND_VALUE, [to_stream("OUT", derived)])
    assert raised.value.response["Error"]["Code"] == "ResourceInUseException"
    detail = analytics.describe_application(ApplicationName=name)["ApplicationDetail"]
    analytics.delete_application(ApplicationName=name, CreateTimestamp=detail["CreateTimestamp"])
    with pytest.raises(ClientError) as raised:
        analytics.describe_application(ApplicationName=name)
    assert raised.value.response["Error"]["Code"] == "ResourceNotFoundException"


def test_csv_in_and_csv_out(kinesis, analytics, pair):
    source, derived = pair
    name = unique("csv")
    create(analytics, name, COPY, source, KEY_AND_VALUE, [to_stream("OUT", derived, "CSV")], format="CSV")
    start(analytics, name)
    kinesis.put_record(StreamName=source, PartitionKey="p", Data=b"a,1\nb,2\n")
    from server import read_all
    lines = lambda: sorted(record["Data"].decode().strip() for shard in read_all(kinesis, derived).values() for record in shard)
    until(lambda: len(lines()) == 2, what="two lines")
    assert lines() == ["a,1", "b,2"]


def test_a_record_that_does_not_fit_goes_to_the_error_stream(kinesis, analytics, pair):
    source, derived = pair
    errors = unique("errors")
    kinesis.create_stream(StreamName=errors, ShardCount=1)
    name = unique("misfit")
    create(analytics, name, COPY, source, KEY_AND_VALUE, [to_stream("OUT", derived), to_stream("error_stream", errors)])
    start(analytics, name)
    kinesis.put_record(StreamName=source, PartitionKey="p", Data=b'{"k":"a","v":123.4}')
    kinesis.put_record(StreamName=source, PartitionKey="p", Data=b'{"k":"b","v":7}')
    until(lambda: rows(kinesis, derived), what="the good row")
    until(lambda: rows(kinesis, errors), what="the error row")
    assert rows(kinesis, derived) == [{"k": "b", "v": 7}]
    assert len(rows(kinesis, errors)) == 1 and rows(kinesis, errors)[0]["MESSAGE"]


def test_delivery_streams_are_inputs_and_outputs(kinesis, analytics, server):
    firehose = server.client("firehose")
    source, target = unique("in"), unique("out")
    for name in [source, target]:
        firehose.create_delivery_stream(
            DeliveryStreamName=name, DeliveryStreamType="DirectPut",
            ExtendedS3DestinationConfiguration={
                "RoleARN": ROLE, "BucketARN": "arn:aws:s3:::lake", "Prefix": name + "/",
                "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 1}, "CompressionFormat": "UNCOMPRESSED"})
    name = unique("firehose")
    create(analytics, name, COPY, None, KEY_AND_VALUE, [("OUT", "KinesisFirehoseOutput", delivery_arn(target), "JSON")],
           source_kind="KinesisFirehoseInput", source_arn=delivery_arn(source))
    start(analytics, name)
    firehose.put_record(DeliveryStreamName=source, Record={"Data": b'{"k":"a","v":1}'})
    archived = lambda: b"".join(path.read_bytes() for path in (server.data_dir / "buckets/lake" / target).rglob("*") if path.is_file())
    until(archived, what="the archived row")
    assert json.loads(archived()) == {"k": "a", "v": 1}


def test_the_second_version_of_the_api(kinesis, server, pair):
    source, derived = pair
    analytics = server.client("kinesisanalyticsv2")
    name = unique("v2")
    created = analytics.create_application(
        ApplicationName=name, RuntimeEnvironment="SQL-1_0", ServiceExecutionRole=ROLE,
        ApplicationConfiguration={
            "ApplicationCodeConfiguration": {"CodeContent": {"TextContent": COPY}, "CodeContentType": "PLAINTEXT"},
            "SqlApplicationConfiguration": {
                "Inputs": [{"NamePrefix": "SOURCE_SQL_STREAM", "KinesisStreamsInput": {"ResourceARN": stream_arn(source)},
                            "InputSchema": schema(KEY_AND_VALUE)}],
                "Outputs": [{"Name": "OUT", "KinesisStreamsOutput": {"ResourceARN": stream_arn(derived)},
                             "DestinationSchema": {"RecordFormatType": "JSON"}}]}})["ApplicationDetail"]
    assert created["ApplicationStatus"] == "READY" and created["RuntimeEnvironment"] == "SQL-1_0"
    input_id = created["ApplicationConfigurationDescription"]["SqlApplicationConfigurationDescription"]["InputDescriptions"][0]["InputId"]
    analytics.start_application(
        ApplicationName=name,
        RunConfiguration={"SqlRunConfigurations": [{"InputId": input_id, "InputStartingPositionConfiguration": {"InputStartingPosition": "NOW"}}]})
    state = lambda: analytics.describe_application(ApplicationName=name)["ApplicationDetail"]["ApplicationStatus"]
    until(lambda: state() == "RUNNING", what="RUNNING")
    put(kinesis, source, [{"k": "a", "v": 5}])
    until(lambda: rows(kinesis, derived) == [{"k": "a", "v": 5}], what="the row")
    detail = analytics.describe_application(ApplicationName=name)["ApplicationDetail"]
    analytics.update_application(
        ApplicationName=name, CurrentApplicationVersionId=detail["ApplicationVersionId"],
        ApplicationConfigurationUpdate={"ApplicationCodeConfigurationUpdate": {
            "CodeContentUpdate": {"TextContentUpdate": COPY.replace('"v" FROM', '"v" + 1 FROM')}}})
    until(lambda: state() == "RUNNING", what="RUNNING")
    put(kinesis, source, [{"k": "a", "v": 5}])
    until(lambda: {"k": "a", "v": 6} in rows(kinesis, derived), what="the changed row")
    assert name in [item["ApplicationName"] for item in analytics.list_applications()["ApplicationSummaries"]]
    analytics.stop_application(ApplicationName=name)
    until(lambda: state() == "READY", what="READY")
    analytics.delete_application(ApplicationName=name, CreateTimestamp=detail["CreateTimestamp"])


def test_an_application_that_outgrows_its_bound_stops_and_says_why(tmp_path):
    server = Server(tmp_path / "data", "--application-state-bytes", "100000").start()
    try:
        kinesis, one, two = server.client("kinesis"), server.client("kinesisanalytics"), server.client("kinesisanalyticsv2")
        for stream in ["source", "derived"]:
            kinesis.create_stream(StreamName=stream, ShardCount=1)
        code = COUNTS.replace("'1' SECOND", "'1' HOUR")
        create(one, "grows", code, "source", KEY_AND_VALUE, [to_stream("OUT", "derived")])
        start(one, "grows", "TRIM_HORIZON")
        for begin in range(0, 10_000, 500):
            kinesis.put_records(StreamName="source", Records=[
                {"PartitionKey": "p", "Data": json.dumps({"k": f"k{n}", "v": 1}).encode()} for n in range(begin, begin + 500)])
        until(lambda: status(one, "grows") == "READY", what="its end")

        def told():
            return (one.describe_application(ApplicationName="grows")["ApplicationDetail"]["ApplicationDescription"],
                    two.describe_application(ApplicationName="grows")["ApplicationDetail"]["ApplicationDescription"],
                    server.millrace("sql", "ls").stdout)

        assert all("bound of 100000" in text for text in told()), told()
        server.stop()
        server.start()
        assert status(server.client("kinesisanalytics"), "grows") == "READY"
        one, two = server.client("kinesisanalytics"), server.client("kinesisanalyticsv2")
        assert all("bound of 100000" in text for text in told()), told()
        start(one, "grows", "NOW")
        assert "ApplicationDescription" not in one.describe_application(ApplicationName="grows")["ApplicationDetail"]
    finally:
        server.close()


def test_the_schema_is_discovered_and_runs_as_it_is(kinesis, analytics, server, pair):
    source, derived = pair
    put(kinesis, source, [{"k": "aaaa", "v": 1, "at": "2026-11-30 10:00:00", "inner": {"deep": 1.5}}, {"k": "b", "v": 70000}])
    found = analytics.discover_input_schema(
        ResourceARN=stream_arn(source), RoleARN=ROLE, InputStartingPositionConfiguration={"InputStartingPosition": "TRIM_HORIZON"})
    assert found["InputSchema"]["RecordColumns"] == [
        {"Name": "k", "Mapping": "$.k", "SqlType": "VARCHAR(4)"}, {"Name": "v", "Mapping": "$.v", "SqlType": "INTEGER"},
        {"Name": "at", "Mapping": "$.at", "SqlType": "TIMESTAMP"}, {"Name": "deep", "Mapping": "$.inner.deep", "SqlType": "DOUBLE"}]
    assert sorted(found["ParsedInputRecords"], key=lambda row: row[0]) == [
        ["aaaa", "1", "2026-11-30 10:00:00.000", "1.5"], ["b", "70000", None, None]]
    assert json.loads(server.millrace("sql", "discover", source).stdout) == found["InputSchema"]
    name = unique("app")
    analytics.create_application(
        ApplicationName=name, ApplicationCode=COPY,
        Inputs=[{"NamePrefix": "SOURCE_SQL_STREAM", "KinesisStreamsInput": {"ResourceARN": stream_arn(source), "RoleARN": ROLE},
                 "InputSchema": found["InputSchema"]}],
        Outputs=[{"Name": "OUT", "KinesisStreamsOutput": {"ResourceARN": stream_arn(derived), "RoleARN": ROLE},
                  "DestinationSchema": {"RecordFormatType": "JSON"}}])
    start(analytics, name, "TRIM_HORIZON")
    until(lambda: len(rows(kinesis, derived)) == 2, what="both rows")
    with pytest.raises(ClientError, match="There is no stream"):
        analytics.discover_input_schema(ResourceARN=stream_arn("nowhere"), RoleARN=ROLE)


def test_a_program_is_checked_and_its_rows_are_shown_as_they_come(kinesis, server, tmp_path):
    source = unique("live")
    kinesis.create_stream(StreamName=source, ShardCount=2)
    put(kinesis, source, [{"k": f"k{number % 3}", "v": number} for number in range(300)])
    program = tmp_path / "program.sql"
    program.write_text(COUNTS.replace("VARCHAR(8)", "VARCHAR(4)"))
    shown = server.millrace("sql", "run", str(program), "--source", source, "--end-of-input", "--output", "ndjson")
    found = [json.loads(line)["row"] for line in shown.stdout.splitlines()]
    totals = {key: sum(row["total"] for row in found if row["k"] == key) for key in ("k0", "k1", "k2")}
    assert totals == {key: sum(number for number in range(300) if f"k{number % 3}" == key) for key in totals}
    assert sum(row["n"] for row in found) == 300
    assert server.millrace("sql", "check", str(program), "--source", source).stdout.startswith("OUT (k VARCHAR(4), n BIGINT")

    live = subprocess.Popen(
        [BINARY, "sql", "run", str(program), "--source", source, "--limit", "1", "--output", "csv", "--show", "OUT"],
        env=server.environment, stdout=subprocess.PIPE, text=True)
    try:
        until(lambda: put(kinesis, source, [{"k": "late", "v": 5}]) or live.poll() is not None, what="a window of its own")
        header, row = live.stdout.read().splitlines()
        assert header == "ROWTIME,k,n,total,ended" and row.split(",")[1] == "late"
    finally:
        live.kill()
        live.wait()

    program.write_text(program.read_text().replace("SUM(", "SUMM("))
    refused = server.millrace("sql", "check", str(program), "--source", source, check=False)
    assert refused.returncode == 2 and "did you mean SUM?" in refused.stderr
    line, caret = refused.stderr.splitlines()[-2:]
    assert line[caret.index("^"):].startswith("SUMM(")
