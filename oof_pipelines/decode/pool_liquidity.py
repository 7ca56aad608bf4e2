"""Liquidity read off a pool's call: what a wallet's token accounts gave to the pool or got from it."""

from oof_pipelines.decode.call import Call
from oof_pipelines.decode.facts import Claim, Fact, Liquidity, TokenEvent

ADD = "liquidity_add"
REMOVE = "liquidity_remove"


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


def holder_of(call: Call, accounts: tuple[str, ...], signer: str = "") -> str:
    """Whose the token accounts are, by the first one that moved within this call; `signer` where none did."""
    return next((call.owner_of(account) for account in accounts if call.moved(account)), signer)


def pool_created(call: Call, *, pool: str, mint: str, quote_mint: str, wallet: str) -> TokenEvent:
    """A pool came to be. `mint` is the coin where one side is money, else the first of the two."""
    return TokenEvent(
        call.path,
        call.instruction.program_id,
        call.program.name,
        "pool_created",
        mint,
        wallet,
        pool=pool,
        quote_mint=quote_mint,
    )
