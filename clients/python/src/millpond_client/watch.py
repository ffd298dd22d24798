"""A watch of a table: it goes on by itself when it is cut off."""

import random
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self

import grpc

from millpond_client._proto import lookup_pb2
from millpond_client.connection import Connector
from millpond_client.errors import CUT_OFF, MillpondError, error_of
from millpond_client.events import Event, WatchStarted, event_of

FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
GOES_ON_AFTER = CUT_OFF | {grpc.StatusCode.ABORTED, grpc.StatusCode.OUT_OF_RANGE}


class Watch(Iterator[Event]):
    """The changes of a table. Iteration ends after close(), which any thread may call."""

    def __init__(self, connector: Connector, request: lookup_pb2.WatchRequest) -> None:
        self._connector = connector
        self._request = request
        self._pause = FIRST_PAUSE_SECONDS
        self._has_begun = False
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._call: Any = None
        self._events = self._all_events()

    def __next__(self) -> Event:
        return next(self._events)

    def close(self) -> None:
        """Ends the watch."""
        with self._lock:
            self._closed.set()
            if self._call is not None:
                self._call.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _all_events(self) -> Iterator[Event]:
        while not self._closed.is_set():
            try:
                yield from self._events_of_call()
                failure = MillpondError(grpc.StatusCode.UNAVAILABLE, "the service ended the watch")
            except grpc.RpcError as error:
                failure = error_of(error)
            if not self._closed.is_set():
                self._wait_after(failure)

    def _events_of_call(self) -> Iterator[Event]:
        connection = self._connector.connection()
        with self._lock:
            if self._closed.is_set():
                return
            self._call = connection.stub.Watch(self._request)
        try:
            for response in self._call:
                for event in map(event_of, response.events):
                    if isinstance(event, WatchStarted):
                        self._begin(event)
                    if event is not None:
                        yield event
                if response.resume_token:
                    self._request.resume_token = response.resume_token
                    self._pause = FIRST_PAUSE_SECONDS
        finally:
            self._call.cancel()

    def _begin(self, started: WatchStarted) -> None:
        self._has_begun = True
        # What came before the gap counts no more. Without this, a watch that is cut off among its
        # current entries could resume at another instance, and these entries would be missing.
        if not started.resumed:
            self._request.resume_token = ""

    def _wait_after(self, failure: MillpondError) -> None:
        """Waits before the next call. Raises the failure if there is none."""
        goes_on = failure.code in GOES_ON_AFTER or failure.retry_delay is not None
        if not (self._has_begun and goes_on):
            raise failure
        if failure.code is grpc.StatusCode.OUT_OF_RANGE:
            # Begin again: without the current entries nothing else can be done.
            self._request.resume_token = ""
        pause = self._pause * random.uniform(0.5, 1)
        self._pause = min(2 * self._pause, LONGEST_PAUSE_SECONDS)
        if failure.retry_delay is not None:
            pause = max(pause, failure.retry_delay.total_seconds())
        self._closed.wait(pause)
