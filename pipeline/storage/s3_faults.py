"""What S3's answers and botocore's exceptions mean in our tree, as two literal tables. No I/O."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import urllib3.exceptions
from botocore import exceptions as boto
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from pipeline.errors import ConfigurationError, NightscribeError, ServiceUnavailableError, ThrottledError
from pipeline.redaction import REDACTED, redact


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a code of S3 means: our error, its stable reason, and what to do about it."""

    error: type[NightscribeError]
    reason: str
    advice: str


_BUSY = Meaning(ThrottledError, "s3_throttled", "It is tried again more slowly.")
_AWAY = Meaning(ServiceUnavailableError, "s3_unavailable", "It is tried again.")
_OTHER = "Check the endpoint, the credentials and the bucket's policy."
_REGION = "The bucket is in another region. Set AWS_REGION to it."


def _refused(advice: str) -> Meaning:
    return Meaning(ConfigurationError, "s3_refused", advice)


# A code is S3's own word, or the HTTP status where the answer has no body (HEAD, proxies). 412, 404 and 304 are
# answers to a condition or a look, and never get here from one (pipeline/storage/s3.py).
S3_CODES: Mapping[str, Meaning] = {
    "SlowDown": _BUSY,
    "Throttling": _BUSY,
    "ThrottlingException": _BUSY,
    "RequestLimitExceeded": _BUSY,
    "TooManyRequests": _BUSY,
    "503": _BUSY,
    "429": _BUSY,
    "InternalError": _AWAY,
    "ServiceUnavailable": _AWAY,
    "RequestTimeout": _AWAY,
    "500": _AWAY,
    "502": _AWAY,
    "504": _AWAY,
    "408": _AWAY,
    "304": _AWAY,  # to a question without a condition: a cache in between
    "ConditionalRequestConflict": _AWAY,
    "OperationAborted": _AWAY,
    "409": _AWAY,
    "NoSuchBucket": _refused("There is no such bucket. Check the name, and AWS_ENDPOINT_URL and AWS_REGION."),
    "AccessDenied": _refused(
        "The credentials may not do this. Nightscribe needs list, get, put and delete on the bucket "
        "(put and delete only where results go; see --output)."
    ),
    "403": _refused("The credentials may not do this, or are wrong. Check AWS_ACCESS_KEY_ID and the bucket's policy."),
    "AllAccessDisabled": _refused("The bucket is disabled."),
    "InvalidAccessKeyId": _refused(
        "The access key is unknown to this store. Check AWS_ACCESS_KEY_ID and AWS_ENDPOINT_URL."
    ),
    "SignatureDoesNotMatch": _refused("The secret key is wrong. Check AWS_SECRET_ACCESS_KEY."),
    "ExpiredToken": _refused("The credentials have expired. Renew them and run the command again; nothing is lost."),
    "InvalidToken": _refused("The session token is wrong. Check AWS_SESSION_TOKEN."),
    "RequestTimeTooSkewed": _refused("This machine's clock is wrong. Set it (NTP) and run the command again."),
    "PermanentRedirect": _refused(_REGION),
    "AuthorizationHeaderMalformed": _refused(_REGION),
    "301": _refused(_REGION),
    "InvalidBucketName": _refused("This is not a legal bucket name."),
    "NotImplemented": _refused("This store does not support a feature that Nightscribe needs (conditional writes)."),
}

# What stands before an `@` in quotes or in a word, unless it is a URL with a path: that `@` belongs to the key.
_USER_INFO = re.compile(r"(?<=[\"`])(?!\w+://[^/@:\"`]*(?::\d{1,5})?/)[^\"`]*:[^\"`]*@|(?<![^\s])[^\s/\"`]*:[^\s\"`]*@")
_AGAIN = ServiceUnavailableError  # the store could not be reached, or broke off: another try may do
_MEND = ConfigurationError  # a person must act: credentials, region, profile, or a botocore that is not whole

