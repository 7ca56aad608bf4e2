"""Moves: the rows of the double-entry book. A move changes one account's balance of one asset."""

import msgspec

LAMPORTS_ASSET = "lamports"
NATIVE_MINT = "So11111111111111111111111111111111111111112"
TOKEN_2022_NATIVE_MINT = "9pan9bMn5HatX4EJdBwg9VgCa7Uz5HL8N1m5D3NdXej9"  # noqa: S105 - an address
NATIVE_MINTS = frozenset({NATIVE_MINT, TOKEN_2022_NATIVE_MINT})
"""Wrapped SOL: each token program has a mint of its own for it (`native_mint::ID` of either interface)."""

FEE_PATH = "fee"
RESIDUAL_PATH = "residual"

# Counter-accounts that are no account of the chain: what comes from or goes to them is made, unmade or kept aside.
SUPPLY_ACCOUNT = "supply"
WRAP_ACCOUNT = "wrap"
WITHHELD_ACCOUNT = "withheld_fees"
CONFIDENTIAL_ACCOUNT = "confidential"
VALIDATOR_ACCOUNT = "validator_fee"
UNEXPLAINED_ACCOUNT = "unexplained"


class Move(msgspec.Struct, frozen=True, gc=False):
    """`delta_raw` of `asset` (`lamports`, or a mint) on `account`, caused by the instruction at `path`.

    `owner` is who owns the account while it moves: a token account's owner, also of what is paid in for him before it is
    initialised; else the account itself. `path` is
    'outer' or 'outer.inner', or `fee`, or `residual` for what no instruction explains. `is_virtual` marks counter-accounts.
    """

    path: str
    account: str
    owner: str
    asset: str
    delta_raw: int
    kind: str
    is_virtual: bool = False


_TABLED = 64
_TEXTS = [[str(outer), *(f"{outer}.{inner}" for inner in range(_TABLED))] for outer in range(_TABLED)]


def path_text(path: tuple[int, int]) -> str:
    """'3' for the outer instruction 3, '3.0' for the first one it called."""
    outer, inner = path
    if outer < _TABLED and inner < _TABLED:
        return _TEXTS[outer][inner + 1]
    return str(outer) if inner < 0 else f"{outer}.{inner}"


_FEE_LOG_IDX = -1
_RESIDUAL_LOG_IDX = 2**31 - 1


def log_idx(path: str) -> int:
    """Where a path stands in its transaction: outer × 65536 + inner + 1, the fee before all, the residual after all."""
    if path == FEE_PATH:
        return _FEE_LOG_IDX
    if path == RESIDUAL_PATH:
        return _RESIDUAL_LOG_IDX
    outer, _, inner = path.partition(".")
    return int(outer) * 65_536 + (int(inner) + 1 if inner else 0)
