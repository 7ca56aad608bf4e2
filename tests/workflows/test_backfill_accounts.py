"""The token accounts of wallets: which there are, which are listed, which are left out."""

from hypothesis import given
from hypothesis import strategies as st
from memory_chain import FIRST_SLOT
from wallet_chain import COIN, OTHER, STRANGER, WALLET, World, address_of, held

from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.interfaces import SourceRefusedError
from oof_pipelines.storage.wallet_history import BY_BALANCES, BY_NODE, WalletAccount
from oof_pipelines.workflows.backfill_accounts import accounts_in, in_order, together
from oof_pipelines.workflows.ceilings import Ceilings


def accounts_of(world: World, wallet: str = WALLET) -> dict[str, tuple[str, bool, int | None]]:
    return {
        account: (one.found_by, one.is_signed, one.first_slot)
        for (whose, account), one in world.coverage.known.items()
        if whose == wallet
    }


def test_accounts_of_a_second_wallet_are_found_in_what_the_first_has_stored() -> None:
    world, theirs = World(), address_of("theirs")
    world.chain.act("both", FIRST_SLOT + 1, signers=(WALLET, OTHER), balances=((theirs, COIN, OTHER),))
    hidden = world.chain.act("hidden", FIRST_SLOT + 2, signers=(STRANGER,), named=(theirs,))
    world.backfill(WALLET)
    assert hidden not in world.inbox.stored
    report = world.backfill(OTHER)
    assert accounts_of(world, OTHER) == {theirs: (BY_BALANCES, True, FIRST_SLOT + 1)}
    assert (report.fetched, hidden in world.inbox.final) == (1, True)


def test_what_a_feed_has_stored_of_a_wallets_account_tells_of_the_account() -> None:
    world, closed = World(), address_of("closed")
    # Stored for the stranger's sake; its decoder says that the account's owner took part.
    heard = world.chain.act("heard", FIRST_SLOT + 3, signers=(STRANGER,), balances=((closed, COIN, WALLET),))
    new = world.chain.act("new", FIRST_SLOT + 4, signers=(OTHER,), named=(closed,))
    world.backfill(STRANGER)
    assert world.backfill(WALLET).accounts == 0
    world.coverage.participants[WALLET] = [heard]
    report = world.backfill(WALLET, is_asked_again=True)
    assert accounts_of(world) == {closed: (BY_BALANCES, False, FIRST_SLOT + 3)}
    assert report.wallets[WALLET].signatures.listed == 2
    assert (report.fetched, new in world.inbox.final) == (1, True)


def test_accounts_are_not_chosen_before_all_that_the_wallet_signed_is_known() -> None:
    world = World()
    for number in range(3):
        world.chain.act(number, FIRST_SLOT + number)
    report = world.backfill(ceilings=Ceilings(max_tx=1))
    assert (report.is_partial, report.calls["getTokenAccountsByOwner"]) == (True, 0)
    assert world.backfill().calls["getTokenAccountsByOwner"] == 2


def test_a_closed_account_is_known_by_balances_and_listed_for_more() -> None:
    world, closed, later = World(), address_of("closed"), address_of("later")
    world.chain.act(1, FIRST_SLOT + 1, balances=((closed, COIN, WALLET),))
    hidden = world.chain.act(2, FIRST_SLOT + 2, signers=(STRANGER,), balances=((closed, COIN, WALLET),))
    # Of this account only a transaction of the closed one tells.
    world.chain.act(3, FIRST_SLOT + 3, signers=(STRANGER,), named=(closed,), balances=((later, COIN, WALLET),))
    last = world.chain.act(4, FIRST_SLOT + 4, signers=(STRANGER,), named=(later,))
    assert last not in world.chain.names(WALLET)
    report = world.backfill()
    assert {hidden, last} <= world.inbox.final
    assert accounts_of(world) == {
        closed: (BY_BALANCES, True, FIRST_SLOT + 1),
        later: (BY_BALANCES, False, FIRST_SLOT + 3),
    }
    assert report.accounts == 2
    assert report.is_complete
    assert report.calls["getSignaturesForAddress"] == 3


