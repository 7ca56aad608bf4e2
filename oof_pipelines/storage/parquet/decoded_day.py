"""A decoded day on its way from the files to the tables that serve it."""

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl


@dataclass(frozen=True, slots=True)
class ProgramHour:
    """How much of a program was decoded within one hour of block time.

    `calls`, `unknown_calls` (no layout declares their discriminator) and `unread_calls` (they did not fit it) are of
    programs that we decode; the rest is of the transactions that the program leads, lamports counted once.
    """

    hour_at: datetime
    program_id: str
    calls: int
    unknown_calls: int
    unread_calls: int
    transactions: int
    residual_transactions: int
    moved_lamports: int
    residual_lamports: int


@dataclass(frozen=True, slots=True)
class UnknownDiscriminator:
    """A discriminator that no layout of its program declares: how often it was called within an hour, and where first."""

    hour_at: datetime
    program_id: str
    discriminator: str
    calls: int
    first_signature: str


@dataclass(frozen=True, slots=True)
class DecodedDay:
    """What the day's files hold. `counts` are the columns of decoded_days; `slices` are wallet bucket → digest of what
    the day has for its two files.
    """

    day: date
    raw: pl.DataFrame
    frames: dict[str, pl.DataFrame]
    counts: dict[str, int]
    program_hours: list[ProgramHour]
    unknown_discriminators: list[UnknownDiscriminator]
    slices: dict[int, str]
    actions_sha256: str
    decoder_version: str
