"""Mutated requests against a live server: each is answered with a 4xx or closed, the server lives, and nothing acknowledged is lost.

    python3 Tests/clients/mutants.py --requests 200000                        a server of its own, a seed of its own
    python3 Tests/clients/mutants.py --seed 7 --from 1234 --requests 1 -v      one request again

Heads of HTTP/1, frames of HTTP/2, JSON, CBOR, gzip, records of TLS and subscriptions are mutated, byte by byte and by what they mean. Between them
whole records are put; all that were acknowledged are read back at the end. Each request follows from the seed and its number alone.
"""

import argparse
import base64
import collections
import multiprocessing
import os
import random
import socket
import ssl
import sys
import tempfile
import time
from pathlib import Path

from mutations import PLAIN, TARGETS, mutate_bytes, whole
from server import Server
from wire import Wire

KEPT, SHARDS = "kept", 2
# A request that is neither answered nor closed in so many seconds hangs.
PATIENCE = 15
# As answers to heads that name a transfer coding or a version that are not known (RFC 9112, sections 6.1 and 2.3).
BEYOND_400 = {501, 505}

# What is not whole when its sender has ended is given up at the next look at all connections: ten a second.
SETTINGS = {"MILLRACE_HTTP_BODY_GRACE": "0.4"}


# MARK: TLS

class Secured:
    """A client of TLS whose records pass through the hands of a mutator."""

    def __init__(self, connection, authority, protocols):
        context = ssl.create_default_context(cafile=authority)
        context.set_alpn_protocols(protocols)
        self.connection = connection
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.ssl = context.wrap_bio(self.incoming, self.outgoing, server_hostname="localhost")

    def hello(self):
        """The first bytes that a client sends."""
        try:
            self.ssl.do_handshake()
        except ssl.SSLWantReadError:
            pass
        return self.outgoing.read()

    def shake(self, first):
        self.connection.sendall(first)
        while True:
            try:
                self.ssl.do_handshake()
                return self.outgoing.read()
            except ssl.SSLWantReadError:
                self.connection.sendall(self.outgoing.read())
                part = self.connection.recv(1 << 16)
                if not part:
                    raise ConnectionResetError("closed in the handshake") from None
                self.incoming.write(part)

    def seal(self, data):
        self.ssl.write(data)
        return self.outgoing.read()

    def opened(self, data):
        """What the server said in bytes that came; as much of it as can be opened."""
        self.incoming.write(data)
        parts = []
        try:
            while part := self.ssl.read(1 << 16):
                parts.append(part)
        except ssl.SSLError:
            pass
        return b"".join(parts)


def run_tls(random, state, connection):
    """Mutates the hello, the records of a request, or a request in records that are whole; returns what was answered in clear."""
    kind = random.randrange(4)
    name = random.choice([name for name in PLAIN if name != "subscriptions"])
    secured = Secured(connection, state["authority"], ["h2"] if name == "frames" else ["http/1.1"])
    hello = secured.hello()
    if kind < 2:
        connection.sendall(mutate_bytes(random, hello))
        return None
    last = secured.shake(hello)
    if kind == 2:
        good = whole(state, "ListStreams", b"{}")
        records = last + secured.seal(good[:50]) + secured.seal(good[50:])
        connection.sendall(mutate_bytes(random, records))
        return None
    connection.sendall(last + secured.seal(PLAIN[name](random, state)))
    return secured, name


# MARK: Judging

def statuses(answer):
    """The statuses of answers of HTTP/1 one after the other; raises ValueError where they cannot be told apart."""
    found = []
    while answer:
        end = answer.find(b"\r\n\r\n")
        if end < 0 or not answer.startswith(b"HTTP/1."):
            raise ValueError(f"no answer of HTTP: {answer[:80]!r}")
        lines = answer[:end].lower().split(b"\r\n")
        status = int(lines[0].split()[1])
        found.append(status)
        named = dict(line.split(b":", 1) for line in lines[1:])
        if b"vnd.amazon.eventstream" in named.get(b"content-type", b""):
            return found
        if b"chunked" in named.get(b"transfer-encoding", b""):
            return found
        answer = answer[end + 4 + (0 if status == 100 else int(named.get(b"content-length", b"0"))):]
    return found


