"""Jupiter v6: what its decoder says of recorded routes, what its sources say of them, and variants nobody recorded."""

import json
from pathlib import Path

import pytest
from crafted_bodies import address
from crafted_calls import CraftedTransaction, called, pays, record, tells, venue
from geyser_recordings import read_geyser
from layout_checks import check_against_idl
from recorded_bodies import Recorded
from route_facts import measured_routes, said
from swap_of_a_route import BOUGHT, DESTINATION, POOL_IN, POOL_OUT, SOLD, SOURCE, SWAP, SWAP_TOKENS, TRADER
from venue_facts import read

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import INSIDE, Fact, FeePart, RouterCall, RouterHop
from oof_pipelines.decode.money import USDC_MINT, USDT_MINT
from oof_pipelines.decode.venues.jupiter_v6 import PROGRAM

JUPITER = PROGRAM.program_ids[0]
PUMPSWAP = "pAMMBay6oceH9fJKBRHGP5D4bD4sWpmSwMn52FMfXEA"
RAYDIUM = "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"
CLMM = "CAMMCzo5YL8w4VFF8KVHrK22GGUsp5VTaW7grrKgrWqK"
WHIRLPOOL = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"
COIN = "CYCjCXgUft4ysTZp5NuuccdU7FUwd9YKeGjUG9j6pump"
FIRST, SECOND = "6AJcP7wuLwmRYLBNbi825wgguaPsWzPBEHcHndpRpump", "A8C3xuqscfmyLrte3VmTqrAq8kgMASius9AFNANwpump"
JUP, KMNO, MSOL = (
    "JUPyiwrYJFskUPiHa7hkeR8VUtAeFoSYbKedZNsDvCN",
    "KMNo3nJsBXfcpJTVhZcXLW7RmTwTt4GVFE7suUBo9sS",
    "mSoLzYCxHdYgdzU16g5QSh3i5K3z3KZK7ytfqcJm7So",
)
LEDGER_TRADER = "8ojSUW4SowqwqrPZdcHfvN3ZstHqzdtrSdCpnfhm8Zka"
LEDGER_SOL, LEDGER_KMNO = "AM7TgD9ANgZ11ZBgygMFyuvw8zwCXHLjtTxpujwCPgzQ", "9rHCZbLN3DaMcy11JB7JWYGd2uDdhJEEfKZF5kBsw9Ab"


def route(path: str, trader: str, accounts: tuple[str, str], mints: tuple[str, str], *fees: FeePart) -> RouterCall:
    return RouterCall(path, JUPITER, "jupiter_v6", trader, *accounts, *mints, fees)


def platform(mint: str, amount_raw: int, account: str) -> FeePart:
    return FeePart("platform", mint, amount_raw, INSIDE, account)


PHOENIX = "PhoeNiXZ8ByJGLkxNfZRnkUfjvmuYqLR89jjFHGqdXY"
RECKONED = {"GCeRpjvfNXZB6BJFQChjpKycdKpRwQGS1BSwUvLjVpJj6NgdzzQACAWt89ZEfEXjeRSqzhDX8CHtzpMUnfJ7VMJ": 3}
"""How many hops others took from the events; from there on they reckoned a token's own fee, and were one unit off."""

