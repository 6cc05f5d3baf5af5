"""Who may do what: keys, signatures and policies, through the SDK, the aws CLI, curl and the verbs."""

import base64
import gzip
import json
import os
import subprocess
import urllib.error
import urllib.request

import boto3
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from server import ACCOUNT, BINARY, Server, unique, until


def run(*arguments, environment=None, check=True):
    result = subprocess.run(
        [BINARY, *arguments], capture_output=True, text=True, timeout=60, env={**os.environ, **(environment or {})})
    assert not check or result.returncode == 0, (arguments, result.returncode, result.stdout, result.stderr)
    return result


def new_key(data_dir, user, policy=None, tmp_path=None):
    options = []
    if policy is not None:
        path = tmp_path / f"{unique('policy')}.json"
        path.write_text(json.dumps({"Version": "2012-10-17", "Statement": policy}))
        options = ["--policy", str(path)]
    made = run("credentials", "create", user, "--data-dir", str(data_dir), "--output", "json", *options)
    return json.loads(made.stdout)


def client(server, key, service="kinesis", token=None):
    return boto3.client(
        service, endpoint_url=server.endpoint, aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"], aws_session_token=token, region_name="eu-central-1",
        config=Config(retries={"max_attempts": 0}, connect_timeout=5, read_timeout=20))


