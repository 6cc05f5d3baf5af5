"""Creates and deletes streams while the server is killed, and notes what has to be there."""

import base64
import random
import threading

from wire import Refused, Wire


class Definer(threading.Thread):
    """One call after the other. An answered creation or deletion must last; one without an answer may have happened or not.

    Names are used again and again: what was written under an earlier stream's name must not come back.
    """

    def __init__(self, server, ledger, seed):
        super().__init__(daemon=True, name="definer")
        self.wire, self.ledger = Wire(server), ledger
        self.chance = random.Random(seed)
        self.ended = threading.Event()
        # By name: True, False, or None where it is not known; and of the stream that there is, what was sent and acknowledged.
        self.exists = {f"defined{n}": False for n in range(4)}
        self.sent = {name: [] for name in self.exists}
        self.told = {name: [] for name in self.exists}
        self.calls = 0
        # Whether an error answer is all right.
        self.may_refuse = lambda error: False

    def run(self):
        try:
            while not self.ended.wait(self.chance.expovariate(40)):
                try:
                    self.step()
                except OSError:
                    pass
                except Refused as error:
                    if not self.may_refuse(error):
                        raise
        except BaseException as error:
            self.ledger.violation(f"definer broke: {error!r}")
        finally:
            self.wire.close()

    def step(self):
        self.check()
        name = self.chance.choice(list(self.exists))
        self.calls += 1
        if not self.exists[name]:
            self.sent[name], self.told[name] = [], []
            self._change(name, "CreateStream", {"StreamName": name, "ShardCount": self.chance.randint(1, 3)}, becomes=True)
        elif self.chance.random() < 0.4:
            self._change(name, "DeleteStream", {"StreamName": name}, becomes=False)
        else:
            data = [f"{name} {self.calls} {part}" for part in range(self.chance.randint(1, 20))]
            self.sent[name] += data
            self.wire.call("PutRecords", {"StreamName": name, "Records": [
                {"PartitionKey": text, "Data": base64.b64encode(text.encode()).decode()} for text in data]})
            self.told[name] += data

    def _change(self, name, operation, request, becomes):
        before = self.exists[name]
        self.exists[name] = None
        try:
            self.wire.call(operation, request)
        except Refused:
            self.exists[name] = before
            raise
        self.exists[name] = becomes

    def check(self):
        """Compares with what there is. Raises as `Wire.call`."""
        names = self.wire.call("ListStreams", {})["StreamNames"]
        for name, exists in self.exists.items():
            if exists is None:
                self.exists[name] = name in names
            elif exists != (name in names):
                self.ledger.violation(f"stream {name} is {'there' if name in names else 'not there'}, against what was acknowledged")
                self.exists[name] = name in names

    def check_contents(self):
        """Compares the records as well. To be called when the thread has ended."""
        self.wire.close()
        self.check()
        for name in [name for name, exists in self.exists.items() if exists]:
            found = []
            for shard in self.wire.call("ListShards", {"StreamName": name})["Shards"]:
                iterator = self.wire.call(
                    "GetShardIterator", {"StreamName": name, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON"})["ShardIterator"]
                while True:
                    answer = self.wire.call("GetRecords", {"ShardIterator": iterator})
                    found += [base64.b64decode(record["Data"]).decode() for record in answer["Records"]]
                    iterator = answer["NextShardIterator"]
                    if answer["MillisBehindLatest"] == 0:
                        break
            if missing := set(self.told[name]) - set(found):
                self.ledger.violation(f"LOST in {name}: {sorted(missing)[:3]}")
            if foreign := set(found) - set(self.sent[name]):
                self.ledger.violation(f"in {name} is what was not sent to it: {sorted(foreign)[:3]}")
            if len(found) != len(set(found)):
                self.ledger.violation(f"a record of {name} is there twice")