CIRCLE_ACCOUNT = "99pFt4tu1iJDFqLzyQ4YuHryCjMfrv1fEV7qegh638Lb"
RECORDED: dict[str, list[Fact]] = {
    # route_v2, a circle: all hops in one event, each where the call ended that it tells of
    "3ntivJUzzcUkvqRV4og2V8Gd8Mr3zYjaQ7qDLm5Puo3c6Ep7AKR6ZcEE2MEV7JCVVU1miUpCu5bJCLC8NGbDja7z": [
        route(
            "2",
            "7HsyYYLEP5nRMcSfkkbe1zYCW5ps951q33kPfvqr3jBL",
            (CIRCLE_ACCOUNT, CIRCLE_ACCOUNT),
            (NATIVE_MINT, NATIVE_MINT),
        ),
        RouterHop("2.4", "swapFpHZwjELNnjvThjajtiVmkz3yPQEHjLtka2fwHW", NATIVE_MINT, 6000003, JUP, 2578621),
        RouterHop("2.7", WHIRLPOOL, JUP, 2578621, NATIVE_MINT, 6009694),
    ],
    # shared_accounts_route_v2: the fee is taken of the source, by a transfer after the event
    "4bfz4iWGpFRgSYxSjDZCETUug9fuVW73AFdhjH1JkdEoVewtusywaY37WSrYr2zVjDzoK6YigqREpXJUViaUo5tb": [
        route(
            "2",
            "GTGZY9JwajyCFVN7dRPj9S9dhJn5msW17kYCZGKK2nk3",
            ("63xwQHEtCXmFZdY5ybiKw1H4iUUKoYH4N1p3stgeuDTo", "6yKpZD3MX7QRYkZWqPXBDWaLWtWcan41A7yJirKB77JV"),
            (FIRST, SECOND),
            platform(FIRST, 8582424, "CCBJsqY8wmbEMYwYtZcWAFq4pUR7h8Xx5E7mSXFMXmXf"),
        ),
        RouterHop("2.3", RAYDIUM, FIRST, 8573841641, NATIVE_MINT, 1522637518),
        RouterHop("2.6", RAYDIUM, NATIVE_MINT, 1522637518, SECOND, 27109548639),
    ],
    # route_v2 that splits and sends on what was bought; the fee is taken of that
    "4DPfdCKCd3MLtWTUnBa2LSEXRjXo2nF79R4ediFuTL2sU38DfETX1c6yhAk6KofGhjdPEBGJtrzh8QZEiFvwe7Ng": [
        route(
            "2",
            "1yp1LRkbGwciTP4ssMVSHDR3sbsYWskS5HDMZzghxe8",
            ("AyCbUEt1oZKRzsTYeT9jwM57g7WHvNNDvmDmtgM4iXQM", "DkLqZxgz6BevbtfShj89ZqKfjcoF1kWzGDDRzihnFVEZ"),
            (COIN, USDC_MINT),
            platform(USDC_MINT, 1052241, "5SPztfEn1VAaWDBAXjQKwVrGbr6e8g3F6JJnUc9eCuSe"),
        ),
        RouterHop("2.6", PUMPSWAP, COIN, 1096037113846, NATIVE_MINT, 2008164583),
        RouterHop("2.9", CLMM, NATIVE_MINT, 239975667, USDC_MINT, 20959636),
        RouterHop(
            "2.12", "BiSoNHVpsVZW2F7rx2eQ59yQwKxzU5NvBcmKshCSUypi", NATIVE_MINT, 1768188916, USDC_MINT, 154413981
        ),
    ],
    # shared_accounts_route, then back again with a token ledger
    "7tY4PsLkigkg29QW3sYXrSWAWsJdFCunRFTsxD9NoZrbtY2HqDE49sbovjSbW5urmdSkRxiN9mT1exUB5qwCY7y": [
        route("3", LEDGER_TRADER, (LEDGER_SOL, LEDGER_KMNO), (NATIVE_MINT, KMNO)),
        RouterHop("3.4", "MERLuDFBMmsHnsBPZw2sDQZHvXFMwp8EdjudcU2HKky", NATIVE_MINT, 39000000, MSOL, 28374965),
        RouterHop("3.8", CLMM, MSOL, 28374965, KMNO, 160390818),
        route("4", LEDGER_TRADER, (LEDGER_KMNO, LEDGER_SOL), (KMNO, NATIVE_MINT)),
        RouterHop("4.4", WHIRLPOOL, KMNO, 160390818, USDC_MINT, 3262614),
        RouterHop("4.10", "DEXYosS6oEGvk8uCDayvwEZz4qEyDJRf9nFgYCaqPMTm", USDC_MINT, 3262614, NATIVE_MINT, 39013569),
    ],
    # the platform's account is the trader's own: no fee
    "SuN6K9f4YL4VRmigUDZo2VYcNjVYbwnY6wdfWRHWgwQqcT3vz9cs7B8hytzN8NQcfNNMhQRj3vGwa8bEpSd1sJ3": [
        route(
            "2",
            "5fmLrs2GuhfDP1B51ziV5Kd1xtAr9rw1jf3aQ4ihZ2gy",
            ("t9EFHGwUuVhWZmeK8qiD1SbtSs45B3miiV5NW1HeHhy", "4PcMeWoiBFXLEGqnbmrwCbkbgZe1BoQ1MSCA5kgzgptC"),
            ("2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo", USDT_MINT),
        ),
        RouterHop(
            "2.5",
            "swapNyd8XiQwJ6ianp9snpu4brUqFxadzvHebnAXjJZ",
            "2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo",
            1000000,
            USDC_MINT,
            1000003,
        ),
        RouterHop("2.9", WHIRLPOOL, USDC_MINT, 1000003, NATIVE_MINT, 5827905),
        RouterHop("2.13", "obriQD1zbpyLz95G5n7nJe6a4DPjpFwa5XYPoNm113y", NATIVE_MINT, 5827905, USDT_MINT, 999932),
    ],
}


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded_routes(by_signature: dict[str, Recorded], signature: str) -> None:
    assert said(by_signature[signature], [PROGRAM]) == RECORDED[signature]