def refusal(call, *arguments, **options):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **options)
    return caught.value.response["Error"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    """A server that checks, and the key of somebody who may do everything."""
    data = tmp_path_factory.mktemp("guarded") / "data"
    key = new_key(data, "admin")
    server = Server(data).start()
    yield server, key
    server.close()


def environment(server, key):
    return {
        "AWS_ENDPOINT_URL": server.endpoint, "AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }


def test_every_service_answers_who_signs_and_nobody_else(guarded):
    server, key = guarded
    name = unique("guarded")
    kinesis = client(server, key)
    kinesis.create_stream(StreamName=name, ShardCount=2)
    kinesis.put_records(StreamName=name, Records=[{"Data": b"x" * 200_000, "PartitionKey": str(n)} for n in range(20)])
    shard = kinesis.list_shards(StreamName=name)["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")["ShardIterator"]
    assert kinesis.get_records(ShardIterator=iterator)["Records"]
    assert client(server, key, "firehose").list_delivery_streams()["DeliveryStreamNames"] == []
    assert client(server, key, "kinesisanalyticsv2").list_applications()["ApplicationSummaries"] == []
    assert client(server, key, "cloudwatch").list_metrics(Namespace="AWS/Kinesis") is not None
    identity = client(server, key, "sts").get_caller_identity()
    assert identity["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/admin"
    wrong = {**key, "SecretAccessKey": key["SecretAccessKey"][:-1] + "!"}
    unknown = {**key, "AccessKeyId": "AKIA" + "A" * 16}
    for service, call in [
        ("kinesis", lambda c: c.list_streams), ("firehose", lambda c: c.list_delivery_streams),
        ("kinesisanalyticsv2", lambda c: c.list_applications), ("cloudwatch", lambda c: c.list_metrics),
        ("sts", lambda c: c.get_caller_identity),
    ]:
        forms = service == "sts"
        error = refusal(call(client(server, wrong, service)))
        assert error["Code"] == ("SignatureDoesNotMatch" if forms else "InvalidSignatureException"), (service, error)
        error = refusal(call(client(server, unknown, service)))
        assert error["Code"] == ("InvalidClientTokenId" if forms else "UnrecognizedClientException"), (service, error)
    request = urllib.request.Request(
        server.endpoint, data=b"{}", headers={"Content-Type": "application/x-amz-json-1.1",
                                              "X-Amz-Target": "Kinesis_20131202.ListStreams"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=10)
    assert caught.value.code == 400 and json.load(caught.value)["__type"] == "MissingAuthenticationTokenException"


def test_a_presigned_page_is_good_until_its_time_is_over(guarded):
    server, key = guarded
    credentials = Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def status(expires, change=lambda url: url):
        request = AWSRequest("GET", server.endpoint + "/metrics")
        SigV4QueryAuth(credentials, "millrace", "us-east-1", expires=expires).add_auth(request)
        try:
            with urllib.request.urlopen(change(request.url), timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    assert status(60) == 200
    assert status(60, lambda url: url.replace("/metrics", "/backup")) == 403
    assert status(60, lambda url: url.replace("Expires=60", "Expires=600")) == 403
    assert status(604_801) == 403


def test_a_user_may_do_what_his_policies_say(guarded, tmp_path):
    server, admin = guarded
    name, other = unique("may"), unique("maynot")
    owner = client(server, admin)
    for stream in (name, other):
        owner.create_stream(StreamName=stream, ShardCount=1)
    arn = f"arn:aws:kinesis:*:{ACCOUNT}:stream/{name}"
    key = new_key(server.data_dir, "writer", [
        {"Effect": "Allow", "Action": ["kinesis:PutRecord*", "kinesis:DescribeStreamSummary"], "Resource": arn},
        {"Effect": "Deny", "Action": "kinesis:PutRecords", "Resource": "*"}], tmp_path)
    writer = client(server, key)

    def is_known():
        try:
            return writer.describe_stream_summary(StreamName=name)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "UnrecognizedClientException"
            return None

    until(is_known)
    assert writer.put_record(StreamName=name, Data=b"1", PartitionKey="a")["SequenceNumber"]
    assert refusal(writer.put_record, StreamName=other, Data=b"1", PartitionKey="a") == {
        "Code": "AccessDeniedException",
        "Message": f"User: arn:aws:iam::{ACCOUNT}:user/writer is not authorized to perform: kinesis:PutRecord on resource: "
                   f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{other} because no identity-based policy allows the "
                   "kinesis:PutRecord action"}
    error = refusal(writer.put_records, StreamName=name, Records=[{"Data": b"1", "PartitionKey": "a"}])
    assert error["Message"].endswith("with an explicit deny in an identity-based policy")
    assert refusal(writer.list_streams)["Code"] == "AccessDeniedException"
    assert refusal(writer.describe_stream_summary, StreamARN="arn:aws:kinesis:us-east-1:1:stream/" + name)
    # The stream's own policy opens it to him, and after a restart too.
    stream = owner.describe_stream_summary(StreamName=other)["StreamDescriptionSummary"]["StreamARN"]
    owner.put_resource_policy(ResourceARN=stream, Policy=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/writer"}, "Action": "kinesis:PutRecord",
         "Resource": f"arn:aws:kinesis:*:{ACCOUNT}:stream/{other}"},
        {"Effect": "Deny", "Principal": "*", "Action": "kinesis:DeleteStream", "Resource": "*"}]}))
    assert writer.put_record(StreamName=other, Data=b"1", PartitionKey="a")["SequenceNumber"]
    server.kill()
    server.start()
    error = refusal(owner.delete_stream, StreamName=other)
    assert error["Message"].endswith("with an explicit deny in a resource-based policy")
    assert writer.put_record(StreamName=other, Data=b"1", PartitionKey="a")["SequenceNumber"]
    # A key that is revoked is worth nothing a second later.
    run("credentials", "revoke", key["AccessKeyId"], "--data-dir", str(server.data_dir))

    def is_revoked():
        try:
            writer.put_record(StreamName=name, Data=b"1", PartitionKey="a")
        except ClientError as caught:
            return caught.response["Error"]["Code"] == "UnrecognizedClientException"
        return False

    until(is_revoked)


def test_a_deny_holds_whichever_way_a_thing_is_named(guarded, tmp_path):
    server, admin = guarded
    name, free = unique("denied"), unique("free")
    owner = client(server, admin)
    for stream in (name, free):
        owner.create_stream(StreamName=stream, ShardCount=3)
    arn = owner.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    consumer = owner.register_stream_consumer(StreamARN=arn, ConsumerName="app")["Consumer"]["ConsumerARN"]
    token = owner.list_shards(StreamName=name, MaxResults=1)["NextToken"]
    key = new_key(server.data_dir, "limited", [
        {"Effect": "Allow", "Action": "*", "Resource": "*"},
        {"Effect": "Deny", "Action": "kinesis:*", "Resource": f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}"},
        {"Effect": "Deny", "Action": "*", "Resource": "arn:aws:kinesis:*:*:stream/*/consumer/*"}], tmp_path)
    user = client(server, key)

    def denied(call, **options):
        error = refusal(call, **options)
        return error["Code"] == "AccessDeniedException" and "explicit deny" in error["Message"]

    until(lambda: refusal(user.list_shards, StreamName=name)["Code"] == "AccessDeniedException")
    for region in ("us-east-1", "us-west-2"):
        other = boto3.client("kinesis", endpoint_url=server.endpoint, aws_access_key_id=key["AccessKeyId"],
                             aws_secret_access_key=key["SecretAccessKey"], region_name=region)
        assert denied(other.put_record, StreamName=name, Data=b"1", PartitionKey="a")
        assert denied(other.put_record, StreamARN=arn, Data=b"1", PartitionKey="a")
    assert denied(user.list_shards, NextToken=token)
    assert denied(user.describe_stream_consumer, ConsumerARN=consumer)
    assert denied(user.describe_stream_consumer, StreamARN=arn, ConsumerName="app")
    assert denied(user.deregister_stream_consumer, StreamARN=arn, ConsumerName="app")
    analytics = client(server, key, "kinesisanalyticsv2")
    assert denied(analytics.discover_input_schema, ResourceARN=arn, ServiceExecutionRole=f"arn:aws:iam::{ACCOUNT}:role/x")
    assert user.put_record(StreamName=free, Data=b'{"a": 1}', PartitionKey="a")
    owner.put_record(StreamName=name, Data=b'{"a": 1}', PartitionKey="a")
    mine = environment(server, key)
    assert "1" in run("query", f'SELECT COUNT(*) FROM "{free}"', environment=mine).stdout
    refused = run("query", f'SELECT COUNT(*) FROM "{name}"', environment=mine, check=False)
    assert refused.returncode == 6 and "kinesis:GetRecords" in refused.stderr, refused.stderr
    folded = run("query", f"SELECT COUNT(*) FROM {name.replace('-', '_')}", environment=mine, check=False)
    assert folded.returncode != 0


def test_a_compressed_call_is_signed_as_it_is_sent(guarded):
    server, key = guarded
    name = unique("gzip")
    client(server, key).create_stream(StreamName=name, ShardCount=1)
    body = gzip.compress(json.dumps({"StreamName": name}).encode())

    def status(sent):
        request = AWSRequest(
            "POST", server.endpoint + "/", data=body, headers={
                "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "Kinesis_20131202.DescribeStreamSummary",
                "Content-Encoding": "gzip"})
        SigV4Auth(Credentials(key["AccessKeyId"], key["SecretAccessKey"]), "kinesis", "us-east-1").add_auth(request)
        call = urllib.request.Request(request.url, data=sent, headers=dict(request.headers.items()))
        try:
            with urllib.request.urlopen(call, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return json.load(error)["__type"]

    assert status(body) == 200
    assert status(gzip.compress(json.dumps({"StreamName": name}).encode(), mtime=1)) == "InvalidSignatureException"


def test_conditions_see_address_tags_and_time(guarded, tmp_path):
    server, admin = guarded
    red, blue = unique("red"), unique("blue")
    owner = client(server, admin)
    for stream, team in ((red, "red"), (blue, "blue")):
        owner.create_stream(StreamName=stream, ShardCount=1, Tags={"team": team})
    key = new_key(server.data_dir, "red", [
        {"Effect": "Allow", "Action": "kinesis:*", "Resource": "*", "Condition": {
            "StringEquals": {"aws:ResourceTag/team": "red"}, "IpAddress": {"aws:SourceIp": "127.0.0.0/8"},
            "DateLessThan": {"aws:CurrentTime": "2100-01-01T00:00:00Z"}}}], tmp_path)
    user = client(server, key)
    until(lambda: "UnrecognizedClientException" != refusal(user.list_streams)["Code"])
    assert user.put_record(StreamName=red, Data=b"1", PartitionKey="a")
    assert refusal(user.put_record, StreamName=blue, Data=b"1", PartitionKey="a")["Code"] == "AccessDeniedException"


def test_a_session_is_a_key_for_a_while(guarded):
    server, admin = guarded
    sts = client(server, admin, "sts")
    assert refusal(sts.get_session_token, DurationSeconds=200_000)["Code"] == "ValidationException"
    made = sts.get_session_token(DurationSeconds=900)["Credentials"]
    session = client(server, made, token=made["SessionToken"])
    assert "StreamNames" in session.list_streams()
    own = client(server, made, "sts", made["SessionToken"])
    assert own.get_caller_identity()["Arn"].endswith(":user/admin")
    assert refusal(own.get_session_token)["Code"].startswith("AccessDenied")
    assert refusal(client(server, made).list_streams)["Code"] == "UnrecognizedClientException"


def test_the_verbs_sign_and_say_when_they_are_refused(guarded, tmp_path):
    server, key = guarded
    name = unique("verbs")
    signed = environment(server, key)
    run("stream", "create", name, environment=signed)
    put = subprocess.run(
        [BINARY, "put", name], input="a\nb\n", env={**os.environ, **signed}, capture_output=True, text=True, timeout=60)
    assert put.returncode == 0, put.stderr
    assert run("cat", name, "--format", "data", environment=signed).stdout.split() == ["a", "b"]
    backup = tmp_path / "backup.tar"
    run("backup", str(backup), environment=signed)
    assert backup.stat().st_size > 0 and key["SecretAccessKey"].encode() not in backup.read_bytes()
    wrong = {**signed, "AWS_SECRET_ACCESS_KEY": "wrong"}
    refused = run("stream", "ls", environment=wrong, check=False)
    assert refused.returncode == 6 and "InvalidSignatureException" in refused.stderr
    assert run("backup", str(tmp_path / "no.tar"), environment=wrong, check=False).returncode == 6
    listed = subprocess.run(
        ["aws", "kinesis", "list-streams"], env={**os.environ, **signed}, capture_output=True, text=True, timeout=60)
    assert name in json.loads(listed.stdout)["StreamNames"]


def test_pages_are_for_who_has_a_key(guarded):
    server, key = guarded

    def status(path, user=None, password=None):
        request = urllib.request.Request(server.endpoint + path)
        if user:
            request.add_header("Authorization", "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode())
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    assert status("/healthz") == status("/readyz") == 200
    for path in ("/metrics", "/backup"):
        assert status(path) == 401
        assert status(path, key["AccessKeyId"], "wrong") == 401
    assert status("/metrics", key["AccessKeyId"], key["SecretAccessKey"]) == 200


def test_the_audit_trail_tells_who_changed_what_and_who_was_refused(guarded, tmp_path):
    server, admin = guarded
    name = unique("audited")
    owner = client(server, admin)
    owner.create_stream(StreamName=name, ShardCount=1)
    refusal(client(server, {**admin, "SecretAccessKey": "w" * 40}).delete_stream, StreamName=name)
    owner.put_record(StreamName=name, Data=b"1", PartitionKey="a")

    def trail():
        shown = run("cat", "millrace-audit", "--format", "data", environment=environment(server, admin)).stdout
        events = [json.loads(line) for line in shown.splitlines()]
        mine = [event for event in events if name in str(event["resources"])]
        refusals = [event for event in events if event.get("errorCode") == "InvalidSignatureException"]
        refusals = [event for event in refusals if event["eventName"] == "DeleteStream"]
        return mine + refusals if mine and refusals else None

    events = until(trail)
    created = [event for event in events if event["eventName"] == "CreateStream"][-1]
    assert created["userIdentity"]["arn"] == f"arn:aws:iam::{ACCOUNT}:user/admin" and "errorCode" not in created
    assert created["sourceIPAddress"] == "127.0.0.1" and "Boto3" in created["userAgent"]
    refused = [event for event in events if event["eventName"] == "DeleteStream"][-1]
    assert refused["errorCode"] == "InvalidSignatureException" and "arn" not in refused["userIdentity"]
    assert not [event for event in events if event["eventName"] == "PutRecord" and name in str(event["resources"])]


def test_no_secret_is_in_the_log_or_in_a_list(guarded):
    server, key = guarded
    listed = run("credentials", "ls", "--data-dir", str(server.data_dir)).stdout
    assert key["AccessKeyId"] in listed and key["SecretAccessKey"] not in listed
    assert key["SecretAccessKey"] not in server.log_path.read_text()
    for path in ("credentials.json", "secret"):
        assert os.stat(server.data_dir / path).st_mode & 0o077 == 0


def test_a_server_that_others_can_reach_needs_a_key(tmp_path):
    data = tmp_path / "data"
    refused = run("serve", "--data-dir", str(data), "--http", "0.0.0.0:0", check=False)
    assert refused.returncode == 64 and f"millrace credentials create admin --data-dir {data}" in refused.stderr
    refused = run("serve", "--data-dir", str(data), "--credentials", str(tmp_path / "none.json"), check=False)
    assert refused.returncode == 64 and "credentials create" in refused.stderr
    (tmp_path / "bad.json").write_text('{"version": 1, "keys": [{"access_key_id": "AKIAIOSFODNN7EXAMPLE"}]}')
    refused = run("serve", "--data-dir", str(data), "--credentials", str(tmp_path / "bad.json"), check=False)
    assert refused.returncode == 1 and "keys[0].created" in refused.stderr


def test_policies_can_be_tried(tmp_path):
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"Version": "2012-10-17", "Statement": [
        {"Sid": "Read", "Effect": "Allow", "Action": ["kinesis:Get*", "kinesis:Describe*"], "Resource": "*"}]}))
    check = ["policy", "check", "--policy", str(policy), "--resource", f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/a"]
    allowed = run(*check, "--action", "kinesis:GetRecords")
    assert "allowed, by statement 1 (Read)" in allowed.stdout
    denied = run(*check, "--action", "kinesis:PutRecord", check=False)
    assert denied.returncode == 6 and "no statement allows it" in denied.stdout
    policy.write_text('{"Statement": {"Effect": "Allow", "Action": "x", "Resource": "*"}}')
    wrong = run(*check, "--action", "kinesis:GetRecords", check=False)
    assert wrong.returncode == 64 and "Action: 'x'" in wrong.stderr


def test_a_policy_of_a_stream_cannot_lock_out_who_may_mend_it(guarded):
    server, key = guarded
    kinesis = client(server, key)
    kinesis.create_stream(StreamName="locked", ShardCount=1)
    arn = kinesis.describe_stream_summary(StreamName="locked")["StreamDescriptionSummary"]["StreamARN"]
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "kinesis:*", "Resource": arn}]}
    kinesis.put_resource_policy(ResourceARN=arn, Policy=json.dumps(deny))
    assert refusal(kinesis.put_record, StreamName="locked", PartitionKey="k", Data=b"1")["Code"] == "AccessDeniedException"
    assert "Deny" in kinesis.get_resource_policy(ResourceARN=arn)["Policy"]
    kinesis.delete_resource_policy(ResourceARN=arn)
    kinesis.put_record(StreamName="locked", PartitionKey="k", Data=b"1")


