"""How much one run may do. What is left when a ceiling is reached is done by the next run of the same request."""

from typing import Annotated

import msgspec

_Ceiling = Annotated[int, msgspec.Meta(ge=1)]

MAX_SIGNATURES, MAX_TX, MAX_CPU_MS, MAX_CANDLE_READS = "max_signatures", "max_tx", "max_cpu_ms", "max_candle_reads"
"""What a report names as reached."""


class Ceilings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most that one run may do, at least 1 of each; None is without bound.

    `max_signatures` are listed and not known before, `max_tx` bodies asked for, `max_cpu_ms` milliseconds of this machine's
    processors, `max_candle_reads` candles of one minute read from files.
    """

    max_signatures: _Ceiling | None = None
    max_tx: _Ceiling | None = None
    max_cpu_ms: _Ceiling | None = None
    max_candle_reads: _Ceiling | None = None


NO_CEILINGS = Ceilings()