def test_hops_and_fees_add_up_to_what_left_and_reached_the_traders_accounts(recorded: list[Recorded]) -> None:
    """An order book may take less than the hop was offered; the rest stays with the trader."""
    routes = measured_routes(recorded, PROGRAM)
    assert len(routes) >= 65
    for one in routes:
        sold_mint, bought_mint = one.call.sold_mint, one.call.bought_mint
        assert one.hops, one.signature
        assert all(hop.program_id for hop in one.hops), one.signature
        if sold_mint != bought_mint:
            assert one.bought_raw == one.told[bought_mint] - one.fees[bought_mint] > 0, one.signature
        kept_raw = one.fees[sold_mint] - one.told[sold_mint] - one.sold_raw
        assert kept_raw == 0 or (kept_raw > 0 and PHOENIX in {hop.program_id for hop in one.hops}), one.signature


def test_hops_are_those_that_other_parsers_recorded(by_signature: dict[str, Recorded], fixtures_dir: Path) -> None:
    compared = 0
    for path in sorted(fixtures_dir.glob("tx_*/*.expected.json")):
        expected = json.loads(path.read_bytes())
        raw = expected.get("raw")
        parts = raw.values() if isinstance(raw, dict) else ()
        results = [one for one in parts if isinstance(one, dict) and "parsedEvents" in one]
        for result in results:
            swaps = [one["data"] for one in result["parsedEvents"] if one["name"] == "ParsedSwapEvent"]
            theirs = [
                (one["amm"], one["inputMint"], one["inputAmount"], one["outputMint"], one["outputAmount"])
                for one in swaps
            ]
            facts = said(by_signature[path.name.removesuffix(".expected.json")], [PROGRAM])
            ours = [
                (one.program_id, one.sold_mint, str(one.sold_raw), one.bought_mint, str(one.bought_raw))
                for one in facts
                if isinstance(one, RouterHop)
            ]
            alike = RECKONED.get(path.name.removesuffix(".expected.json"), len(theirs))
            assert ours[:alike] == theirs[:alike], path.name
            assert len(ours) == len(theirs)
            compared += 1
    assert compared >= 6


def test_the_idl_is_declared(fixtures_dir: Path) -> None:
    check_against_idl(PROGRAM, fixtures_dir / "idl" / "jupiter_v6.json", {})


# --- made by hand ---

OTHER, SENT_ON, FEES = address("somebody else"), address("sent on"), address("fees")
SHARED_SOURCE, SHARED_DESTINATION = address("shared source"), address("shared destination")
TOKENS = SWAP_TOKENS | {
    SENT_ON: (BOUGHT, OTHER, 0),
    SHARED_SOURCE: (SOLD, address("shared"), 0),
    SHARED_DESTINATION: (BOUGHT, address("shared"), 0),
    FEES: (BOUGHT, address("platform"), 0),
}
OWN_ACCOUNTS = {
    "user_transfer_authority": TRADER,
    "user_source_token_account": SOURCE,
    "user_destination_token_account": DESTINATION,
    "destination_mint": BOUGHT,
}
SHARED_ACCOUNTS = {
    "user_transfer_authority": TRADER,
    "source_token_account": SOURCE,
    "program_source_token_account": SHARED_SOURCE,
    "program_destination_token_account": SHARED_DESTINATION,
    "destination_token_account": DESTINATION,
    "source_mint": SOLD,
    "destination_mint": BOUGHT,
}
SWAPPED = record("SwapEvent", address("venue a"), SOLD, 100, BOUGHT, 90)
ALL_SWAPPED = record("SwapsEvent", b"\x01\0\0\0", SOLD, 100, BOUGHT, 90)


