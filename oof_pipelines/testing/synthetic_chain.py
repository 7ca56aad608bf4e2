"""A small Solana chain made up of real executions: for the demo, and for volume in benchmarks.

Every transaction is signed, executed by the real System, token, associated-token, memo and lookup-table programs, and
reported in the shape of getTransaction. Swap programs are not available to the virtual machine and are not imitated.

The same seed, count and start give the same bytes in every process: keys come from the seed, blockhashes from the ones
before, times from slots.
"""

import base64
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Literal

import msgspec
from solders.address_lookup_table_account import AddressLookupTableAccount
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.testing import synthetic_failing_scenarios as failing
from oof_pipelines.testing import synthetic_system_scenarios as system
from oof_pipelines.testing import synthetic_token_scenarios as token
from oof_pipelines.testing.synthetic_ledger import Ledger, LedgerError
from oof_pipelines.testing.synthetic_schedule import OccupiedSlot, plan_slots
from oof_pipelines.testing.synthetic_world import Plan, World

Encoding = Literal["base64", "json"]
Scenario = Callable[[World], Plan | None]

# A recorded pair of mainnet: this slot had this block time.
DEFAULT_START_SLOT = 430_584_458
DEFAULT_START_TIME_S = 1_783_107_384

# How often a scenario comes up in a deck of cards; every one of them comes up once in every deck.
_DECK: tuple[tuple[Scenario, int], ...] = (
    (system.transfer_sol, 14),
    (system.transfer_sol_with_tip, 6),
    (system.pay_many, 4),
    (system.withdraw_from_exchange, 3),
    (system.open_seed_account, 2),
    (system.drain_seed_account, 2),
    (system.open_nonce, 2),
    (system.transfer_by_nonce, 4),
    (system.close_nonce, 1),
    (system.write_memo, 4),
    (token.issue_tokens, 6),
    (token.transfer_tokens, 20),
    (token.transfer_by_delegate, 2),
    (token.burn_tokens, 3),
    (token.empty_and_close, 3),
    (token.hand_over_account, 2),
    (token.collect_hand_over, 2),
    (token.collect_transfer_fees, 1),
    (token.wrap_sol, 4),
    (token.unwrap_sol, 3),
    (token.pass_through_wrapped_sol, 2),
    (failing.overdraw_sol, 2),
    (failing.overdraw_tokens, 3),
    (failing.fail_after_creation, 1),
    (failing.leave_below_rent, 1),
    (failing.run_out_of_compute, 1),
)
_OPENINGS: tuple[Scenario, ...] = (token.open_mint,) * 5 + (system.open_lookup_table,) + (token.issue_tokens,) * 4
_MOST_REDRAWS = 200


@dataclass(frozen=True, slots=True)
class SyntheticTransaction:
    """One landed transaction.

    `signature` is base58; `block_time_s` is Unix seconds, None where the block has no known time; `index_in_slot` is
    the position among the synthetic transactions of its slot, from 0; `result` is the getTransaction result with the
    transaction in base64.
    """

    signature: str
    slot: int
    block_time_s: int | None
    index_in_slot: int
    result: dict[str, Any]

    def to_json_bytes(self, encoding: Encoding = "base64") -> bytes:
        """The result as JSON, keys sorted as a node sorts them, in one of getTransaction's two lossless encodings."""
        result = self.result
        if encoding == "json":
            result = {**result, "transaction": _transaction_as_json(result["transaction"][0])}
        elif encoding != "base64":
            raise ValueError(f"encoding must be 'base64' or 'json', not {encoding!r}")
        return msgspec.json.encode(result, order="sorted")


