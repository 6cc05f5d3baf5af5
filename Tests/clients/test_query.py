"""`millrace query`: SELECT over what streams hold, and reference tables of applications."""

import json
import os
import time

import pytest

from server import Server, rows, stream_arn, unique, until
from test_applications import KEY_AND_VALUE, ROLE, create, put, schema, start, status, to_stream


@pytest.fixture(scope="module")
def readings(server):
    kinesis = server.client("kinesis")
    name = unique("Readings")
    kinesis.create_stream(StreamName=name, ShardCount=3)
    items = [{"deviceId": f"d{number % 7}", "value": number / 4 if number % 11 else None, "n": number} for number in range(1000)]
    for start_at in range(0, len(items), 500):
        kinesis.put_records(StreamName=name, Records=[
            {"Data": json.dumps(item).encode(), "PartitionKey": str(item["n"])} for item in items[start_at:start_at + 500]])
    return name, items


def ask(server, text, *flags, check=True):
    return server.millrace("query", text, "--output", "ndjson", *flags, check=check)


def answer(server, text, *flags):
    return [json.loads(line) for line in ask(server, text, *flags).stdout.splitlines()]


def test_groups_of_all_records_of_all_shards(server, readings):
    name, items = readings
    found = answer(server, f'SELECT deviceId, COUNT(*) AS "c", SUM(n) AS "s", MAX(value) AS "m" FROM "{name}" GROUP BY deviceId ORDER BY deviceId')
    expected = []
    for device in sorted({item["deviceId"] for item in items}):
        own = [item for item in items if item["deviceId"] == device]
        expected.append({"deviceId": device, "c": len(own), "s": sum(item["n"] for item in own),
                         "m": max(item["value"] for item in own if item["value"] is not None)})
    assert found == expected


def test_names_without_quotes_are_found_whatever_their_case(server, readings):
    name, items = readings
    plain = name.replace("-", "_")
    if plain != name:
        pytest.skip("the stream's name needs quotes")
    assert answer(server, f'select COUNT(*) as "n" from {plain.lower()}') == [{"n": len(items)}]


def test_order_limit_and_subqueries(server, readings):
    name, items = readings
    found = answer(server, f'SELECT n FROM "{name}" WHERE value > (SELECT AVG(value) FROM "{name}") ORDER BY n DESC LIMIT 3 OFFSET 1')
    values = [item["value"] for item in items if item["value"] is not None]
    above = sorted((item["n"] for item in items if item["value"] is not None and item["value"] > sum(values) / len(values)), reverse=True)
    assert [row["n"] for row in found] == above[1:4]


def test_a_join_of_a_stream_with_itself(server, readings):
    name, _ = readings
    found = answer(server, f'SELECT COUNT(*) AS "c" FROM "{name}" a JOIN "{name}" b ON a.n = b.n + 1 WHERE a.deviceId <> b.deviceId')
    assert found == [{"c": 999}]


def test_forms_of_output(server, readings):
    name, _ = readings
    text = f'SELECT deviceId, n, value FROM "{name}" WHERE n IN (1, 11) ORDER BY n'
    assert server.millrace("query", text, "--output", "csv").stdout == "deviceId,n,value\nd1,1,0.25\nd4,11,\n"
    assert server.millrace("query", text).stdout.splitlines() == [
        "deviceId   n  value", "--------  --  -----", "d1         1   0.25", "d4        11   NULL"]


def test_a_range_of_time(server, readings):
    name, items = readings
    assert answer(server, f'SELECT COUNT(*) AS "n" FROM "{name}"', "--from", "1h") == [{"n": len(items)}]
    assert answer(server, f'SELECT COUNT(*) AS "n" FROM "{name}"', "--to", "1h") == [{"n": 0}]


def test_what_is_wrong_is_shown_with_its_place(server, readings):
    name, _ = readings
    refused = ask(server, f'SELECT x FROM "{name}"', check=False)
    assert refused.returncode == 2 and "1:8: there is no column" in refused.stderr and "^" in refused.stderr
    assert ask(server, "SELECT 1 FROM no_such_stream", check=False).returncode == 2


