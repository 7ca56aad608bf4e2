"""Trades read off the book alone: who traded, for whom, and what is no trade; hand-built, and over all recorded ones."""

import pytest
from hand_ledger import Call, address, body, names_of
from recorded_bodies import Recorded
from settling import settled
from test_system_ledger import transfer
from token_calls import mint_to, send

from oof_pipelines.chain.moves import RESIDUAL_PATH, UNEXPLAINED_ACCOUNT, Move
from oof_pipelines.chain.replaced import replaced as replace
from oof_pipelines.chain.transaction import Instruction, ParsedTransaction, parse_transaction
from oof_pipelines.decode.book import book_transaction
from oof_pipelines.decode.book_trades import principal_at, trade_at, tradeable
from oof_pipelines.decode.programs import ROUTERS, VENUES

JUPITER = "JUP6LkbZbjS1jKKwapdHNy74zcZ3tLUZoi5QNyVTaV4"
RAYDIUM = "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"
SIGNER, RECIPIENT, MAKER, OTHER = (address(name) for name in ("signer", "recipient", "maker", "other"))
FIRST_POOL, SECOND_POOL = address("pda1"), address("pda2")
USDC, MIDDLE, WANTED = address("usdc"), address("middle"), address("wanted")

BEFORE = """
    alice  1000000000
    boxa      2039280  usdc  1000  alice
    boxm      2039280  meme  0     alice
    boxn      2039280  nuts  0     alice
    bobn      2039280  nuts  0     bob
    bob    1000000000
    poolu     2039280  usdc  9000  pdapool
    poolm     2039280  meme  9000  pdapool
    poolx     2039280  meme  9000  pdaother
    pooln     2039280  nuts  9000  pdaother
    vaultu    2039280  usdc  1000  pdavault
    vaultm    2039280  meme  0     pdavault
"""
ACCOUNTS = "boxa boxm boxn poolu poolm poolx pooln vaultu vaultm"


def traded(*legs: Call, program: str = "raydium", accounts: str = ACCOUNTS, traders: tuple[str, ...] = ()) -> str:
    """The trade of one outer call with these legs as 'wallet sold amount for bought amount → recipient'; '' for none."""
    calls = [Call(program, accounts, b"unread", calls=list(legs))]
    after = settled(BEFORE, calls)
    transaction = parse_transaction(body(BEFORE, calls, after))
    moves = book_transaction(transaction).moves
    found = trade_at(transaction, moves, "0", traders=frozenset(address(name) for name in traders))
    if found is None:
        return ""
    names = names_of(BEFORE, calls, after)
    to = f" → {names[found.recipient]}" if found.recipient else ""
    (sold, sold_raw), (bought, bought_raw) = found.sold, found.bought
    return f"{names[found.wallet]} {names[sold]} {sold_raw} for {names[bought]} {bought_raw}{to}"


def test_whoever_gave_one_thing_and_got_another_traded() -> None:
    legs = [send("boxa", "poolu", 400), send("poolm", "boxm", 7)]
    assert traded(*legs) == "alice usdc 400 for meme 7"
    assert traded(*legs, program="program") == "alice usdc 400 for meme 7", "whatever program had it done"
    assert traded(legs[0]) == ""
    assert traded(legs[1]) == ""


def test_the_middle_asset_of_a_route_may_leave_dust() -> None:
    legs = [send("boxa", "poolu", 400), send("poolm", "boxm", 5_001), send("boxm", "poolx", 5_000)]
    assert traded(*legs, send("pooln", "boxn", 77)) == "alice usdc 400 for nuts 77"


def test_a_middle_asset_of_which_much_stays_is_a_second_purchase() -> None:
    legs = [send("boxa", "poolu", 400), send("poolm", "boxm", 5_500), send("boxm", "poolx", 5_000)]
    assert traded(*legs, send("pooln", "boxn", 77)) == ""


def test_a_little_sol_beside_a_pair_is_no_third_side_and_much_is() -> None:
    legs = [send("boxa", "poolu", 400), send("poolm", "boxm", 7)]
    assert traded(transfer("alice", "bob", 2_000_000), *legs) == "alice usdc 400 for meme 7"
    assert traded(transfer("alice", "bob", 200_000_000), *legs) == ""


def test_a_circle_is_no_swap_of_the_fee_it_paid_for_its_profit() -> None:
    circle = [
        send("boxa", "poolu", 400),
        send("poolm", "boxm", 70),
        send("boxm", "poolx", 70),
        send("poolu", "boxa", 450),
    ]
    assert traded(*circle, transfer("alice", "bob", 1_000)) == ""
    assert traded(*circle) == ""


def test_a_share_of_a_pool_is_not_bought() -> None:
    assert traded(send("boxa", "poolu", 400), mint_to("nuts", "boxn", 20)) == ""


