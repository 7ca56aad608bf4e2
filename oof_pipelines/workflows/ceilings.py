"""How much one run may do. What is left when a ceiling is reached is done by the next run of the same request."""

import msgspec

MAX_SIGNATURES, MAX_TX, MAX_CPU_MS, MAX_CANDLE_READS = "max_signatures", "max_tx", "max_cpu_ms", "max_candle_reads"
"""What a report names as reached."""


class Ceilings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most that one run may do; None is without bound. 0 is a bound as well.

    `max_signatures` are listed and not known before, `max_tx` bodies asked for, `max_cpu_ms` milliseconds of this machine's
    processors, `max_candle_reads` candles of one minute read from files.
    """

    max_signatures: int | None = None
    max_tx: int | None = None
    max_cpu_ms: int | None = None
    max_candle_reads: int | None = None


NO_CEILINGS = Ceilings()