def test_rows_that_fail_are_counted_and_said(server, readings):
    name, _ = readings
    failed = ask(server, f'SELECT 10 / n AS "q" FROM "{name}" WHERE n < 3', check=False)
    assert failed.returncode == 1 and "1 records or rows failed" in failed.stderr and "Division by zero" in failed.stderr
    assert len(failed.stdout.splitlines()) == 2


def test_explain(server, readings):
    name, _ = readings
    told = server.millrace("query", f'SELECT deviceId FROM "{name}" WHERE n > 3 ORDER BY n LIMIT 2', "--explain").stdout
    assert "sort by" in told and "filter" in told and name in told


NAMES = """
CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "name" VARCHAR(16), "v" INTEGER);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT"
SELECT STREAM s."k", r."name", s."v" FROM "SOURCE_SQL_STREAM_001" AS s LEFT JOIN "names" AS r ON s."k" = r."k";
"""
PLAIN = """
CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "v" INTEGER);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "k", "v" FROM "SOURCE_SQL_STREAM_001";
"""
NAME_COLUMNS = [{"Name": "k", "SqlType": "VARCHAR(8)"}, {"Name": "name", "SqlType": "VARCHAR(16)"}]


def write(server, text):
    folder = server.data_dir / "buckets" / "tables"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "names.new").write_text(text)
    os.replace(folder / "names.new", folder / "names.csv")


def test_a_reference_table_is_joined_read_again_and_kept_over_a_kill(mortal):
    kinesis, analytics = mortal.client("kinesis"), mortal.client("kinesisanalytics")
    kinesis.create_stream(StreamName="in", ShardCount=1)
    kinesis.create_stream(StreamName="out", ShardCount=1)
    create(analytics, "names", PLAIN, "in", KEY_AND_VALUE, [to_stream("OUT", "out")])
    analytics.add_application_reference_data_source(
        ApplicationName="names", CurrentApplicationVersionId=1, ReferenceDataSource={
            "TableName": "names", "ReferenceSchema": schema(NAME_COLUMNS, "CSV"),
            "S3ReferenceDataSource": {"BucketARN": "arn:aws:s3:::tables", "FileKey": "names.csv", "ReferenceRoleARN": ROLE}})
    analytics.update_application(
        ApplicationName="names", CurrentApplicationVersionId=2, ApplicationUpdate={"ApplicationCodeUpdate": NAMES})
    described = analytics.describe_application(ApplicationName="names")["ApplicationDetail"]["ReferenceDataSourceDescriptions"]
    assert described[0]["TableName"] == "names" and described[0]["S3ReferenceDataSourceDescription"]["FileKey"] == "names.csv"
    write(mortal, "a,first\nb,other\n")
    start(analytics, "names")
    put(kinesis, "in", [{"k": "a", "v": 1}, {"k": "c", "v": 2}])
    until(lambda: len(rows(kinesis, "out")) == 2, what="two rows")
    assert rows(kinesis, "out") == [{"k": "a", "name": "first", "v": 1}, {"k": "c", "name": None, "v": 2}]
    write(mortal, "a,second\nc,third\n")

    def has_changed():
        put(kinesis, "in", [{"k": "c", "v": 3}])
        time.sleep(0.3)
        return rows(kinesis, "out")[-1]["name"] == "third"

    until(has_changed, what="the new table")
    before = len(rows(kinesis, "out"))
    mortal.kill()
    mortal.start()
    put(mortal.client("kinesis"), "in", [{"k": "a", "v": 4}])
    until(lambda: len(rows(kinesis, "out")) == before + 1, what="a row after the restart")
    assert rows(kinesis, "out")[-1] == {"k": "a", "name": "second", "v": 4}
    assert len({json.dumps(row) for row in rows(kinesis, "out")}) <= before + 1


