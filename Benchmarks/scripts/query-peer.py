"""DuckDB over the same NDJSON as `millrace query`: seconds and processor seconds of each query, after one run that is not counted.

Usage: query-peer.py FILE THREADS ROUNDS QUERY...   Prints a line a query: wall seconds, processor seconds, rows (medians)."""
import resource
import statistics
import sys
import time

import duckdb

FILE, THREADS, ROUNDS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
COLUMNS = {
    "sensor_id": "VARCHAR", "sensor": "VARCHAR", "station_id": "VARCHAR", "timestamp": "BIGINT",
    "value": "DOUBLE", "value_smoothed": "DOUBLE", "direction": "INTEGER",
}


def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


connection = duckdb.connect(config={"threads": THREADS})
columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
connection.execute(f"CREATE VIEW weather AS SELECT * FROM read_json('{FILE}', format = 'newline_delimited', columns = {{{columns}}})")
for query in sys.argv[4:]:
    times = []
    for _ in range(ROUNDS + 1):
        begun, before = time.monotonic(), used()
        rows = len(connection.execute(query).fetchall())
        times.append((time.monotonic() - begun, used() - before))
    print(f"{statistics.median(t[0] for t in times[1:]):.2f} {statistics.median(t[1] for t in times[1:]):.2f} {rows}")
