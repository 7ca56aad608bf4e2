"""One call of a venue's program made by hand with all accounts by their names: a wallet's, `OWNER`, and the `VENUE`'s."""

from collections.abc import Sequence

from crafted_bodies import address
from crafted_calls import CraftedTransaction, Made, burns, mints, pays

from oof_pipelines.decode.reading import Reading

OWNER = address("owner")
VENUE = address("venue authority")
_BEFORE_RAW = 1_000_000


def made(program_id: str, accounts: str, data: bytes, *calls: Made) -> Made:
    """A call of a program with the calls it makes."""
    return Made(program_id, [address(name) for name in accounts.split()], data, calls)


def moved(source: str, destination: str, amount_raw: int) -> Made:
    """The token program's transfer."""
    return pays(address(source), address(destination), amount_raw)


def minted(mint: str, account: str, amount_raw: int) -> Made:
    """The token program's MintTo."""
    return mints(address(mint), address(account), amount_raw)


def burned(mint: str, account: str, amount_raw: int) -> Made:
    """The token program's Burn."""
    return burns(address(mint), address(account), amount_raw)


def crafted_reading(
    program_id: str,
    accounts: str,
    data: bytes,
    *,
    users: dict[str, str],
    vaults: dict[str, str],
    calls: Sequence[Made],
) -> Reading:
    """What is said of a call of a program with `accounts` that makes the `calls`; some may be unread or unknown.

    `users` and `vaults` are token accounts (account → mint) of the wallet and of the venue; each holds 1,000,000 base
    units at first.
    """
    owned = [(users, OWNER), (vaults, VENUE)]
    tokens = {
        address(account): (address(mint), owner, _BEFORE_RAW)
        for mints_by_account, owner in owned
        for account, mint in mints_by_account.items()
    }
    return CraftedTransaction([made(program_id, accounts, data, *calls)], tokens).read().reading
