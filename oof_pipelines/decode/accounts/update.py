"""One change of an account, as it was heard."""

import msgspec

from oof_pipelines.decode.accounts.facts import AccountFacts


class AccountUpdate(msgspec.Struct, frozen=True, gc=False):
    """What `pubkey` is after a write in `slot`, with what its data say.

    `write_version` numbers the writes of the node that told of it: of two in one slot the greater is the later one.
    `signature` is the transaction that wrote it, '' where nobody said. `block_time_s` is Unix seconds.
    `is_startup` marks what was there before anybody listened: its slot is when it was last written.
    """

    pubkey: str
    owner: str
    lamports: int
    slot: int
    write_version: int
    signature: str
    block_time_s: int
    is_block_time_estimated: bool
    is_startup: bool
    facts: AccountFacts
