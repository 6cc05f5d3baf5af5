"""The DynamoDB API through boto3: the client as scripts call it, and the resource with its tables."""

import decimal
import threading
import time
import uuid

import boto3
import boto3.dynamodb.types
import pytest
from boto3.dynamodb.conditions import Attr, Key
from botocore.config import Config
from botocore.exceptions import ClientError

from server import CREDENTIALS, unique, until


# boto3 takes the zeros at the end of a number for digits of it, and refuses what the service sends (boto3, issue 2500).
boto3.dynamodb.types.DYNAMODB_CONTEXT = decimal.Context(prec=300)


@pytest.fixture
def dynamo(server):
    return server.client("dynamodb")


@pytest.fixture
def resource(server):
    return boto3.resource("dynamodb", endpoint_url=server.endpoint, **CREDENTIALS, config=Config(retries={"max_attempts": 0}))


def make(dynamo, sort=None, **more):
    """A table with the partition key `pk`, and a sort key of a type."""
    name = unique("table")
    dynamo.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}]
        + ([{"AttributeName": "sk", "AttributeType": sort}] if sort else []) + more.pop("attributes", []),
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}] + ([{"AttributeName": "sk", "KeyType": "RANGE"}] if sort else []),
        **more)
    dynamo.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    return name


def refused(error, call, **arguments):
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    assert raised.value.response["Error"]["Code"] == error, raised.value
    return raised.value.response["Error"]["Message"]


def test_a_table_is_made_described_listed_and_deleted(dynamo):
    name = make(dynamo, sort="N", Tags=[{"Key": "team", "Value": "blue"}])
    table = dynamo.describe_table(TableName=name)["Table"]
    assert table["TableStatus"] == "ACTIVE" and table["ItemCount"] == 0
    assert table["TableArn"] == f"arn:aws:dynamodb:us-east-1:000000000000:table/{name}"
    assert [key["KeyType"] for key in table["KeySchema"]] == ["HASH", "RANGE"]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert name in [found for page in dynamo.get_paginator("list_tables").paginate(Limit=2) for found in page["TableNames"]]
    arn = table["TableArn"]
    assert dynamo.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "blue"}]
    dynamo.tag_resource(ResourceArn=arn, Tags=[{"Key": "x", "Value": "y"}])
    dynamo.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert dynamo.list_tags_of_resource(ResourceArn=arn)["Tags"] == [{"Key": "x", "Value": "y"}]
    assert refused("ResourceInUseException", make_again(dynamo, name)) == f"Table already exists: {name}"
    backups = dynamo.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    assert backups["ContinuousBackupsStatus"] == "DISABLED"
    dynamo.update_table(TableName=name, DeletionProtectionEnabled=True)
    assert "protected" in refused("ValidationException", dynamo.delete_table, TableName=name)
    dynamo.update_table(TableName=name, DeletionProtectionEnabled=False)
    dynamo.delete_table(TableName=name)
    dynamo.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    assert refused("ResourceNotFoundException", dynamo.describe_table, TableName=name) == f"Requested resource not found: Table: {name} not found"
    assert refused("ResourceNotFoundException", dynamo.get_item, TableName=name, Key={"pk": {"S": "a"}, "sk": {"N": "1"}}) == "Requested resource not found"


def make_again(dynamo, name):
    return lambda: dynamo.create_table(
        TableName=name, BillingMode="PAY_PER_REQUEST", AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}])


def test_what_is_not_served_is_refused_by_name(dynamo):
    name = make(dynamo)
    assert "ListBackups" in refused("UnknownOperationException", dynamo.list_backups)
    assert "PartiQL" in refused("UnknownOperationException", dynamo.execute_statement, Statement="SELECT * FROM x")
    assert "UpdateContinuousBackups" in refused(
        "UnknownOperationException", dynamo.update_continuous_backups, TableName=name,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True})
    assert "StreamSpecification" in refused(
        "ValidationException", dynamo.update_table, TableName=name,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})


