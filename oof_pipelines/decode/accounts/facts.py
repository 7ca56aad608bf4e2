"""What an account says of itself: a pool, a mint, a token account, a wallet. Amounts are base units.

Facts are read off one account's data alone; nothing is asked of another account and nothing is guessed. Where an account
of the kind does not tell a thing the field is None, '' for an address or a text.
"""

from typing import Any

import msgspec

POOL = "pool"
MINT = "mint"
TOKEN_ACCOUNT = "token_account"  # noqa: S105 - a kind of account
WALLET = "wallet"
CLOSED = "closed"
KINDS = (POOL, MINT, TOKEN_ACCOUNT, WALLET, CLOSED)


class PoolInfo(msgspec.Struct, frozen=True, gc=False):
    """A pool, or a launchpad's curve. Its sides are in the program's own order: a before b, whichever of them is money.

    `mint_a` is '' for a pump.fun curve, whose account does not name its coin. `fee_ppm` is the fee in parts of a million
    where the account itself states it (a basis point is 100). `owed_a_raw` and `owed_b_raw` lie in the vaults and are not
    the pool's to trade with: fees of the protocol, the fund, the creator. `virtual_a_raw` and `virtual_b_raw` are the
    reserves that price a curve; on PumpSwap what is added to the vault of b. `price_x64` is the square root of (raw b for
    one raw a) in 64.64 fixed point, `tick` the tick or active bin, `step` the spacing of ticks or the width of a bin in bps.
    """

    venue: str
    program_id: str
    pool: str
    mint_a: str
    mint_b: str
    vault_a: str
    vault_b: str
    decimals_a: int | None = None
    decimals_b: int | None = None
    lp_mint: str = ""
    creator: str = ""
    config: str = ""
    status: int | None = None
    is_complete: bool | None = None
    fee_ppm: int | None = None
    owed_a_raw: int | None = None
    owed_b_raw: int | None = None
    virtual_a_raw: int | None = None
    virtual_b_raw: int | None = None
    real_a_raw: int | None = None
    real_b_raw: int | None = None
    liquidity_raw: int | None = None
    price_x64: int | None = None
    tick: int | None = None
    step: int | None = None
    supply_raw: int | None = None


class TokenMintInfo(msgspec.Struct, frozen=True, gc=False):
    """A mint under either token program. Authorities are '' where there is none any more.

    `extensions` are those of Token-2022 that it carries, in the order of the account; one that is not known here is
    `extension_N`. The transfer fee is the newer of the two that the mint keeps, which holds from `fee_from_epoch` on;
    until then `older_fee_bps` does. `default_state` is the state in which its token accounts are opened.
    """

    mint: str
    token_program: str
    decimals: int
    supply_raw: int
    mint_authority: str
    freeze_authority: str
    extensions: tuple[str, ...] = ()
    transfer_fee_bps: int | None = None
    most_transfer_fee_raw: int | None = None
    fee_from_epoch: int | None = None
    older_fee_bps: int | None = None
    permanent_delegate: str = ""
    close_authority: str = ""
    hook_program: str = ""
    default_state: str = ""
    is_paused: bool = False
    name: str = ""
    symbol: str = ""
    uri: str = ""


class TokenAccountInfo(msgspec.Struct, frozen=True, gc=False):
    """A token account in use. `state` is initialized or frozen; `withheld_raw` is what a Token-2022 transfer fee left in it.

    Of wrapped SOL `rent_lamports` is the deposit beneath the amount, None for every other mint.
    """

    account: str
    token_program: str
    mint: str
    owner: str
    amount_raw: int
    state: str
    delegate: str = ""
    delegated_raw: int = 0
    close_authority: str = ""
    rent_lamports: int | None = None
    withheld_raw: int | None = None
    extensions: tuple[str, ...] = ()


class WalletInfo(msgspec.Struct, frozen=True, gc=False):
    """An account of the System program that holds nothing but lamports."""

    wallet: str
    lamports: int


class ClosedAccount(msgspec.Struct, frozen=True, gc=False):
    """An account that is gone: no lamports, no data. `account` is its address."""

    account: str


AccountFacts = PoolInfo | TokenMintInfo | TokenAccountInfo | WalletInfo | ClosedAccount

_KIND_OF: tuple[tuple[type[Any], str], ...] = (
    (PoolInfo, POOL),
    (TokenMintInfo, MINT),
    (TokenAccountInfo, TOKEN_ACCOUNT),
    (WalletInfo, WALLET),
    (ClosedAccount, CLOSED),
)
_TYPE_OF = {kind: type_ for type_, kind in _KIND_OF}
_EXACT = ("_raw", "_x64", "lamports")


def kind_of(facts: AccountFacts) -> str:
    """One of `KINDS`."""
    return next(kind for type_, kind in _KIND_OF if type(facts) is type_)


def to_json(facts: AccountFacts) -> dict[str, Any]:
    """The facts as a JSON object: amounts and prices as strings, the rest as they are; `from_json` gives them back."""
    told: dict[str, Any] = {}
    for name in facts.__struct_fields__:
        value = getattr(facts, name)
        is_exact = name.endswith(_EXACT) and value is not None
        told[name] = str(value) if is_exact else list(value) if isinstance(value, tuple) else value
    return told


def from_json(kind: str, told: dict[str, Any]) -> AccountFacts:
    """The facts that `to_json` wrote. KeyError where the kind is none, TypeError or ValueError where they are not of it."""
    type_ = _TYPE_OF[kind]
    values: dict[str, Any] = {}
    for name, value in told.items():
        is_exact = name.endswith(_EXACT) and value is not None
        values[name] = int(value) if is_exact else tuple(value) if isinstance(value, list) else value
    made: AccountFacts = type_(**values)
    return made
