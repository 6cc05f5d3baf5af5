"""CloudWatch's numbers of streams and delivery streams, through boto3, the aws CLI and the three protocols that CloudWatch speaks."""

import json
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone

import botocore.session
import cbor2
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from server import CREDENTIALS, Server, unique, until


@pytest.fixture
def cloudwatch(server):
    return server.client("cloudwatch")


@pytest.fixture
def stream(kinesis):
    name = unique("watched")
    kinesis.create_stream(StreamName=name, ShardCount=2)
    yield name
    kinesis.delete_stream(StreamName=name, EnforceConsumerDeletion=True)


def window():
    now = datetime.now(timezone.utc)
    return {"StartTime": now - timedelta(minutes=10), "EndTime": now + timedelta(minutes=1)}


def dimensions(stream, **others):
    return [{"Name": "StreamName", "Value": stream}, *({"Name": name, "Value": value} for name, value in others.items())]


def total(cloudwatch, stream, metric, statistic="Sum", **others):
    """A statistic over ten minutes, whatever minutes they are."""
    points = cloudwatch.get_metric_statistics(
        Namespace="AWS/Kinesis", MetricName=metric, Dimensions=dimensions(stream, **others), Period=3600, Statistics=[statistic],
        **window())["Datapoints"]
    return points[0][statistic] if points else None


def query(name, stream, metric, stat="Sum", period=60, **more):
    return {
        "Id": name,
        "MetricStat": {
            "Metric": {"Namespace": "AWS/Kinesis", "MetricName": metric, "Dimensions": dimensions(stream)}, "Period": period,
            "Stat": stat},
        **more}


def test_puts_and_gets_are_counted(kinesis, cloudwatch, stream):
    kinesis.put_record(StreamName=stream, PartitionKey="ab", Data=b"12345678")
    kinesis.put_records(StreamName=stream, Records=[{"PartitionKey": "k", "Data": b"123"} for _ in range(20)])
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
        kinesis.get_records(ShardIterator=iterator["ShardIterator"])
    sums = {
        "IncomingBytes": 90, "IncomingRecords": 21, "PutRecord.Bytes": 10, "PutRecord.Success": 1, "PutRecords.Bytes": 80,
        "PutRecords.TotalRecords": 20, "PutRecords.SuccessfulRecords": 20, "PutRecords.FailedRecords": 0,
        "PutRecords.ThrottledRecords": 0, "PutRecords.Success": 1, "GetRecords.Bytes": 90, "GetRecords.Records": 21,
        "GetRecords.Success": 2, "GetRecords.IteratorAgeMilliseconds": 0, "ReadProvisionedThroughputExceeded": 0,
        "WriteProvisionedThroughputExceeded": 0}
    assert {metric: total(cloudwatch, stream, metric) for metric in sums} == sums
    assert total(cloudwatch, stream, "IncomingRecords", "Minimum") == 1 and total(cloudwatch, stream, "IncomingRecords", "Maximum") == 20
    assert total(cloudwatch, stream, "IncomingRecords", "SampleCount") == 2
    assert total(cloudwatch, stream, "IncomingRecords", "Average") == 10.5
    assert 0 < total(cloudwatch, stream, "PutRecord.Latency", "Average") < 10_000
    assert 0 < total(cloudwatch, stream, "GetRecords.Latency", "Average") < 10_000
    # Of the whole stream; nothing else has the dimensions.
    assert total(cloudwatch, stream, "IncomingRecords", ShardId="shardId-000000000000") is None
    assert total(cloudwatch, unique("none"), "IncomingRecords") is None