def generate(
    seed: int,
    transaction_count: int,
    *,
    start_slot: int = DEFAULT_START_SLOT,
    start_time_s: int = DEFAULT_START_TIME_S,
    days: int = 3,
) -> Iterator[SyntheticTransaction]:
    """Yield the transactions of a chain in ledger order: by slot, then by position in the slot.

    They are spread over `days` UTC days, the first of which begins at `start_time_s`. Memory does not grow with the
    count. Raises ValueError for arguments that describe no chain.
    """
    if transaction_count < 0:
        raise ValueError(f"transaction_count must not be negative, it is {transaction_count}")
    if days < 1:
        raise ValueError(f"days must be at least 1, it is {days}")
    if start_slot < 1 or start_time_s < 0:
        raise ValueError(f"start_slot must be at least 1 and start_time_s 0, they are {start_slot} and {start_time_s}")
    return _play(seed, transaction_count, start_slot, start_time_s, days)


def write_chain(
    folder: Path,
    *,
    seed: int,
    transaction_count: int,
    start_slot: int = DEFAULT_START_SLOT,
    start_time_s: int = DEFAULT_START_TIME_S,
    days: int = 3,
    encoding: Encoding = "base64",
    on_written: Callable[[int], None] | None = None,
) -> int:
    """Write one file a transaction, `<signature>.json`, into a folder made where missing; returns how many.

    Each file is written beside its place and renamed, so a reader never sees half of one. Files already there are
    replaced where they have the same name and otherwise left alone. `on_written` hears the number written so far.
    """
    transactions = generate(seed, transaction_count, start_slot=start_slot, start_time_s=start_time_s, days=days)
    return write_transactions(folder, transactions, encoding, on_written)


def write_transactions(
    folder: Path,
    transactions: Iterable[SyntheticTransaction],
    encoding: Encoding = "base64",
    on_written: Callable[[int], None] | None = None,
) -> int:
    """`write_chain` of any transactions. Raises ValueError for an encoding that there is not, before anything is made."""
    if encoding not in ("base64", "json"):
        raise ValueError(f"encoding must be 'base64' or 'json', not {encoding!r}")
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for transaction in transactions:
        write_transaction(folder, transaction, encoding)
        written += 1
        if on_written is not None:
            on_written(written)
    return written


def write_transaction(folder: Path, transaction: SyntheticTransaction, encoding: Encoding) -> None:
    """Write `<signature>.json` into a folder: beside its place first, then renamed, so a reader never sees half of one."""
    beside = folder / f".{transaction.signature}.part"
    beside.write_bytes(transaction.to_json_bytes(encoding))
    beside.replace(folder / f"{transaction.signature}.json")


def _play(
    seed: int, transaction_count: int, start_slot: int, start_time_s: int, days: int
) -> Iterator[SyntheticTransaction]:
    dice = Random(f"synthetic chain {seed}")  # noqa: S311 - a replayable chain is the point, not secrecy
    ledger = Ledger()
    world = World(seed, ledger, dice)
    scenarios = _ScenarioDeck(world)
    slots = plan_slots(dice, transaction_count, start_slot=start_slot, start_time_s=start_time_s, days=days)
    for occupied in slots:
        ledger.open_slot(occupied.slot, occupied.unix_time_s)
        seen: set[Signature] = set()
        for index_in_slot in range(occupied.transaction_count):
            yield _land(world, scenarios, occupied, index_in_slot, seen)


def _land(
    world: World, scenarios: "_ScenarioDeck", occupied: OccupiedSlot, index_in_slot: int, seen: set[Signature]
) -> SyntheticTransaction:
    """Land the next plan whose signature this slot has not seen: equal messages would be one transaction."""
    for _ in range(_MOST_REDRAWS):
        plan = scenarios.draw()
        transaction, loaded_writable, loaded_readonly = _sign(world, plan)
        if transaction.signatures[0] not in seen:
            break
    else:
        raise LedgerError(f"slot {occupied.slot}: no new transaction in {_MOST_REDRAWS} draws; ask for more days")
    signature = transaction.signatures[0]
    seen.add(signature)
    result = world.ledger.execute(
        transaction,
        loaded_writable,
        loaded_readonly,
        is_time_known=occupied.is_time_known,
        index_in_slot=index_in_slot,
    )
    error = result["meta"]["err"]
    if (error is not None) != plan.is_failure:
        expected = "fail" if plan.is_failure else "succeed"
        raise LedgerError(f"slot {occupied.slot}: {signature} was to {expected}: {result['meta']['logMessages']}")
    return SyntheticTransaction(str(signature), occupied.slot, result["blockTime"], index_in_slot, result)


