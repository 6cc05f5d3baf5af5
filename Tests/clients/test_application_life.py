"""The life of SQL applications through boto3 and the aws CLI: snapshots by name, updates, versions, several inputs, functions for records."""

import base64
import gzip
import json
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from botocore.exceptions import ClientError

from server import Server, rows, stream_arn, unique, until
from test_applications import KEY_AND_VALUE, ROLE, create, put, schema, start, status, to_stream

COUNTS = """
CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "n" BIGINT, "total" BIGINT);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT"
SELECT STREAM "k", COUNT(*), SUM("v") FROM "SOURCE_SQL_STREAM_001"
GROUP BY "k", STEP("SOURCE_SQL_STREAM_001".ROWTIME BY INTERVAL '5' SECOND);
"""
COPY = """
CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "v" INTEGER);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "k", "v" FROM "SOURCE_SQL_STREAM_001";
"""
LAMBDA = "arn:aws:lambda:us-east-1:000000000000:function:"


@pytest.fixture
def analytics(server):
    return server.client("kinesisanalytics")


@pytest.fixture
def second(server):
    return server.client("kinesisanalyticsv2")


@pytest.fixture
def pair(kinesis):
    source, derived = unique("source"), unique("derived")
    kinesis.create_stream(StreamName=source, ShardCount=2)
    kinesis.create_stream(StreamName=derived, ShardCount=1)
    return source, derived


def code_of(error):
    return error.value.response["Error"]["Code"]


def rows_in(server, name):
    """Rows that an application has taken in, as /metrics tells."""
    text = urllib.request.urlopen(f"{server.endpoint}/metrics").read().decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if not line.startswith("#") and f'"{name}"' in line and "rows_in" in line)


# Those of botocore 1.43; newer models have more, which are not for SQL applications.
OPERATIONS = {
    "KinesisAnalytics_20150814": """
        AddApplicationCloudWatchLoggingOption AddApplicationInput AddApplicationInputProcessingConfiguration AddApplicationOutput
        AddApplicationReferenceDataSource CreateApplication DeleteApplication DeleteApplicationCloudWatchLoggingOption
        DeleteApplicationInputProcessingConfiguration DeleteApplicationOutput DeleteApplicationReferenceDataSource DescribeApplication
        DiscoverInputSchema ListApplications ListTagsForResource StartApplication StopApplication TagResource UntagResource
        UpdateApplication""".split(),
    "KinesisAnalytics_20180523": """
        AddApplicationCloudWatchLoggingOption AddApplicationInput AddApplicationInputProcessingConfiguration AddApplicationOutput
        AddApplicationReferenceDataSource AddApplicationVpcConfiguration CreateApplication CreateApplicationPresignedUrl
        CreateApplicationSnapshot DeleteApplication DeleteApplicationCloudWatchLoggingOption DeleteApplicationInputProcessingConfiguration
        DeleteApplicationOutput DeleteApplicationReferenceDataSource DeleteApplicationSnapshot DeleteApplicationVpcConfiguration
        DescribeApplication DescribeApplicationOperation DescribeApplicationSnapshot DescribeApplicationVersion DiscoverInputSchema
        ListApplicationOperations ListApplicationSnapshots ListApplicationVersions ListApplications ListTagsForResource
        RollbackApplication StartApplication StopApplication TagResource UntagResource UpdateApplication
        UpdateApplicationMaintenanceConfiguration""".split(),
}


def test_every_operation_of_both_models_is_served_or_refused_by_name(server):
    unknown, refused = [], []
    assert [len(operations) for operations in OPERATIONS.values()] == [20, 33]
    for prefix, operations in OPERATIONS.items():
        for operation in operations:
            request = urllib.request.Request(
                server.endpoint, b"{}", {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"{prefix}.{operation}"})
            try:
                urllib.request.urlopen(request)
            except urllib.error.HTTPError as error:
                kind = json.loads(error.read())["__type"]
                if kind == "UnknownOperationException":
                    unknown.append(operation)
                if kind == "UnsupportedOperationException":
                    refused.append(operation)
    assert unknown == []
    assert sorted(refused) == ["AddApplicationVpcConfiguration", "CreateApplicationPresignedUrl", "DeleteApplicationVpcConfiguration",
                               "UpdateApplicationMaintenanceConfiguration"]


