"""DFlow's and Titan's routers: recorded routes, and variants nobody recorded."""

import pytest
from crafted_bodies import address
from crafted_calls import CraftedTransaction, called, pays, record, tells, venue
from recorded_bodies import Recorded
from route_facts import measured_routes, said
from swap_of_a_route import BOUGHT, DESTINATION, POOL_IN, POOL_OUT, SOLD, SOURCE, SWAP, SWAP_TOKENS, TRADER

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart, RouterCall, RouterHop
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.decode.program import anchor_instruction
from oof_pipelines.decode.venues.other_routers import PROGRAMS

DFLOW, TITAN = PROGRAMS
COIN = "6ZrYhkwvoYE4QqzpdzJ7htEHwT2u2546EkTNJ7qepump"
SPONSORED_COIN = "BBKPiLM9KjdJW7oQSKt99RVWcZdhF6sEHRKnwqeBGHST"
CASH = "CASHx9KJUStyftLFWGvEVf59SGeG9sh5FfcnZMVPCASH"
DLMM, MANIFEST = "LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo", "MNFSTqtC93rEfYHB6hF82sKdZpUDFWkViLByLd1k1Ms"


def route(path: str, trader: str, accounts: tuple[str, str], mints: tuple[str, str], *fees: FeePart) -> RouterCall:
    return RouterCall(path, DFLOW.program_ids[0], "dflow", trader, *accounts, *mints, fees)


def platform(mint: str, amount_raw: int, account: str) -> FeePart:
    return FeePart("platform", mint, amount_raw, INSIDE, account)


