"""Has Flink read and plan what `millrace sql export --flink` wrote: `python flink_check.py FILE`, by a Python that has apache-flink (Benchmarks/compare sql fetches one).

Its connectors are those that need no jar; everything else is as written.
"""

import re
import sys

from pyflink.table import EnvironmentSettings, TableEnvironment


def statements(text):
    return [part.strip() for part in re.split(r";\s*\n", text) if re.sub(r"--[^\n]*", "", part).strip()]


environment = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
text = open(sys.argv[1]).read()
text = re.sub(r"WITH \('connector' = 'kinesis'[^;]*?'source\.init[^;]*?\)\s*;", "WITH ('connector' = 'datagen');", text)
text = re.sub(r"WITH \('connector' = 'kinesis'[^;]*?\)\s*;", "WITH ('connector' = 'blackhole');", text)
text = text.replace("TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL", "TIMESTAMP_LTZ(3)")
inserts = re.search(r"EXECUTE STATEMENT SET\s*BEGIN(.*?)END;", text, re.S)
taken = 0
for statement in statements(text[:inserts.start()] if inserts else text):
    environment.execute_sql("\n".join(line for line in statement.splitlines() if not line.startswith("--")).rstrip(";"))
    taken += 1
for statement in statements(inserts.group(1)) if inserts else []:
    environment.explain_sql(statement.rstrip(";"))
    taken += 1
print("Flink took", taken, "statements")