def test_reference_tables_in_version_2(server):
    kinesis, analytics = server.client("kinesis"), server.client("kinesisanalyticsv2")
    source, derived, name = unique("source"), unique("derived"), unique("names")
    kinesis.create_stream(StreamName=source, ShardCount=1)
    kinesis.create_stream(StreamName=derived, ShardCount=1)
    write(server, "a,first\n")
    analytics.create_application(
        ApplicationName=name, RuntimeEnvironment="SQL-1_0", ServiceExecutionRole=ROLE,
        ApplicationConfiguration={
            "ApplicationCodeConfiguration": {"CodeContent": {"TextContent": NAMES}, "CodeContentType": "PLAINTEXT"},
            "SqlApplicationConfiguration": {
                "Inputs": [{"NamePrefix": "SOURCE_SQL_STREAM", "KinesisStreamsInput": {"ResourceARN": stream_arn(source)},
                            "InputSchema": schema(KEY_AND_VALUE)}],
                "Outputs": [{"Name": "OUT", "KinesisStreamsOutput": {"ResourceARN": stream_arn(derived)},
                             "DestinationSchema": {"RecordFormatType": "JSON"}}],
                "ReferenceDataSources": [{
                    "TableName": "names", "ReferenceSchema": schema(NAME_COLUMNS, "CSV"),
                    "S3ReferenceDataSource": {"BucketARN": "arn:aws:s3:::tables", "FileKey": "names.csv"}}]}})
    detail = analytics.describe_application(ApplicationName=name)["ApplicationDetail"]
    sql = detail["ApplicationConfigurationDescription"]["SqlApplicationConfigurationDescription"]
    reference = sql["ReferenceDataSourceDescriptions"][0]["ReferenceId"]
    refused = pytest.raises(analytics.exceptions.CodeValidationException, analytics.delete_application_reference_data_source,
                            ApplicationName=name, CurrentApplicationVersionId=1, ReferenceId=reference)
    assert "names" in str(refused.value)
    analytics.start_application(
        ApplicationName=name, RunConfiguration={"SqlRunConfigurations": [{
            "InputId": sql["InputDescriptions"][0]["InputId"],
            "InputStartingPositionConfiguration": {"InputStartingPosition": "TRIM_HORIZON"}}]})
    until(lambda: analytics.describe_application(ApplicationName=name)["ApplicationDetail"]["ApplicationStatus"] == "RUNNING", what="RUNNING")
    put(kinesis, source, [{"k": "a", "v": 1}])
    until(lambda: len(rows(kinesis, derived)) == 1, what="a row")
    assert rows(kinesis, derived) == [{"k": "a", "name": "first", "v": 1}]


def test_an_application_waits_for_its_reference_table_and_says_so(server):
    kinesis, analytics = server.client("kinesis"), server.client("kinesisanalytics")
    source, derived, name = unique("source"), unique("derived"), unique("waits")
    kinesis.create_stream(StreamName=source, ShardCount=1)
    kinesis.create_stream(StreamName=derived, ShardCount=1)
    create(analytics, name, PLAIN, source, KEY_AND_VALUE, [to_stream("OUT", derived)])
    analytics.add_application_reference_data_source(
        ApplicationName=name, CurrentApplicationVersionId=1, ReferenceDataSource={
            "TableName": "names", "ReferenceSchema": schema(NAME_COLUMNS, "CSV"),
            "S3ReferenceDataSource": {"BucketARN": "arn:aws:s3:::tables", "FileKey": f"{name}.csv", "ReferenceRoleARN": ROLE}})
    detail = analytics.describe_application(ApplicationName=name)["ApplicationDetail"]
    analytics.start_application(ApplicationName=name, InputConfigurations=[{
        "Id": detail["InputDescriptions"][0]["InputId"],
        "InputStartingPositionConfiguration": {"InputStartingPosition": "TRIM_HORIZON"}}])
    assert status(analytics, name) == "STARTING"
    assert f"{name}.csv" in server.millrace("sql", "ls").stdout
    folder = server.data_dir / "buckets" / "tables"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.csv").write_text("a,first\n")
    until(lambda: status(analytics, name) == "RUNNING", what="RUNNING")