def test_what_anything_else_than_a_venue_has_minted_is_bought() -> None:
    """A stake pool gives its token by minting it; here no venue made it, but the program that called one."""
    legs = [send("boxa", "poolu", 400), mint_to("nuts", "boxn", 20), Call("raydium", ACCOUNTS, b"unread")]
    assert traded(*legs, program="program") == "alice usdc 400 for nuts 20"


def test_proceeds_sent_on_are_the_sellers_trade() -> None:
    legs = [send("boxa", "poolu", 400), send("pooln", "boxn", 77), send("boxn", "bobn", 77)]
    assert traded(*legs) == "alice usdc 400 for nuts 77 → bob"


def test_of_two_program_accounts_the_one_in_the_traders_seat_traded() -> None:
    legs = [send("vaultu", "poolu", 400), send("poolm", "vaultm", 7)]
    assert traded(*legs, traders=("pdavault",)) == "pdavault usdc 400 for meme 7"
    assert traded(*legs, traders=("pdapool",)) == "pdapool meme 7 for usdc 400"


def test_program_accounts_that_mirror_each_other_and_sit_in_no_known_seat_make_no_trade() -> None:
    legs = [send("vaultu", "poolu", 400), send("poolm", "vaultm", 7)]
    assert traded(*legs) == ""
    assert traded(*legs, traders=("pdavault", "pdapool")) == ""


def test_the_one_program_account_that_the_venue_was_not_called_with_traded() -> None:
    legs = [send("vaultu", "poolu", 400), send("poolm", "vaultm", 7)]
    assert traded(*legs, accounts="poolu poolm") == "pdavault usdc 400 for meme 7"


def test_rent_tips_and_network_fees_are_no_part_of_a_trade() -> None:
    kinds = ("rent", "tip", "fee_base", "fee_priority", "owner_change", "transfer", "mint", "burn", "residual")
    moves = [Move("0", "a", "a", "lamports", 1, kind) for kind in kinds]
    assert [move.kind for move in tradeable(moves)] == ["transfer", "mint", "burn", "residual"]


# --- whose money it was ---


def calls_of(*programs: tuple[str, str]) -> ParsedTransaction:
    """An outer call of each (program, account) by one signer, each calling a venue with the account."""
    instructions = []
    for outer, (program, account) in enumerate(programs):
        instructions.append(Instruction((outer, -1), 1, program, [SIGNER], b""))
        if program == JUPITER:
            instructions.append(Instruction((outer, 0), 2, RAYDIUM, [account], b""))
    return ParsedTransaction(
        signature="s",
        slot=1,
        block_time_s=1,
        tx_index=0,
        version="0",
        error=None,
        fee_lamports=5_000,
        signer_count=1,
        keys=[SIGNER, RECIPIENT, FIRST_POOL, SECOND_POOL],
        instructions=instructions,
        pre_lamports=[],
        post_lamports=[],
        pre_tokens=[],
        post_tokens=[],
        log_messages=[],
        compute_units_consumed=None,
    )


def sent(path: str, giver: str, taker: str, mint: str, amount_raw: int) -> list[Move]:
    return [
        Move(path, f"{giver} {mint}", giver, mint, -amount_raw, "transfer"),
        Move(path, f"{taker} {mint}", taker, mint, amount_raw, "transfer"),
    ]


def test_what_was_bought_at_one_venue_and_sold_at_the_next_is_the_signers() -> None:
    moves = [
        *sent("0.1", SIGNER, FIRST_POOL, USDC, 100),
        *sent("0.2", FIRST_POOL, SIGNER, MIDDLE, 50),
        *sent("1.1", SIGNER, SECOND_POOL, MIDDLE, 50),
        *sent("1.2", SECOND_POOL, SIGNER, WANTED, 7),
        *sent("1.3", SIGNER, RECIPIENT, WANTED, 7),
    ]
    two_routes = calls_of((JUPITER, FIRST_POOL), (JUPITER, SECOND_POOL))
    found = []
    for path in ("0", "1"):
        trade = trade_at(two_routes, moves, path, trading=frozenset({0, 1}))
        assert trade is not None
        found.append((trade.wallet, trade.sold, trade.bought, trade.recipient, trade.paths))
    assert found == [
        (SIGNER, (USDC, 100), (MIDDLE, 50), "", ("0.1", "0.2")),
        (SIGNER, (MIDDLE, 50), (WANTED, 7), RECIPIENT, ("1.1", "1.2", "1.3")),
    ], "the first pool gave as much of the middle token as was sold, and sold nothing"


NONE_ELSE = frozenset({1})
LENT_FIRST = calls_of((address("program"), ""), (JUPITER, FIRST_POOL))
BOUGHT = [*sent("1.1", SIGNER, FIRST_POOL, USDC, 100), *sent("1.2", FIRST_POOL, SIGNER, WANTED, 7)]


