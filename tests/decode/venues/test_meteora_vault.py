"""Meteora's vaults: a wallet's own deposit is a position, a pool's is none."""

import pytest
from crafted_bodies import address
from crafted_calls import CraftedCall

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Liquidity
from oof_pipelines.decode.program import OTHER
from oof_pipelines.decode.venues.meteora_vault import PROGRAM

VAULT_PROGRAM = "24Uqj9JCLxUeoC3hGfh5W3s9FM9uCHDS2SG3LYwBpyTi"
WALLET, POOL, VAULT, LP_MINT = (address(word) for word in ("wallet", "pool", "vault", "lp mint"))
TOKEN, WALLET_LP, POOL_LP, VAULT_TOKEN = (address(word) for word in ("token", "wallet lp", "pool lp", "vault token"))
TOKENS = {
    TOKEN: (NATIVE_MINT, WALLET, 1_000),
    VAULT_TOKEN: (NATIVE_MINT, VAULT, 1_000),
    WALLET_LP: (LP_MINT, WALLET, 1_000),
    POOL_LP: (LP_MINT, POOL, 1_000),
}


def call(name: str, share: str, moves: list[tuple[str, str, int]]) -> CraftedCall:
    accounts = {"vault": VAULT, "lp_mint": LP_MINT, "user_token": TOKEN, "user_lp": share, "user": WALLET}
    return CraftedCall(PROGRAM, name, accounts, TOKENS, moves=moves)


def test_it_is_no_venue() -> None:
    assert PROGRAM.role == OTHER


def test_a_wallets_own_deposit() -> None:
    moves = [(TOKEN, VAULT_TOKEN, 500), (POOL_LP, WALLET_LP, 450)]
    assert call("deposit", WALLET_LP, moves).read().facts == [
        Liquidity(
            "0", VAULT_PROGRAM, "meteora_vault", "liquidity_add", VAULT, WALLET, ((NATIVE_MINT, 500),), LP_MINT, 450
        )
    ]


@pytest.mark.parametrize("name", ["withdraw", "withdraw2", "withdraw_directly_from_strategy"])
def test_a_wallets_own_withdrawal(name: str) -> None:
    moves = [(VAULT_TOKEN, TOKEN, 500), (WALLET_LP, POOL_LP, 450)]
    (removed,) = call(name, WALLET_LP, moves).read().facts
    assert isinstance(removed, Liquidity)
    assert (removed.kind, removed.amounts, removed.share_raw) == ("liquidity_remove", ((NATIVE_MINT, 500),), 450)


def test_a_pools_deposit_and_withdrawal_say_nothing() -> None:
    assert call("deposit", POOL_LP, [(TOKEN, VAULT_TOKEN, 500), (WALLET_LP, POOL_LP, 450)]).read().facts == []
    assert call("withdraw", POOL_LP, [(VAULT_TOKEN, TOKEN, 500), (POOL_LP, WALLET_LP, 450)]).read().facts == []
