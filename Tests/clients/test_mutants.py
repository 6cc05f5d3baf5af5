"""A short run of the mutated requests; the long one is a command: see mutants.py.

Variables:
    MILLRACE_MUTANTS         how many (4000)
    MILLRACE_MUTANT_SEED     which (20261130)
"""

import os
import re
import subprocess

from mutants import SETTINGS, run
from server import Server, until

MUTANTS = int(os.environ.get("MILLRACE_MUTANTS", "4000"))
SEED = int(os.environ.get("MILLRACE_MUTANT_SEED", "20261130"))


def metric(server, name):
    page = subprocess.run(["curl", "-s", f"{server.endpoint}/metrics"], capture_output=True, text=True).stdout
    return float(re.search(rf"^{re.escape(name)} (\S+)$", page, re.M).group(1))


def test_mutated_requests_are_refused_and_nothing_is_lost(tmp_path):
    server = Server(tmp_path / "data", "--tls")
    server.variables = SETTINGS
    server.start()
    try:
        faults, tally = run(server, SEED, 0, MUTANTS)
        print(f"\nseed {SEED}: {sum(count for (kind, _), count in tally.items() if kind != 'kept')} mutants, {tally['kept', 'read back']} records read back")
        assert not faults, "\n".join(faults)
        until(lambda: metric(server, "millrace_memory_reserved_bytes") == 0, what="that no memory is held")
        until(lambda: metric(server, 'millrace_connections{protocol="http"}') == 1, what="that no connection is held")
    finally:
        server.close()
