"""What token instructions say of mints: from bytes, from a batch, and from a node's own words, the same."""

from typing import Any

import pytest
from crafted_bodies import TOKEN, TOKEN_2022, Crafted, address
from solders.pubkey import Pubkey

from oof_pipelines.chain.transaction import Instruction, ParsedTransaction, parse_transaction
from oof_pipelines.market.mint_instructions import MintChange, mint_changes

MINT, AUTHORITY, FREEZER = address("mint"), address("authority"), address("freezer")
KEY, FREEZE_KEY = bytes(Pubkey.from_string(AUTHORITY)), bytes(Pubkey.from_string(FREEZER))
RENT = "SysvarRent111111111111111111111111111111111"
MINT_TOKENS, FREEZE_ACCOUNT, ACCOUNT_OWNER, CLOSE_ACCOUNT = 0, 1, 2, 3


def initialize(tag: int, decimals: int = 6, *, has_freezer: bool = True) -> bytes:
    return bytes([tag, decimals]) + KEY + (b"\1" + FREEZE_KEY if has_freezer else b"\0")


def set_authority(kind: int, new: bytes = b"") -> bytes:
    return bytes([6, kind]) + (b"\1" + new if new else b"\0")


def transaction_of(*instructions: Instruction) -> ParsedTransaction:
    parsed = parse_transaction(Crafted("mint", {address("payer"): (10_000, 5_000)}).body())
    parsed.instructions = list(instructions)
    return parsed


def told(data: bytes, accounts: list[str] | None = None, program: str = TOKEN) -> list[MintChange]:
    one = Instruction((2, 3), 2, program, [MINT, RENT] if accounts is None else accounts, data)
    return mint_changes(transaction_of(one))


def told_in_words(kind: str, program: str = TOKEN, **info: Any) -> list[MintChange]:
    return mint_changes(transaction_of(Instruction((2, 3), 2, program, [], b"", {"type": kind, "info": info})))


def change(
    decimals: int | None, mint_authority: str | None, freeze_authority: str | None, program: str = TOKEN
) -> MintChange:
    return MintChange("2.3", program, MINT, decimals, mint_authority, freeze_authority)


@pytest.mark.parametrize("program", [TOKEN, TOKEN_2022])
@pytest.mark.parametrize("tag", [0, 20])
def test_an_initialised_mint_tells_its_authorities(tag: int, program: str) -> None:
    assert told(initialize(tag, 9), program=program) == [change(9, AUTHORITY, FREEZER, program)]
    assert told(initialize(tag, has_freezer=False), program=program) == [change(6, AUTHORITY, "", program)]
    # Old clients leave the option's byte out.
    assert told(initialize(tag)[:34], program=program) == [change(6, AUTHORITY, "", program)]


def test_a_nodes_words_say_the_same_as_the_bytes() -> None:
    for kind in ("initializeMint", "initializeMint2"):
        words = {"mint": MINT, "decimals": 6, "mintAuthority": AUTHORITY, "rentSysvar": RENT}
        assert told_in_words(kind, **words, freezeAuthority=FREEZER) == told(initialize(20))
        assert told_in_words(kind, **words) == told(initialize(20, has_freezer=False))
    given = {"authority": AUTHORITY, "mint": MINT}
    for word, number in (("mintTokens", MINT_TOKENS), ("freezeAccount", FREEZE_ACCOUNT)):
        for key, new in ((FREEZE_KEY, FREEZER), (b"", None)):
            said = told_in_words("setAuthority", **given, authorityType=word, newAuthority=new)
            assert said == told(set_authority(number, key), [MINT, AUTHORITY])


def test_an_authority_is_set_or_given_up() -> None:
    assert told(set_authority(MINT_TOKENS, FREEZE_KEY)) == [change(None, FREEZER, None)]
    assert told(set_authority(MINT_TOKENS)) == [change(None, "", None)]
    assert told(set_authority(FREEZE_ACCOUNT, KEY)) == [change(None, None, AUTHORITY)]
    assert told(set_authority(FREEZE_ACCOUNT)) == [change(None, None, "")]


@pytest.mark.parametrize("kind", [ACCOUNT_OWNER, CLOSE_ACCOUNT, 7, 255])
def test_other_authorities_are_no_mints(kind: int) -> None:
    assert told(set_authority(kind, KEY)) == []
    assert told_in_words("setAuthority", account=MINT, authorityType="accountOwner", newAuthority=AUTHORITY) == []
    assert told_in_words("setAuthority", mint=MINT, authorityType="transferFeeConfig", newAuthority=AUTHORITY) == []


def test_a_batch_tells_each_of_its_instructions() -> None:
    inner = [(1, initialize(20)), (2, bytes([3]) + bytes(8)), (2, set_authority(MINT_TOKENS))]
    data = b"\xff" + b"".join(bytes([count, len(one)]) + one for count, one in inner)
    accounts = [MINT, address("from"), address("to"), MINT, AUTHORITY]
    assert told(data, accounts) == [change(6, AUTHORITY, FREEZER), change(None, "", None)]
    nested = b"\xff" + bytes([1, len(data)]) + data
    assert told(nested, [MINT]) == []


@pytest.mark.parametrize(
    ("data", "accounts"),
    [
        (b"", [MINT]),
        (initialize(20)[:33], [MINT]),
        (initialize(20)[:40], [MINT]),
        (initialize(20), []),
        (initialize(20), [""]),
        (b"\6", [MINT]),
        (set_authority(MINT_TOKENS, KEY)[:20], [MINT]),
        (b"\xff\1", [MINT]),
        (b"\xff\1\xc8\0", [MINT]),
        (bytes([1]) + initialize(20), [MINT]),
    ],
    ids=repr,
)
def test_what_fits_no_layout_says_nothing(data: bytes, accounts: list[str]) -> None:
    assert told(data, accounts) == []


@pytest.mark.parametrize(
    "info",
    [{}, {"mint": 5}, {"mint": ""}, {"mint": MINT}, {"mint": MINT, "decimals": True}, {"mint": MINT, "decimals": 256}],
    ids=repr,
)
def test_words_that_lack_what_they_need_say_nothing(info: dict[str, object]) -> None:
    assert told_in_words("initializeMint", **info) == []
    for parsed in ({"type": "setAuthority", "info": None}, {"type": ["setAuthority"]}, {"info": info}):
        assert mint_changes(transaction_of(Instruction((2, 3), 2, TOKEN, [], b"", parsed))) == []


def test_another_program_says_nothing_of_mints() -> None:
    assert told(initialize(20), program=address("a program")) == []


def test_an_instruction_that_fits_no_layout_leaves_the_others() -> None:
    broken = Instruction((0, -1), 1, TOKEN, [], initialize(20))
    whole = Instruction((2, 3), 2, TOKEN, [MINT], initialize(20))
    assert mint_changes(transaction_of(broken, whole)) == [change(6, AUTHORITY, FREEZER)]
