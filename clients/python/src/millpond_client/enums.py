"""Enums of the protocol."""

import enum
from typing import Self


class ProtocolEnum(enum.IntEnum):
    """An enum that a newer service may extend: what it adds is UNSPECIFIED here."""

    @classmethod
    def _missing_(cls, value: object) -> Self:
        return cls(0)
