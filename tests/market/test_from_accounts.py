"""What accounts say as events: which event a state makes, oriented like those of transactions, and where it stands."""

from collections.abc import Collection, Mapping

import pytest
from accounts_told import (
    PUMP,
    RAYDIUM_CPMM,
    SYSTEM,
    TOKEN,
    USDC,
    WSOL,
    cpmm_pool,
    mint_data,
    pump_curve,
    token_account_data,
)

from oof_pipelines.decode.accounts.facts import PoolInfo
from oof_pipelines.decode.accounts.registry import read_account
from oof_pipelines.decode.accounts.update import AccountUpdate
from oof_pipelines.market.events import (
    EventPlace,
    MarketEvent,
    PoolCreated,
    PoolState,
    TokenMintInfo,
    Trade,
    WalletBalance,
)
from oof_pipelines.market.from_accounts import account_event_id, account_events

WALLET = "7n9jvPADeWJrqPeZXgUXQ1uauQoCNiP4fHsAxw5nfKwR"
COIN = "CLnsvL118rFABjjpGkR5jY8JeUib3SjEf4Eyu7ZVhbKu"
POOL, POOL_DATA = cpmm_pool()
CURVE, CURVE_DATA = pump_curve()
QUOTE = "METvsvVRapdj9cFLzq4Tr43xK4tAjQfwX76z3n6mWQL"
VAULT = "9rtx1zk5rSXFjg9oDKhzTnJWeVhuA8CJFvvgdKppsz8a"


def told(
    pubkey: str,
    owner: str,
    data: bytes,
    lamports: int = 1,
    *,
    pools: Mapping[str, PoolInfo] | None = None,
    mints: Mapping[str, tuple[str, str]] | None = None,
    watched: Collection[str] = (),
) -> list[MarketEvent]:
    facts = read_account(pubkey, owner, lamports, data)
    assert facts is not None
    update = AccountUpdate(pubkey, owner, lamports, 40, 7, "sig", 1_700_000_000, False, False, facts)
    return account_events(update, pool_of_vault=pools or {}, mints_of_pool=mints or {}, watched=watched)


def place(pubkey: str) -> EventPlace:
    return EventPlace(account_event_id(pubkey, 40, 7), 40, None, 1_700_000_000, 0, 0)


def the_pool() -> PoolInfo:
    pool = read_account(POOL, RAYDIUM_CPMM, 1, POOL_DATA)
    assert isinstance(pool, PoolInfo)
    return pool


def test_a_pool_is_discovered_with_its_coin_first() -> None:
    """The account has SOL as its side 0; events have the coin first, as those of transactions do."""
    creator = "A7zcEKcRWZd4xAx44UB3fmSQzpfp8TExAD1dTyT8bjF2"
    assert told(POOL, RAYDIUM_CPMM, POOL_DATA) == [
        PoolCreated(place(POOL), RAYDIUM_CPMM, "raydium_cpmm", POOL, COIN, WSOL, creator)
    ]


@pytest.mark.parametrize(
    ("mint", "amount_raw", "reserves"), [(COIN, 700, (700, None)), (WSOL, 9, (None, 9)), (USDC, 5, None)]
)
def test_a_vault_tells_the_side_it_is_of(
    mint: str, amount_raw: int, reserves: tuple[int | None, int | None] | None
) -> None:
    data = token_account_data(mint, POOL, amount_raw)
    events = told(VAULT, TOKEN, data, pools={VAULT: the_pool()})
    if reserves is None:
        assert events == [], "the account was closed and opened again for another mint"
        return
    assert events == [PoolState(place(VAULT), RAYDIUM_CPMM, "raydium_cpmm", POOL, COIN, WSOL, "vault", *reserves)]
    assert told(VAULT, TOKEN, data) == [], "of no pool that is known"


def test_a_curve_is_told_of_once_its_coin_is_known() -> None:
    assert told(CURVE, PUMP, CURVE_DATA) == []
    assert told(CURVE, PUMP, CURVE_DATA, mints={CURVE: ("", QUOTE)}) == []
    created, state = told(CURVE, PUMP, CURVE_DATA, mints={CURVE: (COIN, QUOTE)})
    mint, quote_mint = sorted((COIN, QUOTE))
    by = (PUMP, "pumpfun", CURVE, mint, quote_mint)
    assert created == PoolCreated(place(CURVE), *by, WALLET)
    reserves = {COIN: 1_045_225_794_522_273, QUOTE: 12_410_948_657}
    assert state == PoolState(place(CURVE), *by, "virtual", reserves[mint], reserves[quote_mint])
    for_sol, sol_data = pump_curve(SYSTEM)
    _, state = told(for_sol, PUMP, sol_data, mints={for_sol: (COIN, "")})
    assert state == PoolState(
        place(for_sol), PUMP, "pumpfun", for_sol, COIN, WSOL, "virtual", 1_045_225_794_522_273, 12_410_948_657
    )


def test_a_mint_is_told_with_its_program() -> None:
    assert told(COIN, TOKEN, mint_data(5, 9, WALLET)) == [TokenMintInfo(place(COIN), COIN, TOKEN, 9, WALLET, "", 5)]


def test_balances_are_those_of_watched_wallets() -> None:
    data = token_account_data(COIN, WALLET, 11)
    assert told(VAULT, TOKEN, data) == []
    balance = [WalletBalance(place(VAULT), COIN, WALLET, 11)]
    assert told(VAULT, TOKEN, data, watched=[WALLET]) == balance == told(VAULT, TOKEN, data, watched=[VAULT])
    assert told(WALLET, SYSTEM, b"", 12, watched=[WALLET]) == [WalletBalance(place(WALLET), WSOL, WALLET, 12)]
    assert told(WALLET, SYSTEM, b"", 0, watched=[WALLET]) == [WalletBalance(place(WALLET), WSOL, WALLET, 0)]
    assert told(WALLET, SYSTEM, b"", 12) == told(WALLET, SYSTEM, b"", 0) == []


def test_account_events_stand_behind_their_slots_transactions_by_write() -> None:
    def trade(slot: int, tx_index: int | None, signature: str) -> Trade:
        at = EventPlace(signature, slot, tx_index, 0, 65_536, 0)
        return Trade(at, "p", "v", "pool", COIN, WSOL, True, 1, 1, 6, 9, "t", "t")

    def balance(slot: int, version: int, pubkey: str) -> WalletBalance:
        at = EventPlace(account_event_id(pubkey, slot, version), slot, None, 0, 0, 0)
        return WalletBalance(at, COIN, WALLET, 1)

    in_order: list[MarketEvent] = [
        trade(7, 0, "zzz"),
        trade(7, 3, "aaa"),
        trade(7, None, "zzzz"),
        balance(7, 9, "B"),
        balance(7, 10, "A"),
        balance(7, 10, "B"),
        balance(7, 2**63, "A"),
        trade(8, 0, "a"),
    ]
    backwards = in_order[::-1]
    assert sorted(backwards, key=lambda event: event.order_key) == in_order
