"""Requests to tables, mutated by their bytes, their structure and their expressions: each is answered, never with a 5xx, and the server lives.

Variables:
    MILLRACE_TABLE_MUTANTS   how many (3000; the whole run is 100000)
    MILLRACE_MUTANT_SEED     which (20261130)
"""

import copy
import http.client
import json
import os
import random

from mutations import mutate_bytes
from server import until
from test_mutants import metric
from test_tables import make

MUTANTS = int(os.environ.get("MILLRACE_TABLE_MUTANTS", "3000"))
SEED = int(os.environ.get("MILLRACE_MUTANT_SEED", "20261130"))
KEY = {"pk": {"S": "a"}, "sk": {"N": "1"}}
VALUES = {":a": {"S": "x"}, ":b": {"N": "1"}, ":c": {"SS": ["x"]}, ":d": {"L": [{"M": {"e": {"BOOL": True}}}]}, ":e": {"B": "AAEC"}}


def requests(table):
    condition = "attribute_exists(pk) AND (n < :b OR begins_with(t, :a)) AND NOT contains(s, :a) AND d[0].e IN (:d, :e) OR size(s) BETWEEN :b AND :b"
    update = "SET n = if_not_exists(n, :b) + :b, l = list_append(:d, :d), m.x[2] = :e REMOVE d[0], t ADD s :c DELETE q :c"
    with_values = {"ExpressionAttributeNames": {"#n": "n"}, "ExpressionAttributeValues": VALUES}
    write = {"Update": {"TableName": table, "Key": KEY, "UpdateExpression": "SET n = :b", "ConditionExpression": "n <> :b",
                        "ExpressionAttributeValues": {":b": {"N": "2"}}}}
    return [
        ("PutItem", {"TableName": table, "Item": {**KEY, "n": {"N": "1"}, "d": VALUES[":d"], "s": VALUES[":c"]}, "ConditionExpression": condition, **with_values}),
        ("UpdateItem", {"TableName": table, "Key": KEY, "UpdateExpression": update, "ConditionExpression": condition, "ReturnValues": "ALL_NEW", **with_values}),
        ("UpdateItem", {"TableName": table, "Key": KEY, "UpdateExpression": "ADD n :b", "ExpressionAttributeValues": {":b": {"N": "1"}}}),
        ("UpdateItem", {"TableName": table, "Key": KEY, "AttributeUpdates": {"n": {"Action": "ADD", "Value": {"N": "1"}}},
                        "Expected": {"n": {"ComparisonOperator": "BETWEEN", "AttributeValueList": [{"N": "1"}, {"N": "5"}]}}}),
        ("DeleteItem", {"TableName": table, "Key": KEY, "Expected": {"x": {"Exists": False}}, "ReturnValues": "ALL_OLD"}),
        ("GetItem", {"TableName": table, "Key": KEY, "ProjectionExpression": "n, d[0].e, #n.x", "ExpressionAttributeNames": {"#n": "m"}}),
        ("Query", {"TableName": table, "KeyConditionExpression": "pk = :a AND sk BETWEEN :b AND :b", "FilterExpression": "contains(s, :a)",
                   "ExpressionAttributeValues": {":a": {"S": "a"}, ":b": {"N": "1"}}, "Limit": 3, "ExclusiveStartKey": KEY}),
        ("Scan", {"TableName": table, "FilterExpression": "n > :b", "ExpressionAttributeValues": {":b": {"N": "1"}}, "Segment": 1, "TotalSegments": 3}),
        ("BatchGetItem", {"RequestItems": {table: {"Keys": [KEY], "ProjectionExpression": "n"}}}),
        ("BatchWriteItem", {"RequestItems": {table: [{"PutRequest": {"Item": KEY}}]}}),
        ("TransactWriteItems", {"TransactItems": [write], "ClientRequestToken": "token"}),
        ("TransactGetItems", {"TransactItems": [{"Get": {"TableName": table, "Key": KEY}}]}),
        ("UpdateTable", {"TableName": table, "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
                         "GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "none"}}]}),
        ("CreateTable", {"TableName": table, "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "BillingMode": "PAY_PER_REQUEST",
                         "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}]}),
        ("UpdateTimeToLive", {"TableName": table, "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "n"}}),
        ("ListTables", {"Limit": 3, "ExclusiveStartTableName": "a"}),
    ]


PIECES = ["(", ")", "a", "#n", ":a", ":none", "=", "<>", " AND ", " OR ", " NOT ", " BETWEEN ", " IN ", "size(", "contains(", "SET ", "REMOVE ", "ADD ",
          ",", ".", "[0]", "[999999999]", "+", "-", "if_not_exists(", "list_append(", "\0", "é", "(" * 300, "NOT " * 200, "a[0]" * 40]
ODD = [None, True, 0, -1, 1e300, "", "x", [], {}, [[]], {"S": "x", "N": "1"}, {"N": "1e999"}, {"M": {"": {"L": []}}}, "9" * 400, {"NULL": True},
       {"L": [{"L": [{"L": [{"S": "deep"}]}]}]}, {"B": "!"}, {"NS": ["1", "1.0"]}]


def places(value, path=()):
    yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, child in children:
        yield from places(child, (*path, name))


def mutated(body, chance):
    """A body with one or two values exchanged, left out, or with an expression cut up."""
    body = copy.deepcopy(body)
    for _ in range(chance.randint(1, 2)):
        path = chance.choice(list(places(body)))
        if not path:
            continue
        parent = body
        for name in path[:-1]:
            parent = parent[name]
        old = parent[path[-1]]
        if isinstance(old, str) and chance.random() < 0.7:
            place = chance.randint(0, len(old))
            parent[path[-1]] = old[:place] + chance.choice(PIECES) + old[place + chance.randint(0, 4):]
        elif chance.random() < 0.3:
            del parent[path[-1]]
        else:
            parent[path[-1]] = copy.deepcopy(chance.choice(ODD))
    return body


def test_mutated_requests_to_tables_are_answered_and_the_server_lives(server):
    table = make(server.client("dynamodb"), sort="N")
    known, chance = requests(table), random.Random(SEED)
    connection = http.client.HTTPConnection(*server.address.split(":"), timeout=20)
    answers = {}
    for number in range(MUTANTS):
        operation, body = chance.choice(known)
        kind = chance.random()
        text = json.dumps(mutated(body, chance) if kind < 0.8 else body).encode()
        if kind >= 0.8:
            text = bytes(mutate_bytes(chance, text))
        connection.request("POST", "/", body=text, headers={
            "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"DynamoDB_20120810.{operation}"})
        answer = connection.getresponse()
        content = answer.read()
        assert answer.status == 200 or 400 <= answer.status < 500, (number, operation, text, answer.status, content)
        answers[answer.status] = answers.get(answer.status, 0) + 1
    print(f"\nseed {SEED}: {answers}")
    assert answers[400] > MUTANTS // 3
    connection.close()
    until(lambda: metric(server, "millrace_memory_reserved_bytes") == 0, what="that no memory is held")
    assert server.client("dynamodb").describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"
