"""The synthetic chain: shape, signatures, conservation, failures, time, and the same bytes in another process."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import pairwise, permutations
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from solders.pubkey import Pubkey
from solders.rpc.responses import GetTransactionResp
from solders.transaction import VersionedTransaction

from oof_pipelines.commands.synth import synth
from oof_pipelines.testing import synthetic_accounts, synthetic_schedule
from oof_pipelines.testing.synthetic_chain import (
    DEFAULT_START_SLOT,
    DEFAULT_START_TIME_S,
    SyntheticTransaction,
    generate,
    write_chain,
)
from oof_pipelines.testing.synthetic_instructions import NATIVE_MINT, TOKEN_2022_PROGRAM, TOKEN_PROGRAM
from oof_pipelines.testing.synthetic_ledger import Ledger, LedgerError
from oof_pipelines.testing.synthetic_world import JITO_TIP_ACCOUNTS, Mint

SYSTEM = "11111111111111111111111111111111"
COMPUTE_BUDGET = "ComputeBudget111111111111111111111111111111"
COUNT = 600
FEE_CAP_RAW = 2_000_000
TOKEN_ACCOUNT_RENT_LAMPORTS = 2_039_280


@pytest.fixture(scope="module")
def chain() -> list[SyntheticTransaction]:
    return list(generate(7, COUNT))


@pytest.fixture(scope="module")
def recorded() -> list[dict[str, Any]]:
    """Recorded mainnet results of the json encoding, late enough to have every key of today."""
    beside = Path(__file__).resolve().parents[3] / "shared" / "fixtures"
    folder = Path(os.environ.get("OOF_FIXTURES", beside)) / "tx_json"
    if not folder.is_dir():
        pytest.skip(f"no recorded transactions in {folder}; set OOF_FIXTURES to the folder that holds tx_json")
    paths = [path for path in sorted(folder.glob("*.json")) if not path.name.endswith(".expected.json")]
    bodies = [json.loads(path.read_bytes()) for path in paths]
    return [body for body in bodies if body["slot"] > 340_000_000 and "version" in body]


def wire(transaction: SyntheticTransaction) -> VersionedTransaction:
    return VersionedTransaction.from_bytes(base64.b64decode(transaction.result["transaction"][0]))


def account_keys(transaction: SyntheticTransaction) -> list[str]:
    loaded: dict[str, list[str]] = transaction.result["meta"]["loadedAddresses"]
    return [str(key) for key in wire(transaction).message.account_keys] + loaded["writable"] + loaded["readonly"]


def all_instructions(transaction: SyntheticTransaction) -> list[tuple[str, bytes]]:
    """Program and data of every outer and inner instruction."""
    body = json.loads(transaction.to_json_bytes("json"))
    keys = account_keys(transaction)
    found = list(body["transaction"]["message"]["instructions"])
    for group in body["meta"]["innerInstructions"]:
        found += group["instructions"]
    return [(keys[item["programIdIndex"]], base58_bytes(item["data"])) for item in found]


def base58_bytes(text: str) -> bytes:
    alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    number = 0
    for character in text:
        number = number * 58 + alphabet.index(character)
    body = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return bytes(len(text) - len(text.lstrip("1"))) + body


def token_amounts(meta: dict[str, Any], side: str) -> dict[tuple[int, str], int]:
    return {
        (entry["accountIndex"], entry["mint"]): int(entry["uiTokenAmount"]["amount"])
        for entry in meta[f"{side}TokenBalances"]
    }


@pytest.mark.parametrize("encoding", ["base64", "json"])
def test_solders_accepts_every_result(chain: list[SyntheticTransaction], encoding: Any) -> None:
    for transaction in chain:
        raw = transaction.to_json_bytes(encoding).decode()
        response = GetTransactionResp.from_json(f'{{"jsonrpc":"2.0","id":1,"result":{raw}}}')
        assert isinstance(response, GetTransactionResp)
        value = response.value
        assert value is not None
        assert value.slot == transaction.slot
        assert value.block_time == transaction.block_time_s
        meta = value.transaction.meta
        assert meta is not None
        assert meta.fee == transaction.result["meta"]["fee"]
        assert (meta.err is None) == (transaction.result["meta"]["err"] is None)


def shape(value: Any) -> Any:
    """Keys all the way down through objects, and the JSON type of everything else."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return type(value).__name__