def test_an_application_starts_from_a_snapshot_by_name(kinesis, analytics, second, server, pair):
    source, derived = pair
    name = unique("snapshots")
    # Windows of an hour: only their state tells what was counted.
    running = """
    CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "n" BIGINT);
    CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "k", COUNT(*) OVER (PARTITION BY "k" RANGE INTERVAL '1' HOUR PRECEDING)
    FROM "SOURCE_SQL_STREAM_001";
    """
    create(analytics, name, running, source, KEY_AND_VALUE, [to_stream("OUT", derived)])
    with pytest.raises(ClientError) as error:
        second.create_application_snapshot(ApplicationName=name, SnapshotName="early")
    assert code_of(error) == "InvalidRequestException"
    start(analytics, name, "TRIM_HORIZON")
    put(kinesis, source, [{"k": "a", "v": n} for n in range(10)])
    until(lambda: len(rows(kinesis, derived)) == 10, what="ten rows")
    second.create_application_snapshot(ApplicationName=name, SnapshotName="ten")
    details = second.describe_application_snapshot(ApplicationName=name, SnapshotName="ten")["SnapshotDetails"]
    assert details["SnapshotStatus"] == "READY" and details["ApplicationVersionId"] == 1
    put(kinesis, source, [{"k": "a", "v": 10}])
    until(lambda: len(rows(kinesis, derived)) == 11, what="the eleventh")
    assert rows(kinesis, derived)[-1] == {"k": "a", "n": 11}
    second.stop_application(ApplicationName=name)
    started = second.start_application(ApplicationName=name, RunConfiguration={"ApplicationRestoreConfiguration": {
        "ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT", "SnapshotName": "ten"}})
    until(lambda: len(rows(kinesis, derived)) == 12, what="the eleventh again")
    assert rows(kinesis, derived)[-1] == {"k": "a", "n": 11}
    operation = second.describe_application_operation(ApplicationName=name, OperationId=started["OperationId"])
    assert operation["ApplicationOperationInfoDetails"]["Operation"] == "StartApplication"
    second.stop_application(ApplicationName=name)
    second.start_application(ApplicationName=name, RunConfiguration={"ApplicationRestoreConfiguration": {
        "ApplicationRestoreType": "RESTORE_FROM_LATEST_SNAPSHOT"}})
    put(kinesis, source, [{"k": "a", "v": 12}])
    until(lambda: len(rows(kinesis, derived)) == 13, what="a row")
    assert rows(kinesis, derived)[-1] == {"k": "a", "n": 12}
    second.stop_application(ApplicationName=name)
    second.start_application(ApplicationName=name, RunConfiguration={"ApplicationRestoreConfiguration": {
        "ApplicationRestoreType": "SKIP_RESTORE_FROM_SNAPSHOT"}})
    put(kinesis, source, [{"k": "a", "v": 13}])
    until(lambda: len(rows(kinesis, derived)) == 14, what="a row")
    assert rows(kinesis, derived)[-1] == {"k": "a", "n": 1}
    listed = server.aws("kinesisanalyticsv2", "list-application-snapshots", "--application-name", name)["SnapshotSummaries"]
    assert [snapshot["SnapshotName"] for snapshot in listed] == ["ten"]
    second.delete_application_snapshot(
        ApplicationName=name, SnapshotName="ten", SnapshotCreationTimestamp=details["SnapshotCreationTimestamp"])
    assert second.list_application_snapshots(ApplicationName=name)["SnapshotSummaries"] == []