# Every exception that a call of botocore may raise besides a ClientError, which is an answer and means what its code
# says. An exception that is not here is taken for its nearest ancestor.
BOTO_EXCEPTIONS: Mapping[type[Exception], type[NightscribeError]] = {
    # the network, and answers that came in pieces
    boto.BotoCoreError: _AGAIN,
    boto.HTTPClientError: _AGAIN,
    boto.ConnectionError: _AGAIN,
    boto.EndpointConnectionError: _AGAIN,
    boto.SSLError: _AGAIN,
    boto.ConnectionClosedError: _AGAIN,
    boto.ReadTimeoutError: _AGAIN,
    boto.ConnectTimeoutError: _AGAIN,
    boto.ProxyConnectionError: _AGAIN,
    boto.ResponseStreamingError: _AGAIN,
    boto.IncompleteReadError: _AGAIN,
    boto.ChecksumError: _AGAIN,
    boto.FlexibleChecksumError: _AGAIN,
    boto.AwsChunkedWrapperError: _AGAIN,
    boto.UnseekableStreamError: _AGAIN,
    boto.CapacityNotAvailableError: _AGAIN,
    ResponseParserError: _AGAIN,  # a proxy's page, or half an answer
    urllib3.exceptions.HTTPError: _AGAIN,  # what botocore lets through from the middle of a body
    # credentials
    boto.MetadataRetrievalError: _AGAIN,  # the instance's own service did not answer
    boto.NoCredentialsError: _MEND,
    boto.PartialCredentialsError: _MEND,
    boto.CredentialRetrievalError: _MEND,
    boto.UnknownCredentialError: _MEND,
    boto.RefreshWithMFAUnsupportedError: _MEND,
    boto.NoAuthTokenError: _MEND,
    boto.TokenRetrievalError: _MEND,
    boto.UnknownTokenProviderError: _MEND,
    boto.SSOError: _MEND,
    boto.SSOTokenLoadError: _MEND,
    boto.UnauthorizedSSOTokenError: _MEND,
    boto.LoginError: _MEND,
    boto.LoginRefreshRequired: _MEND,
    boto.LoginInsufficientPermissions: _MEND,
    boto.LoginTokenLoadError: _MEND,
    boto.LoginAuthorizationCodeError: _MEND,
    # endpoint, region and AWS's own configuration
    ValueError: _MEND,  # an endpoint or a bucket name that cannot be one
    boto.NoRegionError: _MEND,
    boto.UnknownRegionError: _MEND,
    boto.InvalidRegionError: _MEND,
    boto.BaseEndpointResolverError: _MEND,
    boto.EndpointVariantError: _MEND,
    boto.UnknownEndpointError: _MEND,
    boto.UnknownFIPSEndpointError: _MEND,
    boto.EndpointProviderError: _MEND,
    boto.EndpointResolutionError: _MEND,
    boto.UnknownEndpointResolutionBuiltInName: _MEND,
    boto.InvalidEndpointConfigurationError: _MEND,
    boto.InvalidEndpointDiscoveryConfigurationError: _MEND,
    boto.InvalidHostLabelError: _MEND,
    boto.InvalidDNSNameError: _MEND,
    boto.InvalidS3AddressingStyleError: _MEND,
    boto.InvalidS3UsEast1RegionalEndpointConfigError: _MEND,
    boto.InvalidSTSRegionalEndpointsConfigError: _MEND,
    boto.InvalidIMDSEndpointError: _MEND,
    boto.InvalidIMDSEndpointModeError: _MEND,
    boto.InvalidProxiesConfigError: _MEND,
    boto.InvalidRetryConfigurationError: _MEND,
    boto.InvalidMaxRetryAttemptsError: _MEND,
    boto.InvalidRetryModeError: _MEND,
    boto.InvalidDefaultsMode: _MEND,
    boto.InvalidChecksumConfigError: _MEND,
    boto.InvalidConfigError: _MEND,
    boto.InfiniteLoopConfigError: _MEND,
    boto.ProfileNotFound: _MEND,
    boto.ConfigParseError: _MEND,
    boto.ConfigNotFound: _MEND,
    boto.UnsupportedS3ArnError: _MEND,
    boto.UnsupportedS3ControlArnError: _MEND,
    boto.UnsupportedOutpostResourceError: _MEND,
    boto.UnsupportedS3ConfigurationError: _MEND,
    boto.UnsupportedS3AccesspointConfigurationError: _MEND,
    boto.UnsupportedS3ControlConfigurationError: _MEND,
    boto.UnsupportedSignatureVersionError: _MEND,
    boto.UnknownSignatureVersionError: _MEND,
    boto.ServiceNotInRegionError: _MEND,
    # a call that cannot be made as it is written, or a botocore that is not whole: it would fail every time
    boto.ValidationError: _MEND,
    boto.ParamValidationError: _MEND,
    boto.MissingParametersError: _MEND,
    boto.UnknownParameterError: _MEND,
    boto.UnknownKeyError: _MEND,
    boto.RangeError: _MEND,
    boto.AliasConflictParameterError: _MEND,
    boto.DataNotFoundError: _MEND,
    boto.UnknownServiceError: _MEND,
    boto.ApiVersionNotFoundError: _MEND,
    boto.UnknownServiceStyle: _MEND,
    boto.UnknownClientMethodError: _MEND,
    boto.UndefinedModelAttributeError: _MEND,
    boto.MissingServiceIdError: _MEND,
    boto.UnsupportedServiceProtocolsError: _MEND,
    boto.MissingDependencyException: _MEND,
    boto.MD5UnavailableError: _MEND,
    boto.PaginationError: _MEND,
    boto.OperationNotPageableError: _MEND,
    boto.InvalidExpressionError: _MEND,
    boto.WaiterError: _MEND,
    boto.WaiterConfigError: _MEND,
    boto.StubResponseError: _MEND,
    boto.StubAssertionError: _MEND,
    boto.UnStubbedResponseError: _MEND,
}


def translated_client(error: ClientError, bucket: str, key: str) -> NightscribeError:
    """Our error for an answer of the store."""
    details = error.response.get("Error", {})
    code = str(details.get("Code", ""))
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    unlisted = _AWAY if status >= 500 else _refused(_OTHER)  # noqa: PLR2004  the class of HTTP server errors
    meaning = S3_CODES.get(code, unlisted)
    said = redact(f"{code} {details.get('Message', '')}".strip())[:200].rstrip(".")
    message = f"S3 refused {error.operation_name} of s3://{bucket}/{key}: {said}. {meaning.advice}"
    return meaning.error(message, meaning.reason)


def translated_boto(error: Exception, bucket: str, key: str) -> NightscribeError:
    """Our error for a failure on this side of the wire, or of the wire itself."""
    # Messages of botocore quote AWS_ENDPOINT_URL as it is set, and some of them do so because it is no URL.
    said = redact(_USER_INFO.sub(f"{REDACTED}@", str(error)))[:300].rstrip(".")
    place = f" for s3://{bucket}/{key}" if bucket else ""
    ours = next((BOTO_EXCEPTIONS[kind] for kind in type(error).__mro__ if kind in BOTO_EXCEPTIONS), _AGAIN)
    if ours is ConfigurationError:
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
