"""The chain that faults are shown on: three chapters of the golden story, small enough to be gone through many times.

They hold purchases, sales, several episodes and the moments that follow from them, in two venues. What of the chain ends up
otherwise (slots that vanish) is told here too, since a calm run is of the chain as it ended up.
"""

from collections.abc import Collection
from pathlib import Path

from oof_pipelines.testing.golden_chain import KLINES_FOLDER, GoldenWallet, tell
from oof_pipelines.testing.golden_plot import BEGINS_S
from oof_pipelines.testing.recorded_node.faults import Faults
from oof_pipelines.testing.recorded_node.ledger import Ledger
from oof_pipelines.testing.synthetic_chain import SyntheticTransaction, write_transaction

_DAY_S = 86_400
# Days of the story: three episodes of one coin and a coin sold too early; the two pools of the bad routes.
_CHAPTER_DAYS = ((89, 112), (779, 793))
_KLINES_NAME = "SOLUSDT_1m.csv"


def write_fault_chain(folder: Path, *, seed: int) -> GoldenWallet:
    """Write the chapters' transactions as SIGNATURE.json, and klines/, into a folder; the whole story is given back."""
    golden = tell(seed)
    (folder / KLINES_FOLDER).mkdir(parents=True, exist_ok=True)
    (folder / KLINES_FOLDER / _KLINES_NAME).write_text("\n".join(golden.klines) + "\n", encoding="utf-8")
    for transaction in chapters(golden):
        write_transaction(folder, transaction, "base64")
    return golden


def chapters(golden: GoldenWallet) -> list[SyntheticTransaction]:
    """The transactions of the chapters, in the order of the chain."""
    return [one for one in golden.transactions if _is_told(one.block_time_s)]


def _is_told(block_time_s: int | None) -> bool:
    if block_time_s is None:
        return False
    day = (block_time_s - BEGINS_S) // _DAY_S
    return any(first <= day < end for first, end in _CHAPTER_DAYS)


def vanishing_signatures(slot_by_signature: dict[str, int], faults: str, seed: int) -> frozenset[str]:
    """Which transactions a node with these faults and this seed takes back."""
    gone = Faults(faults, seed).vanishing_slots(sorted(set(slot_by_signature.values())))
    return frozenset(signature for signature, slot in slot_by_signature.items() if slot in gone)


def write_without(ledger: Ledger, signatures: Collection[str], target: Path) -> None:
    """Write a chain without those transactions as SIGNATURE.json into a new folder: the chain as it ended up.

    Each body is what a node that has the whole chain gives for it.
    """
    target.mkdir(parents=True)
    for entry in ledger.entries:
        if entry.signature not in signatures:
            (target / f"{entry.signature}.json").write_bytes(ledger.read_body(entry, "base64"))
