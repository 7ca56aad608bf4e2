"""Whatever a body holds: it is refused by name, or its decoding conserves, charges its fee and names things once."""

import json
from random import Random

import pytest
from hand_ledger import PROGRAMS, Call, body
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutations import mutate, random_data
from random_program_calls import random_body
from recorded_bodies import Recorded
from verdict import judge

from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import decode_transaction
from oof_pipelines.decode.facts import Leg
from oof_pipelines.decode.routes import Route
from oof_pipelines.testing.synthetic_chain import generate

ACCOUNTS = ["alice", "boxa", "boxb", "wboxa", "wboxb", "bob", "jito", "box22", "fresh"]
MINTS = ["usdc", "wsol", "wsol22"]
SEEDS = [transaction.to_json_bytes("json") for transaction in generate(5, 60)]


def table(dice: Random) -> str:
    lines = []
    for name in ACCOUNTS:
        if name == "alice" or dice.random() < 0.8:
            token = ""
            if "box" in name and dice.random() < 0.8:
                mint = dice.choice(MINTS[1:] if name.startswith("w") else MINTS)
                token = f" {mint} {dice.choice([0, 1, 700, 2**64 - 1])} {dice.choice(['alice', 'bob', 'pdapool'])}"
            lines.append(f"{name} {dice.choice([0, 5_000, 2_039_280, 2_039_980, 10**12, 2**64 - 1])}{token}")
    return "\n".join(lines)


def calls(dice: Random, depth: int = 0) -> list[Call]:
    made = []
    for _ in range(dice.randrange(6)):
        program = dice.choice([name for name in PROGRAMS if name not in ("wsol", "wsol22", "jito")])
        accounts = " ".join(dice.choice([*ACCOUNTS, *MINTS]) for _ in range(dice.randrange(6)))
        made.append(Call(program, accounts, random_data(dice), calls=[] if depth else calls(dice, 1)))
    return made


@given(seed=st.integers(0, 2**63))
@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_instructions_over_known_programs(seed: int) -> None:
    dice = Random(seed)
    encoding = dice.choice(["json", "base64", "jsonParsed"])
    error = {"InstructionError": [0, "Custom"]} if dice.random() < 0.2 else None
    raw = body(table(dice), calls(dice), table(dice), encoding, error=error)
    assert judge(raw) == ("failed" if error else "decoded")


@given(seed=st.integers(0, 2**63))
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_calls_of_every_declared_program(seed: int) -> None:
    """Nothing breaks a reader, and nothing is less than nothing: neither an amount nor a fee."""
    raw = random_body(Random(seed))
    assert judge(raw) == "decoded"
    decoded = decode_transaction(parse_transaction(raw))
    trades: list[Route | Leg] = [*decoded.routes, *(leg for route in decoded.routes for leg in route.legs)]
    for trade in trades:
        assert trade.sold_raw > 0 <= trade.bought_raw
        assert all(fee.amount_raw > 0 for fee in trade.fees)
    for action in decoded.actions:
        assert action.amount_raw >= 0 <= action.bought_raw


@given(index=st.integers(0, len(SEEDS) - 1), seed=st.integers(0, 2**63))
@settings(max_examples=500, deadline=None)
def test_damaged_synthetic_bodies(index: int, seed: int) -> None:
    judge(mutate(SEEDS[index], Random(seed)))


def test_damaged_recorded_bodies(recorded: list[Recorded]) -> None:
    outcomes = {"refused": 0, "failed": 0, "decoded": 0}
    for number, one in enumerate(recorded[::3]):
        outcomes[judge(mutate(one.body, Random(number)))] += 1
    assert all(outcomes.values()), outcomes


@given(raw=st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_random_bytes_are_refused(raw: bytes) -> None:
    assert judge(raw) == "refused"


@pytest.mark.parametrize(
    "depth_text", ['{"meta":{"fee":5000,"err":%s}}', '{"transaction":{"message":{"instructions":[{"parsed":%s}]}}}']
)
def test_deep_nesting_is_refused(depth_text: str) -> None:
    deep = "[" * 100_000 + "]" * 100_000
    assert judge((depth_text % deep).encode()) == "refused"


def test_deep_words_of_a_whole_body_are_refused() -> None:
    whole = json.loads(SEEDS[0])
    whole["transaction"]["message"]["instructions"][0]["parsed"] = "HERE"
    text = json.dumps(whole).replace('"HERE"', "[" * 100_000 + "]" * 100_000)
    assert judge(text.encode()) == "refused"