def test_keys_and_types_are_those_of_recorded_transactions(
    chain: list[SyntheticTransaction], recorded: list[dict[str, Any]]
) -> None:
    optional = {"returnData", "costUnits", "err", "status"}
    wanted = {
        version: {
            json.dumps(shape({key: item for key, item in body["meta"].items() if key not in optional}), sort_keys=True)
            for body in recorded
            if body["version"] == version
        }
        for version in ("legacy", 0)
    }
    messages = {(body["version"], *sorted(body["transaction"]["message"])) for body in recorded}
    instructions = {
        json.dumps(shape(item), sort_keys=True)
        for body in recorded
        for item in body["transaction"]["message"]["instructions"]
    }
    for transaction in chain:
        body = json.loads(transaction.to_json_bytes("json"))
        meta = {key: item for key, item in body["meta"].items() if key not in optional}
        assert json.dumps(shape(meta), sort_keys=True) in wanted[body["version"]]
        assert (body["version"], *sorted(body["transaction"]["message"])) in messages
        assert {
            json.dumps(shape(item), sort_keys=True) for item in body["transaction"]["message"]["instructions"]
        } <= instructions
        assert set(body) == {"blockTime", "meta", "slot", "transaction", "transactionIndex", "version"}


def test_json_encoding_says_what_the_wire_bytes_say(chain: list[SyntheticTransaction]) -> None:
    for transaction in chain:
        body = json.loads(transaction.to_json_bytes("json"))
        plain = json.loads(transaction.to_json_bytes("base64"))
        decoded = wire(transaction)
        message = body["transaction"]["message"]
        assert body["transaction"]["signatures"] == [str(signature) for signature in decoded.signatures]
        assert message["accountKeys"] == [str(key) for key in decoded.message.account_keys]
        assert [base58_bytes(item["data"]) for item in message["instructions"]] == [
            bytes(item.data) for item in decoded.message.instructions
        ]
        assert ("addressTableLookups" in message) == (body["version"] == 0)
        assert {key: body[key] for key in body if key != "transaction"} == {
            key: plain[key] for key in plain if key != "transaction"
        }


def test_an_unknown_encoding_is_refused(chain: list[SyntheticTransaction], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="jsonParsed"):
        chain[0].to_json_bytes("jsonParsed")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="jsonParsed"):
        write_chain(tmp_path / "made", seed=1, transaction_count=1, encoding="jsonParsed")  # type: ignore[arg-type]
    assert not (tmp_path / "made").exists()


def test_every_signature_verifies_and_is_unique(chain: list[SyntheticTransaction]) -> None:
    for transaction in chain:
        decoded = wire(transaction)
        assert all(decoded.verify_with_results())
        assert str(decoded.signatures[0]) == transaction.signature
    assert len({transaction.signature for transaction in chain}) == COUNT


def test_lamports_are_conserved_but_for_the_fee(chain: list[SyntheticTransaction]) -> None:
    for transaction in chain:
        meta = transaction.result["meta"]
        assert len(meta["preBalances"]) == len(meta["postBalances"]) == len(account_keys(transaction))
        assert sum(meta["postBalances"]) - sum(meta["preBalances"]) == -meta["fee"]
        assert meta["fee"] >= 5_000 * len(wire(transaction).signatures)


def test_balances_continue_where_they_ended(chain: list[SyntheticTransaction]) -> None:
    """What an account had after one transaction it has before the next that names it: nothing happens in between."""
    lamports: dict[str, int] = {}
    tokens: dict[str, int] = {}
    for transaction in chain:
        meta = transaction.result["meta"]
        keys = account_keys(transaction)
        before = {keys[index]: amount for (index, _), amount in token_amounts(meta, "pre").items()}
        after = {keys[index]: amount for (index, _), amount in token_amounts(meta, "post").items()}
        for key, pre, post in zip(keys, meta["preBalances"], meta["postBalances"], strict=True):
            assert lamports.get(key, pre) == pre
            lamports[key] = post
        for key in before.keys() | after.keys():
            assert tokens.get(key, 0) == before.get(key, 0)
            tokens[key] = after.get(key, 0)


