"""Many lookups on one stream."""

import copy
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from types import TracebackType
from typing import Self

import grpc

from millpond_client._proto import lookup_pb2
from millpond_client.connection import Connector
from millpond_client.entries import Result, as_of_of, result_of
from millpond_client.errors import CUT_OFF, MillpondError, error_of, error_of_lookup
from millpond_client.freshness import Freshness, request_of

# How many lookups of a client's streams are under way at a time; others wait their turn. The service
# ends a stream with 1,000 lookups that are not answered, and more than a few hundred gain nothing.
MAX_UNDER_WAY = 500


class LookupStream:
    """Looks up keys on one stream: many threads call get() at the same time.

    Each of these lookups costs a fraction of a call. All go to one instance of the service.
    """

    def __init__(
        self, connector: Connector, timeout: float, under_way: threading.Semaphore
    ) -> None:
        self._connector = connector
        self._timeout = timeout
        self._under_way = under_way
        self._lock = threading.Lock()
        self._call: _Call | None = None
        self._is_closed = False

    def get(
        self,
        table: str,
        key: str,
        *,
        fields: Iterable[str] = (),
        freshness: Freshness | None = None,
        timeout: float | None = None,
    ) -> Result:
        """Looks up one key.

        An error is that of this lookup. When the stream itself ends, all lookups that wait for their
        answers fail, with an error that is_retryable unless the caller was refused; the next lookup
        opens a new stream.
        """
        end = time.monotonic() + (self._timeout if timeout is None else timeout)
        request = lookup_pb2.GetRequest(
            table=table, key=key, fields=fields, freshness=request_of(freshness)
        )
        if not self._under_way.acquire(timeout=max(0.0, end - time.monotonic())):
            raise _deadline()
        answer = self._send(request)
        try:
            response = answer.result(max(0.0, end - time.monotonic()))
        except TimeoutError:
            raise _deadline() from None
        if response.HasField("error"):
            raise error_of_lookup(response)
        get = response.response
        return result_of(get.result, as_of_of(get.as_of))

    def close(self) -> None:
        """Ends the stream, and with it all of its lookups."""
        with self._lock:
            self._is_closed = True
            call = self._call
        if call is not None:
            call.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _send(self, request: lookup_pb2.GetRequest) -> "Future[lookup_pb2.StreamGetResponse]":
        try:
            with self._lock:
                if self._is_closed:
                    raise ValueError("the stream is closed")
                if self._call is None or self._call.is_over:
                    self._call = _Call(self._connector, self._under_way)
                return self._call.send(request)
        except BaseException:
            self._under_way.release()
            raise


class _Call:
    """One call of StreamGet."""

    def __init__(self, connector: Connector, under_way: threading.Semaphore) -> None:
        # Kept while the call lasts.
        self._connection = connector.connection()
        self._under_way = under_way
        self._lock = threading.Lock()
        self._last_tag = 0
        # The lookups that are under way. Those that were given up stay until they are answered.
        self._waiting: dict[int, Future[lookup_pb2.StreamGetResponse]] = {}
        self._requests: queue.SimpleQueue[lookup_pb2.StreamGetRequest | None] = queue.SimpleQueue()
        self.is_over = False
        # gRPC takes the next request when the one before is on its way, so this is bounded by the
        # lookups that are under way.
        self._call = self._connection.stub.StreamGet(iter(self._requests.get, None))
        threading.Thread(target=self._read, name="millpond-lookups", daemon=True).start()

    def send(self, get: lookup_pb2.GetRequest) -> "Future[lookup_pb2.StreamGetResponse]":
        answer: Future[lookup_pb2.StreamGetResponse] = Future()
        with self._lock:
            if self.is_over:
                raise _ended()
            self._last_tag += 1
            self._waiting[self._last_tag] = answer
            self._requests.put(lookup_pb2.StreamGetRequest(tag=self._last_tag, get=get))
        return answer

    def cancel(self) -> None:
        self._call.cancel()

    def _read(self) -> None:
        failure = _ended()
        try:
            for response in self._call:
                with self._lock:
                    answer = self._waiting.pop(response.tag, None)
                if answer is not None:
                    self._under_way.release()
                    answer.set_result(response)
        except grpc.RpcError as error:
            failure = error_of(error)
            # The deadline or the reset of the stream is not that of its lookups.
            if failure.code in CUT_OFF:
                failure.code = grpc.StatusCode.UNAVAILABLE
        for answer in self._end():
            self._under_way.release()
            # Each thread adds its own traceback.
            answer.set_exception(copy.copy(failure))

    def _end(self) -> Iterator["Future[lookup_pb2.StreamGetResponse]"]:
        """Lets no more lookups in. Returns those that have no answer."""
        with self._lock:
            self.is_over = True
            self._requests.put(None)
            return iter(self._waiting.values())


def _deadline() -> MillpondError:
    message = "the lookup has no answer within its time"
    return MillpondError(grpc.StatusCode.DEADLINE_EXCEEDED, message)


def _ended() -> MillpondError:
    return MillpondError(grpc.StatusCode.UNAVAILABLE, "the stream has ended")