def test_shards_are_counted_where_that_is_wanted(kinesis, cloudwatch, stream):
    kinesis.enable_enhanced_monitoring(StreamName=stream, ShardLevelMetrics=["IncomingRecords", "OutgoingBytes"])
    kinesis.put_records(
        StreamName=stream,
        Records=[{"PartitionKey": "k", "Data": b"123", "ExplicitHashKey": key} for key in ("0", "1", str(2**128 - 1))])
    shard = "shardId-000000000000"
    iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    kinesis.get_records(ShardIterator=iterator)
    assert total(cloudwatch, stream, "IncomingRecords", ShardId=shard) == 2
    assert total(cloudwatch, stream, "IncomingRecords", ShardId="shardId-000000000001") == 1
    assert total(cloudwatch, stream, "OutgoingBytes", ShardId=shard) == 8
    assert total(cloudwatch, stream, "IncomingBytes", ShardId=shard) is None
    kinesis.disable_enhanced_monitoring(StreamName=stream, ShardLevelMetrics=["ALL"])
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"1", ExplicitHashKey="0")
    assert total(cloudwatch, stream, "IncomingRecords", ShardId=shard) == 2


def test_a_subscription_is_counted_by_its_consumer(server, kinesis, cloudwatch, stream):
    arn = kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["StreamARN"]
    consumer = kinesis.register_stream_consumer(StreamARN=arn, ConsumerName="c")["Consumer"]["ConsumerARN"]
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"12345", ExplicitHashKey="0")
    events = kinesis.subscribe_to_shard(
        ConsumerARN=consumer, ShardId="shardId-000000000000", StartingPosition={"Type": "TRIM_HORIZON"})["EventStream"]
    for event in events:
        if event["SubscribeToShardEvent"]["Records"]:
            break
    events.close()
    assert total(cloudwatch, stream, "SubscribeToShard.Success", ConsumerName="c") == 1
    assert total(cloudwatch, stream, "SubscribeToShardEvent.Records", ConsumerName="c") == 1
    assert total(cloudwatch, stream, "SubscribeToShardEvent.Bytes", ConsumerName="c") == 6


def test_throttled_records_are_counted(tmp_path):
    server = Server(tmp_path / "data", "--strict-limits").start()
    try:
        kinesis, cloudwatch = server.client("kinesis"), server.client("cloudwatch")
        kinesis.create_stream(StreamName="s", ShardCount=1)
        failed = 0
        for _ in range(3):
            failed += kinesis.put_records(
                StreamName="s", Records=[{"PartitionKey": "k", "Data": b"x"} for _ in range(500)])["FailedRecordCount"]
        assert failed > 0
        assert total(cloudwatch, "s", "PutRecords.ThrottledRecords") == failed
        assert total(cloudwatch, "s", "WriteProvisionedThroughputExceeded") == failed
        assert total(cloudwatch, "s", "IncomingRecords") == 1500 - failed
        assert total(cloudwatch, "s", "PutRecords.TotalRecords") == 1500
        iterator = kinesis.get_shard_iterator(
            StreamName="s", ShardId="shardId-000000000000", ShardIteratorType="LATEST")["ShardIterator"]
        refused = 0
        for _ in range(10):
            try:
                kinesis.get_records(ShardIterator=iterator)
            except ClientError:
                refused += 1
        assert refused > 0 and total(cloudwatch, "s", "ReadProvisionedThroughputExceeded") == refused
        assert total(cloudwatch, "s", "GetRecords.Success", "SampleCount") == 10
    finally:
        server.close()