def receive(connection):
    """All that is answered until the server closes, or a subscription has begun."""
    answer = bytearray()
    try:
        while part := connection.recv(1 << 18):
            answer += part
            if b"vnd.amazon.eventstream" in answer[:2000]:
                break
    except (ConnectionResetError, BrokenPipeError):
        pass
    return bytes(answer)


def attempt(random, state, kind):
    """Sends one mutant; returns what came of it, as a word. Raises TimeoutError where nothing did."""
    connection = socket.create_connection(state["address"], PATIENCE)
    connection.settimeout(PATIENCE)
    try:
        secured, spoken = None, kind
        try:
            if kind == "tls":
                secured = run_tls(random, state, connection)
            else:
                connection.sendall(PLAIN[kind](random, state))
            connection.shutdown(socket.SHUT_WR)
        except (ConnectionResetError, BrokenPipeError):
            pass
        except OSError as error:
            if isinstance(error, TimeoutError):
                raise
        answer = receive(connection)
        if kind == "tls" and secured is not None:
            answer = secured[0].opened(answer)
            spoken = secured[1]
        if not answer:
            return "closed"
        if spoken in ("tls", "frames"):
            return "answered"
        # A head may become the first line of HTTP/2, or the first byte of TLS.
        if spoken == "heads" and (answer.startswith(b"\x00\x00") or b"\x15\x03" == answer[:2]):
            return "answered"
        found = [status for status in statuses(answer) if status != 100]
        worst = max(found, default=0)
        if worst >= 500 and worst not in BEYOND_400:
            return f"FAULT {worst} {answer[-300:]!r}"
        return f"{worst // 100}xx"
    except ValueError as error:
        # The answer to HEAD has no body, whatever its length says: only heads are mutated into that.
        return "answered" if spoken == "heads" else f"FAULT {error}"
    finally:
        connection.close()


KINDS = ["heads"] * 5 + ["frames"] * 5 + ["json"] * 5 + ["cbor"] * 3 + ["gzip"] * 2 + ["subscriptions"] * 2 + ["tls"] * 2


def work(state, seed, first, count, puts_each, verbose, results):
    """A worker's share: mutants, and whole records between them."""
    tally, faults, kept = collections.Counter(), [], []
    wire = Wire(state["wire"])
    for number in range(first, first + count):
        chance = random.Random(f"{seed}/{number}")
        kind = chance.choice(KINDS)
        try:
            outcome = attempt(chance, state, kind)
        except TimeoutError:
            outcome = f"FAULT neither answered nor closed in {PATIENCE} s"
        except OSError as error:
            outcome = f"FAULT {error}"
        if verbose:
            print(number, kind, outcome, flush=True)
        if outcome.startswith("FAULT"):
            faults.append((number, kind, outcome))
        tally[kind, outcome.split()[0]] += 1
        if puts_each and number % puts_each == 0:
            name = f"kept-{seed}-{number}"
            try:
                wire.call("PutRecord", {"StreamName": KEPT, "PartitionKey": name, "Data": base64.b64encode(name.encode()).decode()})
                kept.append(name)
            except Exception as error:  # noqa: BLE001
                faults.append((number, "put", f"FAULT a whole record was not taken: {error!r}"))
                wire.close()
    results.put((tally, faults, kept))


class Place:
    """What Wire wants to know of a server."""

    def __init__(self, address):
        self.address = address


