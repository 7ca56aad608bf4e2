"""What the sources of recorded transactions state of their amounts, in base units."""

import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.chain.transaction import ParsedTransaction

_LAMPORTS_DECIMALS = 9
_NATIVE_NAMES = frozenset({"native SOL", "SOL", "11111111111111111111111111111111"})


@dataclass(frozen=True, slots=True)
class Stated:
    """A trade as a source states it; a side it does not state is None."""

    signature: str
    source: str
    sold_mint: str | None
    sold_raw: int | None
    bought_mint: str | None
    bought_raw: int | None


def read_stated(fixtures: Path) -> list[Path]:
    """Every `.expected.json` that states an amount."""
    return [path for path in sorted(fixtures.glob("tx_*/*.expected.json")) if _states_amounts(_read(path))]


def stated_by(path: Path, transaction: ParsedTransaction) -> Stated:
    """What the file states of its transaction; whole tokens become base units by the decimals the transaction shows."""
    told = _read(path)
    sold_mint, bought_mint = _mint(told.get("in_mint")), _mint(told.get("out_mint"))
    unit = told.get("amount_unit") or "raw"
    return Stated(
        path.name.split(".")[0],
        str(told["source"]),
        sold_mint,
        _raw(told.get("in_amount"), unit, sold_mint, transaction),
        bought_mint,
        _raw(told.get("out_amount"), unit, bought_mint, transaction),
    )


def _read(path: Path) -> dict[str, str | None]:
    told: dict[str, str | None] = json.loads(path.read_bytes())
    return told


def _states_amounts(told: dict[str, str | None]) -> bool:
    return told.get("in_amount") is not None or told.get("out_amount") is not None


def _mint(name: str | None) -> str | None:
    return NATIVE_MINT if name in _NATIVE_NAMES else name


def _raw(amount: str | None, unit: str, mint: str | None, transaction: ParsedTransaction) -> int | None:
    if amount is None:
        return None
    balances = transaction.pre_tokens + transaction.post_tokens
    decimals = next((one.decimals for one in balances if one.mint == mint), _LAMPORTS_DECIMALS)
    raw = Decimal(amount) if unit == "raw" else Decimal(amount).scaleb(decimals)
    assert raw == int(raw), (amount, mint)
    return int(raw)
