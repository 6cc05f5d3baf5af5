"""Tables in backups, under `millrace verify`, under policies and in the audit trail."""

import json

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
