"""Who swapped what: recorded trades that a simpler rule gets wrong, and the rules one by one."""

from struct import pack

import pytest
from hand_ledger import Call, action_lines, decode_all, names_of, squeeze
from recorded_bodies import Recorded
from test_system_ledger import transfer
from token_calls import mint_to, send

from oof_pipelines.chain.actions import Action
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import decode_transaction

# signature: wallet, sold asset and amount, bought asset and amount, recipient; addresses by their first letters
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
    # a keeper trades for the account of a standing order
    "2GMpqA7duENGaEXJUuP712J3tvX25uU45ZQ8vZdszXVUHyiAwo9byn3vVSVRgxks1PKX7H4wrBcE3FXqH1q6mRa1": (
        "7WZcPib1 So111111 1428571 74DSHnK1 44119999"
    ),
    # a keeper signs and trades with what the escrow of a limit order handed him in an instruction before
    "4v28RP4AadGTfSRmYyZyag2erNokm6pyE7Fdct14bkEKSDFusPkxkp2DLSovxuGPnRA6qJdmFFQrJHCouq6RaNrw": (
        "3XQkm6Ss EPjFWdd5 3359117529 9gr84rGy 1548758"
    ),
    "k2eGRDNqy6mYEXTGp6XT3XvUjh8YEJrn2ozs2bzAXZXJYzpDc9EuVuo2fkQMaHRxyi2DTsKTBTnrYRU9cRh72Mo": (
        "CTRk9ma9 EPjFWdd5 2390000000 HeLp6NuQ 1000619133476"
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
}
# circles, liquidity put in and taken out, pools opened
NO_SWAP = [
    "4ijsPheC5",
    "3TwHo76ya",
    "GCeRpjvfN",
    "2opdeWZRn",
    "3yq88CT3M",
    "2LZBWdD5N",
    "5TjXcSVPa",
    "2Z6pDoWEV",
    "63PQNtzDQ",
]


def swaps(body: bytes) -> list[Action]:
    return [action for action in decode_transaction(parse_transaction(body)).actions if action.kind == "swap"]


@pytest.mark.parametrize("signature", RECORDED)
def test_recorded_swaps(signature: str, by_signature: dict[str, Recorded]) -> None:
    (found,) = swaps(by_signature[signature].body)
    told = (
        found.wallet[:8],
        found.asset[:8],
        str(found.amount_raw),
        found.bought_asset[:8],
        str(found.bought_raw),
        found.counterparty[:8],
    )
    assert " ".join(told).strip() == RECORDED[signature]


@pytest.mark.parametrize("prefix", NO_SWAP)
def test_recorded_transactions_without_a_swap(prefix: str, by_signature: dict[str, Recorded]) -> None:
    (signature,) = [signature for signature in by_signature if signature.startswith(prefix)]
    assert swaps(by_signature[signature].body) == []


def test_no_swap_has_one_asset_on_both_sides_or_a_counter_account(by_signature: dict[str, Recorded]) -> None:
    found = [swap for one in by_signature.values() for swap in swaps(one.body)]
    assert len(found) >= 160
    for swap in found:
        assert swap.asset != swap.bought_asset
        assert swap.amount_raw > 0 < swap.bought_raw


BEFORE = """
    alice  1000000000
    boxa      2039280  usdc  1000  alice
    boxm      2039280  meme  0     alice
    boxn      2039280  nuts  0     alice
    bobn      2039280  nuts  0     bob
    poolu     2039280  usdc  9000  pdapool
    poolm     2039280  meme  9000  pdapool
    poolx     2039280  meme  9000  pdaother
    pooln     2039280  nuts  9000  pdaother
    vaultu    2039280  usdc  1000  pdavault
    vaultm    2039280  meme  0     pdavault
"""
ACCOUNTS = "boxa boxm boxn poolu poolm poolx pooln vaultu vaultm"


