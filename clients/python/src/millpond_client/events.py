"""The events of a watch."""

from dataclasses import dataclass
from datetime import datetime

from millpond_client._proto import lookup_pb2
from millpond_client.entries import (
    AsOf,
    Entry,
    Origin,
    Position,
    RemovalCause,
    as_of_of,
    entry_of,
    origin_of,
    position_of,
    time_of,
)


@dataclass(frozen=True, slots=True)
class WatchStarted:
    """A watch has begun, or goes on after it was cut off."""

    #: Whether no change was missed. False at the first time.
    resumed: bool
    #: Whether the current entries follow. Then forget what you know: what does not come until
    #: SnapshotComplete is not there any more.
    sends_current: bool
    as_of: AsOf


@dataclass(frozen=True, slots=True)
class CurrentEntry:
    """An entry that the table had when the watch began."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class SnapshotComplete:
    """All current entries are sent.

    Until then changes come between them, and an entry may come twice, with the same origin.
    """


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry was stored."""

    entry: Entry
    #: Whether it replaced a live entry of its key.
    replaced: bool


@dataclass(frozen=True, slots=True)
class RemovedEntry:
    """An entry left the table."""

    key: str
    cause: RemovalCause
    #: The record that the entry came from.
    origin: Origin
    #: When the entry expired, or would have expired.
    expire_time: datetime | None
    #: The record that deleted the entry. None for other causes.
    deleted_by: Position | None


@dataclass(frozen=True, slots=True)
class WatchProgress:
    """All that the records at these positions and before them changed was sent."""

    positions: tuple[Position, ...]
    as_of: AsOf


Event = WatchStarted | CurrentEntry | SnapshotComplete | StoredEntry | RemovedEntry | WatchProgress


def event_of(event: lookup_pb2.WatchEvent) -> Event | None:
    """The event. None if this is one of a newer service."""
    match event.WhichOneof("event"):
        case "started":
            started = event.started
            return WatchStarted(started.resumed, started.sends_current, as_of_of(started.as_of))
        case "current":
            return CurrentEntry(entry_of(event.current))
        case "snapshot_complete":
            return SnapshotComplete()
        case "stored":
            return StoredEntry(entry_of(event.stored.entry), event.stored.replaced)
        case "removed":
            removed = event.removed
            return RemovedEntry(
                removed.key,
                RemovalCause(removed.cause),
                origin_of(removed.origin),
                time_of(removed, "expire_time"),
                position_of(removed, "deleted_by"),
            )
        case "progress":
            positions = [Position(each.partition, each.offset) for each in event.progress.positions]
            return WatchProgress(tuple(positions), as_of_of(event.progress.as_of))
        case _:
            return None