def test_a_snapshot_outlives_a_kill(mortal):
    kinesis, one, two = mortal.client("kinesis"), mortal.client("kinesisanalytics"), mortal.client("kinesisanalyticsv2")
    for stream in ["source", "derived"]:
        kinesis.create_stream(StreamName=stream, ShardCount=1)
    create(one, "app", COUNTS.replace("'5' SECOND", "'1' SECOND"), "source", KEY_AND_VALUE, [to_stream("OUT", "derived")])
    start(one, "app", "TRIM_HORIZON")
    put(kinesis, "source", [{"k": "a", "v": 1}])
    until(lambda: len(rows(kinesis, "derived")) == 1, what="a row")
    two.create_application_snapshot(ApplicationName="app", SnapshotName="s")
    put(kinesis, "source", [{"k": "b", "v": 2}])
    until(lambda: len(rows(kinesis, "derived")) == 2, what="two rows")
    mortal.kill()
    mortal.start()
    until(lambda: status(one, "app") == "RUNNING", what="RUNNING")
    two.stop_application(ApplicationName="app")
    two.start_application(ApplicationName="app", RunConfiguration={"ApplicationRestoreConfiguration": {
        "ApplicationRestoreType": "RESTORE_FROM_CUSTOM_SNAPSHOT", "SnapshotName": "s"}})
    mortal.kill()
    mortal.start()
    until(lambda: len(rows(kinesis, "derived")) == 3, what="what came after the snapshot, again")
    assert [row["k"] for row in rows(kinesis, "derived")] == ["a", "b", "b"]


def test_updates_of_a_running_application_keep_state_and_versions_are_gone_back_to(kinesis, analytics, second, pair):
    source, derived = pair
    name = unique("update")
    code = """
    CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "n" BIGINT);
    CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "k", COUNT(*) OVER (PARTITION BY "k" RANGE INTERVAL '1' HOUR PRECEDING)
    FROM "SOURCE_SQL_STREAM_001";
    """
    create(analytics, name, code, source, KEY_AND_VALUE, [to_stream("OUT", derived)])
    start(analytics, name)
    put(kinesis, source, [{"k": "a", "v": 1}])
    until(lambda: rows(kinesis, derived) == [{"k": "a", "n": 1}], what="a row")

    def update(text):
        version = second.describe_application(ApplicationName=name)["ApplicationDetail"]["ApplicationVersionId"]
        return second.update_application(
            ApplicationName=name, CurrentApplicationVersionId=version, ApplicationConfigurationUpdate={
                "ApplicationCodeConfigurationUpdate": {"CodeContentUpdate": {"TextContentUpdate": text}}})

    answer = update(code + '-- a note\n')
    assert answer["OperationId"] and answer["ApplicationDetail"]["ApplicationVersionId"] == 2
    put(kinesis, source, [{"k": "a", "v": 1}])
    until(lambda: rows(kinesis, derived)[-1] == {"k": "a", "n": 2}, what="a row of the kept window")
    lost = update(code.replace("'1' HOUR", "'2' HOUR"))["ApplicationDetail"]
    assert "let go of the state of P/" in lost["ApplicationDescription"]
    put(kinesis, source, [{"k": "a", "v": 1}])
    until(lambda: len(rows(kinesis, derived)) == 3, what="a row")
    assert rows(kinesis, derived)[-1] == {"k": "a", "n": 1}
    versions = second.list_application_versions(ApplicationName=name)["ApplicationVersionSummaries"]
    assert [version["ApplicationVersionId"] for version in versions] == [3, 2, 1]
    back = second.rollback_application(ApplicationName=name, CurrentApplicationVersionId=3)["ApplicationDetail"]
    assert back["ApplicationVersionId"] == 4 and back["ApplicationVersionRolledBackTo"] == 2
    old = second.describe_application_version(ApplicationName=name, ApplicationVersionId=3)["ApplicationVersionDetail"]
    text = old["ApplicationConfigurationDescription"]["ApplicationCodeConfigurationDescription"]["CodeContentDescription"]["TextContent"]
    assert "'2' HOUR" in text
    operations = second.list_application_operations(ApplicationName=name)["ApplicationOperationInfoList"]
    assert [operation["Operation"] for operation in operations] == [
        "RollbackApplication", "UpdateApplication", "UpdateApplication", "StartApplication"]
    arn = back["ApplicationARN"]
    analytics.tag_resource(ResourceARN=arn, Tags=[{"Key": "team", "Value": "blue"}])
    second.tag_resource(ResourceARN=arn, Tags=[{"Key": "cost", "Value": "7"}])
    assert analytics.list_tags_for_resource(ResourceARN=arn)["Tags"] == [
        {"Key": "team", "Value": "blue"}, {"Key": "cost", "Value": "7"}]
    second.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert second.list_tags_for_resource(ResourceARN=arn)["Tags"] == [{"Key": "cost", "Value": "7"}]


