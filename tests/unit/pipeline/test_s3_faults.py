"""S3's answers and botocore's exceptions: each has one meaning, names its object, and keeps no secret."""

from __future__ import annotations

import botocore.exceptions
import pytest
from botocore.discovery import EndpointDiscoveryException as boto_discovery  # noqa: N813  one that no table names
from botocore.exceptions import ClientError

from pipeline.errors import ConfigurationError, ServiceUnavailableError, ThrottledError
from pipeline.storage.s3_faults import BOTO_EXCEPTIONS, S3_CODES, translated_boto, translated_client


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
        ("SlowDown", 503, ThrottledError, "more slowly"),
        ("InternalError", 500, ServiceUnavailableError, "InternalError"),
        ("SomethingElse", 599, ServiceUnavailableError, "SomethingElse"),
        ("ConditionalRequestConflict", 409, ServiceUnavailableError, "ConditionalRequestConflict"),
        ("409", 409, ServiceUnavailableError, "tried again"),
    ],
)
def test_an_answer_of_the_store_has_one_meaning(code, status, kind, advice):
    error = refusal(code, status)

    assert type(error) is kind
    assert advice in error.message
    assert "s3://podcasts/show/ep1.mp3" in error.message
    assert "canary" not in error.message


def classes(module):
    """The exception classes that a module of botocore has; warnings are not raised."""
    found = {kind for kind in vars(module).values() if isinstance(kind, type) and issubclass(kind, Exception)}
    return sorted((kind for kind in found if not issubclass(kind, Warning)), key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", classes(botocore.exceptions), ids=lambda kind: kind.__name__)
def test_every_exception_of_the_installed_botocore_has_a_written_meaning(kind):
    """One that a new botocore brings must be decided on, not guessed. A ClientError means what its code says."""
    assert kind in BOTO_EXCEPTIONS or issubclass(kind, ClientError)


@pytest.mark.parametrize("kind", [*BOTO_EXCEPTIONS, boto_discovery], ids=lambda kind: kind.__name__)
def test_an_exception_becomes_what_the_table_says_and_keeps_no_secret(kind):
    """Made without its constructor: only the class decides. One that is not in the table is its nearest ancestor."""
    error = kind.__new__(kind)
    Exception.__init__(error, "said X-Amz-Signature=canary")

    ours = translated_boto(error, "podcasts", "ep1.mp3")

    assert type(ours) is BOTO_EXCEPTIONS.get(kind, ServiceUnavailableError)
    assert "s3://podcasts/ep1.mp3" in ours.message
    assert "canary" not in ours.message


def test_the_tables_end_in_leaves_of_the_tree():
    ends = {*BOTO_EXCEPTIONS.values(), *(meaning.error for meaning in S3_CODES.values())}

    assert ends == {ConfigurationError, ServiceUnavailableError, ThrottledError}


def test_missing_credentials_are_not_taken_for_an_outage():
    error = translated_boto(botocore.exceptions.NoCredentialsError(), "podcasts", "ep1.mp3")

    assert isinstance(error, ConfigurationError)
    assert "AWS_ACCESS_KEY_ID" in error.message


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ('Could not connect to the endpoint URL: "http://u:canary@h:9/b/k"', '"REDACTED@h:9/b/k"'),
        ('Could not connect to the endpoint URL: "http://u:canary word@h:9/b/k"', '"REDACTED@h:9/b/k"'),
        ("Custom endpoint `http://u:canary/x@h` was not a valid URI", "`REDACTED@h`"),
        ("Invalid endpoint: u:canary@h:9", "Invalid endpoint: REDACTED@h:9"),
        ('Could not connect to the endpoint URL: "http://h:9/b/me@home.mp3"', '"http://h:9/b/me@home.mp3"'),
        ('Could not connect to the endpoint URL: "https://h/b/a:me@home.mp3"', '"https://h/b/a:me@home.mp3"'),
    ],
)
def test_an_endpoint_is_named_without_its_user_and_password(said, shown):
    error = translated_boto(ValueError(said), "podcasts", "show/ep1.mp3")

    assert shown in error.message
    assert "canary" not in error.message
