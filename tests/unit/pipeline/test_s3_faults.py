"""S3's answers and botocore's exceptions: each has one meaning, names its object, and keeps no secret."""

from __future__ import annotations

import botocore.exceptions
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from pipeline.errors import ConfigurationError, NightscribeError, ServiceUnavailableError, ThrottledError
from pipeline.storage.s3_faults import translated_boto, translated_client


def refusal(code, status=400, message="no X-Amz-Signature=canary"):
    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return translated_client(ClientError(answer, "GetObject"), "podcasts", "show/ep1.mp3")


@pytest.mark.parametrize(
    ("code", "status", "kind", "advice"),
    [
        ("AccessDenied", 403, ConfigurationError, "list, get, put and delete"),
        ("403", 403, ConfigurationError, "bucket's policy"),
        ("NoSuchBucket", 404, ConfigurationError, "Check the name"),
        ("InvalidAccessKeyId", 403, ConfigurationError, "AWS_ACCESS_KEY_ID"),
        ("SignatureDoesNotMatch", 403, ConfigurationError, "AWS_SECRET_ACCESS_KEY"),
        ("ExpiredToken", 400, ConfigurationError, "Renew them"),
        ("RequestTimeTooSkewed", 403, ConfigurationError, "clock"),
        ("PermanentRedirect", 301, ConfigurationError, "AWS_REGION"),
        ("SomethingNew", 418, ConfigurationError, "Check the endpoint"),
        ("SlowDown", 503, ThrottledError, "slow down"),
        ("InternalError", 500, ServiceUnavailableError, "InternalError"),
        ("SomethingElse", 599, ServiceUnavailableError, "SomethingElse"),
        ("ConditionalRequestConflict", 409, ServiceUnavailableError, "ConditionalRequestConflict"),
    ],
)
def test_an_answer_of_the_store_has_one_meaning(code, status, kind, advice):
    error = refusal(code, status)

    assert type(error) is kind
    assert advice in error.message
    assert "s3://podcasts/show/ep1.mp3" in error.message
    assert "canary" not in error.message


def kinds(root=BotoCoreError):
    return [root, *(kind for child in root.__subclasses__() for kind in kinds(child))]


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_every_exception_of_botocore_is_one_of_ours(kind):
    """Made without its constructor: only the class decides."""
    error = kind.__new__(kind)
    Exception.__init__(error, "said X-Amz-Signature=canary")

    ours = translated_boto(error, "podcasts", "ep1.mp3")

    assert isinstance(ours, NightscribeError)
    assert isinstance(ours, ConfigurationError | ServiceUnavailableError)
    assert "canary" not in ours.message


def test_missing_credentials_are_not_taken_for_an_outage():
    error = translated_boto(botocore.exceptions.NoCredentialsError(), "podcasts", "ep1.mp3")

    assert isinstance(error, ConfigurationError)
    assert "AWS_ACCESS_KEY_ID" in error.message
