"""Tables in backups, under `millrace verify`, under policies, in the audit trail, and as earlier builds left them."""

import json
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

from server import Server, unique, until
from test_access import client, environment, new_key, refusal, run
from test_tables import make


def test_tables_are_in_backups_and_verified(mortal, tmp_path):
    dynamo = mortal.client("dynamodb")
    name = make(dynamo, sort="N")
    for number in range(40):
        dynamo.put_item(TableName=name, Item={"pk": {"S": "a"}, "sk": {"N": str(number)}, "text": {"S": "x" * 1000}})
    dynamo.delete_item(TableName=name, Key={"pk": {"S": "a"}, "sk": {"N": "3"}})
    run("backup", str(tmp_path / "backup.tar"), "--endpoint", mortal.endpoint)
    dynamo.delete_table(TableName=name)
    assert "0 corrupt batches" in run("verify", "--data-dir", str(mortal.data_dir)).stdout
    run("restore", str(tmp_path / "backup.tar"), "--data-dir", str(tmp_path / "restored"))
    restored = Server(tmp_path / "restored").start()
    try:
        items = restored.client("dynamodb").query(
            TableName=name, KeyConditionExpression="pk = :a", ExpressionAttributeValues={":a": {"S": "a"}})["Items"]
        assert [int(item["sk"]["N"]) for item in items] == [number for number in range(40) if number != 3]
    finally:
        restored.close()