def test_two_inputs_are_joined(kinesis, analytics, pair):
    source, derived = pair
    other, name = unique("other"), unique("join")
    kinesis.create_stream(StreamName=other, ShardCount=2)
    create(analytics, name, '', source, KEY_AND_VALUE, [])
    analytics.add_application_input(
        ApplicationName=name, CurrentApplicationVersionId=1,
        Input={"NamePrefix": "PRICES", "KinesisStreamsInput": {"ResourceARN": stream_arn(other), "RoleARN": ROLE},
               "InputSchema": schema([{"Name": "k", "Mapping": "$.k", "SqlType": "VARCHAR(8)"},
                                      {"Name": "price", "Mapping": "$.price", "SqlType": "INTEGER"}])})
    analytics.update_application(ApplicationName=name, CurrentApplicationVersionId=2, ApplicationUpdate={"ApplicationCodeUpdate": """
    CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "v" INTEGER, "price" INTEGER);
    CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM a."k", a."v", b."price"
    FROM "SOURCE_SQL_STREAM_001" OVER (RANGE INTERVAL '1' MINUTE PRECEDING) AS a
    JOIN "PRICES_001" OVER (RANGE INTERVAL '1' MINUTE PRECEDING) AS b ON a."k" = b."k";
    """})
    analytics.add_application_output(
        ApplicationName=name, CurrentApplicationVersionId=3,
        Output={"Name": "OUT", "KinesisStreamsOutput": {"ResourceARN": stream_arn(derived), "RoleARN": ROLE},
                "DestinationSchema": {"RecordFormatType": "JSON"}})
    inputs = analytics.describe_application(ApplicationName=name)["ApplicationDetail"]["InputDescriptions"]
    assert [input["InAppStreamNames"] for input in inputs] == [["SOURCE_SQL_STREAM_001"], ["PRICES_001"]]
    position = {"InputStartingPosition": "TRIM_HORIZON"}
    analytics.start_application(ApplicationName=name, InputConfigurations=[
        {"Id": input["InputId"], "InputStartingPositionConfiguration": position} for input in inputs])
    put(kinesis, source, [{"k": k, "v": v} for k in "abc" for v in range(3)])
    put(kinesis, other, [{"k": k, "price": 10 * n} for n, k in enumerate("abcd")])
    until(lambda: len(rows(kinesis, derived)) == 9, what="nine pairs")
    expected = sorted((k, v, 10 * n) for n, k in enumerate("abc") for v in range(3))
    assert sorted((row["k"], row["v"], row["price"]) for row in rows(kinesis, derived)) == expected


def test_compressed_records_are_read(kinesis, analytics, pair):
    source, derived = pair
    name = unique("gzip")
    create(analytics, name, COPY, source, KEY_AND_VALUE, [to_stream("OUT", derived)])
    start(analytics, name)
    for value, packed in enumerate([False, True, True, False]):
        data = json.dumps({"k": "a", "v": value}).encode()
        kinesis.put_record(StreamName=source, PartitionKey="p", Data=gzip.compress(data) if packed else data)
    until(lambda: len(rows(kinesis, derived)) == 4, what="four rows")
    assert sorted(row["v"] for row in rows(kinesis, derived)) == [0, 1, 2, 3]


COMMAND = """
import base64, json, sys
event = json.load(sys.stdin)
answers = []
for record in event["records"]:
    fields = json.loads(base64.b64decode(record["data"]))
    if fields["v"] < 0:
        answers.append({"recordId": record["recordId"], "result": "Dropped"})
    elif fields["v"] == 13:
        answers.append({"recordId": record["recordId"], "result": "ProcessingFailed"})
    else:
        fields["v"] *= 10
        answers.append({"recordId": record["recordId"], "result": "Ok", "data": base64.b64encode(json.dumps(fields).encode()).decode()})
json.dump({"records": answers}, sys.stdout)
"""


