"""Random queries, beside SQLite and, where it is installed, DuckDB: the same rows, or all refuse.

`MILLRACE_DIFFERENTIAL=COUNT[:SEED] Tests/run clients -k differential` runs so many; the seed is printed.
"""

import json
import os
import random
import sqlite3
import subprocess

import pytest

from server import BINARY

try:
    import duckdb
except ImportError:
    duckdb = None

ASKED = os.environ.get("MILLRACE_DIFFERENTIAL", "").split(":")
COUNT = int(ASKED[0]) if ASKED[0] else 60
SEED = int(ASKED[1]) if len(ASKED) > 1 else (random.randrange(1_000_000) if ASKED[0] else 1)
COLUMNS = {"t": [("i", "BIGINT"), ("j", "BIGINT"), ("x", "DOUBLE"), ("s", "VARCHAR(8)")],
           "u": [("k", "BIGINT"), ("y", "DOUBLE"), ("r", "VARCHAR(8)")]}
TEXTS = ["", "a", "b", "ab", "B", "é", "a b", "zz"]


class Maker:
    """Makes values, expressions and queries; an expression is a text of known type: n a whole number, d a double, s a text, b a condition."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def choose(self, *options):
        return self.random.choice(options)

    def value(self, kind):
        if self.random.random() < 0.2:
            return None
        if kind == "BIGINT":
            return self.random.randint(-4, 9)
        # Of halves, so that sums are the same in any order.
        return self.random.randint(-8, 8) / 2 if kind == "DOUBLE" else self.choose(*TEXTS)

    def table(self, name):
        return [tuple(self.value(kind) for _, kind in COLUMNS[name]) for _ in range(self.random.randint(0, 14))]

    def column(self, kind, tables):
        found = [f"{table}.{name}" for table in tables for name, type in COLUMNS[table]
                 if {"n": "BIGINT", "d": "DOUBLE", "s": "VARCHAR(8)"}[kind] == type]
        return self.random.choice(found)

    def expression(self, kind, tables, depth):
        deeper = lambda other: self.expression(other, tables, depth - 1)
        if kind == "b":
            return self.condition(tables, depth)
        if depth == 0 or self.random.random() < 0.3:
            if self.random.random() < 0.7:
                return self.column(kind, tables)
            return {"n": str(self.random.randint(-3, 9)), "d": f"{self.random.randint(-6, 6) / 2}E0",
                    "s": "'" + self.choose(*TEXTS) + "'"}[kind]
        if kind == "n":
            return self.choose(
                lambda: f"({deeper('n')} {self.choose('+', '-', '*')} {deeper('n')})", lambda: f"ABS({deeper('n')})",
                lambda: f"(- {deeper('n')})", lambda: f"CASE WHEN {deeper('b')} THEN {deeper('n')} ELSE {deeper('n')} END",
                lambda: f"COALESCE({deeper('n')}, {deeper('n')})", lambda: f"NULLIF({deeper('n')}, {deeper('n')})",
                lambda: f"CHAR_LENGTH({deeper('s')})")()
        if kind == "d":
            return self.choose(
                lambda: f"({deeper('d')} {self.choose('+', '-')} {deeper('d')})", lambda: f"ABS({deeper('d')})",
                lambda: f"CASE WHEN {deeper('b')} THEN {deeper('d')} END", lambda: f"COALESCE({deeper('d')}, {deeper('d')})")()
        return self.choose(
            lambda: f"TRIM({deeper('s')})", lambda: f"({deeper('s')} || {deeper('s')})", lambda: f"COALESCE({deeper('s')}, {deeper('s')})",
            lambda: f"CASE WHEN {deeper('b')} THEN {deeper('s')} ELSE {deeper('s')} END")()

    def condition(self, tables, depth):
        kind = self.choose("n", "d", "s")
        part = lambda: self.expression(kind, tables, max(0, depth - 1))
        if depth == 0 or self.random.random() < 0.5:
            return self.choose(
                lambda: f"{part()} {self.choose('=', '<>', '<', '<=', '>', '>=')} {part()}", lambda: f"{part()} IS NULL",
                lambda: f"{part()} IS NOT NULL", lambda: f"{part()} BETWEEN {part()} AND {part()}",
                lambda: f"{part()} {self.choose('IN', 'NOT IN')} ({part()}, {part()}, {part()})")()
        deeper = lambda: self.condition(tables, depth - 1)
        return self.choose(lambda: f"({deeper()} AND {deeper()})", lambda: f"({deeper()} OR {deeper()})", lambda: f"NOT ({deeper()})")()

    def subquery(self, tables):
        outer = self.random.choice(tables)
        key = {"t": "t.i", "u": "u.k"}[outer]
        inner, own = ("u", "u.k") if outer == "t" else ("t", "t.i")
        filter = f" WHERE {self.condition([inner], 1)}" if self.random.random() < 0.5 else ""
        return self.choose(
            f"{key} IN (SELECT {own} FROM {inner}{filter})", f"{key} NOT IN (SELECT {own} FROM {inner}{filter})",
            f"EXISTS (SELECT 1 FROM {inner}{filter})", f"NOT EXISTS (SELECT 1 FROM {inner} WHERE {own} = {key})",
            f"EXISTS (SELECT 1 FROM {inner} WHERE {own} = {key} AND {self.condition([inner], 1)})",
            f"{key} > (SELECT MIN({own}) FROM {inner}{filter})")

    def query(self):
        tables, source = ["t"], "t"
        if self.random.random() < 0.5:
            tables = ["t", "u"]
            on = f"t.i = u.k AND {self.condition(tables, 1)}" if self.random.random() < 0.4 else self.choose(
                "t.i = u.k", "t.s = u.r", "t.i < u.k", self.condition(tables, 1))
            source = f"t {self.choose('JOIN', 'LEFT JOIN', 'RIGHT JOIN', 'FULL JOIN', 'JOIN', 'LEFT JOIN')} u ON {on}"
            if self.random.random() < 0.15:
                source = "t CROSS JOIN u"
        where = f" WHERE {self.condition(tables, 2)}" if self.random.random() < 0.6 else ""
        if self.random.random() < 0.25 and len(tables) == 1:
            where = f" WHERE {self.subquery(tables)}"
        if self.random.random() < 0.5:
            keys = [self.expression(self.choose("n", "s"), tables, self.random.randint(0, 1)) for _ in range(self.random.randint(0, 2))]
            results = [self.aggregate(tables) for _ in range(self.random.randint(1, 3))]
            having = ""
            if self.random.random() < 0.2:
                number = self.choose("COUNT(*)", f"SUM({self.expression('n', tables, 1)})", f"MIN({self.expression('d', tables, 0)})")
                having = f" HAVING {number} {self.choose('> 1', 'IS NULL', '<> 1')}"
            items, tail = keys + results, (f" GROUP BY {', '.join(str(n + 1) for n in range(len(keys)))}" if keys else "") + having
        else:
            items, tail = [self.expression(self.choose("n", "d", "s"), tables, 2) for _ in range(self.random.randint(1, 4))], ""
        names = ", ".join(f'{item} AS "c{number}"' for number, item in enumerate(items))
        distinct = "DISTINCT " if not tail and self.random.random() < 0.2 else ""
        order = ", ".join(f"{n + 1} {self.choose('ASC', 'DESC')} NULLS {self.choose('FIRST', 'LAST')}" for n in range(len(items)))
        limit = f" LIMIT {self.random.randint(0, 8)} OFFSET {self.random.randint(0, 3)}" if self.random.random() < 0.3 else ""
        return f"SELECT {distinct}{names} FROM {source}{where}{tail} ORDER BY {order}{limit}", len(items)

    def aggregate(self, tables):
        kind = self.choose("n", "d")
        of = self.expression(kind, tables, 1)
        return self.choose(
            "COUNT(*)", f"COUNT({of})", f"SUM({of})", f"MIN({of})", f"MAX({of})", f"COUNT(DISTINCT {of})",
            f"AVG({self.expression('d', tables, 1)})", f"MIN({self.expression('s', tables, 0)})")


def same(a, b):
    if a is None or b is None or isinstance(a, str) or isinstance(b, str):
        return a == b
    return abs(a - b) <= 1e-9 * max(1, abs(a), abs(b))


def sqlite_rows(data, query):
    database = sqlite3.connect(":memory:")
    for table, columns in COLUMNS.items():
        kinds = {"BIGINT": "INTEGER", "DOUBLE": "REAL"}
        database.execute(f"CREATE TABLE {table} ({', '.join(f'{name} {kinds.get(kind, chr(84) + chr(69) + chr(88) + chr(84))}' for name, kind in columns)})")
        database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", data[table])
    return [list(row) for row in database.execute(query.replace("CHAR_LENGTH", "LENGTH"))]


def duckdb_rows(data, query):
    database = duckdb.connect(":memory:")
    for table, columns in COLUMNS.items():
        database.execute(f"CREATE TABLE {table} ({', '.join(f'{name} {kind}' for name, kind in columns)})")
        if data[table]:
            database.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", data[table])
    return [[float(value) if type(value).__name__ == "Decimal" else value for value in row]
            for row in database.execute(query.replace("CHAR_LENGTH", "LENGTH")).fetchall()]


def test_random_queries_give_the_rows_of_sqlite_and_duckdb(tmp_path):
    print(f"MILLRACE_DIFFERENTIAL={COUNT}:{SEED}")
    schema = tmp_path / "schema.json"
    schema.write_text(json.dumps({"streams": {
        table: {"columns": [{"name": name.upper(), "type": kind} for name, kind in columns]} for table, columns in COLUMNS.items()}}))
    compared = 0
    for number in range(COUNT):
        maker = Maker(SEED * 1_000_003 + number)
        data = {table: maker.table(table) for table in COLUMNS}
        lines = [json.dumps({"stream": table, "rowtime_ms": 1_600_000_000_000, "row": dict(zip((name.upper() for name, _ in COLUMNS[table]), row))})
                 for table, all_rows in data.items() for row in all_rows]
        query, width = maker.query()
        (tmp_path / "input.ndjson").write_text("\n".join(lines) + "\n")
        (tmp_path / "query.sql").write_text(query)
        told = subprocess.run(
            [BINARY, "sql", "replay", "--query", str(tmp_path / "query.sql"), "--schema", str(schema), "--input", str(tmp_path / "input.ndjson")],
            capture_output=True, text=True, timeout=60)
        shown = f"seed {SEED}, number {number}:\n{query}\n{json.dumps(data)}"
        assert told.returncode in (0, 2), f"{shown}\n{told.returncode} {told.stderr}"
        assert told.returncode == 0, f"refused: {shown}\n{told.stderr}"
        found = [list(json.loads(line).values()) for line in told.stdout.splitlines()]
        for peer in [sqlite_rows] + ([duckdb_rows] if duckdb else []):
            try:
                expected = peer(data, query)
            except Exception as error:  # A peer that does not take it has nothing to say.
                if number < 3:
                    print(f"{peer.__name__}: {error}")
                continue
            compared += 1
            assert len(found) == len(expected) and all(
                len(a) == len(b) == width and all(map(same, a, b)) for a, b in zip(found, expected)
            ), f"{peer.__name__}, {shown}\nfound    {found}\nexpected {expected}"
    assert compared >= COUNT // 2
