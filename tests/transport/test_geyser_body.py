"""Bodies out of a stream: what verifies is what an RPC node gives, and what does not verify is no body."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from geyser_fixtures import recorded_updates
from hypothesis import given
from hypothesis import strategies as st
from solders.keypair import Keypair
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.body import read_body, read_wire
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import decode_transaction
from oof_pipelines.geyser_interfaces import GeyserTransaction
from oof_pipelines.testing.recorded_geyser.wire_transaction import UNKNOWN_INDEX, NotRawError, raw_parts
from oof_pipelines.testing.synthetic_chain import generate
from oof_pipelines.transport.geyser_body import RebuildError, read_signature, rebuild_body
from oof_pipelines.transport.geyser_wire import geyser_pb2, solana_storage_pb2

SLOT = 371_808_930


def info_of(body: bytes) -> geyser_pb2.SubscribeUpdateTransactionInfo:
    """The stream's message for a recorded body. Raises `NotRawError`."""
    transaction, meta = raw_parts(body)
    index = json.loads(body).get("transactionIndex", UNKNOWN_INDEX)
    return geyser_pb2.SubscribeUpdateTransactionInfo(
        signature=transaction.signatures[0], transaction=transaction, meta=meta, index=index
    )


def rebuilt(body: bytes) -> bytes:
    """`body` sent through a stream."""
    value = json.loads(body)
    event = GeyserTransaction("", value["slot"], False, (), rebuild_body(info_of(body), value["slot"]))
    return event.body_at(value["blockTime"])


def test_a_body_as_a_node_prints_it_comes_back_to_the_byte() -> None:
    versions = Counter[tuple[str, bool]]()
    for synthetic in generate(5, 160, days=2):
        body = synthetic.to_json_bytes("base64")
        assert rebuilt(body) == body
        versions[str(json.loads(body)["version"]), json.loads(body)["meta"]["err"] is None] += 1
    assert {("legacy", True), ("legacy", False), ("0", True)} <= versions.keys()


def test_recorded_transactions_decode_as_their_bodies_do(fixtures_dir: Path) -> None:
    seen = Counter[str]()
    for folder in ("tx_base64", "tx_json"):
        for path in sorted((fixtures_dir / folder).glob("*.json")):
            if path.stem.endswith(".expected"):
                continue
            body = path.read_bytes()
            parsed, again = parse_transaction(body), parse_transaction(rebuilt(body))
            assert again == parsed, path.name
            assert decode_transaction(again) == decode_transaction(parsed), path.name
            assert json.loads(rebuilt(body))["meta"]["err"] == json.loads(body)["meta"]["err"], path.name
            seen[folder] += 1
    assert seen == {"tx_base64": 92, "tx_json": 70}


def test_what_is_not_raw_is_not_made_up(fixtures_dir: Path) -> None:
    for path in sorted((fixtures_dir / "tx_json_parsed").glob("*.json"))[:20]:
        if not path.stem.endswith(".expected"):
            with pytest.raises(NotRawError):
                raw_parts(path.read_bytes())


# Of the recorded Yellowstone transactions: those whose lookup tables the recorder dropped, and one without its blockhash.
NOT_REBUILT = {
    "4RoVbE9HB9GSQN1wyBRW7TJCq4ovvWyMfegQAM1Lvd3UgYWGGgJcW3GYruAi7j1poKboPCS2bK71J4iM5EUwxD6R",
    "5DJFLgNiZD73caNFPsbJekW9fjsyL3ZnCyZWnEJADVq7VrKak1GMhxpUiUqD2orkoKrhbcmVgsvWXTGeJBL6sTFt",
    "5LzhiGZB462sKGLhav13z3KUjjN6EhT9y21F4e4hKpsggFj6bseibkmPP7qXMnac6uDuKZZpdwDcbDqP3YHUXRVp",
    "5gtu6ARVv16QjWi2QR3CZwwPJAEL3TNqvX5HKBz39uB9ky53E2Q7MBjxLqW1a3BFUoXkEEgfmAdsedSeHjpCEau3",
    "3c2vouQyRFuZjkzt67QHPoxyjN1473m62GPAndhscnYqMk9Nc8gzZrQ3XGBHaf1W7MssguUiYcdKpGX4osyqUxxU",
}


def test_recorded_stream_messages(fixtures_dir: Path) -> None:
    """Two of them are of version 0 although the recording says that they are not: the signature knows."""
    failed, versions = set(), Counter[str]()
    for signature, update in recorded_updates(fixtures_dir / "geyser_tx_json"):
        assert read_signature(update.transaction) == signature
        try:
            body = rebuild_body(update.transaction, update.slot)
        except RebuildError:
            failed.add(signature)
            continue
        header = read_body(body)
        assert (header.signature, header.slot) == (signature, update.slot)
        _, wire = read_wire(json.dumps(json.loads(body)["transaction"]).encode())
        assert all(VersionedTransaction.from_bytes(wire).verify_with_results())
        decoded = decode_transaction(parse_transaction(body))
        assert decoded.actions, signature
        versions[header.version] += 1
    assert failed == NOT_REBUILT
    assert versions == {"legacy": 3, "0": 2}


