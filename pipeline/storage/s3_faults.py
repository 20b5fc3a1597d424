"""What S3's and botocore's errors mean in our tree, as two tables. No I/O; see docs/errors.md for the prose."""

from __future__ import annotations

from botocore import exceptions as boto
from botocore.exceptions import BotoCoreError, ClientError

from pipeline.errors import ConfigurationError, NightscribeError, ServiceUnavailableError, ThrottledError
from pipeline.redaction import redact

_THROTTLED = {"SlowDown", "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequests", "503", "429"}
_UNAVAILABLE = {
    "InternalError",
    "ServiceUnavailable",
    "RequestTimeout",
    "500",
    "502",
    "504",
    "ConditionalRequestConflict",
}
_WHAT_TO_DO = {
    "NoSuchBucket": "There is no such bucket. Check the name, and AWS_ENDPOINT_URL and AWS_REGION.",
    "AccessDenied": "The credentials may not do this. Nightscribe needs list, get, put and delete on the bucket "
    "(put and delete only where results go; see --output).",
    "403": "The credentials may not do this, or are wrong. Check AWS_ACCESS_KEY_ID and the bucket's policy.",
    "AllAccessDisabled": "The bucket is disabled.",
    "InvalidAccessKeyId": "The access key is unknown to this store. Check AWS_ACCESS_KEY_ID and AWS_ENDPOINT_URL.",
    "SignatureDoesNotMatch": "The secret key is wrong. Check AWS_SECRET_ACCESS_KEY.",
    "ExpiredToken": "The credentials have expired. Renew them and run the command again; nothing is lost.",
    "InvalidToken": "The session token is wrong. Check AWS_SESSION_TOKEN.",
    "RequestTimeTooSkewed": "This machine's clock is wrong. Set it (NTP) and run the command again.",
    "PermanentRedirect": "The bucket is in another region. Set AWS_REGION to it.",
    "AuthorizationHeaderMalformed": "The bucket is in another region. Set AWS_REGION to it.",
    "301": "The bucket is in another region. Set AWS_REGION to it.",
    "InvalidBucketName": "This is not a legal bucket name.",
    "NotImplemented": "This store does not support a feature that Nightscribe needs (conditional writes).",
}
# botocore's exceptions that a person must mend; all others mean that the store could not be reached now.
_CONFIGURATION: tuple[type[Exception], ...] = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.TokenRetrievalError,
    boto.NoRegionError,
    boto.InvalidRegionError,
    boto.ProfileNotFound,
    boto.ConfigParseError,
    boto.ConfigNotFound,
    boto.ParamValidationError,
    boto.InvalidEndpointConfigurationError,
    boto.EndpointProviderError,
    boto.UnknownEndpointError,
)


def translated_client(error: ClientError, bucket: str, key: str) -> NightscribeError:
    """Our error for an answer of the store."""
    details = error.response.get("Error", {})
    code = str(details.get("Code", ""))
    place = f"s3://{bucket}/{key}"
    said = redact(str(details.get("Message", "")))[:200]
    action = error.operation_name
    if code in _THROTTLED:
        return ThrottledError(f"S3 asked to slow down ({code}) on {action} of {place}.", "s3_throttled")
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _UNAVAILABLE or status >= 500:  # noqa: PLR2004  the class of HTTP server errors
        return ServiceUnavailableError(f"S3 could not {action} {place}: {code} {said}", "s3_unavailable")
    advice = _WHAT_TO_DO.get(code, "Check the endpoint, the credentials and the bucket's policy.")
    return ConfigurationError(f"S3 refused {action} of {place}: {code} {said}. {advice}", "s3_refused")


def translated_boto(error: BotoCoreError | ValueError, bucket: str, key: str) -> NightscribeError:
    """Our error for a failure on this side of the wire."""
    said = redact(str(error))[:300]
    place = f" for s3://{bucket}/{key}" if bucket else ""
    if isinstance(error, (*_CONFIGURATION, ValueError)):
        return ConfigurationError(
            f"S3 is not configured{place}: {said}. Set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION and, for "
            "a store other than AWS, AWS_ENDPOINT_URL.",
            "s3_configuration",
        )
    return ServiceUnavailableError(
        f"S3 did not answer{place}: {said}. Check the network and AWS_ENDPOINT_URL; running the command again "
        "goes on where it stopped.",
        "s3_unavailable",
    )
