"""Mutated requests against a live server: each is answered with a 4xx or closed, the server lives, and nothing acknowledged is lost.

    python3 Tests/clients/mutants.py --requests 200000                        a server of its own, a seed of its own
    python3 Tests/clients/mutants.py --seed 7 --from 1234 --requests 1 -v      one request again

Heads of HTTP/1, frames of HTTP/2, JSON, CBOR, gzip, records of TLS and subscriptions are mutated, byte by byte and by what they mean. Between them
whole records are put; all that were acknowledged are read back at the end. Each request follows from the seed and its number alone.
"""

import argparse
import base64
import collections
import json
import multiprocessing
import os
import random
import socket
import ssl
import sys
import tempfile
import time
import zlib
from pathlib import Path

from server import Server
from wire import Wire

TARGETS, KEPT, SHARDS = "mutants", "kept", 2
# A request that is neither answered nor closed in so many seconds hangs.
PATIENCE = 15
# As answers to heads that name a transfer coding or a version that are not known (RFC 9112, sections 6.1 and 2.3).
BEYOND_400 = {501, 505}

# What is not whole when its sender has ended is given up at the next look at all connections: ten a second.
SETTINGS = {"MILLRACE_HTTP_BODY_GRACE": "0.4"}

JSON_TYPE, CBOR_TYPE = "application/x-amz-json-1.1", "application/x-amz-cbor-1.1"


# MARK: Bytes

INTERESTING = [0, 1, 9, 10, 13, 32, 34, 44, 58, 64, 92, 123, 125, 127, 128, 191, 192, 224, 240, 255]


def mutate_bytes(random, data, others=()):
    """A few changes that know nothing of what the bytes mean."""
    data = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
        place = random.randrange(len(data) + 1)
        kind = random.randrange(9)
        if kind == 0 and place < len(data):
            data[place] ^= 1 << random.randrange(8)
        elif kind == 1 and place < len(data):
            data[place] = random.choice(INTERESTING)
        elif kind == 2:
            data[place:place] = bytes(random.choice(INTERESTING) for _ in range(random.choice((1, 1, 2, 5, 40))))
        elif kind == 3:
            del data[place:place + random.choice((1, 1, 2, 4, 16, 1000))]
        elif kind == 4:
            end = place + random.choice((1, 2, 8, 40, 400))
            data[place:place] = data[place:end] * random.choice((1, 2, 30))
        elif kind == 5:
            del data[place:]
        elif kind == 6 and others:
            other = random.choice(others)
            cut = random.randrange(len(other) + 1)
            data[place:] = other[cut:]
        elif kind == 7:
            end = place + random.choice((2, 4, 16))
            data[place:end] = bytes(reversed(data[place:end]))
        else:
            data[place:place] = random.randbytes(random.choice((1, 4, 64)))
    return bytes(data)


# MARK: Requests as they are meant

def operations(state):
    """What is mutated: an operation and a request that is good."""
    data = base64.b64encode(b"a record of the mutants" * 3).decode()
    stream = {"StreamName": TARGETS}
    return [
        ("PutRecord", {**stream, "PartitionKey": "key", "Data": data}),
        ("PutRecord", {**stream, "PartitionKey": "clé\u2028", "Data": data, "ExplicitHashKey": "170141183460469231731687303715884105728"}),
        ("PutRecords", {**stream, "Records": [{"PartitionKey": str(n), "Data": data} for n in range(5)]}),
        ("GetRecords", {"ShardIterator": state["iterator"], "Limit": 3}),
        ("GetShardIterator", {**stream, "ShardId": "shardId-000000000000", "ShardIteratorType": "AT_TIMESTAMP", "Timestamp": 1600000000.5}),
        ("DescribeStream", {**stream, "Limit": 10, "ExclusiveStartShardId": "shardId-000000000000"}),
        ("ListShards", {**stream, "ShardFilter": {"Type": "AT_LATEST"}, "MaxResults": 7}),
        ("ListStreams", {"Limit": 5}),
        ("AddTagsToStream", {**stream, "Tags": {"a": "b", "c": "d"}}),
        ("UpdateStreamMode", {"StreamARN": state["arn"], "StreamModeDetails": {"StreamMode": "PROVISIONED"}}),
        ("IncreaseStreamRetentionPeriod", {**stream, "RetentionPeriodHours": 24}),
        ("EnableEnhancedMonitoring", {**stream, "ShardLevelMetrics": ["IncomingBytes", "ALL"]}),
        ("ListStreamConsumers", {"StreamARN": state["arn"], "MaxResults": 3}),
    ]