def test_a_route_by_a_token_ledger_tells_its_fee() -> None:
    fee = record("FeeEvent", FEES, BOUGHT, 3)
    made = called(
        PROGRAM,
        "route_with_token_ledger",
        OWN_ACCOUNTS,
        SWAP,
        tells(PROGRAM, SWAPPED),
        pays(DESTINATION, FEES, 3),
        tells(PROGRAM, fee),
    )
    assert CraftedTransaction([made], TOKENS).facts() == [
        route("0", TRADER, (SOURCE, DESTINATION), (SOLD, BOUGHT), platform(BOUGHT, 3, FEES)),
        RouterHop("0.3", address("venue a"), SOLD, 100, BOUGHT, 90),
    ]


@pytest.mark.parametrize("name", ["exact_out_route", "exact_out_route_v2"])
def test_what_an_exact_out_route_bought_may_be_sent_on(name: str) -> None:
    told = ALL_SWAPPED if name.endswith("v2") else SWAPPED
    accounts = {**OWN_ACCOUNTS, "source_mint": SOLD, "destination_token_account": SENT_ON}
    made = called(PROGRAM, name, accounts, SWAP, tells(PROGRAM, told), pays(DESTINATION, SENT_ON, 90))
    facts = CraftedTransaction([made], TOKENS).facts()
    assert facts[0] == route("0", TRADER, (SOURCE, SENT_ON), (SOLD, BOUGHT))
    assert facts[1] == RouterHop("0.2" if name.endswith("v2") else "0.3", address("venue a"), SOLD, 100, BOUGHT, 90)


@pytest.mark.parametrize("name", ["shared_accounts_exact_out_route", "shared_accounts_exact_out_route_v2"])
def test_an_exact_out_route_by_shared_accounts(name: str) -> None:
    is_second = name.endswith("v2")
    calls = [
        pays(SOURCE, SHARED_SOURCE, 100),
        venue("a", pays(SHARED_SOURCE, POOL_IN, 100), pays(POOL_OUT, SHARED_DESTINATION, 90)),
        tells(PROGRAM, ALL_SWAPPED if is_second else SWAPPED),
        pays(SHARED_DESTINATION, FEES, 2),
        *([] if is_second else [tells(PROGRAM, record("FeeEvent", FEES, BOUGHT, 2))]),
        pays(SHARED_DESTINATION, DESTINATION, 88),
    ]
    facts = CraftedTransaction([called(PROGRAM, name, SHARED_ACCOUNTS, *calls)], TOKENS).facts()
    assert facts == [
        route("0", TRADER, (SOURCE, DESTINATION), (SOLD, BOUGHT), platform(BOUGHT, 2, FEES)),
        RouterHop("0.3" if is_second else "0.4", address("venue a"), SOLD, 100, BOUGHT, 90),
    ]


def test_hops_told_at_once_are_of_no_program_where_the_calls_are_more() -> None:
    """As an order book's two calls are for one hop."""
    calls = [venue("a", pays(SOURCE, POOL_IN, 100)), venue("a", pays(POOL_OUT, DESTINATION, 90))]
    made = called(PROGRAM, "route_v2", OWN_ACCOUNTS, *calls, tells(PROGRAM, ALL_SWAPPED))
    facts = CraftedTransaction([made], TOKENS).facts()
    assert facts[1:] == [RouterHop("0.4", "", SOLD, 100, BOUGHT, 90)]


def test_the_trader_is_who_owns_the_source_not_who_signs() -> None:
    accounts = {**OWN_ACCOUNTS, "user_transfer_authority": OTHER}
    made = called(PROGRAM, "route", accounts, SWAP, tells(PROGRAM, SWAPPED))
    [call, _] = CraftedTransaction([made], TOKENS).facts()
    assert isinstance(call, RouterCall)
    assert call.trader == TRADER


def test_the_mints_are_those_of_the_accounts_whatever_the_caller_states(fixtures_dir: Path) -> None:
    """A bot's circle through one account, stated as a route to dollars."""
    signature = "5DJFLgNiZD73caNFPsbJekW9fjsyL3ZnCyZWnEJADVq7VrKak1GMhxpUiUqD2orkoKrhbcmVgsvWXTGeJBL6sTFt"
    call, *hops = read(read_geyser(fixtures_dir, signature)).facts
    account = "BbN3UFJGEn6Sh4fgPe4623zXybm2N4LVd6gxU8APR5LM"
    trader = "4dC1XCS2R2rqm1TXgq2K2QX4T5eCSYTW5QSu4TJAYh23"
    assert call == route("4", trader, (account, account), (NATIVE_MINT, NATIVE_MINT))
    told = [(hop.sold_raw, hop.bought_raw) for hop in hops if isinstance(hop, RouterHop)]
    assert told == [(291290000, 65819076), (65819076, 291301114)]