def test_items_of_every_type_come_back_as_they_were_put(resource, dynamo):
    table = resource.Table(make(dynamo))
    item = {
        "pk": "every", "text": "Grüße, 世界 \U0001f30d \u0000 \"quoted\"", "empty": "", "number": decimal.Decimal("-12345678901234567890.123456789012345678"),
        "large": decimal.Decimal("9.9999999999999999999999999999999999999E+125"), "small": decimal.Decimal("1E-130"),
        "bytes": bytes(range(256)), "yes": True, "no": False, "nothing": None, "list": ["a", decimal.Decimal(1), [None, {"deep": b"x"}]],
        "map": {"a": {"b": {"c": [decimal.Decimal("0.1")]}}}, "texts": {"b", "a"}, "numbers": {decimal.Decimal(2), decimal.Decimal("1.5")},
        "blobs": {b"1", b"2"},
    }
    table.put_item(Item=item)
    found = table.get_item(Key={"pk": "every"}, ConsistentRead=True)["Item"]
    for name, value in item.items():
        other = found[name]
        if name == "bytes":
            other = other.value
        if name == "blobs":
            other = {blob.value for blob in other}
        if name == "list":
            other[2][1]["deep"] = other[2][1]["deep"].value
        assert other == value, name
    assert set(found) == set(item)


@pytest.mark.parametrize("number,text", [
    ("1e2", "100"), ("-0", "0"), ("0.000", "0"), ("00012.500", "12.5"), ("1E-5", "0.00001"), ("+7", "7"), (".5", "0.5"), ("5.", "5"),
    ("123456789012345678901234567890.12345678", "123456789012345678901234567890.12345678")])
def test_numbers_have_one_form(dynamo, number, text):
    name = make(dynamo)
    dynamo.put_item(TableName=name, Item={"pk": {"S": "n"}, "n": {"N": number}})
    assert dynamo.get_item(TableName=name, Key={"pk": {"S": "n"}})["Item"]["n"] == {"N": text}
    dynamo.delete_table(TableName=name)


@pytest.mark.parametrize("value,message", [
    ({"N": "abc"}, "The parameter cannot be converted to a numeric value: abc"),
    ({"N": ""}, "The parameter cannot be converted to a numeric value"),
    ({"N": "1e126"}, "Number overflow. Attempting to store a number with magnitude larger than supported range"),
    ({"N": "1e-131"}, "Number underflow. Attempting to store a number with magnitude smaller than supported range"),
    ({"N": "123456789012345678901234567890123456789"}, "Attempting to store more than 38 significant digits in a Number"),
    ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"SS": []}, "One or more parameter values were invalid: An string set  may not be empty"),
    ({"SS": ["a", "a"]}, "One or more parameter values were invalid: Input collection [a, a] contains duplicates."),
    ({"NULL": False}, "One or more parameter values were invalid: Null attribute value types must have the value of true"),
])
def test_values_that_are_none_are_refused_in_the_services_words(dynamo, value, message):
    assert refused("ValidationException", dynamo.put_item, TableName="no-such-table", Item={"pk": {"S": "a"}, "v": value}) == message


def test_keys_have_rules(dynamo):
    name = make(dynamo, sort="B")
    put = lambda **item: refused("ValidationException", dynamo.put_item, TableName=name, Item=item)
    assert put(pk={"S": "a"}) == "One or more parameter values were invalid: Missing the key sk in the item"
    assert put(pk={"N": "1"}, sk={"B": b"x"}) == "One or more parameter values were invalid: Type mismatch for key pk expected: S actual: N"
    assert "empty string value. Key: pk" in put(pk={"S": ""}, sk={"B": b"x"})
    assert "empty binary value. Key: sk" in put(pk={"S": "a"}, sk={"B": b""})
    assert "2048" in put(pk={"S": "a" * 2049}, sk={"B": b"x"})
    assert "1024" in put(pk={"S": "a"}, sk={"B": b"x" * 1025})
    assert refused("ValidationException", dynamo.get_item, TableName=name, Key={"pk": {"S": "a"}}) == "The provided key element does not match the schema"
    key = {"pk": {"S": "a" * 2048}, "sk": {"B": b"\0" * 1024}}
    dynamo.put_item(TableName=name, Item=key)
    assert dynamo.get_item(TableName=name, Key=key)["Item"] == key
    assert refused("ValidationException", dynamo.put_item, TableName=name, Item={**key, "x": {"S": "y" * 409_600}}) == \
        "Item size has exceeded the maximum allowed size"
    room = 409_600 - 2 - 2048 - 2 - 1024 - 1
    dynamo.put_item(TableName=name, Item={**key, "x": {"S": "y" * room}})
    assert len(dynamo.get_item(TableName=name, Key=key)["Item"]["x"]["S"]) == room
    assert refused("ValidationException", dynamo.put_item, TableName=name, Item={**key, "x": {"S": "y" * (room + 1)}})