def test_tokens_are_conserved_but_for_mint_burn_wrap_and_fees(chain: list[SyntheticTransaction]) -> None:
    compared = 0
    for transaction in chain:
        meta = transaction.result["meta"]
        change: dict[str, int] = defaultdict(int)
        for sign, side in ((-1, "pre"), (1, "post")):
            for (_, mint), amount in token_amounts(meta, side).items():
                change[mint] += sign * amount
        instructions = [data for program, data in all_instructions(transaction) if program.startswith("Token")]
        tags, extensions = {data[0] for data in instructions}, {data[:2] for data in instructions}
        for mint, difference in change.items():
            if mint == str(NATIVE_MINT):
                continue
            compared += 1
            if meta["err"] is not None or not tags & {7, 8, 12, 26}:
                assert difference == 0
            elif 7 in tags:
                assert difference > 0
            elif 8 in tags:
                assert difference < 0
            elif difference:
                # Withheld on a transfer, or released to the issuer: only the mint with a fee, never over its cap.
                assert {entry["programId"] for entry in meta["preTokenBalances"]} == {str(TOKEN_2022_PROGRAM)}
                assert {entry["uiTokenAmount"]["decimals"] for entry in meta["postTokenBalances"]} == {6}
                assert difference > 0 or difference >= -2 * FEE_CAP_RAW
                assert difference < 0 or bytes([26, 3]) in extensions
    assert compared > COUNT // 4


def test_wrapped_sol_is_backed_by_lamports(chain: list[SyntheticTransaction]) -> None:
    seen = 0
    for transaction in chain:
        meta = transaction.result["meta"]
        for side in ("pre", "post"):
            for (index, mint), amount_raw in token_amounts(meta, side).items():
                if mint == str(NATIVE_MINT):
                    seen += 1
                    assert meta[f"{side}Balances"][index] == amount_raw + TOKEN_ACCOUNT_RENT_LAMPORTS
    assert seen > COUNT // 20


def test_token_balances_are_listed_as_a_node_lists_them(chain: list[SyntheticTransaction]) -> None:
    seen = 0
    for transaction in chain:
        meta = transaction.result["meta"]
        for side in ("preTokenBalances", "postTokenBalances"):
            indexes = [entry["accountIndex"] for entry in meta[side]]
            assert indexes == sorted(set(indexes))
            for entry in meta[side]:
                seen += 1
                assert set(entry) == {"accountIndex", "mint", "owner", "programId", "uiTokenAmount"}
                assert entry["programId"] in {str(TOKEN_PROGRAM), str(TOKEN_2022_PROGRAM)}
                amount, decimals = entry["uiTokenAmount"]["amount"], entry["uiTokenAmount"]["decimals"]
                whole, _, fraction = entry["uiTokenAmount"]["uiAmountString"].partition(".")
                assert int(whole + fraction.ljust(decimals, "0")) == int(amount)
    assert seen > COUNT


def test_failed_transactions_move_only_their_fee(chain: list[SyntheticTransaction]) -> None:
    failed = [transaction for transaction in chain if transaction.result["meta"]["err"] is not None]
    for transaction in failed:
        meta = transaction.result["meta"]
        moved = [post - pre for pre, post in zip(meta["preBalances"], meta["postBalances"], strict=True)]
        assert moved == [-meta["fee"]] + [0] * (len(moved) - 1)
        assert meta["preTokenBalances"] == meta["postTokenBalances"]
        assert meta["status"] == {"Err": meta["err"]}
    errors = Counter(json.dumps(transaction.result["meta"]["err"]) for transaction in failed)
    assert len(errors) >= 4
    assert any("InsufficientFundsForRent" in error for error in errors)
    assert any(transaction.result["meta"]["innerInstructions"] for transaction in failed)
    assert 0.03 < len(failed) / COUNT < 0.2


