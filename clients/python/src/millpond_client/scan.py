"""A scan of a table: it goes on by its page token when it is cut off."""

import time
from collections.abc import Iterator

import grpc

from millpond_client._proto import lookup_pb2
from millpond_client.connection import Connector
from millpond_client.entries import Entry, entry_of
from millpond_client.errors import CUT_OFF, MillpondError, error_of


def scan(
    connector: Connector, request: lookup_pb2.ScanRequest, timeout: float | None
) -> Iterator[Entry]:
    deadline = None if timeout is None else time.monotonic() + timeout
    limit = request.limit
    while True:
        begin = request.page_token
        connection = connector.connection()
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        call = connection.stub.Scan(request, timeout=left)
        try:
            for response in call:
                yield from map(entry_of, response.entries)
                request.page_token = response.next_page_token
                request.limit -= len(response.entries) if limit else 0
                if not request.page_token or (limit and request.limit <= 0):
                    return
        except grpc.RpcError as error:
            failure = error_of(error)
            # A call that came no further had its retries by gRPC.
            if failure.code not in CUT_OFF or request.page_token == begin:
                raise _explained(failure, request) from error
        finally:
            call.cancel()


def _explained(error: MillpondError, request: lookup_pb2.ScanRequest) -> MillpondError:
    if request.page_token and any(each.field == "page_token" for each in error.violations):
        error.message = (
            "the service has restarted, or another instance answers: "
            f"scan again from the beginning: {error.message}"
        )
    return error
