"""Makes mutated requests: heads of HTTP/1, frames of HTTP/2, JSON, CBOR, gzip and subscriptions, changed byte by byte and by what they mean. mutants.py
sends them.
"""

import base64
import json
import zlib

# The stream that they are about.
TARGETS = "mutants"

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
