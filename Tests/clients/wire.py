"""The Kinesis API over one plain socket: a call costs some 50 µs here, where boto3 takes 1,500."""

import json
import socket

SCOPE = "test/20261121/us-east-1/kinesis/aws4_request"
HEAD = (
    "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Target: Kinesis_20131202.{operation}\r\n"
    f"Authorization: AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host, Signature=0\r\n"
    "Content-Length: {length}\r\n\r\n")


class Refused(Exception):
    """The service's own answer that a call failed."""

    def __init__(self, status, code, message):
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


class NotSent(OSError):
    """There was no server to send a call to: it was certainly not run."""


class Wire:
    """One connection, made at the first call and again after it broke. Not for several threads."""

    def __init__(self, server, timeout=60):
        self.server, self.timeout = server, timeout
        self.socket = None

    def call(self, operation, request):
        """The answer as a dictionary.

        Raises Refused for an error that the service tells of, NotSent, or another OSError where the connection breaks or the time is
        up: then it is unknown whether the call was run.
        """
        body = request if isinstance(request, bytes) else json.dumps(request).encode()
        try:
            if self.socket is None:
                self._connect()
            head = HEAD.format(host=self.server.address, operation=operation, length=len(body))
            self.socket.sendall(head.encode() + body)
            status, answer = self._answer()
        except OSError:
            self.close()
            raise
        if status == 200:
            return json.loads(answer) if answer else {}
        try:
            error = json.loads(answer)
        except ValueError:
            error = {}
        raise Refused(status, error.get("__type", "").split("#")[-1], error.get("message", answer[:200].decode(errors="replace")))

    def _connect(self):
        host, port = self.server.address.rsplit(":", 1)
        try:
            self.socket = socket.create_connection((host, int(port)), self.timeout)
        except OSError as error:
            raise NotSent(*error.args) from None
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _answer(self):
        received = bytearray()
        while (end := received.find(b"\r\n\r\n")) < 0:
            self._receive(received)
        lines = bytes(received[:end]).split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line[:15].lower() == b"content-length:")
        while len(received) < end + 4 + length:
            self._receive(received)
        return int(lines[0].split()[1]), bytes(received[end + 4:])

    def _receive(self, received):
        part = self.socket.recv(1 << 18)
        if not part:
            raise ConnectionResetError("the server closed the connection")
        received += part

    def close(self):
        if self.socket is not None:
            self.socket.close()
            self.socket = None