RECORDED: dict[str, list[Fact]] = {
    # swap2: a fee of what was bought
    "4QvTLiNg48ecSdHQ3YwPKkmpewJNUL7ARJsGL7nGyJ5WSaBgxL9GnFmDzq5NukCRzSx6e61QHeC9XMMHQQbAeWmk": [
        route(
            "2",
            "a7JqDmv5zTyh9cQBtsVreYWpeW1vZZ5CDRAN3nyGLXC",
            ("HwgyFwEiMYJuGcnfpFtsQnwuYG8oYtYY2ByWDBUt9rDQ", "A7Y95uJp78zjgnebpPdE7mFiN8iHGup2wyJsLqSUYJv1"),
            (COIN, USDT_MINT),
            platform(USDT_MINT, 140491, "8Pe8fkFLwSaQ52drVgWpwHxWWuWHqJ1BigJNt1pqAR6e"),
        ),
        RouterHop("2.8", "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8", COIN, 55159038171, NATIVE_MINT, 198252165),
        RouterHop("2.12", "BiSoNHVpsVZW2F7rx2eQ59yQwKxzU5NvBcmKshCSUypi", NATIVE_MINT, 198252165, USDC_MINT, 16529945),
        RouterHop("2.17", "AQU1FRd7papthgdrwPTTq5JacJh8YtwEXaBfKU3bTz45", USDC_MINT, 16529945, USDT_MINT, 16528463),
    ],
    # swap2_with_destination, by a sponsor: the user's account gave him the coins before
    "4aQ4oYFrRwiwgyvHtXnrqJKQwfn5qVdLKGzEHiam2sAN8SaNcwNa3bdb4runFq91YKVFzYtSCynWcTwA9oogxvwL": [
        route(
            "3",
            "GQJYU1fsRVoJuNoFk712Tq4aoVQHWjrnLT6J7YVxLJwv",
            ("", "G2SJhj37fukvZ4XDKwqrXcWPvhzb74o2jBKutPSzA6Sc"),
            (SPONSORED_COIN, CASH),
            platform(CASH, 27525, "8ZjzUhmxDREvwhYfoGYsfsvhLHoKy2BLA5iLCm1GZGVT"),
        ),
        RouterHop("3.9", DLMM, SPONSORED_COIN, 1064462027426, NATIVE_MINT, 36634533),
        RouterHop("3.14", DLMM, NATIVE_MINT, 36634533, USDC_MINT, 3200832),
        RouterHop("3.19", MANIFEST, USDC_MINT, 3200832, CASH, 3200607),
    ],
    # Titan's instruction with a tag of one byte: a fee of what was sold
    "3QsC4qZWADsafK2etz5z1emxQcrFfoZyHv6zqs3ji15sSfxERcaUi1cHunjxCcsBPmMtZBVcfeu1wTRpifokmvZ8": [
        RouterCall(
            "4",
            TITAN.program_ids[0],
            "titan",
            "9hErD885yMqE34WYiQYQN3WDw5m1UrqigUHiqzcpWdhR",
            "Gv39NorPQM1YnFoVQzxYjHN1kRtBxRQVvExUVC8nP4bc",
            "EdPLr26iTJTNXzqNaarpLPjp9UnohPoFyQAR1jEHUye9",
            USDC_MINT,
            USDT_MINT,
            (platform(USDC_MINT, 15752, "9sz8XggoqbCR68vaojcRPxYxhbHGvaYmdzW7ChGdyap9"),),
        )
    ],
    # swap_route_v2
    "44pxrtZzwAMMdLyKgSASFzAXrmRSPALAQ9zmmxUUrfpb5KrhbMhn9EYh5Befoe2JNezEatQnHfc2R8U4sgGEJFio": [
        RouterCall(
            "2",
            TITAN.program_ids[0],
            "titan",
            "EmDewJpfQaxWqxthX1FUyBCCPNGt8Ac5ek4M4pnGTgxC",
            "hwV6VfDgZEKAazDRkwH5FxwKcJoJAUscoFodXy62EKq",
            "5JFdp86Pvf5UcLqaUUCnFK6oBLffBLSL7AL8BaxtYQ57",
            "SKRbvo6Gf7GondiT3BbTfuRDPqLWei4j2Qy2NPGZhW3",
            USDC_MINT,
        )
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded_routes(by_signature: dict[str, Recorded], signature: str) -> None:
    assert said(by_signature[signature], PROGRAMS) == RECORDED[signature]


def test_dflows_hops_and_fees_add_up_to_what_left_and_reached_the_accounts(recorded: list[Recorded]) -> None:
    routes = measured_routes(recorded, DFLOW)
    assert len(routes) >= 4
    for one in routes:
        sold_mint, bought_mint = one.call.sold_mint, one.call.bought_mint
        if one.call.source_account:
            assert one.sold_raw == one.fees[sold_mint] - one.told[sold_mint] > 0, one.signature
        assert one.bought_raw == one.told[bought_mint] - one.fees[bought_mint] > 0, one.signature


def test_titans_accounts_gave_and_got(recorded: list[Recorded]) -> None:
    routes = measured_routes(recorded, TITAN)
    assert len(routes) >= 4
    for one in routes:
        assert one.sold_raw > 0, one.signature
        assert one.bought_raw > 0, one.signature
        assert one.call.trader not in ("", one.call.source_account), one.signature


# --- made by hand ---

WALLET, SENT_TO, FEES = address("another wallet"), address("sent to"), address("fees")
ATLAS, ATLAS_IN, ATLAS_OUT = address("atlas"), address("atlas in"), address("atlas out")
TOKENS = SWAP_TOKENS | {
    SENT_TO: (BOUGHT, WALLET, 0),
    ATLAS_IN: (SOLD, ATLAS, 0),
    ATLAS_OUT: (BOUGHT, ATLAS, 0),
    FEES: (BOUGHT, address("titan"), 0),
}
HOP = RouterHop("0.3", address("venue a"), SOLD, 100, BOUGHT, 90)
TOLD = tells(DFLOW, record("SwapEvent", address("venue a"), SOLD, 100, BOUGHT, 90))


@pytest.mark.parametrize("name", ["swap", "swap2"])
def test_dflows_accounts_are_those_of_the_authority_that_moved(name: str) -> None:
    made = called(DFLOW, name, {"authority": TRADER}, SWAP, TOLD)
    expected = route("0", TRADER, (SOURCE, DESTINATION), (SOLD, BOUGHT))
    assert CraftedTransaction([made], TOKENS).facts() == [expected, HOP]


@pytest.mark.parametrize("name", [one.name for one in DFLOW.instructions if "destination" in one.seats])
def test_dflows_destination_is_the_one_it_names(name: str) -> None:
    destination = WALLET if name.endswith("native") else SENT_TO
    made = called(DFLOW, name, {"authority": TRADER, "destination": destination}, SWAP, TOLD)
    expected = route("0", TRADER, (SOURCE, destination), (SOLD, BOUGHT))
    assert CraftedTransaction([made], TOKENS).facts() == [expected, HOP]


@pytest.mark.parametrize("name", ["swap_route", "swap_route_v2"])
def test_titans_fee_is_what_went_to_neither_its_own_account_nor_the_traders(name: str) -> None:
    accounts = {"authority": TRADER, "atlas": ATLAS, "source_account": SOURCE, "destination_account": DESTINATION}
    calls = [
        pays(SOURCE, ATLAS_IN, 100),
        venue("a", pays(ATLAS_IN, POOL_IN, 100), pays(POOL_OUT, ATLAS_OUT, 90)),
        pays(ATLAS_OUT, FEES, 3),
        pays(ATLAS_OUT, DESTINATION, 87),
    ]
    made = called(TITAN, name, accounts, *calls)
    made.data = anchor_instruction(name)
    fees = (platform(BOUGHT, 3, FEES),)
    assert CraftedTransaction([made], TOKENS).facts() == [
        RouterCall("0", TITAN.program_ids[0], "titan", TRADER, SOURCE, DESTINATION, SOLD, BOUGHT, fees)
    ]


def test_one_byte_is_not_enough_to_be_an_instruction_of_titans_idl() -> None:
    accounts = {"authority": TRADER, "atlas": ATLAS, "source_account": SOURCE, "destination_account": DESTINATION}
    made = called(TITAN, "swap_route_v2", accounts, SWAP)
    made.data = anchor_instruction("swap_route_v2")[:7] + b"\0"
    with pytest.raises(AssertionError):
        CraftedTransaction([made], TOKENS).facts()
