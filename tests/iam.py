"""An S3 store that enforces IAM: moto's, with the examples of docs/security.md as the policies of its users.

Three things that AWS does and moto does not are done here: a batch of deletions is judged key by key, a look at a
missing key needs s3:ListBucket, and a presigned URL has the rights of whoever signed it.
"""

from __future__ import annotations

import json
import urllib.parse
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import boto3
import xmltodict
from moto import settings
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.exceptions import AccessDeniedError
from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.exceptions import BucketAccessDeniedError
from moto.s3.responses import S3Response
from moto.server import ThreadedMotoServer
from moto.sqs.responses import SQSResponse

EXAMPLES = Path(__file__).parents[1] / "docs" / "examples"
REGION = "us-east-1"
_ACCOUNT, _QUEUE = "123456789012", "arrivals"
_EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
_judge = ActionAuthenticatorMixin._authenticate_and_authorize_s3_action
_delete = S3Response._bucket_response_delete_keys

Asked = tuple[str, str, str]
"""Who asked, for which action, on which resource."""


def example(role: str, bucket: str) -> dict[str, Any]:
    """The policy of a role as docs/examples has it, for this bucket and the queue of the tests."""
    text = (EXAMPLES / f"iam-{role}.json").read_text("utf-8").replace("YOUR-BUCKET", bucket)
    return json.loads(
        text.replace("YOUR-REGION", REGION).replace("YOUR-ACCOUNT", _ACCOUNT).replace("YOUR-QUEUE", _QUEUE)
    )


def permits(policy: dict[str, Any], action: str, resource: str) -> bool:
    """Whether a policy alone allows that, by moto's judgement."""
    return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource) is PermissionResult.PERMITTED


class IamStore:
    """Made by `iam_store`: one bucket with versions, and a user with the policy of each role that is asked for."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.bucket = "guarded"
        self.asked: set[Asked] = set()
        self._roles: dict[str, str] = {}
        self._policies: dict[str, dict[str, Any]] = {}
        self.admin = self._client("s3", "testing", "testing")
        self.admin.create_bucket(Bucket=self.bucket)
        self.admin.put_bucket_versioning(Bucket=self.bucket, VersioningConfiguration={"Status": "Enabled"})

    def user(self, role: str) -> dict[str, str]:
        """A user with exactly that policy, as the variables of its process."""
        self._policies[role] = example(role, self.bucket)
        return self._user_with(role)

    def _user_with(self, role: str) -> dict[str, str]:
        iam, policy = self._client("iam", "testing", "testing"), self._policies[role]
        iam.create_user(UserName=role)
        iam.put_user_policy(UserName=role, PolicyName=role, PolicyDocument=json.dumps(policy))
        key = iam.create_access_key(UserName=role)["AccessKey"]
        iam.close()
        self._roles[key["AccessKeyId"]] = role
        return self._variables(key["AccessKeyId"], key["SecretAccessKey"])

    def queue_with(self, *bodies: str) -> str:
        """The URL of a queue that holds these messages."""
        sqs = self._client("sqs", "testing", "testing")
        url = sqs.create_queue(QueueName=_QUEUE)["QueueUrl"]
        for body in bodies:
            sqs.send_message(QueueUrl=url, MessageBody=body)
        sqs.close()
        return url

    def enforce(self) -> None:
        """From here on nobody does anything without the right to; `admin` has all of them."""
        self._policies["admin"] = {"Version": "2012-10-17", "Statement": [_EVERYTHING]}
        variables = self._user_with("admin")
        self.admin.close()
        self.admin = self._client("s3", variables["AWS_ACCESS_KEY_ID"], variables["AWS_SECRET_ACCESS_KEY"])
        settings.INITIAL_NO_AUTH_ACTION_COUNT = 0

    def judge(self, request: S3Response, bucket_name: str | None = None, key_name: str | None = None) -> None:
        """In place of moto's own judgement of a request, which it calls."""
        role = self._roles.get(_signer(request), "a stranger")
        resource = f"arn:aws:s3:::{bucket_name}" + (f"/{key_name}" if key_name else "")
        action = f"s3:{request._get_action()}"
        if action == "s3:DeleteObject" and key_name is None:
            return  # a batch, whose keys are judged one by one
        self.asked.add((role, action, resource))
        if "X-Amz-Credential" in request.querystring:
            if not permits(self._policies[role], action, resource):
                raise BucketAccessDeniedError(bucket=bucket_name)
            return
        _judge(request, bucket_name, key_name)
        if action == "s3:GetObject" and request.backend.get_object(bucket_name, key_name) is None:
            request.data["Action"] = "ListBucket"
            self.judge(request, bucket_name)

    def judge_sqs(self, request: SQSResponse) -> None:
        """In place of moto's own judgement, which knows no queues; a batch needs the right to a single act."""
        action = f"sqs:{request._get_action().removesuffix('Batch')}"
        resource = f"arn:aws:sqs:{REGION}:{_ACCOUNT}:{_QUEUE}"
        role = self._roles.get(_signer(request))
        if role is None:
            return  # whoever makes the queue
        self.asked.add((role, action, resource))
        if not permits(self._policies[role], action, resource):
            raise AccessDeniedError(user_arn=role, action=action)

    def delete(self, request: S3Response, bucket_name: str, authenticated: bool = True) -> Any:  # noqa: FBT001, FBT002
        """In place of moto's own deletion of many keys."""
        entries = xmltodict.parse(request.body, strip_whitespace=False)["Delete"]["Object"]
        for entry in entries if isinstance(entries, list) else [entries]:
            try:
                request.data["Action"] = "DeleteObject"
                self.asked.add(
                    (self._roles[_signer(request)], "s3:DeleteObject", f"arn:aws:s3:::{bucket_name}/{entry['Key']}")
                )
                _judge(request, bucket_name, entry["Key"])
            except BucketAccessDeniedError:
                authenticated = False
        return _delete(request, bucket_name, authenticated)

    def _client(self, service: str, key: str, secret: str) -> Any:
        return boto3.session.Session(key, secret, region_name=REGION).client(service, endpoint_url=self.url)

    def _variables(self, key: str, secret: str) -> dict[str, str]:
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": key,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }


@contextmanager
def iam_store():
    """A store of this process, which enforces once it is told to."""
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    try:
        store = IamStore(f"http://{host}:{port}")
        judged = lambda request, bucket_name=None, key_name=None: store.judge(request, bucket_name, key_name)  # noqa: E731
        deleted = lambda request, bucket_name, authenticated=True: store.delete(request, bucket_name, authenticated)  # noqa: E731
        with (
            mock.patch.object(settings, "INITIAL_NO_AUTH_ACTION_COUNT", float("inf")),  # and so again at the end
            mock.patch.object(S3Response, "_authenticate_and_authorize_s3_action", judged),
            mock.patch.object(S3Response, "_bucket_response_delete_keys", deleted),
            mock.patch.object(
                SQSResponse, "_authenticate_and_authorize_normal_action", lambda asked, *_: store.judge_sqs(asked)
            ),
        ):
            yield store
    finally:
        server.stop()


def _signer(request: S3Response) -> str:
    """The access key in a request's signature, wherever that stands."""
    credential = request.querystring.get("X-Amz-Credential", [""])[0]
    credential = credential or request.headers.get("Authorization", "").partition("Credential=")[2]
    return urllib.parse.unquote(credential).partition("/")[0]
