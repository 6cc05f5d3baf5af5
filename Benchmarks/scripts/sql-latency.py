"""How long a row takes through a pass-through pump: from the commit of its record to the commit of its derived row.

Usage: sql-latency.py HTTP_ADDRESS MILLRACE SECONDS RATE   (a server on an empty data directory)
Puts RATE records a second, 500 a request, for SECONDS, and prints median, 99th percentile and longest of
(arrival of the derived row - arrival of its record) in milliseconds, which is what the server's clock tells apart; both are taken at the commit."""
import base64
import http.client
import json
import pathlib
import subprocess
import sys
import tempfile
import time

ADDRESS, MILLRACE, SECONDS, RATE = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4])
PER_REQUEST = 500
PROGRAM = """
CREATE OR REPLACE STREAM "DESTINATION_SQL_STREAM" ("sensor_id" VARCHAR(16), "arrived" BIGINT);
CREATE OR REPLACE PUMP "STREAM_PUMP" AS INSERT INTO "DESTINATION_SQL_STREAM"
SELECT STREAM "sensor_id", UNIX_TIMESTAMP("SOURCE_SQL_STREAM_001".ROWTIME) AS "arrived" FROM "SOURCE_SQL_STREAM_001";
"""


class Client:
    def __init__(self):
        host, port = ADDRESS.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port))

    def call(self, operation, body):
        self.connection.request("POST", "/", body if isinstance(body, bytes) else json.dumps(body), {
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"Kinesis_20131202.{operation}",
            "Authorization": "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{operation}: {answer.status} {text[:300]!r}")
        return json.loads(text) if text else {}


def start(client):
    definition = json.loads(pathlib.Path("Streams/weather/weather.json").read_text())
    for kind in ("weather", "derived"):
        client.call("CreateStream", {"StreamName": kind, "ShardCount": 1})
    output = definition["Outputs"][0]
    output["KinesisStreamsOutput"]["ResourceARN"] = "arn:aws:kinesis:us-east-1:000000000000:stream/derived"
    definition["Outputs"] = [output]
    with tempfile.TemporaryDirectory() as folder:
        program, described = pathlib.Path(folder, "pass.sql"), pathlib.Path(folder, "pass.json")
        program.write_text(PROGRAM)
        described.write_text(json.dumps(definition))
        subprocess.run([MILLRACE, "sql", "run", program, "--definition", described, "--from", "start"], check=True, stdout=subprocess.DEVNULL)


def records(client, stream, wanted):
    """All records of a stream of one shard, at least so many."""
    iterator = client.call("GetShardIterator", {
        "StreamName": stream, "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"})["ShardIterator"]
    found, idle = [], 0
    while len(found) < wanted and idle < 200:
        answer = client.call("GetRecords", {"ShardIterator": iterator, "Limit": 10000})
        iterator = answer["NextShardIterator"]
        found += answer["Records"]
        idle = 0 if answer["Records"] else idle + 1
        if not answer["Records"]:
            time.sleep(0.05)
    return found


def main():
    client = Client()
    start(client)
    value = json.dumps({
        "sensor_id": "s-00000617", "station_id": "st-0000061", "sensor": "hum", "timestamp": 1700000040000, "value": 0.9594,
        "value_smoothed": 0.485450, "direction": -2}).encode()
    record = {"Data": base64.b64encode(value).decode(), "PartitionKey": "s-00000617"}
    body = json.dumps({"StreamName": "weather", "Records": [record] * PER_REQUEST}).encode()
    requests = int(SECONDS * RATE / PER_REQUEST)
    begun = time.monotonic()
    late = 0.0
    for number in range(requests):
        due = begun + number * PER_REQUEST / RATE
        wait = due - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        late = max(late, -wait)
        client.call("PutRecords", body)
    taken = time.monotonic() - begun
    rows = records(client, "derived", requests * PER_REQUEST)
    passed = []
    for row in rows:
        arrived = int(json.loads(base64.b64decode(row["Data"]))["arrived"])
        passed.append(row["ApproximateArrivalTimestamp"] * 1000 - arrived)
    passed.sort()
    print(f"{len(passed)} rows of {requests * PER_REQUEST} records, {requests * PER_REQUEST / taken:.0f} records/s put, the sender at most {late * 1000:.0f} ms late")
    print(f"from commit to commit: median {passed[len(passed) // 2]:.0f} ms, 99 % {passed[len(passed) * 99 // 100]:.0f} ms, longest {passed[-1]:.0f} ms")


main()