def prepare(server):
    """Makes the streams; returns what mutants are made of."""
    wire = Wire(server)
    for name in (TARGETS, KEPT):
        wire.call("CreateStream", {"StreamName": name, "ShardCount": SHARDS})
    arn = wire.call("DescribeStreamSummary", {"StreamName": TARGETS})["StreamDescriptionSummary"]["StreamARN"]
    sequence = wire.call("PutRecord", {"StreamName": TARGETS, "PartitionKey": "k", "Data": "YQ=="})["SequenceNumber"]
    host, port = server.address.rsplit(":", 1)
    return {
        "address": (host, int(port)), "wire": Place(server.address), "arn": arn, "sequence": sequence,
        "consumer": wire.call("RegisterStreamConsumer", {"StreamARN": arn, "ConsumerName": "c"})["Consumer"]["ConsumerARN"],
        "iterator": wire.call("GetShardIterator", {
            "StreamName": TARGETS, "ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"})["ShardIterator"],
        "authority": str(server.data_dir / "tls/ca.pem")}


def read_back(server):
    """The data of all records that are kept."""
    wire, found = Wire(server), collections.Counter()
    for shard in wire.call("ListShards", {"StreamName": KEPT})["Shards"]:
        iterator = wire.call("GetShardIterator", {
            "StreamName": KEPT, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"})["ShardIterator"]
        while iterator:
            answer = wire.call("GetRecords", {"ShardIterator": iterator})
            found.update(base64.b64decode(record["Data"]).decode() for record in answer["Records"])
            iterator = answer.get("NextShardIterator")
            if not answer["Records"] and answer["MillisBehindLatest"] == 0:
                break
    return found


def run(server, seed, first, requests, workers=12, puts_each=20, verbose=False):
    """Sends the mutants to a server that runs; returns faults as texts, and what was counted."""
    state = prepare(server)
    results = multiprocessing.Queue()
    share = -(-requests // workers)
    processes = []
    for worker in range(workers):
        begin = first + worker * share
        count = min(share, first + requests - begin)
        if count > 0:
            processes.append(multiprocessing.Process(target=work, args=(state, seed, begin, count, puts_each, verbose, results)))
    for process in processes:
        process.start()
    tally, faults, kept = collections.Counter(), [], []
    for _ in processes:
        part = results.get()
        tally.update(part[0])
        faults += part[1]
        kept += part[2]
    for process in processes:
        process.join()
    texts = [f"request {number} ({kind}): {outcome}\n    again: {again(seed, number)}" for number, kind, outcome in sorted(faults)]
    if server.process.poll() is not None:
        return [*texts, f"the server has ended with status {server.process.returncode}; see {server.log_path}"], tally
    found = read_back(server)
    lost = [name for name in kept if found[name] != 1]
    if lost:
        texts.append(f"of {len(kept)} acknowledged records {len(lost)} are not there once: {lost[:5]}")
    tally["kept", "read back"] = len(kept) - len(lost)
    return texts, tally


def again(seed, number):
    return f"python3 Tests/clients/mutants.py --seed {seed} --from {number} --requests 1 -v"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--from", type=int, default=0, dest="first")
    parser.add_argument("--workers", type=int, default=12)
    parser.add_argument("-v", action="store_true", dest="verbose")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else int.from_bytes(os.urandom(4), "big")
    print(f"seed {seed}: python3 Tests/clients/mutants.py --seed {seed} --from {options.first} --requests {options.requests}", flush=True)
    with tempfile.TemporaryDirectory() as directory:
        server = Server(Path(directory) / "data", "--tls")
        server.variables = SETTINGS
        server.start()
        begun = time.monotonic()
        try:
            faults, tally = run(server, seed, options.first, options.requests, options.workers, verbose=options.verbose)
        finally:
            server.close()
        for (kind, outcome), count in sorted(tally.items()):
            print(f"{kind:14} {outcome:10} {count}")
        for fault in faults:
            print(fault)
        print(f"{options.requests} requests in {time.monotonic() - begun:.0f} s, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
