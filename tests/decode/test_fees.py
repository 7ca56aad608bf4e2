"""Base and priority fee: the rule on hand-built transactions, and against what recorded ones were charged; tips."""

import gzip
import json
from collections import Counter
from pathlib import Path
from struct import pack, unpack

import pytest
from recorded_bodies import Recorded
from solders.pubkey import Pubkey

from oof_pipelines.chain.body import read_body
from oof_pipelines.chain.transaction import OUTER, Instruction, ParsedTransaction, parse_transaction
from oof_pipelines.decode.book import book_transaction
from oof_pipelines.decode.fees import TIP_ACCOUNTS, TIP_SERVICES, network_fee

COMPUTE_BUDGET = "ComputeBudget111111111111111111111111111111"
SYSTEM = "11111111111111111111111111111111"


def transaction(fee_lamports: int, *budget: bytes, signers: int = 1, error: object = None) -> ParsedTransaction:
    """A transfer with Compute Budget instructions before it."""
    datas = [*((COMPUTE_BUDGET, data) for data in budget), (SYSTEM, pack("<IQ", 2, 1))]
    instructions = [Instruction((n, OUTER), 1, program, [], data) for n, (program, data) in enumerate(datas)]
    keys = [f"key{number}" for number in range(4)]
    return ParsedTransaction(
        "sig", 1, None, None, "legacy", error, fee_lamports, signers, keys, instructions, [], [], [], [], [], None
    )


def limit(units: int) -> bytes:
    return pack("<BI", 2, units)


def price(micro_lamports: int) -> bytes:
    return pack("<BQ", 3, micro_lamports)


@pytest.mark.parametrize(
    ("charged", "budget", "base", "priority"),
    [
        pytest.param(5_000, (), 5_000, 0, id="nothing asked"),
        pytest.param(5_000, (limit(1_000_000),), 5_000, 0, id="a limit alone costs nothing"),
        pytest.param(5_001, (limit(200_000), price(1)), 5_000, 1, id="rounded up"),
        pytest.param(
            5_000 + 14_000, (limit(2_000_000), price(10_000)), 5_000, 14_000, id="limit capped at 1.4 M units"
        ),
        pytest.param(5_000 + 2_000, (price(10_000),), 5_000, 2_000, id="default limit"),
        pytest.param(5_000 + 30, (price(10_000),), 5_000, 30, id="default limit of a builtin since 2025"),
        pytest.param(6_000, (pack("<BII", 0, 300_000, 1_000),), 5_000, 1_000, id="units and fee in one, 2022"),
        pytest.param(10_000, (), 10_000, 0, id="a dearer signature of 2020 is no priority"),
        pytest.param(5_000, (b"\x03\x01",), 5_000, 0, id="cut short"),
        pytest.param(5_000, (b"",), 5_000, 0, id="empty"),
        pytest.param(5_000, (limit(1_400_000), price(2**64 - 1)), 0, 5_000, id="never more than was charged"),
    ],
)
def test_rule(charged: int, budget: tuple[bytes, ...], base: int, priority: int) -> None:
    assert network_fee(transaction(charged, *budget)) == (base, priority)


def test_a_failed_transaction_pays_both() -> None:
    failed = transaction(5_200, limit(200_000), price(1_000), error={"InstructionError": [0, {"Custom": 1}]})
    assert network_fee(failed) == (5_000, 200)


def test_signatures_checked_by_a_precompile_are_charged_as_base() -> None:
    one = transaction(5_000 + 10_000 + 7, price(35), signers=1)
    two_inside = Instruction((2, OUTER), 1, "Ed25519SigVerify111111111111111111111111111", [], b"\x02\x00")
    one.instructions.append(two_inside)
    assert network_fee(one) == (15_000, 7)


def test_a_budget_asked_by_an_inner_call_counts_for_nothing() -> None:
    one = transaction(5_000)
    one.instructions.append(Instruction((0, 0), 2, COMPUTE_BUDGET, [], price(10**9)))
    assert network_fee(one) == (5_000, 0)


def test_recorded_fees_follow_the_rule(recorded: list[Recorded]) -> None:
    """Charged = 5,000 a signature + ceil(limit × price / 1,000,000), recounted here, for all who said both."""
    explicit = 0
    for one in recorded:
        parsed = parse_transaction(one.body)
        data = [i.data for i in parsed.instructions if i.program_id == COMPUTE_BUDGET and i.path[1] == OUTER]
        limits = [unpack("<I", each[1:5])[0] for each in data if each[:1] == b"\x02"]
        prices = [unpack("<Q", each[1:9])[0] for each in data if each[:1] == b"\x03"]
        base, priority = network_fee(parsed)
        assert base + priority == parsed.fee_lamports
        if limits and prices:
            explicit += 1
            units = min(limits[0], 1_400_000)
            assert priority == (units * prices[0] + 999_999) // 1_000_000, one.file
            assert base == 5_000 * parsed.signer_count, one.file
        elif not prices:
            assert priority == 0, one.file
    assert explicit > 500


def test_the_fees_of_the_block_are_twice_its_leaders_reward(recorded: list[Recorded], fixtures_dir: Path) -> None:
    name = "mainnet_254170887_base64_full.json.gz"
    block = json.loads(gzip.decompress((fixtures_dir / "blocks" / name).read_bytes()))
    block = block.get("result", block)
    (reward,) = [reward["lamports"] for reward in block["rewards"] if reward["rewardType"] == "Fee"]
    fees = [network_fee(parse_transaction(one.body)) for one in recorded if one.file.endswith(name)]
    assert sum(base + priority for base, priority in fees) // 2 == reward


def test_tip_accounts_are_addresses_each_of_one_service() -> None:
    assert set(TIP_SERVICES) == TIP_ACCOUNTS
    for account in TIP_ACCOUNTS:
        assert str(Pubkey.from_string(account)) == account
    held = Counter(TIP_SERVICES.values())
    assert held["jito"] == 8, "as many as getTipAccounts answers"
    assert held["nozomi"] == 17, "as many as Temporal's page says"


def test_recorded_tips_go_to_several_services(recorded: list[Recorded]) -> None:
    """A transfer of lamports to such an account is booked as a tip, whoever takes it."""
    tips: Counter[str] = Counter()
    for one in {read_body(recording.body).signature: recording for recording in recorded}.values():
        for move in book_transaction(parse_transaction(one.body)).moves:
            if move.account in TIP_ACCOUNTS and move.kind in ("tip", "transfer") and move.delta_raw > 0:
                assert move.kind == "tip", one.file
                tips[TIP_SERVICES[move.account]] += 1
    assert tips == {"jito": 46, "astralane": 6, "bloxroute": 3, "zero_slot": 2, "nextblock": 1, "nozomi": 1}