def test_who_gives_of_his_own_is_his_own_principal() -> None:
    assert principal_at(LENT_FIRST, BOUGHT, "1", SIGNER, (USDC, 100), NONE_ELSE) == (SIGNER, [])
    lent_too_little = [*sent("0.0", MAKER, SIGNER, USDC, 99), *BOUGHT]
    assert principal_at(LENT_FIRST, lent_too_little, "1", SIGNER, (USDC, 100), NONE_ELSE) == (SIGNER, [])


@pytest.mark.parametrize("lent_raw", [100, 130])
def test_who_was_handed_what_he_gives_acts_for_another(lent_raw: int) -> None:
    moves = [*sent("0.0", MAKER, SIGNER, USDC, lent_raw), *BOUGHT, *sent("2", SIGNER, MAKER, WANTED, 7)]
    assert principal_at(LENT_FIRST, moves, "1", SIGNER, (USDC, 100), NONE_ELSE) == (MAKER, ["0.0"])
    trade = trade_at(LENT_FIRST, moves, "1", trading=NONE_ELSE)
    assert trade is not None
    assert (trade.wallet, trade.sold, trade.bought) == (MAKER, (USDC, 100), (WANTED, 7))
    assert trade.paths == ("0.0", "1.1", "1.2")


def test_who_keeps_what_was_bought_has_bought_it_wherever_his_money_came_from() -> None:
    moves = [*sent("0.0", MAKER, SIGNER, USDC, 100), *BOUGHT]
    trade = trade_at(LENT_FIRST, moves, "1", trading=NONE_ELSE)
    assert trade is not None
    assert (trade.wallet, trade.sold, trade.bought) == (SIGNER, (USDC, 100), (WANTED, 7))


def test_nobody_is_named_where_two_lent_it_together() -> None:
    moves = [*sent("0.0", MAKER, SIGNER, USDC, 50), *sent("0.1", OTHER, SIGNER, USDC, 50), *BOUGHT]
    assert principal_at(LENT_FIRST, moves, "1", SIGNER, (USDC, 100), NONE_ELSE) == ("", [])


def test_what_a_lender_got_back_was_not_his_money() -> None:
    moves = [*sent("0.0", MAKER, SIGNER, USDC, 100), *BOUGHT, *sent("0.9", OTHER, MAKER, USDC, 100)]
    assert principal_at(LENT_FIRST, moves, "1", SIGNER, (USDC, 100), NONE_ELSE) == ("", [])


def test_what_another_call_of_a_router_handed_over_without_a_trade_was_lent() -> None:
    """A router's own instruction may but hand over; only calls that trade are `trading`."""
    two_calls = calls_of((JUPITER, FIRST_POOL), (JUPITER, SECOND_POOL))
    moves = [*sent("0.1", MAKER, SIGNER, USDC, 100), *BOUGHT]
    assert principal_at(two_calls, moves, "1", SIGNER, (USDC, 100), NONE_ELSE) == (MAKER, ["0.1"])


def test_what_came_from_another_call_of_a_venue_was_bought_there() -> None:
    two_routes = calls_of((JUPITER, FIRST_POOL), (JUPITER, SECOND_POOL))
    moves = [*sent("0.1", FIRST_POOL, SIGNER, USDC, 100), *BOUGHT]
    assert principal_at(two_routes, moves, "1", SIGNER, (USDC, 100), frozenset({0, 1})) == (SIGNER, [])


# --- what no instruction explains ---


def test_strangers_who_pay_each_other_by_no_instruction_change_no_trade(by_signature: dict[str, Recorded]) -> None:
    """What no instruction explains on accounts that no venue was called with: every recorded trade stays as it is."""
    looked_at = 0
    for one in by_signature.values():
        transaction = parse_transaction(one.body)
        known = VENUES.keys() | ROUTERS.keys()
        outers = {str(call.path[0]) for call in transaction.instructions if call.program_id in known}
        moves = book_transaction(transaction).moves
        trading = frozenset(int(path) for path in outers)
        before = {path: trade_at(transaction, moves, path, trading=trading) for path in sorted(outers)}
        if not any(before.values()):
            continue
        looked_at += 1
        stranger, other = address("stranger"), address("other")
        gift = Move(RESIDUAL_PATH, stranger, stranger, "lamports", -1_000_000_000, "residual")
        taken = replace(gift, account=other, owner=other, delta_raw=1_000_000_000)
        unbalanced = replace(gift, account=UNEXPLAINED_ACCOUNT, owner=UNEXPLAINED_ACCOUNT, is_virtual=True)
        for more in ([gift, taken], [taken, unbalanced]):
            after = {path: trade_at(transaction, [*moves, *more], path, trading=trading) for path in before}
            assert after == before, transaction.signature
    assert looked_at > 100