def swapped(*legs: Call, program: str = "raydium", data: bytes = b"\x09", accounts: str = ACCOUNTS) -> list[str]:
    """The swap lines of a call with these legs; balances after are what the legs made of those before."""
    lines = {row.split()[0]: row.split() for row in BEFORE.strip().splitlines()}
    for leg in legs:
        amount = int.from_bytes(leg.data[4:12] if leg.program == "system" else leg.data[1:9], "little")
        source, destination = leg.accounts.split()[:2]
        column = 1 if leg.program == "system" else 3
        if leg.program == "token" and leg.data[0] == 7:
            source = ""
        for name, change in ((source, -amount), (destination, amount)):
            if name in lines:
                lines[name][column] = str(int(lines[name][column]) + change)
    lines["alice"][1] = str(int(lines["alice"][1]) - 5_000)
    after = "\n".join(" ".join(row) for row in lines.values())
    call = Call(program, accounts, data + pack("<QQ", 1, 1), calls=list(legs))
    decoded = decode_all(BEFORE, [call], after)
    return [line for line in action_lines(decoded, names_of(BEFORE, [call], after)) if " swap " in line]


def test_the_middle_asset_of_a_route_may_leave_dust() -> None:
    legs = [send("boxa", "poolu", 400), send("poolm", "boxm", 5_001), send("boxm", "poolx", 5_000)]
    assert swapped(*legs, send("pooln", "boxn", 77)) == squeeze("0 swap alice usdc 400 for nuts 77")


def test_a_middle_asset_of_which_much_stays_is_a_second_purchase() -> None:
    legs = [send("boxa", "poolu", 400), send("poolm", "boxm", 5_500), send("boxm", "poolx", 5_000)]
    assert swapped(*legs, send("pooln", "boxn", 77)) == []


def test_a_little_sol_beside_a_pair_is_no_third_side_and_much_is() -> None:
    legs = [send("boxa", "poolu", 400), send("poolm", "boxm", 7)]
    assert swapped(transfer("alice", "bob", 2_000_000), *legs) == squeeze("0 swap alice usdc 400 for meme 7")
    assert swapped(transfer("alice", "bob", 200_000_000), *legs) == []


def test_a_circle_is_no_swap_of_the_fee_it_paid_for_its_profit() -> None:
    circle = [
        send("boxa", "poolu", 400),
        send("poolm", "boxm", 70),
        send("boxm", "poolx", 70),
        send("poolu", "boxa", 450),
    ]
    assert swapped(*circle, transfer("alice", "bob", 1_000)) == []
    assert swapped(*circle) == []


def test_a_share_of_a_pool_is_not_bought() -> None:
    legs = [send("boxa", "poolu", 400), mint_to("nuts", "boxn", 20)]
    assert swapped(*legs) == []


def test_what_a_router_has_minted_is_bought() -> None:
    """A stake pool gives its token by minting it; here no venue made it, but the program that called one."""
    legs = [send("boxa", "poolu", 400), mint_to("nuts", "boxn", 20)]
    venue = Call("raydium", ACCOUNTS, b"\x63", calls=[])
    assert swapped(*legs, venue, program="program") == squeeze("0.2 swap alice usdc 400 for nuts 20")


def test_proceeds_sent_on_are_the_sellers_swap() -> None:
    legs = [send("boxa", "poolu", 400), send("pooln", "boxn", 77), send("boxn", "bobn", 77)]
    assert swapped(*legs) == squeeze("0 swap alice → bob usdc 400 for nuts 77")


def test_of_two_program_accounts_the_one_in_the_traders_seat_traded() -> None:
    legs = [send("vaultu", "poolu", 400), send("poolm", "vaultm", 7)]
    expected = squeeze("0 swap pdavault usdc 400 for meme 7")
    assert swapped(*legs, accounts=f"{ACCOUNTS} pdapool pdavault") == expected
    assert swapped(*legs, accounts=f"{ACCOUNTS} pdavault pdapool") == squeeze("0 swap pdapool meme 7 for usdc 400")


def test_program_accounts_that_mirror_each_other_and_sit_in_no_known_seat_make_no_swap() -> None:
    legs = [send("vaultu", "poolu", 400), send("poolm", "vaultm", 7)]
    assert swapped(*legs, data=b"\x63") == []


def test_the_one_program_account_that_the_venue_was_not_called_with_traded() -> None:
    legs = [send("vaultu", "poolu", 400), send("poolm", "vaultm", 7)]
    assert swapped(*legs, data=b"\x63", accounts="poolu poolm") == squeeze("0 swap pdavault usdc 400 for meme 7")
