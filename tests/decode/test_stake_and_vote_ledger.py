"""Stake and Vote: before, apply, booked, after."""

from struct import pack
from typing import Any

import pytest
from hand_ledger import Call, check
from test_system_ledger import create


def stake(accounts: str, tag: int, kind: str, info: dict[str, Any], lamports: int | None = None) -> Call:
    """A Stake instruction; `lamports` is its amount where it has one."""
    data = pack("<I", tag) + (b"" if lamports is None else pack("<Q", lamports))
    return Call("stake", accounts, data, (kind, info | ({} if lamports is None else {"lamports": lamports})))


def test_a_stake_account_is_rent_and_stake() -> None:
    deactivate = stake("mine clock alice", 5, "deactivate", {"stakeAccount": "mine", "stakeAuthority": "alice"})
    check(
        before="alice  9000000000",
        apply=[create("alice", "mine", 2_282_880 + 5_000_000_000, "stake"), deactivate],
        booked="""
            0  alice  lamports  -5000000000  stake
            0  mine   lamports  +5000000000  stake
            0  alice  lamports     -2282880  rent
            0  mine   lamports     +2282880  rent
        """,
        after="""
            alice  3997712120
            mine   5002282880
        """,
        did="""
            0  stake         alice → mine  lamports  5000000000
            0  account_open  alice → mine  lamports  2282880
        """,
    )


def test_split_and_merge() -> None:
    split_info = {"stakeAccount": "mine", "newSplitAccount": "half", "stakeAuthority": "alice"}
    merge_info = {"destination": "half", "source": "mine", "stakeAuthority": "alice"}
    check(
        before="""
            alice      10000
            mine   500000000
            half     2282880
        """,
        apply=[
            stake("mine half alice", 3, "split", split_info, 200_000_000),
            stake("half mine clock history alice", 7, "merge", merge_info),
        ],
        booked="""
            0  mine  lamports  -200000000  stake
            0  half  lamports  +200000000  stake
            1  mine  lamports  -300000000  stake
            1  half  lamports  +300000000  stake
        """,
        after="""
            alice       5000
            half   502282880
        """,
        did="""
            0  stake  mine → half  lamports  200000000
            1  stake  mine → half  lamports  300000000
        """,
    )


def test_withdraw_takes_rewards_and_rent_too() -> None:
    info = {"stakeAccount": "mine", "destination": "alice", "withdrawAuthority": "alice"}
    check(
        before="""
            alice       10000
            mine   5002299999
        """,
        apply=[stake("mine alice clock history alice", 4, "withdraw", info, 5_002_299_999)],
        booked="""
            0  mine   lamports  -5002299999  stake
            0  alice  lamports  +5002299999  stake
        """,
        after="alice  5002304999",
        did="0  stake  mine → alice  lamports  5002299999",
    )


@pytest.mark.parametrize(("tag", "kind"), [(16, "moveStake"), (17, "moveLamports")])
def test_moves_between_stake_accounts(tag: int, kind: str) -> None:
    info = {"source": "mine", "destination": "half", "stakeAuthority": "alice"}
    check(
        before="""
            alice    10000
            mine   9000000
            half   9000000
        """,
        apply=[stake("mine half alice", tag, kind, info, 1_000_000)],
        booked="""
            0  mine  lamports  -1000000  stake
            0  half  lamports  +1000000  stake
        """,
        after="""
            alice     5000
            mine   8000000
            half  10000000
        """,
        did="0  stake  mine → half  lamports  1000000",
    )


@pytest.mark.parametrize("tag", [0, 1, 2, 5, 6, 8, 9, 10, 11, 12, 13, 14])
def test_every_other_stake_instruction_moves_nothing(tag: int) -> None:
    check(
        before="alice 10000\nmine 9000000",
        apply=[Call("stake", "mine alice", pack("<IQ", tag, 77))],
        booked="",
        after="alice 5000\nmine 9000000",
        did="",
    )


def test_vote_withdraw_and_deposit() -> None:
    info = {"voteAccount": "votes", "destination": "alice", "withdrawAuthority": "alice", "lamports": 700}
    check(
        before="""
            alice     10000
            votes  27074400
        """,
        apply=[
            Call("vote", "votes alice alice", pack("<IQ", 3, 700), ("withdraw", info)),
            Call("vote", "votes alice", pack("<IQ", 19, 50)),
            Call("vote", "votes alice", pack("<IQ", 14, 1)),
        ],
        booked="""
            0  votes  lamports  -700  transfer
            0  alice  lamports  +700  transfer
            1  alice  lamports   -50  transfer
            1  votes  lamports   +50  transfer
        """,
        after="""
            alice      5650
            votes  27073750
        """,
        did="""
            0  transfer  votes → alice  lamports  700
            1  transfer  alice → votes  lamports  50
        """,
    )
