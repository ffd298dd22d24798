"""The connection to a service, and the files that it is made with."""

import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from os import PathLike
from pathlib import Path
from typing import Any, Generic, TypeVar

import grpc

from millpond_client._proto import lookup_pb2_grpc

SERVICE_CONFIG = (resources.files(__package__) / "service-config.json").read_text()

T = TypeVar("T")

# How old what is known of a file may be when a call begins.
CHECK_AFTER_SECONDS = 1.0

OPTIONS: list[tuple[str, Any]] = [
    # A watch says nothing for a while if nothing changes. Pings find out that its peer is gone.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    # gRPC's own default waits for up to two minutes after a restart.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
]


@dataclass(frozen=True, slots=True)
class Tls:
    """Files of PEM for a connection. They are read again when they change."""

    #: The authorities to trust. Without it those that gRPC brings count.
    ca: str | PathLike[str] | None = None
    #: The certificate of the client with its chain, and its key.
    certificate: str | PathLike[str] | None = None
    key: str | PathLike[str] | None = None
    #: The name to expect in the service's certificate, if it is not that of the target.
    server_name: str | None = None


class Connection:
    """A channel, which is closed when the last call that uses it has let go of it."""

    def __init__(self, channel: grpc.Channel) -> None:
        self.stub = lookup_pb2_grpc.LookupServiceStub(channel)  # type: ignore[no-untyped-call]
        self.close = weakref.finalize(self, channel.close)


class Connector:
    """Makes connections: a new one whenever the files have changed."""

    def __init__(
        self,
        target: str,
        tls: Tls | None,
        token_file: str | PathLike[str] | None,
        service_config: str | None,
        options: Sequence[tuple[str, Any]],
    ) -> None:
        if token_file is not None and tls is None:
            raise ValueError("a token needs TLS: everybody on the way could read it otherwise")
        self._target = target
        self._tls = tls
        self._token = _Token(Path(token_file)) if token_file is not None else None
        config = SERVICE_CONFIG if service_config is None else service_config
        self._options = [("grpc.service_config", config), *OPTIONS, *options]
        if tls is not None and tls.server_name is not None:
            self._options.append(("grpc.ssl_target_name_override", tls.server_name))
        self._lock = threading.Lock()
        self._files = _Checked(lambda: _read(tls)) if tls is not None else None
        self._known = self._files.value() if self._files is not None else None
        self._connection: Connection | None = self._connect()
        self._open = weakref.WeakSet([self._connection])

    def connection(self) -> Connection:
        """The connection for a call, which keeps it while it lasts."""
        with self._lock:
            if self._connection is None:
                raise ValueError("the client is closed")
            if self._files is not None and (files := self._files.value()) != self._known:
                self._known = files
                self._connection = self._connect()
                self._open.add(self._connection)
            return self._connection

    def close(self) -> None:
        """Closes the connections, and with them ends all calls."""
        with self._lock:
            self._connection = None
            for connection in list(self._open):
                connection.close()

    def _connect(self) -> Connection:
        if self._known is None:
            return Connection(grpc.insecure_channel(self._target, self._options))
        ca, certificate, key = self._known
        credentials = grpc.ssl_channel_credentials(ca, key, certificate)
        if self._token is not None:
            token = grpc.metadata_call_credentials(self._token)
            credentials = grpc.composite_channel_credentials(credentials, token)
        return Connection(grpc.secure_channel(self._target, credentials, self._options))


class _Checked(Generic[T]):
    """What a function reads, read again from time to time. An error changes nothing."""

    def __init__(self, read: Callable[[], T]) -> None:
        self._read = read
        self._value = read()
        self._checked = time.monotonic()

    def value(self) -> T:
        if time.monotonic() - self._checked >= CHECK_AFTER_SECONDS:
            self._checked = time.monotonic()
            try:
                read = self._read()
                # Files that are being replaced are not taken half.
                if read == self._read():
                    self._value = read
            except (OSError, ValueError):
                pass
        return self._value


class _Token(grpc.AuthMetadataPlugin):  # type: ignore[misc]
    """Sends the token of a file."""

    def __init__(self, file: Path) -> None:
        self._lock = threading.Lock()
        self._token = _Checked(lambda: _read_token(file))

    def __call__(self, context: Any, callback: Callable[[Any, Any], None]) -> None:
        with self._lock:
            token = self._token.value()
        callback((("authorization", f"Bearer {token}"),), None)


def _read(tls: Tls) -> tuple[bytes | None, bytes | None, bytes | None]:
    files = (tls.ca, tls.certificate, tls.key)
    ca, certificate, key = (None if file is None else Path(file).read_bytes() for file in files)
    return ca, certificate, key


def _read_token(file: Path) -> str:
    words = file.read_text().split()
    if len(words) != 1:
        raise ValueError(f"{file}: the file must hold one token")
    return words[0]
