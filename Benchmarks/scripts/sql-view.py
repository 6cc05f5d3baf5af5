"""How long a lookup by key in a materialized view takes while the view changes.

Usage: sql-view.py HTTP_ADDRESS MILLRACE SECONDS RATE KEYS   (a server on an empty data directory)
A process puts RATE records a second of KEYS keys, 500 a request; the view keeps the last value, a count and a mean of each key. Meanwhile one connection asks
for keys by chance, one after the other: SELECT ... FROM app.LATEST WHERE k = ..., each a POST and its whole answer. Prints median, 99th percentile and longest,
in milliseconds, how many updates a second the view took, and what a query over the whole view took."""
import base64
import http.client
import json
import multiprocessing
import random
import sys
import time

ADDRESS, MILLRACE, SECONDS, RATE, KEYS = sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
PER_REQUEST = 500
PROGRAM = """
CREATE OR REPLACE MATERIALIZED VIEW LATEST AS SELECT STREAM "k", LAST_VALUE("v") AS "v", COUNT(*) AS "n", AVG("v") AS "mean"
FROM "SOURCE_SQL_STREAM_001" GROUP BY "k";
"""


class Client:
    def __init__(self):
        host, port = ADDRESS.rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port))

    def call(self, target, body):
        service = "kinesisanalytics" if "Analytics" in target or "Millrace" in target else "kinesis"
        self.connection.request("POST", "/", body if isinstance(body, bytes) else json.dumps(body), {
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target,
            "Authorization":
                f"AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{target}: {answer.status} {text[:300]!r}")
        return text

    def query(self, text):
        """The rows of an answer as NDJSON; frames are a byte of kind, four of length, the content."""
        frames, rows = self.call("Millrace_20261130.Query", {"Text": text, "Format": "ndjson"}), b""
        while frames:
            length = int.from_bytes(frames[1:5], "little")
            if frames[:1] == b"X":
                raise SystemExit(frames[5:5 + length].decode())
            if frames[:1] == b"R":
                rows += frames[5:5 + length]
            frames = frames[5 + length:]
        return [json.loads(line) for line in rows.splitlines()]


def start():
    client = Client()
    client.call("Kinesis_20131202.CreateStream", {"StreamName": "updates", "ShardCount": 2})
    columns = [{"Name": "k", "SqlType": "VARCHAR(16)", "Mapping": "$.k"}, {"Name": "v", "SqlType": "DOUBLE", "Mapping": "$.v"}]
    client.call("KinesisAnalytics_20150814.CreateApplication", {
        "ApplicationName": "app", "ApplicationCode": PROGRAM, "Inputs": [{
            "NamePrefix": "SOURCE_SQL_STREAM",
            "KinesisStreamsInput": {
                "ResourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/updates", "RoleARN": "arn:aws:iam::000000000000:role/r"},
            "InputSchema": {
                "RecordFormat": {"RecordFormatType": "JSON", "MappingParameters": {"JSONMappingParameters": {"RecordRowPath": "$"}}},
                "RecordColumns": columns}}]})
    client.call("KinesisAnalytics_20150814.StartApplication", {
        "ApplicationName": "app",
        "InputConfigurations": [{"Id": "1.1", "InputStartingPositionConfiguration": {"InputStartingPosition": "TRIM_HORIZON"}}]})


def put(stop, sent):
    client = Client()
    bodies = []
    for number in range(64):
        records = []
        for place in range(PER_REQUEST):
            key = f"d{random.randrange(KEYS)}"
            data = json.dumps({"k": key, "v": random.random()}).encode()
            records.append({"Data": base64.b64encode(data).decode(), "PartitionKey": key})
        bodies.append(json.dumps({"StreamName": "updates", "Records": records}).encode())
    begun, number = time.monotonic(), 0
    while not stop.is_set():
        wait = begun + number * PER_REQUEST / RATE - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        client.call("Kinesis_20131202.PutRecords", bodies[number % len(bodies)])
        number += 1
        sent.value = number * PER_REQUEST


def main():
    start()
    stop, sent = multiprocessing.Event(), multiprocessing.Value("q", 0)
    writer = multiprocessing.Process(target=put, args=(stop, sent), daemon=True)
    writer.start()
    client, count = Client(), 'SELECT COUNT(*) AS "n", SUM(n) AS "updates" FROM app.LATEST'
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not client.query(count)[0]["n"]:
        time.sleep(0.1)
    taken, missing = [], 0
    before, begun = client.query(count)[0]["updates"], time.monotonic()
    while time.monotonic() - begun < SECONDS:
        text = f"SELECT v, n, mean FROM app.LATEST WHERE k = 'd{random.randrange(KEYS)}'"
        at = time.perf_counter()
        rows = client.query(text)
        taken.append((time.perf_counter() - at) * 1000)
        missing += len(rows) != 1
    seconds = time.monotonic() - begun
    at = time.perf_counter()
    whole = client.query(count)[0]
    scan = (time.perf_counter() - at) * 1000
    stop.set()
    writer.join()
    taken.sort()
    print(f"{KEYS} keys, {(whole['updates'] - before) / seconds:.0f} updates/s in the view, {len(taken) / seconds:.0f} lookups/s one after the other")
    print(f"a lookup by key: median {taken[len(taken) // 2]:.3f} ms, 99 % {taken[len(taken) * 99 // 100]:.3f} ms, longest {taken[-1]:.3f} ms"
          f" ({missing} of keys that had no row yet); COUNT and SUM over the whole view: {scan:.1f} ms")


main()