def test_programs_instructions_and_message_forms_are_mixed(chain: list[SyntheticTransaction]) -> None:
    tags: dict[str, set[int]] = defaultdict(set)
    extensions = set()
    for transaction in chain:
        for program, data in all_instructions(transaction):
            tags[program].add(data[0] if data else -1)
            if program == str(TOKEN_2022_PROGRAM) and data[0] == 26:
                extensions.add(data[1])
    # System: create, transfer, create with seed, advance, withdraw and initialise nonce, transfer with seed.
    assert tags[SYSTEM] >= {0, 2, 3, 4, 5, 6, 11}
    assert tags[COMPUTE_BUDGET] >= {2, 3}
    # Token: transfer, approve, set authority, mint, burn, close, transfer checked, sync native, accounts and mints.
    assert tags[str(TOKEN_PROGRAM)] >= {3, 4, 6, 7, 8, 9, 12, 17, 18, 20}
    assert tags[str(TOKEN_2022_PROGRAM)] >= {7, 12, 20, 26}
    assert extensions >= {0, 1, 3}
    assert {program for program in tags if program.startswith(("AToken", "Memo", "AddressLookup"))} == {
        "ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL",
        "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr",
        "AddressLookupTab1e1111111111111111111111111",
    }
    assert {transaction.result["version"] for transaction in chain} == {"legacy", 0}
    loaded = [transaction for transaction in chain if transaction.result["meta"]["loadedAddresses"]["writable"]]
    assert len(loaded) > COUNT // 50
    tips = {str(key) for key in JITO_TIP_ACCOUNTS}
    assert len(tips) == 8
    assert sum(bool(tips & set(account_keys(transaction))) for transaction in chain) > COUNT // 50


def test_inner_instructions_carry_stack_heights(chain: list[SyntheticTransaction]) -> None:
    heights: Counter[int] = Counter()
    for transaction in chain:
        outer_count = len(wire(transaction).message.instructions)
        for group in transaction.result["meta"]["innerInstructions"]:
            assert 0 <= group["index"] < outer_count
            assert group["instructions"]
            heights.update(item["stackHeight"] for item in group["instructions"])
    assert heights[2] > COUNT // 10


def test_order_time_and_days(chain: list[SyntheticTransaction]) -> None:
    first = chain[0]
    assert (first.slot, first.block_time_s) == (DEFAULT_START_SLOT, DEFAULT_START_TIME_S)
    for before, after in pairwise(chain):
        if before.slot == after.slot:
            assert after.index_in_slot == before.index_in_slot + 1
            assert after.block_time_s == before.block_time_s
        else:
            assert after.slot > before.slot
            assert after.index_in_slot == 0
    known = [transaction for transaction in chain if transaction.block_time_s is not None]
    assert 0 < COUNT - len(known) < COUNT // 10
    times = [transaction.block_time_s or 0 for transaction in known]
    assert times == sorted(times)
    for transaction in known:
        elapsed_slots = transaction.slot - DEFAULT_START_SLOT
        assert transaction.block_time_s == DEFAULT_START_TIME_S + elapsed_slots * 2 // 5
    days = Counter(datetime.fromtimestamp(time, UTC).date() for time in times)
    assert len(days) == 3
    assert min(days.values()) > COUNT // 6
    slots = {transaction.slot for transaction in chain}
    assert len(slots) < COUNT
    assert max(slots) - min(slots) > 2 * len(slots)


