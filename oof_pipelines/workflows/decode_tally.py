"""How much of what was seen is decoded: counts for metrics and metadata, overall, by program and hour. Plain integers."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from oof_pipelines.chain.body import COMPUTE_BUDGET_PROGRAM_ID
from oof_pipelines.chain.moves import LAMPORTS_ASSET, RESIDUAL_PATH, path_text
from oof_pipelines.chain.transaction import OUTER, ParsedTransaction
from oof_pipelines.decode.conservation import conservation_faults
from oof_pipelines.decode.decoded import Decoded
from oof_pipelines.decode.program import is_event_call
from oof_pipelines.decode.programs import BY_ID
from oof_pipelines.storage.parquet.decoded_day import ProgramHour, UnknownDiscriminator

_MOST_EXAMPLES = 5
# A caller may put anything in place of a discriminator: no more of them are kept apart of a program and hour.
MOST_DISCRIMINATORS = 32
OTHER_DISCRIMINATORS = "other"


@dataclass(slots=True)
class ProgramTally:
    """Transactions whose lead program this is, and calls of it by anyone.

    Lamports are what moved, counted once, and how much of it is residual. Calls are counted of programs that we decode:
    `unknown_calls` have a discriminator that no layout declares, `unread_calls` did not fit their layout.
    """

    transactions: int = 0
    residual: int = 0
    moved_lamports: int = 0
    residual_lamports: int = 0
    calls: int = 0
    unknown_calls: int = 0
    unread_calls: int = 0

    @property
    def residual_share(self) -> float:
        return self.residual / self.transactions if self.transactions else 0.0

    @property
    def residual_value_share(self) -> float:
        return self.residual_lamports / self.moved_lamports if self.moved_lamports else 0.0


@dataclass(slots=True)
class _Unknown:
    """Calls by one unknown discriminator, and the first transaction that made one."""

    calls: int
    first_signature: str


@dataclass(slots=True)
class _Hour:
    """One hour of block time: tallies by program, and unknown discriminators by program."""

    by_program: dict[str, ProgramTally] = field(default_factory=dict)
    unknown: dict[str, dict[str, _Unknown]] = field(default_factory=dict)

    def note_unknown(self, program_id: str, discriminator: str, signature: str) -> None:
        of_program = self.unknown.setdefault(program_id, {})
        is_kept = discriminator in of_program or len(of_program) < MOST_DISCRIMINATORS
        kept = discriminator if is_kept else OTHER_DISCRIMINATORS
        of_program.setdefault(kept, _Unknown(0, signature)).calls += 1


@dataclass(slots=True)
class DecodeTally:
    """Counts over any number of transactions. `faults` are the first few conservation faults, with their signatures,
    `cut_anchor_logs` transactions of programs whose events are decoded, with a log that the node cut short.

    Hours are kept of what is added with its block time: of a day that is decoded, not of a feed that runs for weeks.
    """

    transactions: int = 0
    decoded: int = 0
    conserved: int = 0
    unread_instructions: int = 0
    cut_anchor_logs: int = 0
    total: ProgramTally = field(default_factory=ProgramTally)
    by_program: dict[str, ProgramTally] = field(default_factory=dict)
    undecoded: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    hours: dict[datetime, _Hour] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, int]:
        """What is kept of a day's tally."""
        return {
            "transactions": self.transactions,
            "decoded": self.decoded,
            "conserved": self.conserved,
            "residual": self.total.residual,
            "moved_lamports": self.total.moved_lamports,
            "residual_lamports": self.total.residual_lamports,
        }

    def add_undecoded(self, signature: str) -> None:
        self.transactions += 1
        if len(self.undecoded) < _MOST_EXAMPLES:
            self.undecoded.append(signature)

    def add(self, decoded: Decoded, block_time: datetime | None = None) -> None:
        self.transactions += 1
        self.decoded += 1
        self.unread_instructions += len(decoded.unread)
        self.cut_anchor_logs += decoded.is_anchor_log_cut
        faults = conservation_faults(decoded.transaction, decoded.moves)
        if not faults:
            self.conserved += 1
        elif len(self.faults) < _MOST_EXAMPLES:
            self.faults.append(f"{decoded.transaction.signature}: {faults[0]}")
        groups = [self.by_program]
        if block_time is not None:
            hour = self.hours.setdefault(block_time.replace(minute=0, second=0, microsecond=0), _Hour())
            groups.append(hour.by_program)
            for unknown in decoded.unknown:
                hour.note_unknown(unknown.program_id, unknown.discriminator, decoded.transaction.signature)
        self._add_lead(decoded, groups)
        self._add_calls(decoded, groups)

    def _add_lead(self, decoded: Decoded, groups: list[dict[str, ProgramTally]]) -> None:
        moved = [m for m in decoded.moves if m.asset == LAMPORTS_ASSET and m.delta_raw > 0 and not m.is_virtual]
        moved_lamports = sum(move.delta_raw for move in moved)
        residual_lamports = sum(move.delta_raw for move in moved if move.path == RESIDUAL_PATH)
        program = _lead_program_id(decoded.transaction)
        for tally in (self.total, *(group.setdefault(program, ProgramTally()) for group in groups)):
            tally.transactions += 1
            tally.residual += decoded.has_residual
            tally.moved_lamports += moved_lamports
            tally.residual_lamports += residual_lamports

    def _add_calls(self, decoded: Decoded, groups: list[dict[str, ProgramTally]]) -> None:
        unread, unknown = set(decoded.unread), {one.path for one in decoded.unknown}
        for program_id, path in _calls(decoded.transaction):
            for tally in (self.total, *(group.setdefault(program_id, ProgramTally()) for group in groups)):
                tally.calls += 1
                tally.unknown_calls += path in unknown
                tally.unread_calls += path in unread

    def program_hours(self) -> list[ProgramHour]:
        """A row an hour and program, in that order."""
        return [
            ProgramHour(
                hour_at,
                program_id,
                one.calls,
                one.unknown_calls,
                one.unread_calls,
                one.transactions,
                one.residual,
                one.moved_lamports,
                one.residual_lamports,
            )
            for hour_at, hour in sorted(self.hours.items())
            for program_id, one in sorted(hour.by_program.items())
        ]

    def unknown_discriminators(self) -> list[UnknownDiscriminator]:
        """A row an hour, program and discriminator; those called most come first within a program."""
        return [
            UnknownDiscriminator(hour_at, program_id, discriminator, one.calls, one.first_signature)
            for hour_at, hour in sorted(self.hours.items())
            for program_id, of_program in sorted(hour.unknown.items())
            for discriminator, one in sorted(of_program.items(), key=lambda item: (-item[1].calls, item[0]))
        ]


def _calls(transaction: ParsedTransaction) -> Iterator[tuple[str, str]]:
    """(program, path) of every call that a layout of ours may know; events told to oneself where we declare any.

    None of a failed transaction: anybody may call a program with anything.
    """
    if transaction.is_failed:
        return
    for one in transaction.instructions:
        program = BY_ID.get(one.program_id)
        if program is not None and (program.events or not is_event_call(one.data)):
            yield one.program_id, path_text(one.path)


def _lead_program_id(transaction: ParsedTransaction) -> str:
    """The first program called that does not merely prepare (Compute Budget)."""
    outer = [one.program_id for one in transaction.instructions if one.path[1] == OUTER]
    return next((program for program in outer if program != COMPUTE_BUDGET_PROGRAM_ID), outer[0] if outer else "")
