"""Records per CPU second of a SQL engine's peers over the programs of `sql-benchmark`, one thread each: the yardstick of the same run.

Usage: sql-rate.py PEER ROUNDS PROGRAM=FILE...   PEER: duckdb, chdb, flink; FILE: NDJSON as `sql-benchmark write` makes it
Processor time of the peer's whole process, its virtual machine included; a first run over the file is not counted, the median of the others is.
Each query reads all of the file and writes its rows as NDJSON, as Millrace's applications do. Prints a line a program: name, rate, rows out."""
import os
import resource
import statistics
import sys
import tempfile

COLUMNS = {
    "sensor_id": "VARCHAR", "sensor": "VARCHAR", "station_id": "VARCHAR", "timestamp": "BIGINT",
    "value": "DOUBLE", "value_smoothed": "DOUBLE", "direction": "INTEGER",
}
COPY = 'SELECT "sensor_id", "sensor", "station_id", "timestamp", "value", "value_smoothed", "direction" FROM {source}'
MINUTES = (
    'SELECT "sensor_id", "sensor", "station_id", AVG("value") AS "avg_value", AVG("value_smoothed") AS "avg_value_smoothed",'
    ' SUM("value") AS "sum_of_value", COUNT(*) AS "number", {minute} AS "minute" FROM {source}'
    ' GROUP BY "sensor_id", "sensor", "station_id", {group}')


def processor_seconds(process="self"):
    """User and system time of all threads of a process so far."""
    if process == "self":
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return usage.ru_utime + usage.ru_stime
    with open(f"/proc/{process}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def queries(program, minute, group):
    """The peer's form of a program."""
    if program in ("weather", "groups"):
        return MINUTES.format(source="{source}", minute=minute, group=group)
    return COPY + (' WHERE "value" >= 0.9' if program == "filter" else "")


class DuckDB:
    def __init__(self, work):
        import duckdb

        self.target = os.path.join(work, "duckdb.json")
        self.connection = duckdb.connect(config={"threads": 1})

    def run(self, program, file):
        columns = ", ".join(f"{name}: '{kind}'" for name, kind in COLUMNS.items())
        source = f"read_json('{file}', format = 'newline_delimited', columns = {{{columns}}})"
        query = queries(program, '"timestamp" // 60000', '"timestamp" // 60000').replace("{source}", source)
        self.connection.execute(f"COPY ({query}) TO '{self.target}' (FORMAT json)")
        return lines(self.target)

    def seconds(self):
        return processor_seconds()


class ClickHouse:
    def __init__(self, work):
        import chdb

        self.query = chdb.query
        self.target = os.path.join(work, "chdb.json")

    def run(self, program, file):
        kinds = {"VARCHAR": "String", "BIGINT": "Int64", "DOUBLE": "Float64", "INTEGER": "Int32"}
        columns = ", ".join(f"`{name}` {kinds[kind]}" for name, kind in COLUMNS.items())
        source = f"file('{file}', 'JSONEachRow', '{columns}')"
        query = queries(program, 'intDiv("timestamp", 60000)', 'intDiv("timestamp", 60000)').replace("{source}", source)
        self.query(
            f"{query} INTO OUTFILE '{self.target}' TRUNCATE FORMAT JSONEachRow"
            " SETTINGS max_threads = 1, max_parsing_threads = 1, input_format_parallel_parsing = 0, output_format_parallel_formatting = 0")
        return lines(self.target)

    def seconds(self):
        return processor_seconds()


class Flink:
    """Parallelism 1, windows of event time; rows go to files."""

    def __init__(self, work):
        from pyflink.java_gateway import get_gateway
        from pyflink.table import EnvironmentSettings, TableEnvironment

        self.target = os.path.join(work, "flink")
        self.table = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
        for key, value in {"parallelism.default": "1", "table.local-time-zone": "UTC"}.items():
            self.table.get_config().set(key, value)
        self.java = get_gateway().jvm.java.lang.ProcessHandle.current().pid()
        self.number = 0

    def run(self, program, file):
        self.number += 1
        source, sink = f"source{self.number}", f"sink{self.number}"
        target = f"{self.target}{self.number}"
        columns = ", ".join(f"`{name}` {'STRING' if kind == 'VARCHAR' else kind}" for name, kind in COLUMNS.items())
        self.table.execute_sql(
            f"CREATE TABLE {source} ({columns}, `time` AS TO_TIMESTAMP_LTZ(`timestamp`, 3), WATERMARK FOR `time` AS `time`)"
            f" WITH ('connector' = 'filesystem', 'path' = 'file://{file}', 'format' = 'json')")
        if program in ("weather", "groups"):
            given = f"TABLE(TUMBLE(TABLE {source}, DESCRIPTOR(`time`), INTERVAL '60' SECOND))"
            query = queries(program, "UNIX_TIMESTAMP(CAST(window_start AS STRING))", "window_start, window_end").replace("{source}", given)
        else:
            query = queries(program, "", "").replace("{source}", source)
        query = query.replace('"', "`")
        result = self.table.sql_query(query)
        names = result.get_schema().get_field_names()
        kinds = [str(result.get_schema().get_field_data_type(name)).split(" NOT NULL")[0] for name in names]
        described = ", ".join(f"`{name}` {kind}" for name, kind in zip(names, kinds))
        self.table.execute_sql(
            f"CREATE TABLE {sink} ({described}) WITH ('connector' = 'filesystem', 'path' = 'file://{target}', 'format' = 'json')")
        self.table.execute_sql(f"INSERT INTO {sink} {query}").wait()
        return sum(lines(os.path.join(folder, name)) for folder, _, files in os.walk(target) for name in files)

    def seconds(self):
        return processor_seconds(self.java) + processor_seconds()


def lines(file):
    with open(file, "rb") as opened:
        return sum(piece.count(b"\n") for piece in iter(lambda: opened.read(1 << 20), b""))


def main():
    peer, rounds = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as work:
        engine = {"duckdb": DuckDB, "chdb": ClickHouse, "flink": Flink}[peer](work)
        for argument in sys.argv[3:]:
            program, file = argument.split("=", 1)
            records, rates, rows = lines(file), [], 0
            for number in range(rounds + 1):
                begun = engine.seconds()
                rows = engine.run(program, os.path.abspath(file))
                if number:
                    rates.append(records / (engine.seconds() - begun))
            print(program, int(statistics.median(rates)), rows, flush=True)


main()