def test_metric_data_has_many_queries_arithmetic_and_pages(kinesis, cloudwatch, stream):
    kinesis.put_records(StreamName=stream, Records=[{"PartitionKey": "k", "Data": b"123"} for _ in range(4)])
    queries = [
        query("bytes", stream, "IncomingBytes", ReturnData=False), query("records", stream, "IncomingRecords", Label="how many"),
        {"Id": "each", "Expression": "bytes / records * (1 + 1) - 2"}]
    answer = cloudwatch.get_metric_data(MetricDataQueries=queries, **window())
    found = {result["Id"]: result for result in answer["MetricDataResults"]}
    assert list(found) == ["records", "each"] and answer["Messages"] == []
    assert (found["records"]["Label"], found["each"]["Label"]) == ("how many", "each")
    # It may have been two minutes.
    assert sum(found["records"]["Values"]) == 4 and set(found["each"]["Values"]) == {6.0}
    assert found["records"]["StatusCode"] == "Complete"
    assert all(time.second == 0 for time in found["records"]["Timestamps"])
    paged, token = [], {}
    while True:
        page = cloudwatch.get_metric_data(
            MetricDataQueries=[query("a", stream, "IncomingBytes"), query("b", stream, "IncomingRecords")], MaxDatapoints=1, **window(),
            **token)
        paged += [(result["Id"], value) for result in page["MetricDataResults"] for value in result["Values"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert {name for name, _ in paged} == {"a", "b"} and sum(value for name, value in paged if name == "a") == 16


def refusal(call, *arguments, **members):
    with pytest.raises(ClientError) as error:
        call(*arguments, **members)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_what_is_wrong_is_refused_by_name(cloudwatch, stream):
    def statistics(**members):
        return refusal(cloudwatch.get_metric_statistics, **{
            "Namespace": "AWS/Kinesis", "MetricName": "IncomingBytes", "Dimensions": dimensions(stream), "Period": 60, **window(),
            **({} if "ExtendedStatistics" in members else {"Statistics": ["Sum"]}), **members})

    code, message = statistics(ExtendedStatistics=["p99.9"])
    assert code == "InvalidParameterValue" and "p99.9" in message and "extended statistic" in message
    assert statistics(Period=61)[0] == "InvalidParameterValue"
    now = datetime.now(timezone.utc)
    assert statistics(StartTime=now, EndTime=now)[0] == "InvalidParameterValue"
    code, message = statistics(StartTime=now - timedelta(days=3))
    assert code == "InvalidParameterCombination" and "exceeds the limit of 1440" in message
    assert statistics(Statistics=["Median"])[0] == "InvalidParameterValue"

    def data(*queries, **members):
        return refusal(cloudwatch.get_metric_data, MetricDataQueries=list(queries), **{**window(), **members})

    code, message = data(query("a", stream, "IncomingBytes"), {"Id": "b", "Expression": "FILL(a, 0)"})
    assert code == "ValidationError" and "FILL" in message
    assert "is not that of a query" in data({"Id": "b", "Expression": "a + 1"})[1]
    assert "goes round in a circle" in data({"Id": "b", "Expression": "b + 1"})[1]
    assert "extended statistic" in data(query("a", stream, "IncomingBytes", stat="tm90"))[1]
    assert data({"Id": "Upper", "Expression": "1"})[0] == "ValidationError"
    assert data(query("a", stream, "IncomingBytes"), NextToken="?")[0] == "InvalidNextToken"
    assert refusal(cloudwatch.list_metrics, NextToken="!")[0] == "InvalidNextToken"
    depth = "(" * 1000
    assert "too deep" in data({"Id": "b", "Expression": depth})[1]


def test_metrics_are_listed(kinesis, cloudwatch, stream):
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"x")
    found = [
        metric for page in cloudwatch.get_paginator("list_metrics").paginate(Namespace="AWS/Kinesis", Dimensions=dimensions(stream))
        for metric in page["Metrics"]]
    names = {metric["MetricName"] for metric in found}
    assert {"IncomingBytes", "IncomingRecords", "PutRecord.Latency"} <= names and "GetRecords.Bytes" not in names
    assert all(metric["Dimensions"] == dimensions(stream) for metric in found)
    assert cloudwatch.list_metrics(
        MetricName="IncomingBytes", Dimensions=[{"Name": "StreamName"}], RecentlyActive="PT3H")["Metrics"]
    assert cloudwatch.list_metrics(Namespace="AWS/EC2")["Metrics"] == []


def test_pages_of_metrics(mortal):
    kinesis, cloudwatch = mortal.client("kinesis"), mortal.client("cloudwatch")
    for number in range(70):
        kinesis.create_stream(StreamName=f"s-{number}", ShardCount=1)
        kinesis.put_records(StreamName=f"s-{number}", Records=[{"PartitionKey": "k", "Data": b"x"}])
    pages = list(cloudwatch.get_paginator("list_metrics").paginate())
    found = [(metric["MetricName"], str(metric["Dimensions"])) for page in pages for metric in page["Metrics"]]
    assert len(pages) == 2 and len(pages[0]["Metrics"]) == 500 and len(found) == len(set(found)) == 70 * 11


def test_delivery_streams_are_counted(server, cloudwatch):
    firehose, name = server.client("firehose"), unique("archive")
    firehose.create_delivery_stream(
        DeliveryStreamName=name, ExtendedS3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::000000000000:role/r", "BucketARN": f"arn:aws:s3:::{name}",
            "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0}})
    firehose.put_record(DeliveryStreamName=name, Record={"Data": b"12345"})
    firehose.put_record_batch(DeliveryStreamName=name, Records=[{"Data": b"123"}, {"Data": b"12"}])

    def sums(*metrics):
        found = {}
        for metric in metrics:
            points = cloudwatch.get_metric_statistics(
                Namespace="AWS/Firehose", MetricName=metric, Dimensions=[{"Name": "DeliveryStreamName", "Value": name}], Period=3600,
                Statistics=["Sum"], **window())["Datapoints"]
            found[metric] = points[0]["Sum"] if points else None
        return found

    assert sums("IncomingBytes", "IncomingRecords", "PutRecord.Bytes", "PutRecordBatch.Records", "PutRecordBatch.Requests") == {
        "IncomingBytes": 10, "IncomingRecords": 3, "PutRecord.Bytes": 5, "PutRecordBatch.Records": 2, "PutRecordBatch.Requests": 1}
    until(lambda: sums("DeliveryToS3.Records")["DeliveryToS3.Records"] == 3, what="the delivery of three records")
    found = sums("DeliveryToS3.Bytes", "DeliveryToS3.Success", "DeliveryToS3.DataFreshness")
    assert found["DeliveryToS3.Bytes"] == 10 and found["DeliveryToS3.Success"] >= 1 and found["DeliveryToS3.DataFreshness"] is not None
    firehose.delete_delivery_stream(DeliveryStreamName=name)


def test_the_command_line(server, kinesis, stream):
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"12345")
    start, end = (window()[name].strftime("%Y-%m-%dT%H:%M:%SZ") for name in ("StartTime", "EndTime"))
    answer = server.aws(
        "cloudwatch", "get-metric-statistics", "--namespace", "AWS/Kinesis", "--metric-name", "IncomingBytes", "--dimensions",
        f"Name=StreamName,Value={stream}", "--start-time", start, "--end-time", end, "--period", "3600", "--statistics", "Sum",
        "Maximum")
    assert (answer["Label"], [(point["Sum"], point["Maximum"], point["Unit"]) for point in answer["Datapoints"]]) == (
        "IncomingBytes", [(6, 6, "Bytes")])
    answer = server.aws(
        "cloudwatch", "get-metric-data", "--start-time", start, "--end-time", end, "--metric-data-queries",
        json.dumps([query("a", stream, "IncomingRecords", period=3600)]))
    assert answer["MetricDataResults"][0]["Values"] == [1.0]
    answer = server.aws("cloudwatch", "list-metrics", "--namespace", "AWS/Kinesis", "--dimensions", f"Name=StreamName,Value={stream}")
    assert {"IncomingBytes", "IncomingRecords"} <= {metric["MetricName"] for metric in answer["Metrics"]}
    refused = server.aws("cloudwatch", "list-metrics", "--next-token", "!", check=False)
    assert "InvalidNextToken" in refused.stderr


@pytest.mark.parametrize("protocol", ["query", "json"])
def test_older_protocols(server, kinesis, stream, protocol):
    """Older SDKs speak the Query protocol, others JSON; botocore is told which by its model."""
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"12345")
    session = botocore.session.get_session()
    loader = session.get_component("data_loader")
    load = loader.load_service_model

    def changed(service, *arguments, **members):
        model = load(service, *arguments, **members)
        if service == "cloudwatch" and "metadata" in model:
            model = json.loads(json.dumps(model))
            model["metadata"]["protocols"] = [protocol]
            model["metadata"]["protocol"] = protocol
        return model

    loader.load_service_model = changed
    client = session.create_client(
        "cloudwatch", endpoint_url=server.endpoint, region_name=CREDENTIALS["region_name"], aws_access_key_id="test",
        aws_secret_access_key="test", config=Config(retries={"max_attempts": 0}))
    assert client.meta.service_model.protocol == protocol
    assert total(client, stream, "IncomingBytes") == 6
    answer = client.get_metric_data(
        MetricDataQueries=[query("a", stream, "IncomingRecords", ReturnData=True), {"Id": "b", "Expression": "a * 2"}],
        ScanBy="TimestampAscending", MaxDatapoints=5, **window())
    assert [(result["Id"], sum(result["Values"])) for result in answer["MetricDataResults"]] == [("a", 1), ("b", 2)]
    assert answer["MetricDataResults"][0]["Timestamps"][0].second == 0
    listed = client.list_metrics(Namespace="AWS/Kinesis", MetricName="IncomingBytes", Dimensions=dimensions(stream))["Metrics"]
    assert [(metric["MetricName"], metric["Dimensions"]) for metric in listed] == [("IncomingBytes", dimensions(stream))]
    assert refusal(
        client.get_metric_statistics, Namespace="AWS/Kinesis", MetricName="IncomingBytes", Period=61, Statistics=["Sum"],
        **window())[0] == "InvalidParameterValue"


