"""Jupiter's order engine: recorded fills, which side is whose, and that the amounts are what the book says moved."""

import pytest
from crafted_bodies import address
from crafted_calls import CraftedTransaction, called, pays, pays_lamports, u64
from recorded_bodies import Recorded
from route_facts import said
from venue_facts import read

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINT
from oof_pipelines.decode.facts import OrderFill
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.decode.venues.jupiter_rfq import PROGRAM

PROGRAM_ID = PROGRAM.program_ids[0]
WBTC = "7vfCXTUXx5WJV5JADk17DUJ4ksgau7utNKj4b963voxs"


def fill(path: str, user: str, market_maker: str, sold: tuple[str, int], bought: tuple[str, int]) -> OrderFill:
    return OrderFill(path, PROGRAM_ID, "jupiter_rfq", "", user, market_maker, *sold, *bought)


RECORDED = {
    "2fdUQ6DBnu2V3twzLVUdyhdJPAVRtXfjo855JM3xiZr1HBLwVbEFUowZ3G61w3pgT4abAEACy2ej9PYrqkcGYWjF": fill(
        "3",
        "H5izPfH2hmub4XGHqMgFTMNZEJ7yJtoNK7roC1m3FDij",
        "FkaLnX17cXZGyeu3kZGdHCNdFMJJzBrPPYVvd18B3MZp",
        (USDC_MINT, 282854293),
        (USDT_MINT, 282833715),
    ),
    # the bought SOL is unwrapped by the market maker and reaches the user as lamports
    "5vBFfTGrcdkE7ZdsUDSU2kRkhoFp4EgKtLLB6h2m1uQoG5wCddCkFGnNjXaHrV2r1kZ8CpJfh7UcWJ9tFXAyKc8Q": fill(
        "2",
        "7T8ckKtdc5DH7ACS5AnCny7rVXYJPEsaAbdBri1FhPxY",
        "7rhxnLV8C77o6d8oz26AgK8x8m5ePsdeRawjqvojbjnQ",
        (WBTC, 287442),
        (NATIVE_MINT, 52708178),
    ),
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded_fills(by_signature: dict[str, Recorded], signature: str) -> None:
    assert said(by_signature[signature], [PROGRAM]) == [RECORDED[signature]]


def test_what_is_stated_is_what_left_and_reached_the_user(recorded: list[Recorded]) -> None:
    found = 0
    for one in recorded:
        if PROGRAM_ID.encode() not in one.body:
            continue
        for stated in said(one, [PROGRAM]):
            assert isinstance(stated, OrderFill)
            scene = read(one).scene
            net: dict[str, int] = {}
            for move in scene.moves_within(scene.order_of(stated.path)):
                if move.owner == stated.maker and not move.is_virtual:
                    asset = NATIVE_MINT if move.asset == LAMPORTS_ASSET and move.account == stated.maker else move.asset
                    net[asset] = net.get(asset, 0) + move.delta_raw
            assert (net[stated.sold_mint], net[stated.bought_mint]) == (-stated.sold_raw, stated.bought_raw)
            found += 1
    assert found >= 3


def test_sol_sold_from_the_wallet_itself() -> None:
    user, market_maker = address("user"), address("market maker")
    user_account, maker_account = address("user account"), address("maker account")
    tokens = {user_account: (USDC_MINT, user, 0), maker_account: (USDC_MINT, market_maker, 500)}
    accounts = {"user": user, "market_maker": market_maker, "input_mint": NATIVE_MINT, "output_mint": USDC_MINT}
    sol = pays_lamports(user, market_maker, 1_000)
    arguments = u64(1_000, 150, 2**40) + b"\x0a\0\0"
    made = called(PROGRAM, "fill", accounts, sol, pays(maker_account, user_account, 150), arguments=arguments)
    assert CraftedTransaction([made], tokens).facts() == [
        fill("0", user, market_maker, (NATIVE_MINT, 1_000), (USDC_MINT, 150))
    ]
