"""What a run has used of its ceilings."""

from collections.abc import Callable

from oof_pipelines.workflows.ceilings import MAX_CPU_MS, MAX_SIGNATURES, MAX_TX, Ceilings


class Spending:
    """Counts against `ceilings`; `hit` names those that stopped something, in the order in which they did.

    `cpu_ms` tells this process's milliseconds, counted from whenever. A run whose ceiling is the processor does one piece of
    work whatever it costs, so that every run goes on from where the last one ended; the other ceilings are kept to.
    """

    def __init__(self, ceilings: Ceilings, cpu_ms: Callable[[], int]) -> None:
        self._ceilings = ceilings
        self._cpu_ms = cpu_ms
        self._began_at_cpu_ms = cpu_ms() if ceilings.max_cpu_ms is not None else 0
        self._has_progressed = False
        self.signatures = 0
        self.transactions = 0
        self.hit: list[str] = []

    def signatures_left(self) -> int | None:
        """How many new signatures may still be listed; None without bound. Where it is 0 the ceiling counts as hit."""
        return self._left(MAX_SIGNATURES, self._ceilings.max_signatures, self.signatures)

    def transactions_left(self) -> int | None:
        """How many bodies may still be asked for; None without bound. Where it is 0 the ceiling counts as hit."""
        return self._left(MAX_TX, self._ceilings.max_tx, self.transactions)

    def is_out_of_cpu(self) -> bool:
        """Whether the processor's ceiling is reached, and something was done."""
        ceiling_ms = self._ceilings.max_cpu_ms
        if ceiling_ms is None or not self._has_progressed or self._cpu_ms() - self._began_at_cpu_ms < ceiling_ms:
            return False
        self._note(MAX_CPU_MS)
        return True

    @property
    def is_over(self) -> bool:
        return bool(self.hit)

    def add_signatures(self, count: int) -> None:
        self.signatures += count
        self._has_progressed = self._has_progressed or count > 0

    def add_transactions(self, count: int) -> None:
        self.transactions += count
        self._has_progressed = self._has_progressed or count > 0

    def note_progress(self) -> None:
        """Something was proven that no later run has to do again."""
        self._has_progressed = True

    def _left(self, name: str, ceiling: int | None, used: int) -> int | None:
        if ceiling is None:
            return None
        if used >= ceiling:
            self._note(name)
        return max(0, ceiling - used)

    def _note(self, name: str) -> None:
        if name not in self.hit:
            self.hit.append(name)
