"""What System, Stake and the token programs can do to balances, as plain values: the words between layouts and the book.

A program's decoder turns an instruction into operations; `book.py` applies them to balances and writes the moves. Amounts
are base units. `None` for an amount means "all there is", which only the book knows.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MoveLamports:
    """Lamports from one account to another. `kind` is the kind of the moves it makes.

    `nonce` is no kind of moves: what leaves a nonce account is its rent where it empties it, else a transfer.
    """

    source: str
    destination: str
    lamports: int | None
    kind: str = "transfer"


@dataclass(frozen=True, slots=True)
class GiveToProgram:
    """The account now belongs to `program_id` (assign, and the end of every account creation)."""

    account: str
    program_id: str


@dataclass(frozen=True, slots=True)
class OpenTokenAccount:
    """A token account is initialised: from here on it has a mint and an owner."""

    account: str
    mint: str
    owner: str


@dataclass(frozen=True, slots=True)
class OpenMint:
    """A mint is initialised."""

    mint: str
    decimals: int


@dataclass(frozen=True, slots=True)
class MoveTokens:
    """Tokens from one account to another. `fee_raw` is the withheld fee where the instruction states it.

    `mint` is None for a plain transfer, which does not name it.
    """

    source: str
    destination: str
    amount_raw: int
    mint: str | None = None
    fee_raw: int | None = None


@dataclass(frozen=True, slots=True)
class MintTokens:
    """New tokens into an account."""

    mint: str
    account: str
    amount_raw: int


@dataclass(frozen=True, slots=True)
class BurnTokens:
    """Tokens of an account cease to be."""

    mint: str | None
    account: str
    amount_raw: int


@dataclass(frozen=True, slots=True)
class CloseAccount:
    """An account is closed: all its lamports go to `destination`; wrapped SOL in it is unwrapped."""

    account: str
    destination: str


@dataclass(frozen=True, slots=True)
class CloseProgramAccount:
    """A program empties an account of its own by no instruction (Anchor's `close`): its lamports go to `destination`."""

    account: str
    destination: str


@dataclass(frozen=True, slots=True)
class SyncNative:
    """A wrapped SOL account's token amount becomes what its lamports above the rent are."""

    account: str


@dataclass(frozen=True, slots=True)
class UnwrapLamports:
    """Wrapped SOL leaves as lamports without closing the account."""

    account: str
    destination: str
    amount_raw: int | None


@dataclass(frozen=True, slots=True)
class ChangeOwner:
    """A token account changes hands with all that is in it."""

    account: str
    owner: str


@dataclass(frozen=True, slots=True)
class CollectWithheld:
    """Withheld fees of a mint become tokens of `destination` again; how many only the balances tell."""

    mint: str
    destination: str


@dataclass(frozen=True, slots=True)
class MoveConfidential:
    """Tokens of an account enter (`delta_raw` < 0) or leave its encrypted balance, which no one sees.

    `mint` is None where the instruction's words do not name it reliably.
    """

    account: str
    mint: str | None
    delta_raw: int


Operation = (
    MoveLamports
    | GiveToProgram
    | OpenTokenAccount
    | OpenMint
    | MoveTokens
    | MintTokens
    | BurnTokens
    | CloseAccount
    | CloseProgramAccount
    | SyncNative
    | UnwrapLamports
    | ChangeOwner
    | CollectWithheld
    | MoveConfidential
)
