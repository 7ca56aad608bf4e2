"""Token facts: what one transaction tells of a mint, and what it does not."""

import pytest
from crafted_bodies import FEE_LAMPORTS, TOKEN, TOKEN_2022, Crafted, address, token_transfer

from oof_pipelines.chain.transaction import Instruction, ParsedTransaction, parse_transaction
from oof_pipelines.decode.decoded import decode_transaction
from oof_pipelines.decode.token_facts import TokenFact, token_facts_of

PAYER, GIVER, TAKER, MINT = (address(name) for name in ("payer", "giver", "taker", "mint"))
INITIALIZE_MINT_2 = 20


def transaction(**changes: object) -> ParsedTransaction:
    """A checked transfer, which names its mint, so that the call tells the program where the balances do not."""
    checked = (TOKEN_2022, [GIVER, MINT, TAKER, PAYER], b"\x0c" + (5).to_bytes(8, "little") + b"\x06")
    values: dict[str, object] = {
        "lamports": {PAYER: (10_000, 10_000 - FEE_LAMPORTS)},
        "tokens": {GIVER: (MINT, PAYER, 5, 0), TAKER: (MINT, PAYER, 0, 5)},
        "instructions": [checked],
        "token_program": TOKEN_2022,
    }
    return parse_transaction(Crafted("facts", **(values | changes)).body())  # type: ignore[arg-type]


def facts(parsed: ParsedTransaction) -> list[TokenFact]:
    return token_facts_of(parsed, decode_transaction(parsed).decimals)


def test_balances_tell_decimals_and_program() -> None:
    assert facts(transaction(decimals=9)) == [TokenFact(MINT, 9, TOKEN_2022)]


def test_what_the_balances_state_wins_over_what_was_called() -> None:
    assert facts(transaction(token_program=TOKEN)) == [TokenFact(MINT, 6, TOKEN)]


def test_a_recording_without_programs_is_helped_by_the_calls() -> None:
    assert facts(transaction(token_program=None)) == [TokenFact(MINT, 6, TOKEN_2022)]


def test_where_nothing_tells_the_program_it_stays_unknown() -> None:
    unnamed = [token_transfer(GIVER, TAKER, PAYER, 5)]
    assert facts(transaction(token_program=None, instructions=unnamed)) == [TokenFact(MINT, 6, "")]


@pytest.mark.parametrize(
    ("info", "program"),
    [
        ({"mint": MINT, "source": GIVER}, TOKEN),
        ({"account": GIVER, "amount": "5", "multisigOwner": {"mint": MINT}}, ""),
        ("no words at all", ""),
    ],
)
def test_the_nodes_own_words_name_accounts_too(info: object, program: str) -> None:
    parsed = transaction(token_program=None, instructions=())
    parsed.instructions.append(Instruction((0, -1), 1, TOKEN, [], b"", {"type": "transferChecked", "info": info}))
    assert token_facts_of(parsed, {MINT: 6}) == [TokenFact(MINT, 6, program)]


def test_another_programs_call_tells_nothing() -> None:
    stranger = (address("program"), [GIVER, MINT, TAKER], b"\x0c")
    assert facts(transaction(token_program=None, instructions=[stranger])) == [TokenFact(MINT, 6, "")]


def test_a_mint_that_opens_tells_of_itself_without_a_balance() -> None:
    opening = (TOKEN, [MINT], bytes([INITIALIZE_MINT_2, 3]) + bytes(32) + b"\0")
    assert facts(transaction(tokens={}, instructions=[opening])) == [TokenFact(MINT, 3, TOKEN)]


def test_each_mint_once_in_the_order_it_shows() -> None:
    other = address("other mint")
    tokens = {GIVER: (other, PAYER, 5, 5), TAKER: (MINT, PAYER, 1, 1), address("third"): (other, PAYER, 2, 2)}
    assert [fact.mint for fact in facts(transaction(tokens=tokens, instructions=()))] == [other, MINT]


@pytest.mark.parametrize("decimals", [-1, 256, 300, 40_000, 2**40])
def test_decimals_that_no_mint_can_have_are_no_fact(decimals: int) -> None:
    assert token_facts_of(transaction(), {MINT: decimals}) == []
    parsed = transaction(tokens={}, instructions=())
    info = {"mint": MINT, "decimals": decimals, "mintAuthority": PAYER}
    parsed.instructions.append(Instruction((0, -1), 1, TOKEN, [], b"", {"type": "initializeMint2", "info": info}))
    assert facts(parsed) == []


@pytest.mark.parametrize("decimals", [0, 19, 255])
def test_all_decimals_that_a_mint_can_have_are(decimals: int) -> None:
    assert facts(transaction(decimals=decimals)) == [TokenFact(MINT, decimals, TOKEN_2022)]