class Function(BaseHTTPRequestHandler):
    """An HTTP endpoint that answers as a preprocessing Lambda; its first answer is an error."""

    events = []

    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        Function.events.append(event)
        if len(Function.events) == 1:
            self.send_error(500)
            return
        answer = json.dumps({"records": [{"recordId": r["recordId"], "result": "Ok", "data": r["data"]} for r in event["records"]]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def functions(tmp_path):
    """A server whose settings know a command and an address."""
    script = tmp_path / "tenfold.py"
    script.write_text(COMMAND)
    endpoint = HTTPServer(("127.0.0.1", 0), Function)
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    listed = tmp_path / "functions"
    listed.write_text(f"# name what\ntenfold {sys.executable} {script}\n{LAMBDA}web http://127.0.0.1:{endpoint.server_port}/\n")
    server = Server(tmp_path / "data", "--functions", str(listed)).start()
    yield server
    server.close()
    endpoint.shutdown()


def processor(name, arn):
    return {"InputLambdaProcessor": {"ResourceARN": arn, "RoleARN": ROLE}}


def test_records_go_through_functions(functions):
    kinesis, analytics = functions.client("kinesis"), functions.client("kinesisanalytics")
    for stream in ["source", "derived", "errors"]:
        kinesis.create_stream(StreamName=stream, ShardCount=1)
    create(analytics, "app", COPY, "source", KEY_AND_VALUE, [to_stream("OUT", "derived"), to_stream("error_stream", "errors")])
    input_id = analytics.describe_application(ApplicationName="app")["ApplicationDetail"]["InputDescriptions"][0]["InputId"]
    with pytest.raises(ClientError) as error:
        analytics.add_application_input_processing_configuration(
            ApplicationName="app", CurrentApplicationVersionId=1, InputId=input_id,
            InputProcessingConfiguration=processor("app", LAMBDA + "nobody"))
    assert code_of(error) == "InvalidArgumentException" and "functions" in str(error.value)
    analytics.add_application_input_processing_configuration(
        ApplicationName="app", CurrentApplicationVersionId=1, InputId=input_id,
        InputProcessingConfiguration=processor("app", LAMBDA + "tenfold"))
    start(analytics, "app")
    put(kinesis, "source", [{"k": "a", "v": v} for v in [1, -1, 13, 2]])
    until(lambda: len(rows(kinesis, "derived")) == 2, what="two rows")
    assert [row["v"] for row in rows(kinesis, "derived")] == [10, 20]
    failed = until(lambda: rows(kinesis, "errors"), what="the error")
    assert len(failed) == 1 and failed[0]["ERROR_NAME"] == "Preprocessing failed"
    assert json.loads(bytes.fromhex(failed[0]["DATA_ROW"])) == {"k": "a", "v": 13}
    # The other one fails at first: the records wait for it.
    analytics.update_application(ApplicationName="app", CurrentApplicationVersionId=2, ApplicationUpdate={"InputUpdates": [{
        "InputId": input_id, "InputProcessingConfigurationUpdate": {
            "InputLambdaProcessorUpdate": {"ResourceARNUpdate": LAMBDA + "web"}}}]})
    put(kinesis, "source", [{"k": "b", "v": 5}])
    until(lambda: len(rows(kinesis, "derived")) == 3, what="the third row")
    assert rows(kinesis, "derived")[-1] == {"k": "b", "v": 5}
    assert Function.events[0]["invocationId"] == Function.events[1]["invocationId"]
    record = Function.events[0]["records"][0]
    assert Function.events[0]["streamArn"] == stream_arn("source")
    assert Function.events[0]["applicationArn"] == "arn:aws:kinesisanalytics:us-east-1:000000000000:application/app"
    assert json.loads(base64.b64decode(record["data"])) == {"k": "b", "v": 5}
    assert set(record["kinesisStreamRecordMetadata"]) == {
        "sequenceNumber", "partitionKey", "shardId", "approximateArrivalTimestamp"}


def test_an_application_that_is_starting_when_the_process_crashes_three_times_is_not_started_again(tmp_path):
    import signal
    script = tmp_path / "never"
    listed = tmp_path / "functions"
    # A function that never answers keeps the application at its start.
    listed.write_text(f"never sleep 50\n")
    server = Server(tmp_path / "data", "--functions", str(listed)).start()
    try:
        kinesis, analytics = server.client("kinesis"), server.client("kinesisanalytics")
        for stream in ["source", "derived", "other"]:
            kinesis.create_stream(StreamName=stream, ShardCount=1)
        create(analytics, "bad", COPY, "source", KEY_AND_VALUE, [to_stream("OUT", "derived")])
        create(analytics, "good", COPY, "other", KEY_AND_VALUE, [to_stream("OUT", "derived")])
        input_id = analytics.describe_application(ApplicationName="bad")["ApplicationDetail"]["InputDescriptions"][0]["InputId"]
        analytics.add_application_input_processing_configuration(
            ApplicationName="bad", CurrentApplicationVersionId=1, InputId=input_id,
            InputProcessingConfiguration=processor("bad", LAMBDA + "never"))
        start(analytics, "good")
        start(analytics, "bad")
        put(kinesis, "source", [{"k": "a", "v": 1}])
        server.kill()
        for crash in range(3):
            server.start()
            assert status(analytics, "bad") != "READY"
            until(lambda: status(analytics, "good") == "RUNNING", what="the other one")
            put(kinesis, "other", [{"k": "a", "v": crash}])
            until(lambda: len(rows(kinesis, "derived")) == crash + 1, what="rows of the other one")
            # As a trap of Swift's ends it.
            server.process.send_signal(signal.SIGILL)
            server.process.wait()
            server.process.stdout.close()
        server.start()
        assert status(analytics, "bad") == "READY"
        assert "crashed 3 times" in analytics.describe_application(ApplicationName="bad")["ApplicationDetail"]["ApplicationDescription"]
        until(lambda: status(analytics, "good") == "RUNNING", what="the other one")
    finally:
        server.close()


def test_a_new_version_is_compared_with_the_old_over_history(kinesis, server, pair, tmp_path):
    source, _ = pair
    put(kinesis, source, [{"k": k, "v": v} for v in range(20) for k in "ab"])
    old = """
    CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "v" INTEGER, "twice" INTEGER);
    CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "k", "v", 2 * "v" FROM "SOURCE_SQL_STREAM_001" WHERE "v" < 10;
    """
    for name, text in [("old", old), ("same", old.replace('2 * "v"', '"v" + "v"')),
                       ("new", old.replace('2 * "v"', 'CASE WHEN "v" = 7 THEN 0 ELSE 2 * "v" END').replace("< 10", "< 11"))]:
        (tmp_path / f"{name}.sql").write_text(text)
    arguments = ["sql", "compare", str(tmp_path / "old.sql")]
    same = server.millrace(*arguments, str(tmp_path / "same.sql"), "--source", source)
    assert "OUT: 20 rows before, 20 now; 20 equal, 0 changed, 0 only before, 0 only now" in same.stdout
    assert "The rows are the same." in same.stdout
    different = server.millrace(
        *arguments, str(tmp_path / "new.sql"), "--source", source, "--key", "k", "--key", "v", "--output", "json", check=False)
    assert different.returncode == 1, different.stderr
    report = json.loads(different.stdout)
    stream = [entry for entry in report["streams"] if entry["stream"] == "OUT"][0]
    assert (stream["equal"], stream["changed"], stream["only_before"], stream["only_now"]) == (18, 2, 0, 2)
    assert stream["columns"] == {"twice": 2}
    changed = [difference for difference in report["differences"] if difference["kind"] == "changed"]
    assert all(difference["columns"] == {"twice": ["14", "0"]} for difference in changed)
    # Over a file of rows, without a server.
    (tmp_path / "schema.json").write_text(json.dumps({"streams": {"SOURCE_SQL_STREAM_001": {"columns": [
        {"name": "k", "type": "VARCHAR(8)"}, {"name": "v", "type": "INTEGER"}]}}}))
    (tmp_path / "rows.ndjson").write_text("".join(json.dumps(
        {"stream": "SOURCE_SQL_STREAM_001", "rowtime_ms": 1000 * v, "row": {"k": "a", "v": v}}) + "\n" for v in range(12)))
    replayed = server.millrace(
        *arguments, str(tmp_path / "new.sql"), "--replay-schema", str(tmp_path / "schema.json"), "--replay-input",
        str(tmp_path / "rows.ndjson"), check=False)
    assert replayed.returncode == 1 and "1 changed, 0 only before, 1 only now" in replayed.stdout, replayed.stdout
    refused = server.millrace("sql", "compare", str(tmp_path / "rows.ndjson"), str(tmp_path / "old.sql"), "--source", source, check=False)
    assert refused.returncode == 2
