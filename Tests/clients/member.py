"""A member of a named consumer, as a program: it copies what it reads into another stream, each record with the checkpoint that covers it.

    python3 member.py ENDPOINT STREAM CONSUMER MEMBER LEASE_MS OUTPUT [WORK_SECONDS]

It tells on standard output what it does, a word and what belongs to it a line: took, kept, lost, holds. It goes on through restarts of the server.
"""

import base64
import http.client
import json
import sys
import time


class Refused(Exception):
    def __init__(self, status, name, message):
        super().__init__(f"{status} {name}: {message}")
        self.status, self.name = status, name


class Caller:
    """Calls operations over one connection."""

    def __init__(self, endpoint):
        self.address = endpoint.removeprefix("http://")
        self.connection = None

    def once(self, target, request):
        if self.connection is None:
            self.connection = http.client.HTTPConnection(self.address, timeout=30)
        body = request if isinstance(request, bytes) else json.dumps(request)
        self.connection.request("POST", "/", body, {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target})
        response = self.connection.getresponse()
        body = response.read()
        if response.status != 200:
            try:
                fields = json.loads(body)
            except ValueError:
                fields = {"__type": body.decode(errors="replace")}
            raise Refused(response.status, fields.get("__type"), fields.get("message") or fields.get("Message"))
        return json.loads(body or b"{}")

    def own(self, operation, **request):
        return self.once(f"Millrace_20261130.{operation}", request)

    def kinesis(self, operation, **request):
        return self.once(f"Kinesis_20131202.{operation}", request)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


def say(word, *particulars):
    print(word, *particulars, flush=True)


class Member:
    def __init__(self, endpoint, stream, consumer, name, lease, output, work=0.0):
        self.caller = Caller(endpoint)
        self.who = {"StreamName": stream, "ConsumerName": consumer, "MemberName": name}
        self.stream, self.lease, self.output, self.work = stream, lease, output, work
        # By shard: epoch, iterator or None, starting position.
        self.held = {}
        self.due = 0.0

    def renew(self):
        answer = self.caller.own("RenewLeases", **self.who, LeaseDurationMilliseconds=self.lease)
        self.due = time.monotonic() + answer["RenewAfterMilliseconds"] / 1000
        held = {}
        for lease in answer["Leases"]:
            known = self.held.get(lease["ShardId"])
            if known and known["Epoch"] == lease["Epoch"]:
                known["Release"] = lease["Release"]
                held[lease["ShardId"]] = known
            else:
                held[lease["ShardId"]] = {**lease, "iterator": None}
        if held.keys() != self.held.keys():
            say("holds", *sorted(held))
        self.held = held

    def checkpoint(self, shard, lease, records=(), **progress):
        copies = [{"StreamName": self.output, "PartitionKey": r["PartitionKey"], "Data": r["Data"]} for r in records]
        try:
            self.caller.own(
                "CheckpointLeases", **self.who, Checkpoints=[{"ShardId": shard, "Epoch": lease["Epoch"], **progress}], Records=copies)
            say("kept", shard, lease["Epoch"], len(copies))
            return True
        except Refused as refused:
            if refused.name != "LeaseLostException":
                raise
            say("lost", shard, lease["Epoch"])
            self.held.pop(shard, None)
            self.due = 0.0
            return False

    def read(self, shard, lease):
        if lease["Release"]:
            if self.checkpoint(shard, lease, Release=True):
                self.held.pop(shard, None)
            return 0
        if lease["iterator"] is None:
            position = lease["StartingPosition"]
            request = {"StreamName": self.stream, "ShardId": shard, "ShardIteratorType": position["Type"]}
            if "SequenceNumber" in position:
                request["StartingSequenceNumber"] = position["SequenceNumber"]
            lease["iterator"] = self.caller.kinesis("GetShardIterator", **request)["ShardIterator"]
        answer = self.caller.kinesis("GetRecords", ShardIterator=lease["iterator"], Limit=50)
        records, following = answer["Records"], answer.get("NextShardIterator")
        if records:
            say("took", shard, lease["Epoch"], len(records))
            time.sleep(self.work)
        if following is None:
            if self.checkpoint(shard, lease, records, ShardEnd=True):
                self.held.pop(shard, None)
                self.due = 0.0
        elif records and self.checkpoint(shard, lease, records, SequenceNumber=records[-1]["SequenceNumber"]):
            lease["StartingPosition"] = {"Type": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": records[-1]["SequenceNumber"]}
        lease["iterator"] = following
        return len(records)

    def turn(self):
        if time.monotonic() >= self.due:
            self.renew()
        count = 0
        for shard, lease in list(self.held.items()):
            if self.held.get(shard) is lease:
                count += self.read(shard, lease)
        if not count:
            time.sleep(0.05)

    def run(self):
        while True:
            try:
                self.turn()
            except (OSError, http.client.HTTPException):
                # The server is down, or was: what it knows counts, so all is asked anew.
                self.caller.close()
                self.held, self.due = {}, 0.0
                time.sleep(0.05)
            except Refused as refused:
                if refused.status < 500 and refused.name not in ("ThrottlingException", "ResourceNotFoundException"):
                    raise
                self.held, self.due = {}, 0.0
                time.sleep(0.05)


if __name__ == "__main__":
    endpoint, stream, consumer, name, lease, output, *rest = sys.argv[1:]
    Member(endpoint, stream, consumer, name, int(lease), output, *map(float, rest)).run()
