"""Moves: the rows of the double-entry book. A move changes one account's balance of one asset."""

from dataclasses import dataclass

LAMPORTS_ASSET = "lamports"
NATIVE_MINT = "So11111111111111111111111111111111111111112"

FEE_PATH = "fee"
RESIDUAL_PATH = "residual"

# Counter-accounts that are no account of the chain: what comes from or goes to them is made, unmade or kept aside.
SUPPLY_ACCOUNT = "supply"
WRAP_ACCOUNT = "wrap"
WITHHELD_ACCOUNT = "withheld_fees"
VALIDATOR_ACCOUNT = "validator_fee"
UNEXPLAINED_ACCOUNT = "unexplained"


@dataclass(frozen=True, slots=True)
class Move:
    """`delta_raw` of `asset` (`lamports`, or a mint) on `account`, caused by the instruction at `path`.

    `owner` is who owns the account while it moves: a token account's owner, else the account itself. `path` is
    'outer' or 'outer.inner', or `fee`, or `residual` for what no instruction explains. `is_virtual` marks counter-accounts.
    """

    path: str
    account: str
    owner: str
    asset: str
    delta_raw: int
    kind: str
    is_virtual: bool = False


def path_text(path: tuple[int, int]) -> str:
    """'3' for the outer instruction 3, '3.0' for the first one it called."""
    outer, inner = path
    return str(outer) if inner < 0 else f"{outer}.{inner}"