def test_the_same_seed_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    program = (
        "import hashlib, sys\n"
        "from oof_pipelines.testing.synthetic_chain import generate\n"
        "digest = hashlib.sha256()\n"
        "for transaction in generate(11, 150, start_slot=1_000, start_time_s=86_000, days=2):\n"
        "    digest.update(transaction.to_json_bytes('base64') + transaction.to_json_bytes('json'))\n"
        "print(digest.hexdigest())\n"
    )
    root = Path(__file__).resolve().parents[2]
    digests = [
        subprocess.run(
            [sys.executable, "-c", program],
            cwd=root,
            env={"PYTHONPATH": str(root), "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    ]
    here = hashlib.sha256()
    for transaction in generate(11, 150, start_slot=1_000, start_time_s=86_000, days=2):
        here.update(transaction.to_json_bytes("base64") + transaction.to_json_bytes("json"))
    assert digests == [here.hexdigest()] * 2


def test_seeds_give_different_chains() -> None:
    chains = [{transaction.signature for transaction in generate(seed, 30)} for seed in (1, 2, 3)]
    for one, other in permutations(chains, 2):
        assert not one & other


def test_files_are_named_by_signature_and_written_whole(tmp_path: Path) -> None:
    heard: list[int] = []
    folder = tmp_path / "chain"
    written = write_chain(folder, seed=7, transaction_count=40, encoding="json", on_written=heard.append)
    expected = {f"{item.signature}.json": item.to_json_bytes("json") for item in generate(7, 40)}
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == expected
    assert written == 40
    assert heard == list(range(1, 41))
    for path in folder.iterdir():
        assert json.loads(path.read_bytes())["transaction"]["signatures"][0] == path.stem


def test_crowded_days_and_no_transactions_at_all() -> None:
    """Two slots left in the only day: everything fits into them, and nothing comes from asking for nothing."""
    start_time_s = 86_400 * 20_000 - 1
    chain = list(generate(3, 40, start_slot=50, start_time_s=start_time_s, days=1))
    assert len(chain) == len({transaction.signature for transaction in chain}) == 40
    assert {transaction.slot for transaction in chain} <= {50, 51, 52}
    assert list(generate(3, 0)) == []


@pytest.mark.parametrize("wrong", [{"transaction_count": -1}, {"days": 0}, {"start_slot": 0}, {"start_time_s": -1}])
def test_impossible_arguments_are_named_at_once(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        generate(1, **{"transaction_count": 5, **wrong})


def test_what_cannot_land_is_not_recorded(chain: list[SyntheticTransaction]) -> None:
    with pytest.raises(LedgerError, match="cannot land"):
        Ledger().execute(wire(chain[0]), [], [], is_time_known=True, index_in_slot=0)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    count=st.integers(0, 400),
    start_time_s=st.integers(0, 2 * 10**9),
    days=st.integers(1, 12),
)
def test_schedules_are_complete_rising_and_fill_their_days(seed: int, count: int, start_time_s: int, days: int) -> None:
    start_slot = 1_000_000
    slots = list(
        synthetic_schedule.plan_slots(Random(seed), count, start_slot=start_slot, start_time_s=start_time_s, days=days)
    )
    assert sum(item.transaction_count for item in slots) == count
    assert all(before.slot < after.slot for before, after in pairwise(slots))
    by_day: Counter[int] = Counter()
    for item in slots:
        assert item.transaction_count > 0
        by_day[item.unix_time_s // 86_400 - start_time_s // 86_400] += item.transaction_count
    assert set(by_day) <= set(range(days))
    assert max(by_day.values(), default=0) <= count // days + 1


@given(amount_raw=st.integers(0, 2**64 - 1), decimals=st.integers(0, 18))
def test_amount_strings_are_exact_and_trimmed(amount_raw: int, decimals: int) -> None:
    shown = synthetic_accounts.ui_token_amount(amount_raw, decimals)
    whole, point, fraction = shown["uiAmountString"].partition(".")
    assert int(whole + fraction.ljust(decimals, "0")) == amount_raw
    assert not fraction.endswith("0")
    assert bool(point) == bool(fraction)
    assert (shown["uiAmount"] is None) == (amount_raw == 0)


@pytest.mark.parametrize(("amount_raw", "fee_raw"), [(1, 1), (10_000, 150), (10_001, 151), (10**12, 2_000_000)])
def test_transfer_fees_round_up_and_are_capped(amount_raw: int, fee_raw: int) -> None:
    mint = Mint(Pubkey.default(), None, 6, TOKEN_2022_PROGRAM, fee_bps=150, maximum_fee_raw=FEE_CAP_RAW)
    assert mint.transfer_fee_raw(amount_raw) == fee_raw


def test_the_command_writes_a_chain_and_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "chain"
    arguments = ["--out", str(folder), "--transactions", "12", "--seed", "5", "--days", "2", "--encoding", "json"]
    result = CliRunner().invoke(synth, ["chain", *arguments])
    assert result.exit_code == 0, result.output
    assert result.stdout == f"12 transactions in {folder}\n"
    assert {path.stem for path in folder.iterdir()} == {item.signature for item in generate(5, 12, days=2)}
    again = CliRunner().invoke(synth, ["chain", "--out", str(folder), "--transactions", "3", "--seed", "6"])
    assert again.exit_code == 0
    assert "12 files of something else" in again.stderr


def test_the_command_explains_itself_and_refuses_nonsense(tmp_path: Path) -> None:
    for command in ([], ["chain"], ["golden"]):
        shown = CliRunner().invoke(synth, [*command, "--help"])
        assert shown.exit_code == 0
        assert "Examples:" in shown.output
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder")
    out = ["--out", str(tmp_path / "chain")]
    for arguments in (
        ["--out", str(in_the_way)],
        ["--out", str(in_the_way / "below")],
        [*out, "--days", "0"],
        [*out, "--wallets", "-1"],
        [],
    ):
        assert CliRunner().invoke(synth, ["chain", *arguments]).exit_code != 0, arguments
