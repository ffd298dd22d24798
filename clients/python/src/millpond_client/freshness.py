"""What a read demands of its table."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from millpond_client._proto import lookup_pb2
from millpond_client.entries import Position


@dataclass(frozen=True, slots=True)
class Freshness:
    """What a read demands of its table. It fails unless all of it holds."""

    #: The table has caught up with its stream once. UNAVAILABLE otherwise.
    require_ready: bool = False
    #: The table is not staler than this. UNAVAILABLE otherwise. A second or two is normal.
    max_staleness: timedelta | None = None
    #: Wait until the table has handled these records. A program reads its own writes by passing what
    #: its producer was told.
    min_positions: Sequence[Position] = ()


def request_of(freshness: Freshness | None) -> lookup_pb2.Freshness | None:
    if freshness is None:
        return None
    request = lookup_pb2.Freshness(require_ready=freshness.require_ready)
    if freshness.max_staleness is not None:
        request.max_staleness.FromTimedelta(freshness.max_staleness)
    for partition, offset in freshness.min_positions:
        request.min_positions.add(partition=partition, offset=offset)
    return request
