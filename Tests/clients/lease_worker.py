"""A consumer that takes the steps of the Kinesis Client Library against the tables that versions 2 and 3 of it use: leases with counters, an index of
them by owner, a coordinator's state, workers' metrics. Run as a program, it prints what it did as JSON lines:
    lease_worker.py ENDPOINT STREAM APPLICATION WORKER LEASE_SECONDS"""

import json
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

INDEX = "LeaseOwnerToLeaseKeyIndex"


def code(error):
    return error.response["Error"]["Code"]


class LeaseWorker:
    def __init__(self, endpoint, stream, application, worker, lease_seconds):
        options = dict(endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test",
                       config=Config(retries={"max_attempts": 3}, read_timeout=30))
        self.dynamo, self.kinesis = boto3.client("dynamodb", **options), boto3.client("kinesis", **options)
        self.stream, self.worker, self.lease_seconds = stream, worker, lease_seconds
        self.leases, self.metrics, self.coordinator = application, f"{application}-WorkerMetricStats", f"{application}-CoordinatorState"
        # By lease: its counter and when it was seen to change last.
        self.seen = {}
        # By lease: what this worker knows of it while it holds it.
        self.held = {}
        self.leader_version = None

    def say(self, what, **particulars):
        print(json.dumps({"what": what, "worker": self.worker, **particulars}), flush=True)

    # Tables.

    def make_tables(self):
        for table, key in ((self.leases, "leaseKey"), (self.metrics, "wid"), (self.coordinator, "key")):
            try:
                self.dynamo.describe_table(TableName=table)
            except self.dynamo.exceptions.ResourceNotFoundException:
                try:
                    self.dynamo.create_table(
                        TableName=table, KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST",
                        Tags=[{"Key": "application", "Value": self.leases}])
                except self.dynamo.exceptions.ResourceInUseException:
                    pass
            self.dynamo.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 1})
        self.make_index()

    def make_index(self):
        """Version 3 adds it to the tables of version 2."""
        try:
            self.dynamo.update_table(
                TableName=self.leases,
                AttributeDefinitions=[{"AttributeName": "leaseOwner", "AttributeType": "S"}, {"AttributeName": "leaseKey", "AttributeType": "S"}],
                GlobalSecondaryIndexUpdates=[{"Create": {
                    "IndexName": INDEX, "Projection": {"ProjectionType": "KEYS_ONLY"},
                    "KeySchema": [{"AttributeName": "leaseOwner", "KeyType": "HASH"}, {"AttributeName": "leaseKey", "KeyType": "RANGE"}]}}])
        except ClientError as error:
            # Another worker was first.
            assert code(error) in ("ValidationException", "LimitExceededException", "ResourceInUseException"), error
        while True:
            indexes = self.dynamo.describe_table(TableName=self.leases)["Table"].get("GlobalSecondaryIndexes", [])
            if [index["IndexStatus"] for index in indexes if index["IndexName"] == INDEX] == ["ACTIVE"]:
                return
            time.sleep(0.05)

    # The leader makes leases of shards.

    def is_leader(self):
        """As the lock client of version 3 holds its lock: a version that must move."""
        version = str(time.time())
        mine = {"key": {"S": "Leader"}, "ownerName": {"S": self.worker}, "recordVersionNumber": {"S": version},
                "leaseDuration": {"S": str(int(self.lease_seconds * 1000))}}
        try:
            if self.leader_version is not None:
                self.dynamo.update_item(
                    TableName=self.coordinator, Key={"key": {"S": "Leader"}}, UpdateExpression="SET #rvn = :new, #d = :d",
                    ConditionExpression="attribute_exists(#k) AND #rvn = :old AND #owner = :owner",
                    ExpressionAttributeNames={"#rvn": "recordVersionNumber", "#d": "leaseDuration", "#k": "key", "#owner": "ownerName"},
                    ExpressionAttributeValues={":new": mine["recordVersionNumber"], ":d": mine["leaseDuration"], ":old": {"S": self.leader_version},
                                               ":owner": mine["ownerName"]})
            else:
                found = self.dynamo.get_item(TableName=self.coordinator, Key={"key": {"S": "Leader"}}, ConsistentRead=True).get("Item")
                if found is None:
                    self.dynamo.put_item(
                        TableName=self.coordinator, Item=mine, ConditionExpression="attribute_not_exists(#k)",
                        ExpressionAttributeNames={"#k": "key"})
                else:
                    known = found["recordVersionNumber"]["S"]
                    if not self.has_stood_still("Leader", known):
                        return False
                    self.dynamo.put_item(
                        TableName=self.coordinator, Item=mine, ConditionExpression="attribute_exists(#k) AND #rvn = :rvn",
                        ExpressionAttributeNames={"#k": "key", "#rvn": "recordVersionNumber"}, ExpressionAttributeValues={":rvn": {"S": known}})
                self.say("leads")
        except self.dynamo.exceptions.ConditionalCheckFailedException:
            self.leader_version = None
            return False
        self.leader_version = version
        return True

    def has_stood_still(self, key, counter):
        """Whether a counter has been the same for as long as a lease lasts, by this worker's own clock."""
        known = self.seen.get(key)
        if known is None or known[0] != counter:
            self.seen[key] = (counter, time.monotonic())
            return False
        return time.monotonic() - known[1] > self.lease_seconds

    def make_leases(self):
        for page in self.kinesis.get_paginator("list_shards").paginate(StreamName=self.stream):
            for shard in page["Shards"]:
                parents = [shard[name] for name in ("ParentShardId", "AdjacentParentShardId") if name in shard]
                item = {"leaseKey": {"S": shard["ShardId"]}, "leaseCounter": {"N": "0"}, "checkpoint": {"S": "TRIM_HORIZON"},
                        "checkpointSubSequenceNumber": {"N": "0"}, "ownerSwitchesSinceCheckpoint": {"N": "0"},
                        "startingHashKey": {"S": shard["HashKeyRange"]["StartingHashKey"]}, "endingHashKey": {"S": shard["HashKeyRange"]["EndingHashKey"]},
                        **({"parentShardId": {"SS": parents}} if parents else {})}
                try:
                    self.dynamo.put_item(
                        TableName=self.leases, Item=item, Expected={"leaseKey": {"Exists": False}, "leaseOwner": {"Exists": False}})
                except self.dynamo.exceptions.ConditionalCheckFailedException:
                    pass

    # Leases.

    def list(self):
        leases, start = {}, {}
        while True:
            page = self.dynamo.scan(TableName=self.leases, Limit=3, **start)
            leases.update({item["leaseKey"]["S"]: item for item in page["Items"]})
            if "LastEvaluatedKey" not in page:
                return leases
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}

    def take(self, leases):
        """Those that nobody has or whose owner does not renew them; then one of whoever has two more than this worker."""
        owned = {}
        for key, lease in leases.items():
            if "leaseOwner" in lease and not self.has_stood_still(key, lease["leaseCounter"]["N"]):
                owned.setdefault(lease["leaseOwner"]["S"], []).append(key)
        mine = owned.get(self.worker, [])
        owners = set(owned) | {self.worker}
        target = -(-len(leases) // len(owners))
        free = [key for key in sorted(leases) if not any(key in keys for keys in owned.values())]
        for key in free[: max(0, target - len(mine))]:
            self.take_one(leases[key])
        if not free:
            busiest = max(owned.items(), key=lambda owner: len(owner[1]), default=(None, []))
            if len(busiest[1]) > max(target, len(mine) + 1):
                self.take_one(leases[busiest[1][0]])

    def take_one(self, lease):
        key, counter = lease["leaseKey"]["S"], lease["leaseCounter"]["N"]
        changes = {"leaseOwner": {"Action": "PUT", "Value": {"S": self.worker}},
                   "leaseCounter": {"Action": "PUT", "Value": {"N": str(int(counter) + 1)}}}
        if lease.get("leaseOwner", {}).get("S") not in (None, self.worker):
            changes["ownerSwitchesSinceCheckpoint"] = {"Action": "ADD", "Value": {"N": "1"}}
        try:
            new = self.dynamo.update_item(
                TableName=self.leases, Key={"leaseKey": {"S": key}}, AttributeUpdates=changes,
                Expected={"leaseCounter": {"Value": {"N": counter}}}, ReturnValues="ALL_NEW")["Attributes"]
        except self.dynamo.exceptions.ConditionalCheckFailedException:
            return
        self.held[key] = {"counter": int(counter) + 1, "checkpoint": new["checkpoint"]["S"], "iterator": None}
        self.say("takes", lease=key, checkpoint=new["checkpoint"]["S"])

    def own(self):
        """The leases that the index says are this worker's."""
        pages = self.dynamo.get_paginator("query").paginate(
            TableName=self.leases, IndexName=INDEX, KeyConditionExpression="leaseOwner = :owner",
            ExpressionAttributeValues={":owner": {"S": self.worker}})
        return [item["leaseKey"]["S"] for page in pages for item in page["Items"]]

    def change(self, key, **changes):
        """Renews a lease, with a checkpoint or not; false when it is lost."""
        state = self.held[key]
        updates = {"leaseCounter": {"Action": "PUT", "Value": {"N": str(state["counter"] + 1)}}}
        updates.update({name: {"Action": "PUT", "Value": value} for name, value in changes.items()})
        try:
            self.dynamo.update_item(
                TableName=self.leases, Key={"leaseKey": {"S": key}}, AttributeUpdates=updates,
                Expected={"leaseCounter": {"Value": {"N": str(state["counter"])}}, "leaseOwner": {"Value": {"S": self.worker}}})
        except self.dynamo.exceptions.ConditionalCheckFailedException:
            del self.held[key]
            self.say("loses", lease=key)
            return False
        state["counter"] += 1
        return True

    # Records.

    def process(self, key):
        state = self.held[key]
        if state["checkpoint"] == "SHARD_END":
            return
        if state["iterator"] is None:
            start = {"ShardIteratorType": "TRIM_HORIZON"} if state["checkpoint"] == "TRIM_HORIZON" else {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": state["checkpoint"]}
            state["iterator"] = self.kinesis.get_shard_iterator(StreamName=self.stream, ShardId=key, **start)["ShardIterator"]
        page = self.kinesis.get_records(ShardIterator=state["iterator"], Limit=10)
        state["iterator"] = page.get("NextShardIterator")
        if page["Records"]:
            self.say("processes", lease=key, records=[record["Data"].decode() for record in page["Records"]])
            checkpoint = page["Records"][-1]["SequenceNumber"]
            if self.change(key, checkpoint={"S": checkpoint}, ownerSwitchesSinceCheckpoint={"N": "0"}):
                self.held[key]["checkpoint"] = checkpoint
                self.say("checkpoints", lease=key, checkpoint=checkpoint, counter=self.held[key]["counter"])
        if key in self.held and state["iterator"] is None and self.change(key, checkpoint={"S": "SHARD_END"}):
            self.held[key]["checkpoint"] = "SHARD_END"

    def report(self):
        self.dynamo.update_item(
            TableName=self.metrics, Key={"wid": {"S": self.worker}},
            AttributeUpdates={"lut": {"Action": "PUT", "Value": {"N": str(int(time.time()))}},
                              "sts": {"Action": "PUT", "Value": {"M": {"CPU": {"L": [{"N": "0.5"}]}}}}})

    def run(self):
        self.make_tables()
        next_look = 0
        while True:
            if time.monotonic() >= next_look:
                if self.is_leader():
                    self.make_leases()
                self.take(self.list())
                self.report()
                for key in list(self.held):
                    self.change(key)
                # The index shows at once what was taken; what somebody took away since is lost at the next renewal.
                missing = set(self.held) - set(self.own())
                for key in missing:
                    assert not self.change(key), f"{key} is held and the index does not show it"
                next_look = time.monotonic() + self.lease_seconds / 4
            for key in list(self.held):
                self.process(key)
            time.sleep(0.02)


if __name__ == "__main__":
    LeaseWorker(*sys.argv[1:5], float(sys.argv[5])).run()