def test_policies_say_who_may_touch_which_table_and_the_trail_who_changed_one(tmp_path):
    data = tmp_path / "data"
    admin = new_key(data, "admin")
    allowed, closed = unique("allowed"), unique("closed")
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/"
    reader = new_key(data, "reader", [
        {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:BatchGetItem"], "Resource": [arn + allowed, f"{arn}{allowed}/index/*"]},
        {"Effect": "Allow", "Action": "dynamodb:PutItem", "Resource": arn + "*", "Condition": {"StringEquals": {"aws:ResourceTag/team": "blue"}}}],
        tmp_path)
    server = Server(data).start()
    try:
        owner, limited = client(server, admin, "dynamodb"), client(server, reader, "dynamodb")
        for name, tags in ((allowed, []), (closed, [{"Key": "team", "Value": "blue"}])):
            owner.create_table(
                TableName=name, BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}], Tags=tags)
        key, item = {"pk": {"S": "a"}}, {"pk": {"S": "a"}, "n": {"N": "1"}}
        owner.put_item(TableName=allowed, Item=item)
        assert limited.get_item(TableName=allowed, Key=key)["Item"] == item
        assert refusal(limited.get_item, TableName=closed, Key=key)["Code"] == "AccessDeniedException"
        assert refusal(limited.delete_item, TableName=allowed, Key=key)["Code"] == "AccessDeniedException"
        assert refusal(limited.batch_get_item, RequestItems={allowed: {"Keys": [key]}, closed: {"Keys": [key]}})["Code"] == "AccessDeniedException"
        # By the table's tags.
        limited.put_item(TableName=closed, Item=item)
        assert refusal(limited.put_item, TableName=allowed, Item=item)["Code"] == "AccessDeniedException"
        # A transaction needs what its parts need.
        put = {"Put": {"TableName": closed, "Item": item}}
        limited.transact_write_items(TransactItems=[put])
        assert refusal(limited.transact_write_items, TransactItems=[put, {"Delete": {"TableName": allowed, "Key": key}}])["Code"] == "AccessDeniedException"
        assert refusal(limited.list_tables)["Code"] == "AccessDeniedException"
        owner.delete_table(TableName=closed)

        def trail():
            shown = run("cat", "millrace-audit", "--format", "data", environment=environment(server, admin), check=False).stdout
            return [json.loads(line) for line in shown.splitlines() if line.startswith("{")]

        until(lambda: any(event["eventName"] == "DeleteTable" for event in trail()), what="the deletion in the trail")
        events = [(event["eventName"], event["userIdentity"].get("userName"), event.get("errorCode")) for event in trail()]
        assert ("CreateTable", "admin", None) in events and ("DeleteItem", "reader", "AccessDeniedException") in events
        assert not any(name in ("PutItem", "GetItem") and error is None for name, _, error in events)
        resources = [resource["ARN"] for event in trail() if event["eventName"] == "DeleteTable" for resource in event["resources"]]
        assert resources == [arn + closed]
    finally:
        server.close()


# Directories of earlier builds

GOLDEN = Path(__file__).parents[1] / "GoldenDirectories/tables"


def golden_item(number):
    return {"pk": {"S": f"p{number % 3}"}, "sk": {"N": f"{number}.5"}, "owner": {"S": f"o{number % 2}"}, "all": {"M": {
        "s": {"S": "Grüße \0"}, "n": {"N": "-0.000000000000000000000000000000000001"}, "b": {"B": bytes(range(256))}, "t": {"BOOL": True}, "z": {"NULL": True},
        "l": {"L": [{"N": "1"}, {"L": []}, {"M": {}}]}, "ss": {"SS": ["a", "b"]}, "ns": {"NS": ["-1", "2"]}, "bs": {"BS": [b"", b"x"]}}},
        "end": {"N": "9999999999"}}


def make_golden(target):
    """Keeps a directory that a killed server has left. Run by `python3 test_table_upkeep.py make NAME`."""
    with tempfile.TemporaryDirectory() as place:
        server = Server(Path(place) / "data").start()
        dynamo = server.client("dynamodb")
        dynamo.create_table(
            TableName="golden", BillingMode="PAY_PER_REQUEST", Tags=[{"Key": "k", "Value": "v"}],
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind} for name, kind in (("pk", "S"), ("sk", "N"), ("owner", "S"))],
            GlobalSecondaryIndexes=[{"IndexName": "owners", "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["end"]},
                                     "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}]}])
        dynamo.update_time_to_live(TableName="golden", TimeToLiveSpecification={"Enabled": True, "AttributeName": "end"})
        for number in range(30):
            dynamo.put_item(TableName="golden", Item=golden_item(number))
        dynamo.delete_item(TableName="golden", Key={name: golden_item(7)[name] for name in ("pk", "sk")})
        server.kill()
        with tarfile.open(target, "w:gz") as archive:
            archive.add(Path(place) / "data", "data")


@pytest.mark.parametrize("archive", sorted(GOLDEN.glob("*.tar.gz")), ids=lambda path: path.name)
def test_tables_of_earlier_builds_are_read_and_written(archive, tmp_path):
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path, filter="data")
    server = Server(tmp_path / "data").start()
    try:
        dynamo = server.client("dynamodb")
        expected = [golden_item(number) for number in range(30) if number != 7]
        items = [item for page in dynamo.get_paginator("scan").paginate(TableName="golden", PaginationConfig={"PageSize": 7}) for item in page["Items"]]
        assert sorted(items, key=lambda item: float(item["sk"]["N"])) == expected
        query = dict(TableName="golden", IndexName="owners", KeyConditionExpression="#o = :o", ExpressionAttributeNames={"#o": "owner"},
                     ExpressionAttributeValues={":o": {"S": "o1"}})
        names = ("pk", "sk", "owner", "end")
        assert dynamo.query(**query)["Items"] == [{name: item[name] for name in names} for item in expected if item["owner"]["S"] == "o1"]
        assert dynamo.describe_time_to_live(TableName="golden")["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "end"}
        key = {name: expected[0][name] for name in ("pk", "sk")}
        dynamo.update_item(TableName="golden", Key=key, UpdateExpression="SET #o = :o", ExpressionAttributeNames={"#o": "owner"},
                           ExpressionAttributeValues={":o": {"S": "o1"}})
        assert len(dynamo.query(**query)["Items"]) == 15
        dynamo.delete_table(TableName="golden")
        assert dynamo.list_tables()["TableNames"] == []
    finally:
        server.close()


if __name__ == "__main__" and sys.argv[1:2] == ["make"]:
    GOLDEN.mkdir(exist_ok=True)
    make_golden(GOLDEN / f"{sys.argv[2]}.tar.gz")
