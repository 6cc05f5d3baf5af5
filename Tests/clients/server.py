"""Starts, kills and restarts the built server, and makes clients for it."""

import json
import os
import signal
import subprocess
import threading
import time
import uuid
from pathlib import Path

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
BINARY = os.environ.get("MILLRACE_BINARY", str(ROOT / ".build/release/millrace"))
CREDENTIALS = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
ACCOUNT = "000000000000"


class Server:
    """One server process on a data directory; it may be killed and started again."""

    def __init__(self, data_dir, *flags):
        self.data_dir = Path(data_dir)
        self.log_path = self.data_dir.with_suffix(".log")
        self.flags = list(flags)
        # Settings in the server's environment.
        self.variables = {}
        # What the server is started through, such as ["prlimit", "--nofile=512"].
        self.prefix = []
        self.address = "127.0.0.1:0"
        # A file of certificates: clients then call over TLS and trust these.
        self.authority = None
        self.process = None

    def launch(self):
        """Starts the process without waiting for anything."""
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [*self.prefix, BINARY, "serve", "--data-dir", str(self.data_dir), "--http", self.address, *self.flags],
                stdout=subprocess.PIPE, stderr=log, text=True, env={**os.environ, **self.variables})

    def start(self, timeout=30):
        """Starts the server and waits until it accepts requests."""
        self.launch()
        return self.wait_ready(timeout)

    def wait_ready(self, timeout=30):
        watchdog = threading.Timer(timeout, self.process.kill)
        watchdog.start()
        try:
            for line in self.process.stdout:
                if line.startswith("Ready."):
                    fields = dict(part.split("=", 1) for part in line.split()[1:])
                    # A restart keeps the address, so that clients made before it go on working.
                    self.address = fields.get("http") or fields["https"]
                    return self
        finally:
            watchdog.cancel()
        raise AssertionError(f"the server did not get ready; see {self.log_path}:\n" + self.log_path.read_text()[-4000:])

    def kill(self):
        """kill -9; returns what the server had still to say on standard output."""
        self.process.send_signal(signal.SIGKILL)
        rest = self.process.stdout.read()
        self.process.wait()
        self.process.stdout.close()
        return rest

    def freeze(self, timeout=10):
        """SIGSTOP; returns when every thread of the process stands still."""
        self.process.send_signal(signal.SIGSTOP)
        deadline = time.monotonic() + timeout
        while os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOHANG) is None:
            assert time.monotonic() < deadline, "the server does not stop"
            time.sleep(0.0005)

    def thaw(self):
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self, timeout=30):
        """SIGTERM; returns the exit status."""
        self.process.terminate()
        return self.process.wait(timeout)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    @property
    def endpoint(self):
        return f"https://{self.address}" if self.authority else f"http://{self.address}"

    @property
    def environment(self):
        return {
            **os.environ, "AWS_ENDPOINT_URL": self.endpoint, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
            **({"AWS_CA_BUNDLE": str(self.authority)} if self.authority else {}),
        }

    def client(self, service, retries=0):
        return boto3.client(
            service, endpoint_url=self.endpoint, **CREDENTIALS, verify=str(self.authority) if self.authority else None,
            config=Config(retries={"max_attempts": retries}, connect_timeout=5, read_timeout=20, max_pool_connections=20))

    def millrace(self, *arguments, input=None, check=True, timeout=60):
        result = subprocess.run(
            [BINARY, *arguments], input=input, env=self.environment, capture_output=True, text=True, timeout=timeout)
        if check:
            assert result.returncode == 0, (arguments, result.returncode, result.stdout, result.stderr)
        return result

    def aws(self, *arguments, check=True, timeout=60):
        result = subprocess.run(
            ["aws", *arguments], env=self.environment, capture_output=True, text=True, timeout=timeout)
        if check:
            assert result.returncode == 0, (arguments, result.returncode, result.stdout, result.stderr)
        return json.loads(result.stdout) if check and result.stdout.strip() else result


def raw_blobs():
    """Version 2 of the aws CLI takes blobs in base64 unless told; version 1 takes them as they are and does not know the flag."""
    version = subprocess.run(["aws", "--version"], capture_output=True, text=True)
    return [] if (version.stdout + version.stderr).startswith("aws-cli/1") else ["--cli-binary-format", "raw-in-base64-out"]


def unique(prefix):
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def until(condition, timeout=20, interval=0.05, what="the condition"):
    """Polls a remote condition that nothing announces; returns its first true value."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"{what} did not come true in {timeout} s"
        time.sleep(interval)


def stream_arn(name):
    return f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}"


def delivery_arn(name):
    return f"arn:aws:firehose:us-east-1:{ACCOUNT}:deliverystream/{name}"


def read_all(kinesis, stream, kind="TRIM_HORIZON"):
    """All records of a stream up to its tip: {shard id: [record]}."""
    records = {}
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType=kind)["ShardIterator"]
        found = records.setdefault(shard["ShardId"], [])
        while iterator:
            answer = kinesis.get_records(ShardIterator=iterator)
            found += answer["Records"]
            iterator = answer.get("NextShardIterator")
            if answer["MillisBehindLatest"] == 0:
                break
    return records


def rows(kinesis, stream):
    """The JSON rows of a stream, all shards together."""
    return [json.loads(record["Data"]) for shard in read_all(kinesis, stream).values() for record in shard]
