"""Liquidity read off a pool's call: what a wallet's token accounts gave to the pool or got from it.

The readers at the end take the layout's names instead of addresses, several in one string, apart by spaces.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Claim, Fact, Liquidity, TokenEvent
from oof_pipelines.decode.money import base_and_quote
from oof_pipelines.decode.program import Reader

ADD = "liquidity_add"
REMOVE = "liquidity_remove"

WalletRule: TypeAlias = Callable[[Call, tuple[str, ...]], str]
"""Says whose the token accounts of a call are, which it gets by address."""


def pool_liquidity(
    call: Call,
    kind: str,
    *,
    pool: str,
    wallet: str,
    accounts: tuple[str, ...],
    share_account: str = "",
    share_mint: str = "",
) -> list[Fact]:
    """One fact, nothing where no token moved. `accounts` are the wallet's token accounts, by address; `share_account` is
    where the pool's own token goes or comes from.
    """
    sign = -1 if kind == ADD else 1
    moved = [(call.scene.mint_of(account), sign * call.moved(account)) for account in dict.fromkeys(accounts)]
    amounts = tuple((mint, raw) for mint, raw in moved if mint and raw > 0)
    if not amounts:
        return []
    share_raw = abs(call.moved(share_account, share_mint)) if share_account and share_mint else 0
    return [
        Liquidity(
            call.path,
            call.instruction.program_id,
            call.program.name,
            kind,
            pool,
            wallet,
            amounts,
            share_mint,
            share_raw,
        )
    ]


def claims(call: Call, kind: str, *, wallet: str, accounts: tuple[str, ...], pool: str = "") -> list[Fact]:
    """A claim for each token account of the wallet that something reached."""
    return [
        Claim(call.path, call.instruction.program_id, call.program.name, kind, wallet, call.mint_of(account), raw, pool)
        for account in dict.fromkeys(accounts)
        if (raw := call.moved(account)) > 0
    ]


def pool_created(call: Call, *, pool: str, mint: str, quote_mint: str, wallet: str) -> TokenEvent:
    """A pool came to be. `mint` is the coin where one side is money, else the first of the two."""
    return token_event(call, "pool_created", mint, wallet, pool=pool, quote_mint=quote_mint)


def token_event(call: Call, kind: str, mint: str, wallet: str, **more: str) -> TokenEvent:
    """A step of a token's life that the call is; `more` are the other fields of `TokenEvent` by name."""
    return TokenEvent(call.path, call.instruction.program_id, call.program.name, kind, mint, wallet, **more)


# --- whose the accounts are ---


def holder_of(call: Call, accounts: tuple[str, ...], signer: str = "") -> str:
    """Whose the token accounts are, by the first one that moved within this call; `signer` where none did."""
    return next((call.owner_of(account) for account in accounts if call.moved(account)), signer)


def holder_or(signer: str) -> WalletRule:
    """`holder_of` with the signer by the layout's name."""
    return lambda call, accounts: holder_of(call, accounts, call.account(signer))


def first_owner(call: Call, accounts: tuple[str, ...]) -> str:
    """Whose the first token account is, moved or not."""
    return call.owner_of(accounts[0])


def named(wallet: str) -> WalletRule:
    """The account of that name of the layout, whoever owns the token accounts."""
    return lambda call, accounts: call.account(wallet)


# --- readers ---


def changing(kind: str, pool: str, *, accounts: str, wallet: WalletRule = holder_of, share: str = "") -> Reader:
    """A reader for `pool_liquidity`; `share` names the account of the pool's own token and its mint."""
    names = accounts.split()
    share_account, share_mint = share.split() if share else ("", "")

    def read(call: Call) -> Iterable[Fact]:
        addresses = tuple(call.account(name) for name in names)
        return pool_liquidity(
            call,
            kind,
            wallet=wallet(call, addresses),
            pool=call.account(pool),
            accounts=addresses,
            share_account=call.account(share_account) if share else "",
            share_mint=call.account(share_mint) if share else "",
        )

    return read


def adding_and_removing(
    pool: str, *, accounts: str, wallet: WalletRule = holder_of, share: str = ""
) -> tuple[Reader, Reader]:
    """Both readers of a pool whose layouts name the same accounts for putting in and taking out."""
    add, remove = (changing(kind, pool, accounts=accounts, wallet=wallet, share=share) for kind in (ADD, REMOVE))
    return add, remove


def claiming(kind: str, pool: str = "", *, accounts: str, wallet: WalletRule = holder_of) -> Reader:
    """A reader for `claims`; no `pool` where the layout names none."""
    names = accounts.split()

    def read(call: Call) -> Iterable[Fact]:
        addresses = tuple(call.account(name) for name in names)
        owner = wallet(call, addresses)
        return claims(call, kind, wallet=owner, accounts=addresses, pool=call.account(pool) if pool else "")

    return read


def creating(pool: str, *, mints: str, wallet: str) -> Reader:
    """A reader for `pool_created` of two mints, of which the coin is told from the money."""
    first, second = mints.split()

    def read(call: Call) -> Iterable[Fact]:
        mint, quote_mint = base_and_quote(call.account(first), call.account(second))
        address, creator = call.account(pool), call.account(wallet)
        return [pool_created(call, pool=address, mint=mint, quote_mint=quote_mint, wallet=creator)]

    return read
