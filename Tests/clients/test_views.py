"""Materialized views read by `millrace query`, patterns of rows with an absence, and both over kill -9."""

import random

from server import rows, unique, until
from test_applications import KEY_AND_VALUE, create, put, start, status, to_stream
from test_query import answer, ask

LATEST = """
CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "v" INTEGER);
CREATE OR REPLACE MATERIALIZED VIEW LATEST AS SELECT STREAM "k", LAST_VALUE("v") AS "v", COUNT(*) AS "n", SUM("v") AS "total"
FROM "SOURCE_SQL_STREAM_001" GROUP BY "k";
CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM "k", "v" FROM "SOURCE_SQL_STREAM_001" WHERE "v" < 0;
"""
UNANSWERED = """
CREATE OR REPLACE STREAM "OUT" ("k" VARCHAR(8), "v" INTEGER);
CREATE OR REPLACE PUMP "P" AS INSERT INTO "OUT" SELECT STREAM * FROM "SOURCE_SQL_STREAM_001" MATCH_RECOGNIZE (
  PARTITION BY "k" ORDER BY ROWTIME MEASURES A."v" AS "v" PATTERN (A NOT B) WITHIN INTERVAL '2' SECOND
  DEFINE A AS "v" > 0, B AS B."v" = -A."v");
"""


def prepare(server, code):
    kinesis, analytics = server.client("kinesis"), server.client("kinesisanalytics")
    kinesis.create_stream(StreamName="in", ShardCount=2)
    kinesis.create_stream(StreamName="out", ShardCount=1)
    create(analytics, "app", code, "in", KEY_AND_VALUE, [to_stream("OUT", "out")])
    start(analytics, "app", "TRIM_HORIZON")
    return kinesis, analytics


def test_the_current_value_of_each_key_over_kills(mortal):
    kinesis, _ = prepare(mortal, LATEST)
    expected, dice = {}, random.Random(1)
    for life in range(3):
        for _ in range(4):
            records = [{"k": f"d{dice.randrange(5)}", "v": dice.randrange(1000)} for _ in range(40)]
            # One key lies in one shard, so that its order is that of the puts.
            put(kinesis, "in", records)
            for record in records:
                _, count, total = expected.get(record["k"], (0, 0, 0))
                expected[record["k"]] = (record["v"], count + 1, total + record["v"])
        whole = 'SELECT SUM("n") AS "n" FROM app.LATEST'

        def is_whole():
            shown = ask(mortal, whole, check=False)
            return shown.returncode == 0 and f'"n":{160 * (life + 1)}' in shown.stdout

        until(is_whole, what="all records in the view")
        for key, (value, count, total) in expected.items():
            assert answer(mortal, f"SELECT v, n, total FROM app.latest WHERE k = '{key}'") == [{"v": value, "n": count, "total": total}]
        assert answer(mortal, "SELECT k FROM LATEST WHERE k = 'nobody'") == []
        found = answer(mortal, 'SELECT * FROM "app"."LATEST" ORDER BY total DESC, k')
        assert [tuple(row.values()) for row in found] == sorted(
            ((key, *values) for key, values in expected.items()), key=lambda row: (-row[3], row[0]))
        mortal.kill()
        mortal.start()
        kinesis = mortal.client("kinesis")


def test_a_view_that_is_not_there_is_told(mortal):
    _, analytics = prepare(mortal, LATEST)
    other = ask(mortal, "SELECT * FROM app.other", check=False)
    assert other.returncode == 1 and "LATEST" in other.stderr + other.stdout
    analytics.stop_application(ApplicationName="app")
    until(lambda: status(analytics, "app") == "READY", what="READY")
    stopped = ask(mortal, "SELECT * FROM app.latest", check=False)
    assert stopped.returncode != 0 and "does not run" in stopped.stderr + stopped.stdout


def test_what_is_not_answered_in_time_over_a_kill(mortal):
    kinesis, _ = prepare(mortal, UNANSWERED)
    put(kinesis, "in", [{"k": "a", "v": 1}, {"k": "b", "v": 2}, {"k": "a", "v": -1}, {"k": "c", "v": 3}])
    mortal.kill()
    mortal.start()
    kinesis = mortal.client("kinesis")
    until(lambda: len(rows(kinesis, "out")) >= 2, what="two rows")
    assert sorted((row["k"], row["v"]) for row in rows(kinesis, "out")) == [("b", 2), ("c", 3)]
