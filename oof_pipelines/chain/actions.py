"""Actions: what a transaction did, in words. An action refers to the paths whose moves it names; it moves nothing itself."""

import hashlib

import msgspec

_ID_BYTES = 16


class Action(msgspec.Struct, frozen=True, gc=False):
    """One thing done.

    `wallet` is whose action it is: who sent, paid, traded, opened. `counterparty` is the other side's owner, '' where
    there is none; for a swap it is who was given what was bought, '' where the wallet kept it. `asset` and `amount_raw`
    are what moved (for a swap: what was sold), `bought_asset` and `bought_raw` what a swap brought. `paths` are the paths
    of the moves it speaks of. A transfer between accounts of one owner is a `self_transfer`.
    """

    id: str
    path: str
    program_id: str
    venue: str
    kind: str
    wallet: str
    counterparty: str
    asset: str
    amount_raw: int
    bought_asset: str
    bought_raw: int
    paths: tuple[str, ...]


def action_id(signature: str, path: str, kind: str, ordinal: int = 0) -> str:
    """Derived from what the action is, so that decoding again gives the same: 32 hex digits.

    `ordinal` tells apart several actions of one kind at one path (a token batch, two assets of a residual).
    """
    text = f"{signature}|{path}|{kind}|{ordinal}"
    return hashlib.sha256(text.encode()).hexdigest()[: _ID_BYTES * 2]