def test_conditions_hold_or_the_item_is_shown(dynamo):
    name = make(dynamo)
    item = {"pk": {"S": "a"}, "v": {"N": "1"}}
    dynamo.put_item(TableName=name, Item=item, ConditionExpression="attribute_not_exists(pk)")
    with pytest.raises(ClientError) as raised:
        dynamo.put_item(
            TableName=name, Item=item, ConditionExpression="attribute_not_exists(pk)", ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert raised.value.response["Error"]["Code"] == "ConditionalCheckFailedException"
    assert raised.value.response["Error"]["Message"] == "The conditional request failed"
    assert raised.value.response["Item"] == item
    answer = dynamo.update_item(
        TableName=name, Key={"pk": {"S": "a"}}, UpdateExpression="SET v = v + :one, n = if_not_exists(zzz, :map), l = :list",
        ConditionExpression="v = :one AND (size(pk) < :two OR NOT contains(pk, :s))",
        ExpressionAttributeValues={":one": {"N": "1"}, ":two": {"N": "2"}, ":s": {"S": "z"}, ":list": {"L": []}, ":map": {"M": {}}},
        ReturnValues="UPDATED_NEW")
    assert answer["Attributes"] == {"v": {"N": "2"}, "n": {"M": {}}, "l": {"L": []}}
    answer = dynamo.update_item(
        TableName=name, Key={"pk": {"S": "a"}}, UpdateExpression="SET n.x = :x, l[7] = :x, k = list_append(:more, l) REMOVE v ADD s :s",
        ExpressionAttributeValues={":x": {"S": "x"}, ":more": {"L": [{"NULL": True}]}, ":s": {"NS": ["1", "2"]}}, ReturnValues="ALL_NEW")
    assert answer["Attributes"] == {
        "pk": {"S": "a"}, "n": {"M": {"x": {"S": "x"}}}, "l": {"L": [{"S": "x"}]}, "k": {"L": [{"NULL": True}]}, "s": {"NS": ["1", "2"]}}
    answer = dynamo.update_item(
        TableName=name, Key={"pk": {"S": "a"}}, UpdateExpression="DELETE s :s", ExpressionAttributeValues={":s": {"NS": ["2", "1"]}},
        ReturnValues="UPDATED_OLD")
    assert answer["Attributes"] == {"s": {"NS": ["1", "2"]}}
    assert "s" not in dynamo.get_item(TableName=name, Key={"pk": {"S": "a"}})["Item"]
    old = dynamo.delete_item(TableName=name, Key={"pk": {"S": "a"}}, ConditionExpression="n.x = :x", ExpressionAttributeValues={":x": {"S": "x"}},
                             ReturnValues="ALL_OLD", ReturnConsumedCapacity="TOTAL")
    assert old["Attributes"]["n"] == {"M": {"x": {"S": "x"}}} and old["ConsumedCapacity"] == {"TableName": name, "CapacityUnits": 1.0}
    assert "Item" not in dynamo.get_item(TableName=name, Key={"pk": {"S": "a"}})


def test_the_older_forms_of_conditions_and_updates(dynamo):
    name = make(dynamo)
    key = {"pk": {"S": "a"}}
    dynamo.put_item(TableName=name, Item={**key, "leaseCounter": {"N": "1"}}, Expected={"pk": {"Exists": False}})
    assert refused("ConditionalCheckFailedException", dynamo.put_item, TableName=name, Item=key, Expected={"pk": {"Exists": False}})
    answer = dynamo.update_item(
        TableName=name, Key=key, Expected={"leaseCounter": {"Value": {"N": "1"}}},
        AttributeUpdates={"leaseCounter": {"Action": "ADD", "Value": {"N": "1"}}, "leaseOwner": {"Action": "PUT", "Value": {"S": "me"}},
                          "gone": {"Action": "DELETE"}}, ReturnValues="ALL_NEW")
    assert answer["Attributes"] == {**key, "leaseCounter": {"N": "2"}, "leaseOwner": {"S": "me"}}
    assert refused(
        "ConditionalCheckFailedException", dynamo.delete_item, TableName=name, Key=key,
        Expected={"leaseOwner": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "other"}]}, "x": {"ComparisonOperator": "NULL"}})
    found = dynamo.scan(TableName=name, ScanFilter={"leaseOwner": {"ComparisonOperator": "BEGINS_WITH", "AttributeValueList": [{"S": "m"}]}})
    assert found["Count"] == 1
    found = dynamo.query(TableName=name, KeyConditions={"pk": {"ComparisonOperator": "EQ", "AttributeValueList": [{"S": "a"}]}}, AttributesToGet=["pk"])
    assert found["Items"] == [key]