class _ScenarioDeck:
    """Deals scenarios: shuffled decks, so that each comes up in proportion, with the openings mixed in at the start."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._openings = list(_OPENINGS)
        self._cards: list[Scenario] = []

    def draw(self) -> Plan:
        """The next plan that the state of the chain allows; a card that cannot be played yet is left in the deck."""
        if self._openings and self._world.chance(2):
            plan = self._openings.pop(0)(self._world)
            if plan is not None:
                return plan
        for _ in range(_MOST_REDRAWS):
            if not self._cards:
                self._cards = [scenario for scenario, count in _DECK for _ in range(count)]
                self._world.dice.shuffle(self._cards)
            for position, card in enumerate(self._cards):
                plan = card(self._world)
                if plan is not None:
                    del self._cards[position]
                    return plan
            self._cards = []
        raise LedgerError("no scenario is possible: the chain has run dry")


def _sign(world: World, plan: Plan) -> tuple[VersionedTransaction, list[Pubkey], list[Pubkey]]:
    """Compile and sign a plan as a legacy or a v0 message; also the keys its look-ups load, writable then readonly."""
    blockhash = plan.nonce or world.ledger.blockhash
    signers = list({signer.address: signer.keypair for signer in (plan.payer, *plan.signers)}.values())
    payer = plan.payer.address
    if world.chance(2):
        legacy = Message.new_with_blockhash(plan.instructions, payer, blockhash)
        return VersionedTransaction(legacy, signers), [], []
    # Addresses put into a table in this slot cannot be loaded before the next.
    is_table_ready = world.table is not None and world.table_slot < world.ledger.slot
    tables = [world.table] if world.table is not None and is_table_ready and not world.chance(3) else []
    message = MessageV0.try_compile(payer, plan.instructions, tables, blockhash)
    loaded_writable, loaded_readonly = _loaded_keys(message, tables)
    return VersionedTransaction(message, signers), loaded_writable, loaded_readonly


def _loaded_keys(message: MessageV0, tables: list[AddressLookupTableAccount]) -> tuple[list[Pubkey], list[Pubkey]]:
    addresses = {table.key: table.addresses for table in tables}
    lookups = message.address_table_lookups
    writable = [addresses[lookup.account_key][index] for lookup in lookups for index in lookup.writable_indexes]
    readonly = [addresses[lookup.account_key][index] for lookup in lookups for index in lookup.readonly_indexes]
    return writable, readonly


def _transaction_as_json(wire_base64: str) -> dict[str, Any]:
    """The `transaction` value of the json encoding; outer instructions have stack height 1, as on nodes since 2025."""
    transaction = VersionedTransaction.from_bytes(base64.b64decode(wire_base64))
    message = transaction.message
    header = message.header
    body: dict[str, Any] = {
        "accountKeys": [str(key) for key in message.account_keys],
        "header": {
            "numReadonlySignedAccounts": header.num_readonly_signed_accounts,
            "numReadonlyUnsignedAccounts": header.num_readonly_unsigned_accounts,
            "numRequiredSignatures": header.num_required_signatures,
        },
        "instructions": [
            {
                "accounts": list(instruction.accounts),
                "data": encode_base58(bytes(instruction.data)),
                "programIdIndex": instruction.program_id_index,
                "stackHeight": 1,
            }
            for instruction in message.instructions
        ],
        "recentBlockhash": str(message.recent_blockhash),
    }
    if isinstance(message, MessageV0):
        body["addressTableLookups"] = [
            {
                "accountKey": str(lookup.account_key),
                "readonlyIndexes": list(lookup.readonly_indexes),
                "writableIndexes": list(lookup.writable_indexes),
            }
            for lookup in message.address_table_lookups
        ]
    return {"message": body, "signatures": [str(signature) for signature in transaction.signatures]}
