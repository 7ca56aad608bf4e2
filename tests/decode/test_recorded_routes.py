"""Who traded what: recorded transactions that a simpler rule gets wrong, one by one; and what holds of every route."""

import pytest
from recorded_bodies import Recorded

from oof_pipelines.chain.moves import NATIVE_MINT, NATIVE_MINTS
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import decode_transaction
from oof_pipelines.decode.facts import INSIDE, ON_TOP, Leg
from oof_pipelines.decode.routes import Route

# signature: trader, sold asset and amount, bought asset and amount, recipient; addresses by their first letters
RECORDED = {
    # token → USDC by way of SOL, whose rest is unwrapped to the program
    "3PHQEygDTZZG6BjQPHDX5HoXHPxoehkiw5mmqPh4Ui2xk3EwwaSSFAU1Je476bDPdA4jNw8fQNvYWD47TB25s5rk": (
        "AizNunC6 AHvxwN5E 47658377222 EPjFWdd5 19336212"
    ),
    "58hytiDB1sxbzpW9P1annHt6DYYpvdF7bW452aqSFe87pgrvSGj78ENkhFRA6cpk5zk4QppugLv4V8qLQNsH1VK5": (
        "CiY6KfMC AHvxwN5E 53342903558 EPjFWdd5 21583785"
    ),
    "5xSnRjWkhj7tCcbYs4drRwbAw2nJo2R4Es6hWdHCnjGbesWyXvfC1bwCG5c1kVdjwBUc1DkQb6H9uNxtqknSCkHy": (
        "9ex8jzHb AHvxwN5E 51867625987 EPjFWdd5 21007910"
    ),
    # eleven units of the middle token are left over
    "4EoaRY7jgd7bETXjjvchE57iPnj3J9zjJ9iCdRQZZcqLjx3bMNAeqbkLCp8u9eWaiAL8tDLeaQjV12mvhZkCrBLV": (
        "9sceVSTJ J1toso1u 1000000000 orcaEKTd 59973572"
    ),
    # sent on to another wallet, less a fee
    "4DPfdCKCd3MLtWTUnBa2LSEXRjXo2nF79R4ediFuTL2sU38DfETX1c6yhAk6KofGhjdPEBGJtrzh8QZEiFvwe7Ng": (
        "1yp1LRkb CYCjCXgU 1096037113846 EPjFWdd5 174321376 8ruZEygW"
    ),
    # money of one signer, traded by another, sent on to a third
    "4aQ4oYFrRwiwgyvHtXnrqJKQwfn5qVdLKGzEHiam2sAN8SaNcwNa3bdb4runFq91YKVFzYtSCynWcTwA9oogxvwL": (
        "GQJYU1fs BBKPiLM9 1064462027426 CASHx9KJ 3173082 AQ5JyR29"
    ),
    # a keeper trades with what a standing order of a maker lent him; the maker gets it less the fee of a thousandth
    "2GMpqA7duENGaEXJUuP712J3tvX25uU45ZQ8vZdszXVUHyiAwo9byn3vVSVRgxks1PKX7H4wrBcE3FXqH1q6mRa1": (
        "DHq9E6HL So111111 1428571 74DSHnK1 44075880"
    ),
    # a keeper trades with what the escrow of a limit order lent him, pays the maker what he asked, and keeps the rest
    "4v28RP4AadGTfSRmYyZyag2erNokm6pyE7Fdct14bkEKSDFusPkxkp2DLSovxuGPnRA6qJdmFFQrJHCouq6RaNrw": (
        "GAgnD5Xv EPjFWdd5 3359117529 9gr84rGy 1491447"
    ),
    "k2eGRDNqy6mYEXTGp6XT3XvUjh8YEJrn2ozs2bzAXZXJYzpDc9EuVuo2fkQMaHRxyi2DTsKTBTnrYRU9cRh72Mo": (
        "4abvSWug EPjFWdd5 2390000000 HeLp6NuQ 999000000000"
    ),
    # a program's wallet in the trader's seat; the other side is the curve
    "53fG8Sh9MFDbN9vZFkpLh99iCng8GSAEg1yNYooexsF8EPzaU3cQLZbJ2akMAw7U6EeN3WU7acW5BDXQHLUDwnub": (
        "BwWK17cb So111111 59144058 ATdwsy2D 3645806451444"
    ),
    "2m5nWLnDSbM5SEGCnRxuftg5PFFZR6kziuNQbmrmqtEhbH81PyKVeEsipiXaFQxnerN8zQYB2XRwozrjoZheFDuG": (
        "BwWK17cb EPjFWdd5 3517192 4F4gGVBA 445377137871"
    ),
    # a program's wallet that sends SOL on to its owner
    "3izFs7kd8SNUF3s3ifjFWowxPkW2HBj5S4haB9SWTUpaR7gdMzLthewQfuaSY2n9mfnHN8DDuHLnUPpEcATfAFe": (
        "3qrD9c25 4df1wZoy 2947910000 So111111 88977670 HxUfjaeU"
    ),
    # two venues, in whose seats two program accounts sit; the pools are neither
    "56RbkzmAEtd88ZeiBigh41kPThpoFqZoxj9tULQJe7xRBAcdRYxREuNBRUW5f2jJASZ81aNhxe8EBej258q76AuH": (
        "6ZaWyb9P Es9vMFrz 176151906 5UUH9RTD 5544465819 9ZPsRWGk"
    ),
    # circles: one mint on both sides, all that left and all that came back
    "4ijsPheC5WXMhXNHDg2NWGqZXSx3QVLQoPFNyUFqE5wnh1TcyEUgmVATGq3GsXgEAJLbBBwKb7rBCwTJvzbuE6TZ": (
        "5y5jCvdD EPjFWdd5 3000000 EPjFWdd5 3031007"
    ),
    "GCeRpjvfNXZB6BJFQChjpKycdKpRwQGS1BSwUvLjVpJj6NgdzzQACAWt89ZEfEXjeRSqzhDX8CHtzpMUnfJ7VMJ": (
        "46ECY5pT EPjFWdd5 4439613 EPjFWdd5 4453650"
    ),
}
# liquidity put in and taken out, pools opened
NO_ROUTE = [
    "2opdeWZRn",
    "3yq88CT3M",
    "2LZBWdD5N",
    "5TjXcSVPa",
    "2Z6pDoWEV",
    "63PQNtzDQ",
]


