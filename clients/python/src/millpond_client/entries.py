"""Entries and misses, as values of Python."""

import decimal
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from millpond_client._proto import entry_pb2, lookup_pb2
from millpond_client.enums import ProtocolEnum


@dataclass(frozen=True, slots=True)
class Json:
    """An object or an array, as JSON text in which numbers are spelt as they were sent."""

    text: str

    def parse(self) -> Any:
        return json.loads(self.text)


# A number with a fraction or an exponent is a float if that loses nothing, and a Decimal otherwise.
Value = None | bool | int | float | str | Decimal | Json


class Position(NamedTuple):
    """A record in the topic of a table."""

    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Origin:
    """The record that an entry came from."""

    partition: int
    offset: int
    time: datetime | None

    @property
    def position(self) -> Position:
        return Position(self.partition, self.offset)


@dataclass(frozen=True, slots=True)
class Entry:
    """What a table has under a key."""

    key: str
    #: The fields that the record had, by name.
    fields: dict[str, Value]
    origin: Origin
    #: Lookups miss from then on.
    expire_time: datetime | None


class MissReason(ProtocolEnum):
    """Why there is no entry under a key."""

    UNSPECIFIED = 0
    LOADING = 1
    UNKNOWN = 2
    NEVER_SEEN = 3
    EXPIRED = 4
    EVICTED = 5
    DELETED = 6
    EVICTED_FOR_PRESSURE = 7


@dataclass(frozen=True, slots=True)
class Miss:
    """There is no entry under the key."""

    reason: MissReason
    #: When the entry expired or was evicted. None for other reasons.
    time: datetime | None
    #: The record that deleted the entry. None for other reasons.
    deleted_by: Position | None


class RemovalCause(ProtocolEnum):
    """Why an entry left its table."""

    UNSPECIFIED = 0
    REPLACED = 1
    DELETED = 2
    EXPIRED = 3
    EVICTED = 4
    EVICTED_FOR_PRESSURE = 5


@dataclass(frozen=True, slots=True)
class AsOf:
    """How complete a table was known to be."""

    #: Whether the table has caught up with its stream once.
    ready: bool
    #: The newest timestamp among the stored records. None before the first one.
    newest_record_time: datetime | None
    #: How long ago the table was last known to be complete. None if it never was.
    staleness: timedelta | None


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of the lookup of one key: either an entry or a miss, and the other is None."""

    entry: Entry | None
    miss: Miss | None
    #: How complete the table was known to be just before the lookup.
    as_of: AsOf


class Field(NamedTuple):
    """A field of a table, and where its value comes from."""

    name: str
    source: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table as it is configured."""

    name: str
    topic: str
    key_sources: tuple[str, ...]
    fields: tuple[Field, ...]
    ttl: timedelta
    ttl_from: str


def result_of(result: lookup_pb2.LookupResult, as_of: AsOf) -> Result:
    if result.HasField("entry"):
        return Result(entry_of(result.entry), None, as_of)
    miss = result.miss
    reason, time = MissReason(miss.reason), time_of(miss, "time")
    return Result(None, Miss(reason, time, position_of(miss, "deleted_by")), as_of)


def entry_of(entry: entry_pb2.Entry) -> Entry:
    fields = {name: value_of(value) for name, value in entry.fields.items()}
    return Entry(entry.key, fields, origin_of(entry.origin), time_of(entry, "expire_time"))


# Any digits and exponents, and no error for what even a Decimal cannot hold.
NUMBERS = decimal.Context(
    prec=decimal.MAX_PREC, Emin=decimal.MIN_EMIN, Emax=decimal.MAX_EMAX, traps=[]
)


def value_of(value: entry_pb2.Value) -> Value:
    kind = value.WhichOneof("kind")
    match kind:
        case "json_value":
            return Json(value.json_value)
        case "number_text":
            return NUMBERS.create_decimal(value.number_text)
        case None | "null_value":
            return None
        case _:
            known: Value = getattr(value, kind)
            return known


def origin_of(origin: entry_pb2.Origin) -> Origin:
    return Origin(origin.partition, origin.offset, time_of(origin, "record_time"))


def as_of_of(as_of: lookup_pb2.AsOf) -> AsOf:
    staleness = as_of.staleness.ToTimedelta() if as_of.HasField("staleness") else None
    return AsOf(as_of.ready, time_of(as_of, "newest_record_time"), staleness)


def table_of(table: lookup_pb2.TableDescription) -> Table:
    fields = tuple(Field(field.name, field.source) for field in table.fields)
    ttl = table.ttl.ToTimedelta()
    return Table(table.name, table.topic, tuple(table.key_sources), fields, ttl, table.ttl_from)


def time_of(message: Any, field: str) -> datetime | None:
    if not message.HasField(field):
        return None
    time: Timestamp = getattr(message, field)
    return time.ToDatetime(UTC)


def position_of(message: Any, field: str) -> Position | None:
    if not message.HasField(field):
        return None
    position: entry_pb2.PartitionOffset = getattr(message, field)
    return Position(position.partition, position.offset)