def head(state, operation, length, more=(), kind=JSON_TYPE):
    lines = [
        "POST / HTTP/1.1", "Host: localhost", f"Content-Type: {kind}", f"X-Amz-Target: Kinesis_20131202.{operation}",
        "Authorization: AWS4-HMAC-SHA256 Credential=test/20261130/us-east-1/kinesis/aws4_request, SignedHeaders=host, Signature=0",
        *more, f"Content-Length: {length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def whole(state, operation, body, more=(), kind=JSON_TYPE):
    return head(state, operation, len(body), more, kind) + body


# MARK: Heads

LINES = [
    "Content-Length: 5", "Content-Length: -1", "Content-Length: 99999999999999999999", "Content-Length: 0x10", "Content-Length: 5, 5",
    "Transfer-Encoding: chunked", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: identity", "Transfer-Encoding : chunked", "Expect: 100-continue",
    "Expect: x", "Host: evil.example", "Host:", "Host: localhost", "Connection: close, x-amz-target", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c",
    "HTTP2-Settings: AAMAAABkAAQAAP__", "Origin: null", "Origin: https://evil.example", "Sec-Fetch-Site: cross-site", " folded", "\tfolded", "No colon", ": no name",
    "Name\x00: x", "Name: \x00", "Name: \x7f", "Name: \r x", "X" * 9000 + ": y", "Y: " + "z" * 40000, "Content-Type: text/plain", "Content-Type:", "X-Amz-Target: ",
    "X-Amz-Target: Kinesis_20131202.None", "X-Amz-Target: Firehose_20150804.PutRecord", "Content-Encoding: br", "Content-Encoding: gzip", "Accept-Encoding: gzip",
    "Authorization: AWS4-HMAC-SHA256", "Range: bytes=0-1", "TE: trailers", "Trailer: Content-Length"]
STARTS = [
    "GET / HTTP/1.1", "POST / HTTP/1.0", "POST / HTTP/2.0", "POST / HTTP/1.9", "POST /", "POST", "", "PRI * HTTP/2.0", "POST  / HTTP/1.1", "post / http/1.1",
    "POST http://localhost/ HTTP/1.1", "POST https://localhost/ HTTP/1.1", "POST http://a@b/ HTTP/1.1", "CONNECT localhost:1 HTTP/1.1", "OPTIONS * HTTP/1.1", "HEAD /metrics HTTP/1.1",
    "GET /../../etc/passwd HTTP/1.1", "GET /%00 HTTP/1.1", "GET /metrics?" + "q" * 5000 + " HTTP/1.1", "POST / HTTP/1.1 x", "\x16\x03\x01 / HTTP/1.1", "TRACE / HTTP/1.1"]


def mutant_of_heads(random, state):
    operation, request = random.choice(operations(state))
    body = json.dumps(request).encode()
    text = whole(state, operation, body)
    kind = random.randrange(4)
    if kind == 0:
        return mutate_bytes(random, text, [whole(state, *pair) for pair in [("ListStreams", b"{}"), ("PutRecord", b"[]")]])
    lines = text.split(b"\r\n\r\n", 1)[0].split(b"\r\n")
    if kind == 1:
        lines[0] = random.choice(STARTS).encode("latin-1")
    for _ in range(random.choice((1, 1, 2, 4))):
        place = random.randrange(1, len(lines) + 1)
        change = random.randrange(4)
        if change < 2:
            lines.insert(place, random.choice(LINES).encode("latin-1"))
        elif change == 2 and len(lines) > 2:
            del lines[min(place, len(lines) - 1)]
        else:
            lines[min(place, len(lines) - 1)] = random.choice(LINES).encode("latin-1")
    if random.random() < 0.3:
        chunks = [b"%x%s\r\n%s\r\n" % (len(part), random.choice((b"", b"", b";x=y", b";" + b"e" * 2000)), part) for part in (body[:7], body[7:])]
        body = b"".join(chunks) + random.choice((b"0\r\n\r\n", b"0\r\n\r\n", b"", b"0\r\nA: b\r\n\r\n", b"ffffffffffffffff\r\n", b"-1\r\n", b"0\n\n"))
        lines = [line for line in lines if not line.startswith(b"Content-Length")] + [b"Transfer-Encoding: chunked"]
    return random.choice((b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r")).join(lines) + b"\r\n\r\n" + body


# MARK: JSON

VALUES = [
    None, True, False, 0, -1, 1, 2**31, -2**63, 2**64, 10**400, 1e308, -0.0, 0.1, "", "x", "é" * 200, "\ud800", "\x00", "a" * 200_000, [], {}, [[]], [None], [1, 2], {"": 0},
    {"StreamName": {}}, "2147483648", "NaN", "Zm9v", "Zm9", "=", "arn:aws:kinesis:us-east-1:000000000000:stream/none"]


class Raw(str):
    """Text that stands in JSON as it is."""


def places(value, found, path=()):
    found.append(path)
    for key, part in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        places(part, found, path + (key,))
    return found


def changed(random, value):
    """A value with one part replaced, renamed, doubled or taken away."""
    value = json.loads(json.dumps(value))
    path = random.choice(places(value, []))
    if not path:
        return random.choice(VALUES)
    holder = value
    for key in path[:-1]:
        holder = holder[key]
    kind = random.randrange(5)
    if kind == 0:
        del holder[path[-1]]
    elif kind == 1 and isinstance(holder, dict):
        holder[random.choice(("streamName", "StreamId", "Unknown", "", "x" * 300))] = holder.pop(path[-1])
    elif kind == 2:
        holder[path[-1]] = [holder[path[-1]]] * random.choice((1, 2, 600))
    else:
        holder[path[-1]] = random.choice(VALUES)
    return value


def mutant_of_json(random, state):
    operation, request = random.choice(operations(state))
    kind = random.randrange(6)
    body = json.dumps(request, ensure_ascii=random.random() < 0.5, indent=random.choice((None, None, 1)))
    if kind < 3:
        for _ in range(random.choice((1, 1, 2))):
            request = changed(random, request)
        body = json.dumps(request, ensure_ascii=True)
    elif kind == 3:
        depth = random.choice((10, 500, 100_000))
        body = random.choice(("[", '{"a":', '{"Records":[')) * depth + body
    elif kind == 4:
        # What Python does not write: names twice, numbers and escapes of other forms.
        body = body.replace('"StreamName"', random.choice(('"StreamName":"x","StreamName"', '"\\u0053treamName"', '"Stream\\qName"', "StreamName", "'StreamName'")))
        body = body.replace(": 3", random.choice((": 03", ": 3.", ": +3", ": 3e5", ": 3e99999", ": 0x3", ": -", ": Infinity")))
    data = body.encode("utf-8", "surrogatepass")
    if kind == 5:
        data = mutate_bytes(random, data)
    return whole(state, operation, data)


# MARK: CBOR

def cbor(value, random=None):
    """RFC 8949, now and then in another form than the shortest."""
    def number(major, count):
        # What is larger than CBOR can say becomes the largest that it can.
        count = min(count, 2**64 - 1)
        if random is not None and random.random() < 0.02:
            return bytes([major << 5 | 27]) + random.choice((count, 2**64 - 1, 2**63, 2**32)).to_bytes(8, "big")
        if count < 24:
            return bytes([major << 5 | count])
        for code, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
            if count < 1 << 8 * size:
                return bytes([major << 5 | code]) + count.to_bytes(size, "big")
        return bytes([0xF6])
    if value is None or value is True or value is False:
        return {None: b"\xf6", True: b"\xf5", False: b"\xf4"}[value]
    if isinstance(value, int):
        return number(0, value) if value >= 0 else number(1, -1 - value)
    if isinstance(value, float):
        return bytes([0xFB]) + __import__("struct").pack(">d", value)
    if isinstance(value, bytes):
        return number(2, len(value)) + value
    if isinstance(value, str):
        data = value.encode("utf-8", "surrogatepass")
        return number(3, len(data)) + data
    if isinstance(value, list):
        return number(4, len(value)) + b"".join(cbor(part, random) for part in value)
    return number(5, len(value)) + b"".join(cbor(str(key), random) + cbor(part, random) for key, part in value.items())


def with_blobs(value):
    if isinstance(value, dict):
        return {key: base64.b64decode(part) if key == "Data" else with_blobs(part) for key, part in value.items()}
    return [with_blobs(part) for part in value] if isinstance(value, list) else value


def mutant_of_cbor(random, state):
    operation, request = random.choice(operations(state))
    kind = random.randrange(4)
    if kind == 0:
        data = cbor(changed(random, request), random)
    elif kind == 1:
        data = cbor(with_blobs(request), random)
    elif kind == 2:
        data = random.choice((b"\x9f", b"\xbf", b"\x5f", b"\x81", b"\xa1\x61a", b"\xc1", b"\xd9\xff\xff", b"\xbb" + b"\xff" * 8)) * random.choice((1, 40, 100_000)) + cbor(request)
    else:
        data = mutate_bytes(random, cbor(with_blobs(request)))
    return whole(state, operation, data, kind=CBOR_TYPE)


# MARK: gzip

def mutant_of_gzip(random, state):
    operation, request = random.choice(operations(state))
    body = json.dumps(request).encode()
    packer = zlib.compressobj(random.choice((0, 1, 9)), zlib.DEFLATED, 31)
    kind = random.randrange(5)
    if kind == 0:
        body = body[:-1] + b" " * random.choice((1000, 1_000_000, 40_000_000)) + b"}"
    packed = packer.compress(body) + packer.flush()
    if kind == 1:
        packed = packed[:random.randrange(len(packed))]
    elif kind == 2:
        packed = mutate_bytes(random, packed)
    elif kind == 3:
        packed += random.choice((packed, b"\x00", b"\x1f\x8b", random.randbytes(20)))
    coding = random.choice(("gzip", "gzip", "gzip", "GZIP", "x-gzip", "gzip, gzip", "deflate", "br", "", "identity"))
    return whole(state, operation, packed, [f"Content-Encoding: {coding}", f"Accept-Encoding: {random.choice(('gzip', 'gzip;q=x', ';;,', '*'))}"])


# MARK: HTTP/2

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"


def frame(kind, flags=0, stream=0, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def fields(pairs):
    block = b""
    for name, value in pairs:
        name, value = name.encode("latin-1"), value.encode("latin-1")
        block += b"\x00" + text(name) + text(value)
    return block


def text(data):
    """A string of HPACK (RFC 7541, section 5.2)."""
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest, length = len(data) - 127, b"\x7f"
    while rest >= 128:
        length += bytes([rest % 128 + 128])
        rest //= 128
    return length + bytes([rest]) + data


def mutant_of_frames(random, state):
    operation, request = random.choice(operations(state))
    body = json.dumps(request).encode()
    pairs = [
        (":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "localhost"), ("content-type", JSON_TYPE),
        ("x-amz-target", f"Kinesis_20131202.{operation}"), ("content-length", str(len(body)))]
    for _ in range(random.choice((0, 0, 1, 2))):
        extra = random.choice([
            ("Upper", "x"), ("connection", "close"), (":path", "/x"), (":unknown", "x"), ("te", "gzip"), ("host", "evil.example"), ("content-length", "7"), ("a" * 200, "b" * 5000),
            ("", "x"), ("x\x00", "y"), ("x", "\r\n"), ("transfer-encoding", "chunked"), ("content-encoding", "gzip"), ("expect", "100-continue"), (":status", "200")])
        pairs.insert(random.randrange(len(pairs) + 1), extra)
    if random.random() < 0.2:
        del pairs[random.randrange(len(pairs))]
    block = fields(pairs)
    half = random.randrange(len(body) + 1)
    frames = [frame(4, 0, 0, random.choice((b"", b"\x00\x04\x00\x00\x00\x05", b"\x00\x05\x00\x00\x00\x00", b"\x00\x03" + b"\xff" * 4, b"\x00\x01\x00\x00\x00\x00")))]
    if random.random() < 0.3:
        cut = random.randrange(len(block) + 1)
        frames += [frame(1, 0, 1, block[:cut]), frame(9, 4, 1, block[cut:])]
    else:
        frames.append(frame(1, 4, 1, block))
    frames += [frame(0, 0, 1, body[:half]), frame(0, 1, 1, body[half:]), frame(1, 5, 3, fields(pairs[:4])), frame(4, 1)]
    for _ in range(random.choice((0, 1, 1, 2, 4))):
        place = random.randrange(len(frames))
        kind = random.randrange(6)
        if kind == 0:
            frames.insert(place, frame(random.randrange(12), random.randrange(256), random.choice((0, 1, 2, 3, 5, 2**31 - 1)), random.randbytes(random.choice((0, 1, 4, 5, 6, 8, 40)))))
        elif kind == 1:
            frames.insert(place, frames[place] * random.choice((1, 2, 30)))
        elif kind == 2:
            del frames[place]
            frames = frames or [b""]
        elif kind == 3:
            other = random.randrange(len(frames))
            frames[place], frames[other] = frames[other], frames[place]
        elif kind == 4:
            frames.insert(place, frame(8, 0, random.choice((0, 1, 3, 9)), random.choice((0, 1, 2**31 - 1, 2**31)).to_bytes(4, "big")))
        else:
            frames[place] = mutate_bytes(random, frames[place])
    data = PREFACE + b"".join(frames)
    return mutate_bytes(random, data) if random.random() < 0.2 else data


# MARK: Subscriptions

def mutant_of_subscriptions(random, state):
    request = {
        "ConsumerARN": state["consumer"], "ShardId": "shardId-000000000000",
        "StartingPosition": random.choice([
            {"Type": "TRIM_HORIZON"}, {"Type": "AT_TIMESTAMP", "Timestamp": 1.5}, {"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": state["sequence"]}])}
    request = changed(random, request)
    if random.random() < 0.5:
        data = json.dumps(request).encode()
        return whole(state, "SubscribeToShard", mutate_bytes(random, data) if random.random() < 0.3 else data)
    data = cbor(request, random)
    return whole(state, "SubscribeToShard", mutate_bytes(random, data) if random.random() < 0.3 else data, kind=CBOR_TYPE)


PLAIN = {
    "heads": mutant_of_heads, "frames": mutant_of_frames, "json": mutant_of_json, "cbor": mutant_of_cbor, "gzip": mutant_of_gzip,
    "subscriptions": mutant_of_subscriptions}


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
