"""Jupiter DCA: recorded fills by keepers, the rent of closed orders, and that a fill adds up to its own events."""

import pytest
from crafted_bodies import address
from crafted_calls import CraftedTransaction, called, pays, record, tells
from recorded_bodies import Recorded
from route_facts import said
from venue_facts import read

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import INSIDE, FeePart, OrderFill, RouterCall
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.decode.venues.jupiter_dca import PROGRAM
from oof_pipelines.decode.venues.jupiter_v6 import PROGRAM as JUPITER

PROGRAM_ID = PROGRAM.program_ids[0]
KEEPER = "DCAKxn5PFNN1mBREPWGdk1RXg5aVH9rPErLfBFEi2Emb"
COIN, RAY = "74DSHnK1qqr4z1pXjLjPAVi8XFngZ635jEVpdkJtnizQ", "4k3Dyjzvzp8eMZWUXbBCjEvwSkkk59S5iCNLY3QrkX6R"
RENT_LAMPORTS = 2902320
SECOND = "S3z6oPjogs9VcYYdCugJVNe25VavQQNxp71BaeY65aSox3rrSWQs3UgGVM3Bu1FcRRGN2pcydgwUqpHfWWC4mi7"

RECORDED = {
    "2GMpqA7duENGaEXJUuP712J3tvX25uU45ZQ8vZdszXVUHyiAwo9byn3vVSVRgxks1PKX7H4wrBcE3FXqH1q6mRa1": OrderFill(
        "3",
        PROGRAM_ID,
        "jupiter_dca",
        "7WZcPib1yW3wig8sSLrhx2Qt97huiJMboQNrqSocGSyc",
        "DHq9E6HLHDbGWhyLqoMV1PGeeNMHsd4LberZEwfxXETx",
        KEEPER,
        NATIVE_MINT,
        1428571,
        COIN,
        44075880,
        (FeePart("platform", COIN, 44119, INSIDE, "4d3vmXkgcAaKLPh7UXW7N7NAy2ecS3x1rCY8TQhPby4W"),),
    ),
    SECOND: OrderFill(
        "3",
        PROGRAM_ID,
        "jupiter_dca",
        "DbQVM6pTeSypDes8uJmHwsRNjBdy5Fg2v6aEMsT5CSsU",
        "9QC3q9XT3Pq81DuM2Lt7yqkCY8uZZEtiNziJgrYp6SLj",
        KEEPER,
        USDC_MINT,
        2777777,
        RAY,
        4059345,
        (FeePart("platform", RAY, 4063, INSIDE, "8KvPuzV2cCMnGT6aniWyhjWh6nbEfg69vnRWDq7dwrAt"),),
    ),
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded_fills(by_signature: dict[str, Recorded], signature: str) -> None:
    assert said(by_signature[signature], [PROGRAM]) == [RECORDED[signature]]


@pytest.mark.parametrize("signature", RECORDED)
def test_a_fill_is_what_left_the_orders_account_and_stayed_with_it(
    by_signature: dict[str, Recorded], signature: str
) -> None:
    """Both accounts are owned by the order; what stays is what the route brought less the fee."""
    fill = RECORDED[signature]
    booked = read(by_signature[signature]).booked
    moves = [move for move in booked.moves if move.owner == fill.order and not move.is_virtual]
    before_transfer = [move for move in moves if int(move.path.partition(".")[0]) <= 3]
    assert sum(move.delta_raw for move in before_transfer if move.asset == fill.sold_mint) == -fill.sold_raw
    assert sum(move.delta_raw for move in before_transfer if move.asset == fill.bought_mint) == fill.bought_raw


@pytest.mark.parametrize(
    ("signature", "path", "order", "user"),
    [
        (
            "5EZNycMMgz8k1RNxVPxoMB2pCh97qUZ9R4PoxbgGvigsM26poK2AHSXYdHUetWKzsP7QchVfBPixqzwx2HULaSpb",
            "0",
            "565uLd",
            "3k2pJD",
        ),
        (
            "F47c3CizgWhK8RsTerwQLu7XbmoLzSxHC5F17A1qf5upQu1MUJJyzuq2GyLoEDy6xGKdLVinPNo7idXCiFBbor4",
            "1",
            "Cf8vzN",
            "E4R1iX",
        ),
    ],
)
def test_rent_of_a_closed_order_goes_to_its_user(
    by_signature: dict[str, Recorded], signature: str, path: str, order: str, user: str
) -> None:
    booked = read(by_signature[signature]).booked
    assert not booked.has_residual
    rent = [(move.account[:6], move.delta_raw, move.kind) for move in booked.moves if move.path == path]
    assert rent == [(order, -RENT_LAMPORTS, "rent"), (user, RENT_LAMPORTS, "rent")]


def test_a_keeper_who_fills_by_a_dlmm_order() -> None:
    keeper, user, order, fees = (address(name) for name in ("keeper", "user", "order", "fees"))
    bought, out = address("bought"), address("out")
    tokens = {fees: (bought, address("jupiter"), 0), out: (bought, order, 100)}
    told = record("Filled", user, order, USDC_MINT, bought, 70, 97, bought, 3)
    made = called(
        PROGRAM, "fulfill_dlmm_fill", {"keeper": keeper, "fee_account": fees}, pays(out, fees, 3), tells(PROGRAM, told)
    )
    fee = FeePart("platform", bought, 3, INSIDE, fees)
    assert CraftedTransaction([made], tokens).facts() == [
        OrderFill("0", PROGRAM_ID, "jupiter_dca", order, user, keeper, USDC_MINT, 70, bought, 97, (fee,))
    ]


def test_the_keepers_route_delivers_to_the_order(by_signature: dict[str, Recorded]) -> None:
    [fill] = said(by_signature[SECOND], [PROGRAM])
    assert isinstance(fill, OrderFill)
    route, *_ = said(by_signature[SECOND], [JUPITER])
    assert isinstance(route, RouterCall)
    assert (route.trader, route.sold_mint, route.bought_mint) == (fill.taker, fill.sold_mint, fill.bought_mint)
