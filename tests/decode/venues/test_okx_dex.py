"""OKX's routers: recorded routes of both programs, what the second says of its fees, and variants nobody recorded."""

import json
from pathlib import Path

import pytest
from crafted_bodies import address
from crafted_calls import CraftedTransaction, called, pays, record, tells
from geyser_recordings import read_geyser
from recorded_bodies import Recorded
from route_facts import measured_routes, said
from swap_of_a_route import BOUGHT, DESTINATION, SOLD, SOURCE, SWAP, SWAP_TOKENS, TRADER
from venue_facts import read

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart, RouterCall, RouterHop
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.decode.route_amounts import trade_within
from oof_pipelines.decode.venues.okx_dex import PROGRAMS

FIRST, SECOND = PROGRAMS
FIRST_ID, SECOND_ID = FIRST.program_ids[0], SECOND.program_ids[0]
USD1 = "USD1ttGY1N17NEEHLmELoaybftRBUSErhqYiQzvEmuB"
BISON = "BiSoNHVpsVZW2F7rx2eQ59yQwKxzU5NvBcmKshCSUypi"
PUMP_COIN = "28ECNMKBj66GMBJxq1c3VyzJiKY5gDp2sEYc92Ybpump"
COIN, DLMM_COIN = "DsTQ67tKPAs88Xo8oPYkZ1CEnPn2rGm9asus4Z3Zbrrr", "4df1wZoygsynEZ6XmpcoabrVwv7nBgjHLyCns5xApump"


def first(path: str, trader: str, accounts: tuple[str, str], mints: tuple[str, str], *fees: FeePart) -> RouterCall:
    return RouterCall(path, FIRST_ID, "okx_dex", trader, *accounts, *mints, fees)


def second(path: str, trader: str, accounts: tuple[str, str], mints: tuple[str, str], *fees: FeePart) -> RouterCall:
    return RouterCall(path, SECOND_ID, "okx_dex_v2", trader, *accounts, *mints, fees)