EXPRESSIONS = [
    ("a = ", "Syntax error; token: \"<EOF>\""), ("a", "Syntax error"), ("foo(a)", "Invalid function name; function: foo"),
    ("begins_with(a)", "Incorrect number of operands for operator or function; operator or function: begins_with, number of operands: 1"),
    ("#x = :v", "An expression attribute name used in the document path is not defined; attribute name: #x"),
    ("a = :w", "An expression attribute value used in expression is not defined; attribute value: :w"),
    ("status = :v", "Attribute name is a reserved keyword; reserved keyword: status"),
    ("a = a", "The first operand must be distinct from the remaining operands for this operator or function; operator: =, first operand: [a]"),
    ("((a = :v))", "The expression has redundant parentheses;"), ("a ! b", "Syntax error; token: \"!\""),
    ("attribute_type(a, :v)", "Invalid attribute type name found; type: v, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}"),
    ("size(a)", "Syntax error"), ("a = size(:v)", "Operator or function requires a document path; operator or function: size"),
]


@pytest.mark.parametrize("expression,message", EXPRESSIONS)
def test_wrong_expressions_are_refused_in_the_services_words(dynamo, expression, message):
    text = refused(
        "ValidationException", dynamo.put_item, TableName="no-such-table", Item={"pk": {"S": "a"}}, ConditionExpression=expression,
        ExpressionAttributeValues={":v": {"S": "v"}})
    assert text.startswith("Invalid ConditionExpression: " + message), text


def test_unused_placeholders_are_refused(dynamo):
    text = refused(
        "ValidationException", dynamo.put_item, TableName="none", Item={"pk": {"S": "a"}}, ConditionExpression="a = :v",
        ExpressionAttributeValues={":v": {"S": "v"}, ":w": {"S": "w"}})
    assert text == "Value provided in ExpressionAttributeValues unused in expressions: keys: {:w}"


def test_updates_that_overlap_or_touch_the_key_are_refused(dynamo):
    name = make(dynamo)
    update = lambda expression, **values: refused(
        "ValidationException", dynamo.update_item, TableName=name, Key={"pk": {"S": "a"}}, UpdateExpression=expression,
        ExpressionAttributeValues={f":{key}": value for key, value in values.items()})
    assert update("SET a = :v, a.b = :v", v={"S": "x"}) == \
        "Invalid UpdateExpression: Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [a], path two: [a, b]"
    assert update("SET pk = :v", v={"S": "x"}) == \
        "One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key"
    assert update("SET a = b + :v", v={"N": "1"}) == "The provided expression refers to an attribute that does not exist in the item"
    assert update("SET a.b = :v", v={"N": "1"}) == "The document path provided in the update expression is invalid for update"
    assert update("ADD a :v", v={"S": "1"}) == \
        "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND"
    assert update("SET a = :v SET b = :v", v={"S": "1"}) == \
        "Invalid UpdateExpression: The \"SET\" section can only be used once in an update expression;"