def test_both_token_programs_are_asked_and_both_ways_of_knowing_an_account_agree() -> None:
    world, old = World(), address_of("old")
    world.chain.held[WALLET] = [held("old"), held("new", is_2022=True)]
    world.chain.act(1, FIRST_SLOT + 1, balances=((old, COIN, WALLET), (address_of("of another"), COIN, OTHER)))
    report = world.backfill()
    assert set(accounts_of(world)) == {old, address_of("new")}
    assert accounts_of(world)[old] == (BY_BALANCES, True, FIRST_SLOT + 1)
    assert accounts_of(world)[address_of("new")] == (BY_NODE, False, None)
    assert report.calls["getTokenAccountsByOwner"] == 2


def test_spam_is_left_out_where_there_are_too_many_accounts() -> None:
    world, mine, money = World(), address_of("mine"), address_of("money")
    spam = [held(f"spam {number}") for number in range(20)]
    world.chain.held[WALLET] = [*spam, held("money", USDC_MINT)]
    world.chain.act(1, FIRST_SLOT + 1, balances=((mine, COIN, WALLET),))
    for one in spam:
        world.chain.act(one.account, FIRST_SLOT + 9, signers=(STRANGER,), named=(one.account,))
    report = world.backfill(most_token_accounts=5)
    listed = set(world.coverage.proven[WALLET]) - {WALLET}
    assert {mine, money} <= listed
    assert len(listed) == 5
    assert listed - {mine, money} == set(sorted(one.account for one in spam)[:3])
    assert (report.accounts, report.accounts_left_out) == (22, 17)
    assert not report.wallets[WALLET].is_whole
    assert world.backfill(most_token_accounts=5).calls == {}


def test_token_accounts_that_cannot_be_asked_for_are_said() -> None:
    world = World()
    stored = world.chain.act(1, FIRST_SLOT + 1)
    world.chain.errors["token_accounts_of"] = [SourceRefusedError(-32010, "excluded")]
    report = world.backfill()
    assert set(world.inbox.stored) == {stored}
    assert not report.is_complete
    assert "token accounts cannot be asked for" in report.unproven[0]
    assert world.backfill().is_complete, "it is asked again, whenever that is"


@given(st.lists(st.tuples(st.integers(0, 30), st.booleans(), st.booleans()), max_size=20), st.integers(0, 12))
def test_the_choice_does_not_depend_on_the_order_in_which_accounts_were_found(
    found: list[tuple[int, bool, bool]], most: int
) -> None:
    rows = together(
        WalletAccount(WALLET, address_of(n), USDC_MINT if n % 3 == 0 else COIN, "", BY_NODE, is_signed, None)
        for n, is_signed, _ in found
    )
    chosen, left_out = in_order(rows, most)
    assert in_order(reversed(rows), most) == (chosen, left_out)
    assert (len(chosen) + left_out, len(chosen)) == (len(rows), min(most, len(rows)))
    if left_out and any(not one.is_signed for one in chosen):
        assert not any(one.is_signed for one in rows if one not in chosen)


def test_what_several_tell_of_an_account_is_put_together() -> None:
    def told(*, is_signed: bool, first_slot: int | None) -> WalletAccount:
        return WalletAccount(WALLET, address_of("a"), COIN, "", BY_BALANCES, is_signed, first_slot)

    rows = [
        told(is_signed=False, first_slot=None),
        told(is_signed=True, first_slot=9),
        told(is_signed=False, first_slot=4),
    ]
    assert together(rows) == [told(is_signed=True, first_slot=4)]
    assert together([rows[0]]) == [rows[0]]


def test_a_body_that_cannot_be_read_tells_of_no_account() -> None:
    assert accounts_in(b"{}", frozenset({WALLET})) == []
