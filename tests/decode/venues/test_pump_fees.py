"""pump fees: rates are asked in every trade and say nothing; fees kept for names elsewhere are paid out of its accounts."""

from pathlib import Path

import hand_ledger
import pytest
from hand_ledger import Call, address
from layout_checks import check_against_idl, check_field_names
from ledger_calls import event_call, packed, run
from recorded_bodies import Recorded
from token_calls import send
from venue_facts import facts_of, read

from oof_pipelines.chain.moves import NATIVE_MINT
from oof_pipelines.decode.facts import Claim
from oof_pipelines.decode.money import USDC_MINT
from oof_pipelines.decode.program import anchor_instruction
from oof_pipelines.decode.venues.pump_fees import PROGRAM

PUMP_FEES = "pfeeUxB6jkeY1Hxd7CsFCAjcbHA9rWtchMGdZ6VojVZ"
WITH_RATES = "4HbY43S9UigSctrfxY5nszgf3ozN1f4kPQYaqaFLZaCDhwa55rauuRmhP85u67U7dBvGFwB5C6stmkH2b1TNxgQh"


@pytest.fixture(autouse=True)
def _programs_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(hand_ledger.PROGRAMS, "pumpfees", PUMP_FEES)
    monkeypatch.setitem(hand_ledger.PROGRAMS, "usdc", USDC_MINT)


def test_every_instruction_and_event_of_the_idl_is_laid_out_as_there(fixtures_dir: Path) -> None:
    idl_path = fixtures_dir / "idl" / "pump_fees.json"
    check_against_idl(PROGRAM, idl_path, {})
    check_field_names(PROGRAM, idl_path)


def test_asking_for_rates_is_known_and_says_nothing(by_signature: dict[str, Recorded]) -> None:
    raw = by_signature[WITH_RATES].body
    reading = read(raw).reading
    assert facts_of(raw, "pump_fees") == []
    assert [one for one in reading.unknown if one.program_id == PUMP_FEES] == []


def claimed(quote: str) -> Call:
    values = (
        "i64:0 string:12345 u8:2 pubkey:pdasocial pubkey:bob pubkey:judge u64:800 u64:900 u64:800 u64:0 u64:0"
        f" pubkey:{quote} u64:0"
    )
    return Call("pumpfees", "authority", event_call("SocialFeePdaClaimed", values))


def test_a_social_fee_in_sol_leaves_its_account_by_no_instruction() -> None:
    data = anchor_instruction("claim_social_fee_pda") + packed("string:12345 u8:2")
    call = Call("pumpfees", "bob pdasocial global judge authority pumpfees", data, calls=[claimed("none")])
    booked, facts = run("alice 50000\nbob 1\npdasocial 2000900", [call], "alice 45000\nbob 801\npdasocial 2000100")
    assert not booked.has_residual
    assert facts == [Claim("0", PUMP_FEES, "pump_fees", "creator_fee_claim", address("bob"), NATIVE_MINT, 800)]


def test_a_social_fee_in_a_token_is_a_transfer() -> None:
    data = anchor_instruction("claim_social_fee_pda_v2") + packed("string:12345 u8:2")
    accounts = "bob pdasocial usdc kept bobs token ata global judge system authority pumpfees"
    call = Call("pumpfees", accounts, data, calls=[send("kept", "bobs", 800), claimed("usdc")])
    rent = 2_039_280
    before = f"alice 50000\nkept {rent} usdc 900 pdasocial\nbobs {rent} usdc 0 bob"
    after = f"alice 45000\nkept {rent} usdc 100 pdasocial\nbobs {rent} usdc 800 bob"
    booked, facts = run(before, [call], after)
    assert not booked.has_residual
    assert facts == [Claim("0", PUMP_FEES, "pump_fees", "creator_fee_claim", address("bob"), USDC_MINT, 800)]