def post(server, path, body, **headers):
    request = urllib.request.Request(
        server.endpoint + path, data=body, headers={name.replace("_", "-"): value for name, value in headers.items()}, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_the_heads_of_the_cbor_protocol(server):
    path = "/service/GraniteServiceVersion20100801/operation/"
    status, headers, body = post(server, path + "ListMetrics", cbor2.dumps({}), Content_Type="application/cbor", Smithy_Protocol="rpc-v2-cbor")
    assert (status, headers["smithy-protocol"], headers["content-type"]) == (200, "rpc-v2-cbor", "application/cbor")
    assert "Metrics" in cbor2.loads(body)
    status, headers, body = post(server, path + "GetMetricStatistics", cbor2.dumps({}), Content_Type="application/cbor")
    assert (status, headers["smithy-protocol"], headers["x-amzn-query-error"]) == (400, "rpc-v2-cbor", "MissingParameter;Sender")
    assert cbor2.loads(body)["__type"] == "MissingRequiredParameterException"
    for wrong in ("PutDashboard", "", "ListMetrics/more", "../ListMetrics"):
        assert post(server, path + wrong, cbor2.dumps({}), Content_Type="application/cbor")[0] in (403, 404)


def test_bad_forms_are_answered(server):
    def form(**parameters):
        body = urllib.parse.urlencode({"Action": "GetMetricData", "Version": "2010-08-01", **parameters}).encode()
        return post(server, "/", body, Content_Type="application/x-www-form-urlencoded")

    for parameters in (
            {}, {"MetricDataQueries.member.1": "x"}, {"MetricDataQueries": "x"}, {"MetricDataQueries.member.x.Id": "a"},
            {"MetricDataQueries.member.1.Id": "a", "StartTime": "yesterday"}, {"." * 500: "x"}, {"a" + ".b" * 100: "c"},
            {"StartTime": "0000-00-00T00:00:00Z"}, {"StartTime": "1e400", "EndTime": "-1e400"},
            {"MaxDatapoints": "99999999999999999999"}, {"StartTime": "9999-12-31T23:59:60Z"}):
        status, _, body = form(**parameters)
        assert status == 400 and b"<ErrorResponse" in body, parameters
    for start, end in ((-(2**63), 2**63 - 1), (1e300, 1e308), (-1e308, 1e308)):
        body = json.dumps({
            "MetricDataQueries": [query("a", "s", "IncomingBytes", period=2**31 - 68)], "StartTime": start, "EndTime": end}).encode()
        status, _, _ = post(
            server, "/", body, Content_Type="application/x-amz-json-1.0", X_Amz_Target="GraniteServiceVersion20100801.GetMetricData")
        assert status in (200, 400)