def test_queries_page_through_a_partition_in_order(resource, dynamo):
    table = resource.Table(make(dynamo, sort="N"))
    numbers = [decimal.Decimal(text) for text in ["-1e100", "-20.5", "-20", "-3", "-0.5", "0", "1E-10", "0.5", "2", "10", "10.5", "1e50"]]
    with table.batch_writer() as batch:
        for number in reversed(numbers):
            for partition in "ab":
                batch.put_item(Item={"pk": partition, "sk": number, "even": int(number) % 2 == 0})
    everything = Key("pk").eq("a")
    assert [item["sk"] for item in table.query(KeyConditionExpression=everything)["Items"]] == numbers
    assert [item["sk"] for item in table.query(KeyConditionExpression=everything, ScanIndexForward=False)["Items"]] == numbers[::-1]
    ranges = {
        "eq": (Key("sk").eq(2), [2]), "lt": (Key("sk").lt(-3), numbers[:3]), "lte": (Key("sk").lte(-3), numbers[:4]),
        "gt": (Key("sk").gt(10), numbers[10:]), "gte": (Key("sk").gte(10), numbers[9:]),
        "between": (Key("sk").between(decimal.Decimal("-0.5"), 2), numbers[4:9]), "none": (Key("sk").between(3, 4), []),
    }
    for name, (condition, expected) in ranges.items():
        for forward in (True, False):
            found = table.query(KeyConditionExpression=everything & condition, ScanIndexForward=forward)["Items"]
            assert [item["sk"] for item in found] == (expected if forward else expected[::-1]), (name, forward)
    for forward in (True, False):
        found, start = [], {}
        while True:
            page = table.query(KeyConditionExpression=everything, Limit=5, ScanIndexForward=forward, **start)
            assert page["Count"] <= 5
            found += [item["sk"] for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
        assert found == (numbers if forward else numbers[::-1])
    filtered = table.query(KeyConditionExpression=everything, FilterExpression=Attr("even").eq(True), Select="COUNT")
    assert filtered["ScannedCount"] == 12 and filtered["Count"] == sum(int(number) % 2 == 0 for number in numbers)
    assert refused("ValidationException", table.query, KeyConditionExpression=Key("sk").eq(2)) == \
        "Query condition missed key schema element: pk"
    assert refused("ValidationException", table.query, KeyConditionExpression=everything, FilterExpression=Attr("sk").eq(1)) == \
        "Filter Expression can only contain non-primary key attributes: Primary key attribute: sk"


def test_text_keys_sort_by_their_bytes(resource, dynamo):
    table = resource.Table(make(dynamo, sort="S"))
    texts = ["a", "a\0", "a\0b", "a\x01", "aa", "ab", "b", "é", "世"]
    for text in texts[::-1]:
        table.put_item(Item={"pk": "p", "sk": text})
    found = lambda condition: [item["sk"] for item in table.query(KeyConditionExpression=Key("pk").eq("p") & condition)["Items"]]
    assert found(Key("sk").gte("a")) == texts
    assert found(Key("sk").begins_with("a")) == texts[:6]
    assert found(Key("sk").begins_with("a\0")) == texts[1:3]
    assert found(Key("sk").between("a\0", "aa")) == texts[1:5]


def test_scans_end_pages_at_a_megabyte_and_segments_share_the_table(resource, dynamo):
    table = resource.Table(make(dynamo))
    with table.batch_writer() as batch:
        for number in range(300):
            batch.put_item(Item={"pk": f"key-{number}", "text": "x" * 10_000, "number": number})
    pages = list(dynamo.get_paginator("scan").paginate(TableName=table.name))
    assert sum(page["Count"] for page in pages) == 300 and len(pages) == 3
    assert all(page["Count"] * 10_000 <= 1_060_000 for page in pages)
    found = []
    for segment in range(7):
        start = {}
        while True:
            page = table.scan(Segment=segment, TotalSegments=7, ProjectionExpression="#n", ExpressionAttributeNames={"#n": "number"}, **start)
            found += [int(item["number"]) for item in page["Items"]]
            if "LastEvaluatedKey" not in page:
                break
            start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    assert sorted(found) == list(range(300))
    few = table.scan(FilterExpression=Attr("number").lt(3), Limit=300)
    assert few["ScannedCount"] < 300 and "LastEvaluatedKey" in few


def test_batches_and_their_bounds(resource, dynamo):
    name = make(dynamo)
    puts = [{"PutRequest": {"Item": {"pk": {"S": f"k{n}"}, "n": {"N": str(n)}}}} for n in range(25)]
    assert dynamo.batch_write_item(RequestItems={name: puts})["UnprocessedItems"] == {}
    keys = [{"pk": {"S": f"k{n}"}} for n in range(30)]
    answer = dynamo.batch_get_item(RequestItems={name: {"Keys": keys, "ConsistentRead": True, "ProjectionExpression": "n"}})
    assert sorted(int(item["n"]["N"]) for item in answer["Responses"][name]) == list(range(25)) and answer["UnprocessedKeys"] == {}
    assert refused("ValidationException", dynamo.batch_write_item, RequestItems={name: puts + puts[:1]}) == \
        "Too many items requested for the BatchWriteItem call"
    assert refused("ValidationException", dynamo.batch_write_item, RequestItems={name: puts[:1] * 2}) == \
        "Provided list of item keys contains duplicates"
    dynamo.batch_write_item(RequestItems={name: [{"DeleteRequest": {"Key": key}} for key in keys[:25]]})
    assert dynamo.scan(TableName=name)["Count"] == 0


def test_transactions_are_made_whole_and_once(dynamo):
    one, two = make(dynamo), make(dynamo, sort="S")
    put = {"Put": {"TableName": one, "Item": {"pk": {"S": "a"}, "n": {"N": "1"}}, "ConditionExpression": "attribute_not_exists(pk)"}}
    update = {"Update": {"TableName": two, "Key": {"pk": {"S": "b"}, "sk": {"S": "c"}}, "UpdateExpression": "ADD n :one",
                         "ExpressionAttributeValues": {":one": {"N": "1"}}}}
    token = str(uuid.uuid4())
    for _ in range(3):
        dynamo.transact_write_items(TransactItems=[put, update], ClientRequestToken=token)
    assert refused("IdempotentParameterMismatchException", dynamo.transact_write_items, TransactItems=[update], ClientRequestToken=token)
    read = dynamo.transact_get_items(TransactItems=[
        {"Get": {"TableName": one, "Key": {"pk": {"S": "a"}}}}, {"Get": {"TableName": two, "Key": {"pk": {"S": "b"}, "sk": {"S": "c"}}}},
        {"Get": {"TableName": one, "Key": {"pk": {"S": "none"}}}}])["Responses"]
    assert [item.get("Item", {}).get("n") for item in read] == [{"N": "1"}, {"N": "1"}, None]
    check = {"ConditionCheck": {"TableName": one, "Key": {"pk": {"S": "a"}}, "ConditionExpression": "n = :n",
                                "ExpressionAttributeValues": {":n": {"N": "2"}}, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}}
    with pytest.raises(dynamo.exceptions.TransactionCanceledException) as raised:
        dynamo.transact_write_items(TransactItems=[update, check])
    reasons = raised.value.response["CancellationReasons"]
    assert [reason["Code"] for reason in reasons] == ["None", "ConditionalCheckFailed"]
    assert reasons[1]["Item"] == {"pk": {"S": "a"}, "n": {"N": "1"}}
    assert "[None, ConditionalCheckFailed]" in raised.value.response["Error"]["Message"]
    assert dynamo.get_item(TableName=two, Key={"pk": {"S": "b"}, "sk": {"S": "c"}})["Item"]["n"] == {"N": "1"}
    assert "multiple operations on one item" in refused("ValidationException", dynamo.transact_write_items, TransactItems=[put, put])


def test_a_global_index_is_filled_kept_and_removed(dynamo):
    name = make(dynamo)
    for number in range(50):
        dynamo.put_item(TableName=name, Item={
            "pk": {"S": f"k{number}"}, "owner": {"S": f"w{number % 3}"}, "extra": {"S": "e"}, "more": {"N": str(number)}})
    dynamo.put_item(TableName=name, Item={"pk": {"S": "free"}})
    dynamo.update_table(
        TableName=name, AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}, {"AttributeName": "owner", "AttributeType": "S"}],
        GlobalSecondaryIndexUpdates=[{"Create": {
            "IndexName": "by-owner", "KeySchema": [{"AttributeName": "owner", "KeyType": "HASH"}, {"AttributeName": "pk", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["more"]}}}])
    status = lambda: [index["IndexStatus"] for index in dynamo.describe_table(TableName=name)["Table"].get("GlobalSecondaryIndexes", [])]
    until(lambda: status() == ["ACTIVE"], what="the index to be filled")

    def owned(owner):
        pages = dynamo.get_paginator("query").paginate(
            TableName=name, IndexName="by-owner", KeyConditionExpression="#o = :o", ExpressionAttributeNames={"#o": "owner"},
            ExpressionAttributeValues={":o": {"S": owner}}, PaginationConfig={"PageSize": 7})
        return [item for page in pages for item in page["Items"]]

    assert sorted(item["pk"]["S"] for item in owned("w1")) == sorted(f"k{n}" for n in range(50) if n % 3 == 1)
    assert set(owned("w1")[0]) == {"pk", "owner", "more"}
    dynamo.update_item(TableName=name, Key={"pk": {"S": "k1"}}, UpdateExpression="SET #o = :o", ExpressionAttributeNames={"#o": "owner"},
                       ExpressionAttributeValues={":o": {"S": "w9"}})
    dynamo.update_item(TableName=name, Key={"pk": {"S": "k4"}}, UpdateExpression="REMOVE #o", ExpressionAttributeNames={"#o": "owner"})
    dynamo.delete_item(TableName=name, Key={"pk": {"S": "k7"}})
    assert [item["pk"]["S"] for item in owned("w9")] == ["k1"]
    assert not {"k1", "k4", "k7"} & {item["pk"]["S"] for item in owned("w1")}
    assert dynamo.scan(TableName=name, IndexName="by-owner")["Count"] == 48
    assert "empty string" in refused("ValidationException", dynamo.put_item, TableName=name, Item={"pk": {"S": "x"}, "owner": {"S": ""}})
    assert "Type mismatch for Index Key owner" in refused("ValidationException", dynamo.put_item, TableName=name, Item={"pk": {"S": "x"}, "owner": {"N": "1"}})
    assert refused("ValidationException", dynamo.query, TableName=name, IndexName="other", KeyConditionExpression="pk = :p",
                   ExpressionAttributeValues={":p": {"S": "x"}}) == "The table does not have the specified index: other"
    assert "does not project [extra]" in refused("ValidationException", dynamo.scan, TableName=name, IndexName="by-owner", ProjectionExpression="extra")
    assert "Consistent reads are not supported" in refused("ValidationException", dynamo.scan, TableName=name, IndexName="by-owner", ConsistentRead=True)
    dynamo.update_table(TableName=name, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-owner"}}])
    assert status() == [] and dynamo.scan(TableName=name)["Count"] == 50


def test_local_indexes_show_whole_items_where_asked(dynamo):
    name = make(
        dynamo, sort="S", attributes=[{"AttributeName": "rank", "AttributeType": "N"}],
        LocalSecondaryIndexes=[{
            "IndexName": "by-rank", "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "rank", "KeyType": "RANGE"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"}}])
    for number in (5, 3, 9):
        dynamo.put_item(TableName=name, Item={"pk": {"S": "p"}, "sk": {"S": f"s{number}"}, "rank": {"N": str(number)}, "v": {"S": "v"}})
    query = dict(TableName=name, IndexName="by-rank", KeyConditionExpression="pk = :p", ExpressionAttributeValues={":p": {"S": "p"}}, ConsistentRead=True)
    assert [item["rank"]["N"] for item in dynamo.query(**query)["Items"]] == ["3", "5", "9"]
    assert "v" not in dynamo.query(**query)["Items"][0]
    assert dynamo.query(**query, Select="ALL_ATTRIBUTES")["Items"][0]["v"] == {"S": "v"}


