"""Reads tables of millpond, a bounded, expiring key-value table fed by Kafka and read over gRPC."""

from millpond_client.client import Client
from millpond_client.connection import Tls
from millpond_client.entries import (
    AsOf,
    Entry,
    Field,
    Json,
    Miss,
    MissReason,
    Origin,
    Position,
    RemovalCause,
    Result,
    Table,
    Value,
)
from millpond_client.errors import ErrorReason, MillpondError, Violation
from millpond_client.events import (
    CurrentEntry,
    Event,
    RemovedEntry,
    SnapshotComplete,
    StoredEntry,
    WatchProgress,
    WatchStarted,
)
from millpond_client.freshness import Freshness
from millpond_client.stream import LookupStream
from millpond_client.watch import Watch

__all__ = [
    "AsOf",
    "Client",
    "CurrentEntry",
    "Entry",
    "ErrorReason",
    "Event",
    "Field",
    "Freshness",
    "Json",
    "LookupStream",
    "MillpondError",
    "Miss",
    "MissReason",
    "Origin",
    "Position",
    "RemovalCause",
    "RemovedEntry",
    "Result",
    "SnapshotComplete",
    "StoredEntry",
    "Table",
    "Tls",
    "Value",
    "Violation",
    "Watch",
    "WatchProgress",
    "WatchStarted",
]
