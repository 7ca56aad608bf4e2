"""Whose swap it is where money passed through several hands, and which unexplained moves belong to a venue's call."""

from hand_ledger import address
from msgspec.structs import replace
from oof_pipelines.decode.swaps import swaps_of
from recorded_bodies import Recorded

from oof_pipelines.chain.moves import RESIDUAL_PATH, UNEXPLAINED_ACCOUNT, Move
from oof_pipelines.chain.transaction import Instruction, ParsedTransaction, parse_transaction
from oof_pipelines.decode.book import book_transaction

JUPITER = "JUP6LkbZbjS1jKKwapdHNy74zcZ3tLUZoi5QNyVTaV4"
RAYDIUM = "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"
SIGNER, RECIPIENT = address("signer"), address("recipient")
FIRST_POOL, SECOND_POOL = address("pda1"), address("pda2")
USDC, MIDDLE, WANTED = address("usdc"), address("middle"), address("wanted")


def two_routes() -> ParsedTransaction:
    """Two calls of a router by one signer, each with a pool of its own."""
    instructions = [
        Instruction((0, -1), 1, JUPITER, [SIGNER], b""),
        Instruction((0, 0), 2, RAYDIUM, [FIRST_POOL], b""),
        Instruction((1, -1), 1, JUPITER, [SIGNER], b""),
        Instruction((1, 0), 2, RAYDIUM, [SECOND_POOL], b""),
    ]
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
    found = [(swap.wallet, swap.sold, swap.bought, swap.recipient) for swap in swaps_of(two_routes(), moves)]
    assert found == [
        (SIGNER, (USDC, 100), (MIDDLE, 50), ""),
        (SIGNER, (MIDDLE, 50), (WANTED, 7), RECIPIENT),
    ], "the first pool gave as much of the middle token as was sold, and sold nothing"


def test_strangers_who_pay_each_other_by_no_instruction_change_no_swap(by_signature: dict[str, Recorded]) -> None:
    """What no instruction explains on accounts that no venue was called with: every recorded swap stays as it is."""
    looked_at = 0
    for one in by_signature.values():
        transaction = parse_transaction(one.body)
        moves = book_transaction(transaction).moves
        before = swaps_of(transaction, moves)
        if not before:
            continue
        looked_at += 1
        stranger, other = address("stranger"), address("other")
        gift = Move(RESIDUAL_PATH, stranger, stranger, "lamports", -1_000_000_000, "residual")
        taken = replace(gift, account=other, owner=other, delta_raw=1_000_000_000)
        assert swaps_of(transaction, [*moves, gift, taken]) == before, transaction.signature
        unbalanced = replace(gift, account=UNEXPLAINED_ACCOUNT, owner=UNEXPLAINED_ACCOUNT, is_virtual=True)
        assert swaps_of(transaction, [*moves, taken, unbalanced]) == before, transaction.signature
    assert looked_at > 100
