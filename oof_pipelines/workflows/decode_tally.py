"""How much of what was seen is decoded: counts for metrics and metadata, overall and by program. Plain integers."""

from dataclasses import dataclass, field

from oof_pipelines.chain.body import COMPUTE_BUDGET_PROGRAM_ID
from oof_pipelines.chain.moves import LAMPORTS_ASSET, RESIDUAL_PATH
from oof_pipelines.chain.transaction import OUTER, ParsedTransaction
from oof_pipelines.decode.conservation import conservation_faults
from oof_pipelines.decode.decoded import Decoded

_MOST_EXAMPLES = 5


@dataclass(slots=True)
class ProgramTally:
    """Transactions whose lead program this is. Lamports are what moved, counted once, and how much of it is residual."""

    transactions: int = 0
    residual: int = 0
    moved_lamports: int = 0
    residual_lamports: int = 0

    @property
    def residual_share(self) -> float:
        return self.residual / self.transactions if self.transactions else 0.0

    @property
    def residual_value_share(self) -> float:
        return self.residual_lamports / self.moved_lamports if self.moved_lamports else 0.0


@dataclass(slots=True)
class DecodeTally:
    """Counts over any number of transactions. `faults` are the first few conservation faults, with their signatures."""

    transactions: int = 0
    decoded: int = 0
    conserved: int = 0
    unread_instructions: int = 0
    total: ProgramTally = field(default_factory=ProgramTally)
    by_program: dict[str, ProgramTally] = field(default_factory=dict)
    undecoded: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

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

    def add(self, decoded: Decoded) -> None:
        self.transactions += 1
        self.decoded += 1
        self.unread_instructions += len(decoded.unread)
        faults = conservation_faults(decoded.transaction, decoded.moves)
        if not faults:
            self.conserved += 1
        elif len(self.faults) < _MOST_EXAMPLES:
            self.faults.append(f"{decoded.transaction.signature}: {faults[0]}")
        moved = [m for m in decoded.moves if m.asset == LAMPORTS_ASSET and m.delta_raw > 0 and not m.is_virtual]
        moved_lamports = sum(move.delta_raw for move in moved)
        residual_lamports = sum(move.delta_raw for move in moved if move.path == RESIDUAL_PATH)
        program = _lead_program_id(decoded.transaction)
        for tally in (self.total, self.by_program.setdefault(program, ProgramTally())):
            tally.transactions += 1
            tally.residual += decoded.has_residual
            tally.moved_lamports += moved_lamports
            tally.residual_lamports += residual_lamports


def _lead_program_id(transaction: ParsedTransaction) -> str:
    """The first program called that does not merely prepare (Compute Budget)."""
    outer = [one.program_id for one in transaction.instructions if one.path[1] == OUTER]
    return next((program for program in outer if program != COMPUTE_BUDGET_PROGRAM_ID), outer[0] if outer else "")