def sample() -> geyser_pb2.SubscribeUpdateTransactionInfo:
    """A transaction of version 0 with lookup tables."""
    for synthetic in generate(5, 60, days=2):
        info = info_of(synthetic.to_json_bytes("base64"))
        if info.transaction.message.versioned and info.transaction.message.address_table_lookups:
            return info
    raise AssertionError("no version 0 transaction in the sample")


SAMPLE = sample().SerializeToString()


def fresh() -> geyser_pb2.SubscribeUpdateTransactionInfo:
    return geyser_pb2.SubscribeUpdateTransactionInfo.FromString(SAMPLE)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_any_changed_byte_of_what_was_signed_is_found(place: int, change: int) -> None:
    info = fresh()
    message = info.transaction.message
    parts: list[tuple[Any, str, int]] = [(message, "recent_blockhash", 32)]
    for one in message.instructions:
        parts += [(one, "data", len(one.data)), (one, "accounts", len(one.accounts))]
    for lookup in message.address_table_lookups:
        parts += [(lookup, "account_key", 32), (lookup, "writable_indexes", len(lookup.writable_indexes))]
    place %= sum(size for _, _, size in parts)
    for owner, name, size in parts:
        if place < size:
            data = bytearray(getattr(owner, name))
            data[place] ^= change
            setattr(owner, name, bytes(data))
            break
        place -= size
    with pytest.raises(RebuildError, match="do not verify"):
        rebuild_body(info, SLOT)


def test_the_stated_version_may_be_wrong() -> None:
    info = fresh()
    info.transaction.message.versioned = False
    assert rebuild_body(info, SLOT) == rebuild_body(fresh(), SLOT)


def damaged(what: str) -> geyser_pb2.SubscribeUpdateTransactionInfo:
    info = fresh()
    message = info.transaction.message
    match what:
        case "no outcome":
            info.ClearField("meta")
        case "another name":
            info.signature = bytes(64)
        case "no signatures":
            info.transaction.ClearField("signatures")
        case "no message":
            info.transaction.ClearField("message")
        case "a short key":
            message.account_keys[0] = message.account_keys[0][:31]
        case "a program index that is no byte":
            message.instructions[0].program_id_index = 256
        case "a newer version":
            message.config.heap_size = 1
        case "an unknown error":
            info.meta.err.err = b"\xff\xff\0\0"
        case "a short loaded key":
            info.meta.loaded_writable_addresses.append(b"short")
        case "more signatures than keys":
            message.header.num_required_signatures = 200
    return info


@pytest.mark.parametrize(
    "what",
    [
        "no outcome",
        "another name",
        "no signatures",
        "no message",
        "a short key",
        "a program index that is no byte",
        "a newer version",
        "an unknown error",
        "a short loaded key",
        "more signatures than keys",
    ],
)
def test_damage_is_an_error_and_nothing_else(what: str) -> None:
    with pytest.raises(RebuildError):
        rebuild_body(damaged(what), SLOT)


def test_a_second_signature_of_another_length_is_an_error() -> None:
    # Whoever sends a stream can sign the first one himself.
    payer, other = Keypair(), Keypair()
    message = solana_storage_pb2.Message(
        header=solana_storage_pb2.MessageHeader(num_required_signatures=2),
        account_keys=[bytes(payer.pubkey()), bytes(other.pubkey())],
        recent_blockhash=bytes(32),
    )
    signed = bytes([2, 0, 0, 2, *bytes(payer.pubkey()), *bytes(other.pubkey()), *bytes(32), 0])
    signatures = [bytes(payer.sign_message(signed)), bytes(other.sign_message(signed))]

    def info(*signatures: bytes) -> geyser_pb2.SubscribeUpdateTransactionInfo:
        transaction = solana_storage_pb2.Transaction(signatures=signatures, message=message)
        meta = solana_storage_pb2.TransactionStatusMeta()
        return geyser_pb2.SubscribeUpdateTransactionInfo(signature=signatures[0], transaction=transaction, meta=meta)

    assert read_body(rebuild_body(info(*signatures), SLOT)).version == "legacy"
    with pytest.raises(RebuildError):
        rebuild_body(info(signatures[0], b"short"), SLOT)


@pytest.mark.parametrize(("said", "percent"), [("8", 8), ("", None), ("9" * 5_000, None), ("٣", None)])
def test_a_commission_is_a_byte_or_nothing(said: str, percent: int | None) -> None:
    info = fresh()
    info.meta.rewards.add(pubkey="x", commission=said)
    assert json.loads(rebuild_body(info, SLOT))["meta"]["rewards"][-1]["commission"] == percent


def test_an_index_that_no_block_has_is_left_out() -> None:
    info = fresh()
    info.index = UNKNOWN_INDEX
    assert read_body(rebuild_body(info, SLOT)).tx_index is None
    info.index = 7
    assert read_body(rebuild_body(info, SLOT)).tx_index == 7


def test_what_the_node_did_not_keep_is_null() -> None:
    info = fresh()
    info.meta.inner_instructions_none = info.meta.log_messages_none = True
    meta = json.loads(rebuild_body(info, SLOT))["meta"]
    assert (meta["innerInstructions"], meta["logMessages"]) == (None, None)


def test_without_a_body_there_is_nothing_to_time() -> None:
    with pytest.raises(ValueError, match="broken"):
        GeyserTransaction("s", 1, False, (), None, "broken").body_at(5)