# each swap that a program which is no router had made at venues is a route of its own, here two of a circle
TWO_ROUTES = {
    "3TwHo76yayZoTt8Q9dtpQQzrYXvGRkkH5YBXAHdtkBDMWepqz5SsRqkKQGwysUKHoVhBSuRSX2k9RPXrkeLMPn72": [
        "HxjwdF32 So111111 633817476 AHvxwN5E 241459898511",
        "HxjwdF32 AHvxwN5E 241459898511 So111111 650641520",
    ],
}


def routes(body: bytes) -> list[Route]:
    return decode_transaction(parse_transaction(body)).routes


def line(route: Route) -> str:
    sides = (route.sold_mint[:8], str(route.sold_raw), route.bought_mint[:8], str(route.bought_raw))
    return " ".join((route.trader[:8], *sides, route.recipient[:8])).strip()


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded_routes(signature: str, by_signature: dict[str, Recorded]) -> None:
    (found,) = routes(by_signature[signature].body)
    assert line(found) == RECORDED[signature]


@pytest.mark.parametrize("signature", TWO_ROUTES)
def test_recorded_swaps_that_stay_apart(signature: str, by_signature: dict[str, Recorded]) -> None:
    assert [line(found) for found in routes(by_signature[signature].body)] == TWO_ROUTES[signature]


@pytest.mark.parametrize("prefix", NO_ROUTE)
def test_recorded_transactions_without_a_route(prefix: str, by_signature: dict[str, Recorded]) -> None:
    (signature,) = [signature for signature in by_signature if signature.startswith(prefix)]
    assert routes(by_signature[signature].body) == []


def test_what_holds_of_every_recorded_route(by_signature: dict[str, Recorded]) -> None:
    looked_at = 0
    for signature, one in by_signature.items():
        decoded = decode_transaction(parse_transaction(one.body))
        its_paths = [route.path for route in decoded.routes]
        assert len(set(its_paths)) == len(its_paths), signature
        swaps = [action for action in decoded.actions if action.kind == "swap"]
        assert [(swap.path, swap.wallet, swap.venue) for swap in swaps] == [
            (route.path, route.trader, route.venue) for route in decoded.routes
        ]
        for route in decoded.routes:
            looked_at += 1
            assert route.trader
            assert route.recipient != route.trader, signature
            trades: list[Route | Leg] = [route, *route.legs]
            for trade in trades:
                assert trade.sold_raw > 0 < trade.bought_raw, signature
                assert {trade.sold_mint, trade.bought_mint} & NATIVE_MINTS <= {NATIVE_MINT}, "SOL is one mint"
            for fee in route.fees:
                assert fee.amount_raw > 0, signature
                assert fee.side in (INSIDE, ON_TOP), signature
    assert looked_at >= 200