RECORDED: dict[str, list[Fact]] = {
    # commission_sol_swap2: the hop is logged, the commission sent by System
    "3DZuPoKRrxLrb1rqaccgdjuiWuxFFTARdfFocQ66WymR3Ss2vURTt7F4ZWwHpwTTrj9cbvV59xxwYRUngEiRAFNE": [
        first(
            "7",
            "AG27WXxPym3K73JFKtpRxwbMfnRnuPu5bn6juzcvq5rp",
            ("59Lc3dMN9RUWkQ8zByLkYZC3tRYvd2gRJoa4PcAFAnHg", "33iWZ95DEYznE7KZVVJxAa8NtGhbpvYk4vRmrmqYnn1a"),
            (NATIVE_MINT, PUMP_COIN),
            FeePart("referral", NATIVE_MINT, 545483, INSIDE, "25mYnjJ2MXHZH6NvTTdA63JvjgRVcuiaj6MRiEQNs1Dq"),
        ),
        RouterHop("7.2", "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8", NATIVE_MINT, 63629071, PUMP_COIN, 5238716646),
    ],
    # swap_tob_with_token_ledger
    "2orRh64eJCGPWXa5Se1e6Jm6mYZoQczs8K4x3Y7TUx2HPNDfF5E4tvnADBSDFtJdXCG9cPH9EU4xHLzsn3RwWGgr": [
        second(
            "4",
            "Aaa4v5anYmDymZPgvKe6A94f6MMMPzPLK7cSyZ61LFAa",
            ("FEhNXsZmZ76WggCUxESkAG1AENY5cRcPuVGpbVtMMcXr", "4HPh1RrnLRq2DEVUwLGsqwANe6eX5i5Y7Cn7dhc9cdjA"),
            (USD1, USDC_MINT),
        ),
        RouterHop("4.4", BISON, USD1, 999855349, NATIVE_MINT, 11979511504),
        RouterHop("4.8", BISON, NATIVE_MINT, 11979511504, USDC_MINT, 1000065918),
    ],
    # swap_toc: the platform's fee is taken of the source
    "3DafP7fgvWm1EUYiNRGdGEJzCN7uTtvoFSBfr9HwYukNXsmhEkUiuDEvTgzF1etuhfz2DAE7eTuoLUKjCJtgr4Nc": [
        second(
            "5",
            "j2c3yit3sJWgGYyN9Gjvw24iaMWEPr9Qh8ohUcBrQhz",
            ("2dYLPWHKkJmNF9bh9JzXfvLAd25TX5pBDYAG3nS6DzQY", "3SEvmVLUfLVivQXLGCJLhSASsHMD3ai4rgX7NtuGCwM3"),
            (USDC_MINT, COIN),
            FeePart("platform", USDC_MINT, 68000, INSIDE, "522TSWJQzBqzsL5jiFhrYz7RbJ63JfXaxe3Au7jZAhXV"),
        ),
        RouterHop("5.5", "TessVdML9pBGgG9yGks7o4HewRaXVAMuoVj4x83GLQH", USDC_MINT, 9932000, NATIVE_MINT, 113602835),
        RouterHop("5.10", "cpamdpZCGKUy5JxQXB4dcpGPiikHawvSWAd6mEn1sGG", NATIVE_MINT, 113602835, COIN, 612030882524262),
    ],
    # swap_tob_with_receiver: the SOL goes to another wallet
    "3izFs7kd8SNUF3s3ifjFWowxPkW2HBj5S4haB9SWTUpaR7gdMzLthewQfuaSY2n9mfnHN8DDuHLnUPpEcATfAFe": [
        second(
            "3.5",
            "3qrD9c25pkdFSNWewtpX3jB4CvuFMDstmDWqe2iqFgdn",
            ("FxbtJbmKKNcV6YuBvjUL9tZE5ZQMRNTkFV95ps8hgVXE", "HxUfjaeUrE5oDJvrpqGMvXanj5nEa4dkwxnRz1SVeaBG"),
            (DLMM_COIN, NATIVE_MINT),
            FeePart("platform", NATIVE_MINT, 762793, INSIDE, "At2V6ddck5c8BLxcQ1D4fJnznCYSTAT6hxqCPXMUgY5i"),
        ),
        RouterHop("3.11", "LBUZKhRxPF3XUpBCjp4YzTKgLccjZhTSDM9YuVaPwxo", DLMM_COIN, 2947910000, NATIVE_MINT, 89740463),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded_routes(by_signature: dict[str, Recorded], signature: str) -> None:
    assert said(by_signature[signature], PROGRAMS) == RECORDED[signature]


def test_hops_add_up_to_what_left_and_reached_the_traders_accounts(recorded: list[Recorded]) -> None:
    """A fee in SOL is paid beside or after: out of the trader's wallet, or out of what was unwrapped."""
    routes = [*measured_routes(recorded, FIRST), *measured_routes(recorded, SECOND)]
    assert len(routes) >= 10
    for one in routes:
        sold_mint, bought_mint = one.call.sold_mint, one.call.bought_mint
        sold_raw, bought_raw = -one.told[sold_mint], one.told[bought_mint]
        assert one.sold_raw in (sold_raw, sold_raw + one.fees[sold_mint]), one.signature
        assert one.reached_raw in (bought_raw, bought_raw - one.fees[bought_mint]), one.signature
        assert min(one.sold_raw, one.reached_raw) > 0, one.signature


def test_routes_are_those_that_other_parsers_state(by_signature: dict[str, Recorded], fixtures_dir: Path) -> None:
    """0xjeffro's tx-parser leaves a commission in SOL out of what was sold; ours, which left the trader, holds it."""
    compared = 0
    for path in sorted(fixtures_dir.glob("tx_*/*.expected.json")):
        expected = json.loads(path.read_bytes())
        if not str(expected.get("venue")).startswith("okx_dex"):
            continue
        recorded = by_signature[path.name.removesuffix(".expected.json")]
        [call, *_] = said(recorded, PROGRAMS)
        assert isinstance(call, RouterCall)
        trade = trade_within(read(recorded).scene, call)
        assert trade is not None
        commission_raw = sum(part.amount_raw for part in call.fees if part.mint == trade.sold_mint)
        assert (trade.sold_mint, trade.sold_raw - commission_raw) == (
            expected["in_mint"],
            int(expected["in_amount"]),
        )
        assert (trade.bought_mint, trade.bought_raw) == (expected["out_mint"], int(expected["out_amount"]))
        compared += 1
    assert compared >= 4


def test_a_streamed_route_of_the_first_programs_newer_shape(fixtures_dir: Path) -> None:
    """Its platform fee is in SOL, sent to the account the layout names."""
    signature = "5gtu6ARVv16QjWi2QR3CZwwPJAEL3TNqvX5HKBz39uB9ky53E2Q7MBjxLqW1a3BFUoXkEEgfmAdsedSeHjpCEau3"
    coin = "CzdpPoGiyWHg62uSziwNswjN2STE4xXDGsVTKZ2BQKGk"
    call, *hops = [
        fact for fact in read(read_geyser(fixtures_dir, signature)).facts if isinstance(fact, RouterCall | RouterHop)
    ]
    assert call == first(
        "4",
        "9SnmfKrHuWPw9Xv88W5tYeFL51ukLyCN2hPuXBBQm4iv",
        ("65XKddL8nkosjLEM6tcuK9Esqes3Zxb9JPHKD9g2EDQm", "DUhKgzAqrmeu5PyFwqXhzfJdgZDzr5iVBK36GBZ4zXXb"),
        (coin, NATIVE_MINT),
        FeePart("platform", NATIVE_MINT, 86877, INSIDE, "8ckLnP69xhSeoNbZCUrbJZ8aYSR86QNjRVZdpHmFfigk"),
    )
    pumpswap = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"
    assert hops == [RouterHop("4.7", pumpswap, coin, 22614342682, NATIVE_MINT, 10220896)]


# --- made by hand ---

RECEIVER, FEES, PLATFORM = address("receiver"), address("fees"), address("platform")
TOKENS = SWAP_TOKENS | {
    FEES: (BOUGHT, address("referrer"), 0),
    PLATFORM: (BOUGHT, address("okx"), 0),
}
ACCOUNTS = {
    "payer": TRADER,
    "source_token_account": SOURCE,
    "destination_token_account": DESTINATION,
    "source_mint": SOLD,
    "destination_mint": BOUGHT,
}
HOP = record("SwapEvent", b"\x07", 100, 90)
ROUTE = second("0", TRADER, (SOURCE, DESTINATION), (SOLD, BOUGHT))
ORDER = (7, SOLD, BOUGHT, TRADER, TRADER)


def test_a_venues_word_of_any_length_stands_before_the_amounts_of_a_hop() -> None:
    told = record("SwapEvent", b"\x75" + bytes(60), 100, 90)
    facts = CraftedTransaction([called(SECOND, "swap", ACCOUNTS, SWAP, tells(SECOND, told))], TOKENS).facts()
    assert facts == [ROUTE, RouterHop("0.3", address("venue a"), SOLD, 100, BOUGHT, 90)]


def test_a_hop_that_nothing_bears_out_is_not_told() -> None:
    told = record("SwapEvent", b"\x07", 100, 91)
    facts = CraftedTransaction([called(SECOND, "swap", ACCOUNTS, SWAP, tells(SECOND, told))], TOKENS).facts()
    assert facts == [ROUTE]


def test_logged_hops_are_told_where_there_are_as_many_calls() -> None:
    made = called(FIRST, "swap2", ACCOUNTS, SWAP)
    hop = RouterHop("0.2", address("venue a"), SOLD, 100, BOUGHT, 90)
    assert CraftedTransaction([made], TOKENS, logged=[HOP]).facts()[1:] == [hop]
    assert CraftedTransaction([made], TOKENS, logged=[HOP, HOP]).facts()[1:] == []


@pytest.mark.parametrize("name", ["commission_spl_swap", "platform_fee_spl_proxy_swap_v2", "swap_v3"])
def test_commissions_of_the_first_program_are_what_reached_the_accounts_it_names(name: str) -> None:
    accounts = {**ACCOUNTS, "commission_account": FEES}
    fees = [FeePart("referral", BOUGHT, 4, INSIDE, FEES)]
    calls = [SWAP, pays(DESTINATION, FEES, 4)]
    if name == "swap_v3":
        accounts["platform_fee_account"] = PLATFORM
        calls.append(pays(DESTINATION, PLATFORM, 2))
        fees.append(FeePart("platform", BOUGHT, 2, INSIDE, PLATFORM))
    facts = CraftedTransaction([called(FIRST, name, accounts, *calls)], TOKENS).facts()
    assert facts == [first("0", TRADER, (SOURCE, DESTINATION), (SOLD, BOUGHT), *fees)]


@pytest.mark.parametrize(
    ("event", "fields", "fees"),
    [
        ("SwapCpiEvent", (100, 90), []),
        (
            "SwapWithFeesCpiEventEnhanced2",
            (100, 100, 90, b"\1", b"\0\0\0\0", 5, FEES, b"\0\0", 6, PLATFORM, b"\0", 3, FEES, b"\0\0", 2, PLATFORM),
            [("referral", SOLD, 5), ("platform", SOLD, 6), ("platform", BOUGHT, 3), ("platform", BOUGHT, 2)],
        ),
        (
            "SwapTocV2CpiEvent2",
            (100, 100, 90, b"\0" + bytes(8), 5, FEES, bytes(4), 4, FEES, b"\0\0", 0, PLATFORM),
            [("referral", BOUGHT, 5), ("referral", BOUGHT, 4)],
        ),
        (
            "SwapWithFeeCpiEventV3",
            (100, 100, 90, b"\0\0" + bytes(4), 9, b"\2", bytes(4), b"\2\0\0\0", 5, 4, b"\2\0\0\0", FEES, PLATFORM),
            [("referral", BOUGHT, 5), ("referral", BOUGHT, 4)],
        ),
    ],
)
def test_fees_of_the_second_program_are_its_own_words(
    event: str, fields: tuple[str | int | bytes, ...], fees: list[tuple[str, str, int]]
) -> None:
    calls = [SWAP, tells(SECOND, HOP), tells(SECOND, record(event, *ORDER, *fields))]
    [call, _] = CraftedTransaction([called(SECOND, "swap_toc_v2", ACCOUNTS, *calls)], TOKENS).facts()
    assert isinstance(call, RouterCall)
    assert [(part.kind, part.mint, part.amount_raw) for part in call.fees] == fees


def test_a_receiver_of_sol_is_the_destination_where_there_is_one() -> None:
    name = "swap_tob_with_receiver"
    for receiver, account, mint in ((RECEIVER, RECEIVER, NATIVE_MINT), (SECOND_ID, DESTINATION, BOUGHT)):
        accounts = {**ACCOUNTS, "sol_receiver": receiver}
        [call] = CraftedTransaction([called(SECOND, name, accounts, SWAP)], TOKENS).facts()
        assert isinstance(call, RouterCall)
        assert (call.destination_account, call.bought_mint) == (account, mint)
