"""The client."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from os import PathLike
from types import TracebackType
from typing import Any, Self

import grpc

from millpond_client._proto import lookup_pb2
from millpond_client.batch import batch_get
from millpond_client.connection import Connector, Tls
from millpond_client.entries import Entry, Result, Table, as_of_of, result_of, table_of
from millpond_client.errors import error_of
from millpond_client.freshness import Freshness, request_of
from millpond_client.scan import scan
from millpond_client.stream import MAX_UNDER_WAY, LookupStream
from millpond_client.watch import Watch


class Client:
    """Reads the tables of a service. Any number of threads may use it.

    The target is one of gRPC: "127.0.0.1:50051", or "dns:///millpond.shop:50051" for all addresses of
    a name, which then get the calls in turn. The connection is made by the first call, which waits
    for it.

    tls: the files of a connection with TLS. Plaintext without it.
    token_file: a file with a token that is sent with each call. It needs TLS.
    timeout: the seconds that a lookup may take. Scans and watches may take any time.
    service_config: replaces the gRPC service configuration, which has balancing, health checks and
        retries. A service that is still loading says that it is not healthy: with "{}" it is asked
        nevertheless.
    options: passed on to gRPC, after those of this package.
    """

    def __init__(
        self,
        target: str,
        *,
        tls: Tls | None = None,
        token_file: str | PathLike[str] | None = None,
        timeout: float = 5.0,
        service_config: str | None = None,
        options: Sequence[tuple[str, Any]] = (),
    ) -> None:
        self._connector = Connector(target, tls, token_file, service_config, options)
        self._timeout = timeout
        self._under_way = threading.BoundedSemaphore(MAX_UNDER_WAY)

    def close(self) -> None:
        """Closes the connection, and with it ends all calls."""
        self._connector.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def get(
        self,
        table: str,
        key: str,
        *,
        fields: Iterable[str] = (),
        freshness: Freshness | None = None,
        timeout: float | None = None,
    ) -> Result:
        """Looks up one key. With fields these alone are returned."""
        request = lookup_pb2.GetRequest(
            table=table, key=key, fields=fields, freshness=request_of(freshness)
        )
        response = self._call("Get", request, timeout)
        return result_of(response.result, as_of_of(response.as_of))

    def batch_get(
        self,
        table: str,
        keys: Iterable[str],
        *,
        fields: Iterable[str] = (),
        freshness: Freshness | None = None,
        timeout: float | None = None,
    ) -> list[Result]:
        """Looks up any number of keys. The results are in the order of the keys.

        It makes as many calls as that takes, and the timeout counts for each of them.
        """
        request = lookup_pb2.BatchGetRequest(
            table=table, fields=fields, freshness=request_of(freshness)
        )
        return batch_get(
            lambda request: self._call("BatchGet", request, timeout), request, list(keys)
        )

    def lookup_stream(self) -> LookupStream:
        """Creates a stream for many lookups at once. Close it when it is not needed any more."""
        return LookupStream(self._connector, self._timeout, self._under_way)

    def scan(
        self,
        table: str,
        *,
        prefix: str = "",
        limit: int = 0,
        fields: Iterable[str] = (),
        freshness: Freshness | None = None,
        timeout: float | None = None,
    ) -> Iterator[Entry]:
        """Reads the live entries of a table: all, those with a prefix, or the first of them.

        They come in no order, and none twice. It is not the table as it was at one moment: an entry
        that comes or goes meanwhile may be missed.

        A scan that is cut off goes on where it was. It does not survive a restart of the service: then
        it fails, and the message says so. The timeout counts for the whole scan.
        """
        request = lookup_pb2.ScanRequest(
            table=table,
            prefix=prefix,
            limit=limit,
            fields=fields,
            freshness=request_of(freshness),
        )
        return scan(self._connector, request, timeout)

    def watch(
        self,
        table: str,
        *,
        keys: Iterable[str] = (),
        prefix: str = "",
        include_current: bool = False,
        progress_interval: timedelta | None = None,
        fields: Iterable[str] = (),
        freshness: Freshness | None = None,
    ) -> Watch:
        """Sends the changes of a table as they are made: of all keys, of some, or of a prefix.

        With include_current the current entries come first, and again whenever changes may have been
        missed.

        A watch that is cut off or overtaken goes on by itself, after a pause that grows up to 5
        seconds. A WatchStarted says so, and whether changes may have been missed. A watch that cannot
        begin, or to which the caller has no right any more, fails.
        """
        request = lookup_pb2.WatchRequest(
            table=table,
            keys=keys,
            prefix=prefix,
            include_current=include_current,
            fields=fields,
            freshness=request_of(freshness),
        )
        if progress_interval is not None:
            request.progress_interval.FromTimedelta(progress_interval)
        return Watch(self._connector, request)

    def list_tables(self, *, timeout: float | None = None) -> list[Table]:
        """Returns all tables, in the order of the configuration."""
        tables: list[Table] = []
        request = lookup_pb2.ListTablesRequest()
        while True:
            response = self._call("ListTables", request, timeout)
            tables += map(table_of, response.tables)
            request.page_token = response.next_page_token
            if not request.page_token:
                return tables

    def _call(self, method: str, request: Any, timeout: float | None) -> Any:
        connection = self._connector.connection()
        try:
            call = getattr(connection.stub, method)
            return call(request, timeout=self._timeout if timeout is None else timeout)
        except grpc.RpcError as error:
            raise error_of(error) from error
