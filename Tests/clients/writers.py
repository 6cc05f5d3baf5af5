"""Writers on sockets that note in a ledger what they sent and what they were told, whatever happens to the server."""

import base64
import random
import threading

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from ledger import payload
from wire import NotSent, Refused, Wire


class Writer(threading.Thread):
    """Sends numbered records, one call after the other, until it is told to end.

    `retries`: after a call without an answer the same records are sent again until they are acknowledged; else the next ones are.
    """

    def __init__(self, server, stream, ledger, name, seed, retries, timeout=60, largest=6000):
        super().__init__(daemon=True, name=name)
        self.server, self.stream, self.ledger, self.largest = server, stream, ledger, largest
        self.retries = retries
        self.wire = Wire(server, timeout)
        self.chance = random.Random(seed)
        self.number = 0
        self.ended, self.may_write, self.rests = threading.Event(), threading.Event(), threading.Event()
        # Set by whoever knows that calls are refused for a time.
        self.refusal = lambda error: None
        self.failure = None
        self.may_write.set()
        ledger.register(name)

    def run(self):
        try:
            while not self.ended.is_set():
                if not self.may_write.is_set():
                    self.rests.set()
                    self.may_write.wait()
                    self.rests.clear()
                    continue
                numbers = range(self.number, self.number + self.count())
                self._put_until_done(numbers)
                self.number = numbers.stop
        except BaseException as error:  # a test that waits for this thread is to hear of it
            self.failure = error
            self.ledger.violation(f"writer {self.name} broke: {error!r}")
        finally:
            self.rests.set()
            self.wire.close()

    def _put_until_done(self, numbers):
        """Sends records until they are acknowledged or refused, or were sent once by a writer that does not retry."""
        while not self.ended.is_set():
            frozen = self.ledger.sending(self.name, numbers)
            try:
                places = self.put(numbers)
                return self.ledger.acknowledged(self.name, numbers, places, frozen)
            except Refused as error:
                self.refusal(error)
                self.ledger.refused(self.name, numbers)
                self.ended.wait(0.01)
                return
            except NotSent:
                self.ledger.not_sent(self.name, numbers)
                self.ended.wait(0.01)
            except OSError:
                self.ledger.broke()
                if not self.retries:
                    return

    def count(self):
        """How many records the next call has."""
        return 1

    def put(self, numbers):
        """Makes the call; returns (shard, sequence number) for each record."""
        data = base64.b64encode(payload(self.name, numbers[0], self.largest)).decode()
        answer = self.wire.call(
            "PutRecord", b'{"StreamName":"%s","PartitionKey":"%d","Data":"%s"}' % (self.stream.encode(), numbers[0] * 7919, data.encode()))
        return [(answer["ShardId"], answer["SequenceNumber"])]


class BatchWriter(Writer):
    """PutRecords of 1 to 500 records, spread over the shards."""

    def count(self):
        self.ended.wait(self.chance.expovariate(200))
        return self.chance.choice((1, 2, 10, 50, 200, 500))

    def put(self, numbers):
        records = ",".join(
            f'{{"PartitionKey":"{number * 7919}","Data":"{base64.b64encode(payload(self.name, number, self.largest)).decode()}"}}'
            for number in numbers)
        answer = self.wire.call("PutRecords", f'{{"StreamName":"{self.stream}","Records":[{records}]}}'.encode())
        if answer["FailedRecordCount"]:
            # Nothing of it was appended then: the records of one call are one append.
            assert answer["FailedRecordCount"] == len(numbers), answer
            raise Refused(200, answer["Records"][0]["ErrorCode"], answer["Records"][0]["ErrorMessage"])
        return [(place["ShardId"], place["SequenceNumber"]) for place in answer["Records"]]


class SDKWriter(Writer):
    """PutRecord through boto3, without its retries."""

    def put(self, numbers):
        if not hasattr(self, "client"):
            self.client = self.server.client("kinesis")
        try:
            answer = self.client.put_record(
                StreamName=self.stream, PartitionKey=str(numbers[0] * 7919), Data=payload(self.name, numbers[0], self.largest))
        except ClientError as error:
            raise Refused(
                error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"],
                error.response["Error"]["Message"]) from None
        except EndpointConnectionError as error:
            raise NotSent(str(error)) from None
        except BotoCoreError as error:
            raise OSError(str(error)) from None
        return [(answer["ShardId"], answer["SequenceNumber"])]


class Crew:
    """All kinds of writers on one stream."""

    def __init__(self, server, stream, ledger, seed, largest=6000):
        same = (server, stream, ledger)
        self.writers = [
            Writer(*same, "single", seed + 1, retries=False, largest=largest),
            # Gives up on a stopped server and tries again.
            Writer(*same, "hasty", seed + 2, retries=True, timeout=0.05, largest=largest),
            BatchWriter(*same, "batch", seed + 3, retries=False, largest=largest),
            BatchWriter(*same, "batchagain", seed + 4, retries=True, largest=largest),
            SDKWriter(*same, "boto3", seed + 5, retries=False, largest=largest),
        ]

    def start(self):
        for writer in self.writers:
            writer.start()

    def hold(self):
        """Returns when nothing is under way any more."""
        for writer in self.writers:
            writer.may_write.clear()
        for writer in self.writers:
            assert writer.rests.wait(60), f"writer {writer.name} does not come to rest"

    def release(self):
        for writer in self.writers:
            writer.rests.clear()
            writer.may_write.set()

    def end(self):
        for writer in self.writers:
            writer.ended.set()
            writer.may_write.set()
        for writer in self.writers:
            writer.join(60)
            assert not writer.is_alive(), f"writer {writer.name} does not end"