def test_items_expire_when_their_time_has_come(dynamo):
    name = make(dynamo)
    past, future = str(int(time.time()) - 10), str(int(time.time()) + 3600)
    dynamo.put_item(TableName=name, Item={"pk": {"S": "before"}, "end": {"N": past}})
    dynamo.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "end"})
    until(lambda: dynamo.describe_time_to_live(TableName=name)["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "end"},
          what="the times to be gathered")
    items = {"past": {"N": past}, "future": {"N": future}, "text": {"S": past}, "ancient": {"N": "1"}}
    for key, end in items.items():
        dynamo.put_item(TableName=name, Item={"pk": {"S": key}, "end": end})
    until(lambda: sorted(item["pk"]["S"] for item in dynamo.scan(TableName=name)["Items"]) == ["ancient", "future", "text"],
          what="what has expired to go")
    assert refused("ValidationException", dynamo.update_time_to_live, TableName=name,
                   TimeToLiveSpecification={"Enabled": True, "AttributeName": "end"}) == "TimeToLive is already enabled"
    dynamo.update_time_to_live(TableName=name, TimeToLiveSpecification={"Enabled": False, "AttributeName": "end"})
    dynamo.put_item(TableName=name, Item={"pk": {"S": "past"}, "end": {"N": past}})
    assert dynamo.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"] == "DISABLED"


def test_one_item_counted_by_many_loses_nothing(server):
    clients = [server.client("dynamodb") for _ in range(8)]
    name = make(clients[0])

    def count(client):
        for _ in range(40):
            client.update_item(TableName=name, Key={"pk": {"S": "counter"}}, UpdateExpression="ADD n :one",
                               ExpressionAttributeValues={":one": {"N": "1"}})

    threads = [threading.Thread(target=count, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert clients[0].get_item(TableName=name, Key={"pk": {"S": "counter"}})["Item"]["n"] == {"N": "320"}
