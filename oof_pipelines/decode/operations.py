"""What System, Stake and the token programs can do to balances, as plain values: the words between layouts and the book.

A program's decoder turns an instruction into operations; `book.py` applies them to balances and writes the moves. Amounts
are base units. `None` for an amount means "all there is", which only the book knows.
"""

import msgspec


class MoveLamports(msgspec.Struct, frozen=True, gc=False):
    """Lamports from one account to another. `kind` is the kind of the moves it makes.

    `nonce` is no kind of moves: what leaves a nonce account is its rent where it empties it, else a transfer.
    """

    source: str
    destination: str
    lamports: int | None
    kind: str = "transfer"


class GiveToProgram(msgspec.Struct, frozen=True, gc=False):
    """The account now belongs to `program_id` (assign, and the end of every account creation)."""

    account: str
    program_id: str


class OpenTokenAccount(msgspec.Struct, frozen=True, gc=False):
    """A token account is initialised: from here on it has a mint and an owner."""

    account: str
    mint: str
    owner: str


class OpenMint(msgspec.Struct, frozen=True, gc=False):
    """A mint is initialised."""

    mint: str
    decimals: int


class MoveTokens(msgspec.Struct, frozen=True, gc=False):
    """Tokens from one account to another. `fee_raw` is the withheld fee where the instruction states it.

    `mint` is None for a plain transfer, which does not name it.
    """

    source: str
    destination: str
    amount_raw: int
    mint: str | None = None
    fee_raw: int | None = None


class MintTokens(msgspec.Struct, frozen=True, gc=False):
    """New tokens into an account."""

    mint: str
    account: str
    amount_raw: int


class BurnTokens(msgspec.Struct, frozen=True, gc=False):
    """Tokens of an account cease to be."""

    mint: str | None
    account: str
    amount_raw: int


class CloseAccount(msgspec.Struct, frozen=True, gc=False):
    """An account is closed: all its lamports go to `destination`; wrapped SOL in it is unwrapped."""

    account: str
    destination: str


class CloseProgramAccount(msgspec.Struct, frozen=True, gc=False):
    """A program empties an account of its own by no instruction (Anchor's `close`): its lamports go to `destination`."""

    account: str
    destination: str


class SyncNative(msgspec.Struct, frozen=True, gc=False):
    """A wrapped SOL account's token amount becomes what its lamports above the rent are."""

    account: str


class UnwrapLamports(msgspec.Struct, frozen=True, gc=False):
    """Wrapped SOL leaves as lamports without closing the account."""

    account: str
    destination: str
    amount_raw: int | None


class ChangeOwner(msgspec.Struct, frozen=True, gc=False):
    """A token account changes hands with all that is in it."""

    account: str
    owner: str


class CollectWithheld(msgspec.Struct, frozen=True, gc=False):
    """Withheld fees of a mint become tokens of `destination` again; how many only the balances tell."""

    mint: str
    destination: str


class MoveConfidential(msgspec.Struct, frozen=True, gc=False):
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