def test_a_lost_credentials_file_opens_nothing(tmp_path):
    data = tmp_path / "data"
    new_key(data, "admin")
    server = Server(data).start()
    server.stop()
    (data / "credentials.json").unlink()
    again = Server(data)
    again.launch()
    assert again.process.wait(20) == 64
    assert "credentials file" in again.log_path.read_text()
    opened = Server(data, "--credentials", "off").start()
    opened.close()


def test_what_is_copied_or_read_by_name_asks_for_the_stream(guarded, tmp_path):
    server, key = guarded
    kinesis = client(server, key)
    for name in ("secret", "public", "copies"):
        kinesis.create_stream(StreamName=name, ShardCount=1)
    arns = {name: f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/{name}" for name in ("secret", "public", "copies")}
    everything_but = [
        {"Effect": "Allow", "Action": ["firehose:*", "kinesis:*"], "Resource": "*"},
        {"Effect": "Deny", "Action": ["kinesis:GetRecords", "kinesis:RenewLeases"], "Resource": arns["secret"]},
        {"Effect": "Deny", "Action": "kinesis:PutRecords", "Resource": arns["copies"]},
    ]
    other = new_key(server.data_dir, "copier", everything_but, tmp_path)
    until(lambda: "UnrecognizedClientException" != refusal(client(server, other).get_records, ShardIterator="x")["Code"])
    firehose = client(server, other, "firehose")
    role = f"arn:aws:iam::{ACCOUNT}:role/r"

    def deliver(name):
        return firehose.create_delivery_stream(
            DeliveryStreamName=name, DeliveryStreamType="KinesisStreamAsSource",
            KinesisStreamSourceConfiguration={"KinesisStreamARN": arns[name], "RoleARN": role},
            ExtendedS3DestinationConfiguration={"BucketARN": "arn:aws:s3:::b", "RoleARN": role})

    assert refusal(deliver, "secret")["Code"] == "AccessDeniedException"
    deliver("public")
    signed = dict(AWS_ENDPOINT_URL=server.endpoint, AWS_ACCESS_KEY_ID=other["AccessKeyId"], AWS_SECRET_ACCESS_KEY=other["SecretAccessKey"])
    refused = run("tail", "secret", "--consumer", "c", "--limit", "1", environment=signed, check=False)
    assert refused.returncode == 6 and "kinesis:RenewLeases" in refused.stderr
    assert run("consumer", "ls", "public", environment=signed).returncode == 0
