"""Why a call failed."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

import grpc
from google.rpc import error_details_pb2, status_pb2

from millpond_client._proto import errors_pb2, lookup_pb2
from millpond_client.enums import ProtocolEnum

CODES = {code.value[0]: code for code in grpc.StatusCode}

# A stream ended before its time, and another call goes on with it. INTERNAL is what gRPC says of a
# stream that was reset, such as one whose caller read nothing for a minute.
CUT_OFF = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.INTERNAL,
    }
)


class ErrorReason(ProtocolEnum):
    """Why a call failed, for a program to decide on."""

    UNSPECIFIED = 0
    TABLE_NOT_FOUND = 1
    INVALID_REQUEST = 2
    BUSY = 3
    ENTRY_NOT_FOUND = 4
    TABLE_LOADING = 5
    TABLE_STALE = 6
    POSITIONS_NOT_REACHED = 7
    DRAINING = 8
    BYTE_POOL_FULL = 9
    TOO_MANY_STREAMS = 10
    MEMORY_SHORT = 11
    REQUEST_LATE = 12
    ANSWER_LATE = 13
    REQUEST_TOO_LARGE = 14
    MALFORMED_REQUEST = 15
    UNAUTHENTICATED = 16
    PERMISSION_DENIED = 17
    SHARE_EXHAUSTED = 18
    STREAM_DEADLINE = 19
    WATCH_OVERTAKEN = 20
    WATCH_POSITION_GONE = 21
    TOO_MANY_UNANSWERED = 22


class Violation(NamedTuple):
    """A field of a request that breaks its rule."""

    field: str
    description: str


class MillpondError(Exception):
    """Why a call failed. All calls of this package raise it."""

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        *,
        reason: ErrorReason = ErrorReason.UNSPECIFIED,
        retry_delay: timedelta | None = None,
        request_id: str | None = None,
        violations: Sequence[Violation] = (),
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        # With these and what follows the error can be copied and pickled.
        super().__init__(code, message)
        self.code = code
        self.message = message
        #: UNSPECIFIED if the service did not say.
        self.reason = reason
        #: When to try again, as the service says.
        self.retry_delay = retry_delay
        #: Finds the call in the log of the service.
        self.request_id = request_id
        #: The fields of the request that break their rules.
        self.violations = tuple(violations)
        #: More about the reason, such as the name of the table.
        self.metadata = dict(metadata or {})

    def __str__(self) -> str:
        request = f" (request {self.request_id})" if self.request_id else ""
        return f"{self.code.name}: {self.message}{request}"

    @property
    def is_deadline(self) -> bool:
        """Whether the time of the call was over."""
        return self.code is grpc.StatusCode.DEADLINE_EXCEEDED

    @property
    def is_shed(self) -> bool:
        """Whether the service had no room for the call, or the caller has used up its share."""
        is_exhausted = self.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        return is_exhausted and self.retry_delay is not None

    @property
    def is_retryable(self) -> bool:
        """Whether the same call may succeed a little later."""
        return self.code is grpc.StatusCode.UNAVAILABLE or self.retry_delay is not None


def error_of(error: grpc.RpcError) -> MillpondError:
    """The error of a call, in our words."""
    known: dict[str, Any] = {}
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            for detail in status_pb2.Status.FromString(value).details:
                known |= _detail(detail)
    return MillpondError(error.code(), error.details() or "", **known)


def _detail(detail: Any) -> dict[str, Any]:
    match detail.type_url.rpartition("/")[2]:
        case "google.rpc.ErrorInfo":
            info = error_details_pb2.ErrorInfo.FromString(detail.value)
            number = dict(errors_pb2.ErrorReason.items()).get(info.reason, 0)
            return {"reason": ErrorReason(number), "metadata": info.metadata}
        case "google.rpc.RetryInfo":
            retry = error_details_pb2.RetryInfo.FromString(detail.value)
            return {"retry_delay": retry.retry_delay.ToTimedelta()}
        case "google.rpc.RequestInfo":
            request = error_details_pb2.RequestInfo.FromString(detail.value)
            return {"request_id": request.request_id}
        case "google.rpc.BadRequest":
            bad = error_details_pb2.BadRequest.FromString(detail.value)
            violations = [Violation(each.field, each.description) for each in bad.field_violations]
            return {"violations": violations}
        case _:
            return {}


def error_of_lookup(response: lookup_pb2.StreamGetResponse) -> MillpondError:
    """The error of one lookup of a stream."""
    error: Any = response.error
    delay = error.retry_delay.ToTimedelta() if error.HasField("retry_delay") else None
    code = CODES.get(error.code, grpc.StatusCode.UNKNOWN)
    reason = ErrorReason(error.reason)
    return MillpondError(code, error.message, reason=reason, retry_delay=delay)
