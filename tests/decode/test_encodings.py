"""One transaction, several encodings: the same moves, actions and ids."""

import base64
import json
from collections import defaultdict
from typing import Any

import pytest
from recorded_bodies import Recorded
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.chain.transaction import parse_transaction
from oof_pipelines.decode.decoded import Decoded, decode_transaction
from oof_pipelines.testing.synthetic_chain import generate


def decoded(body: bytes) -> Decoded:
    return decode_transaction(parse_transaction(body))


def told(result: Decoded) -> dict[str, Any]:
    """All that must not depend on the encoding."""
    return {
        "moves": result.moves,
        "actions": result.actions,
        "participants": result.participants,
        "decimals": result.decimals,
        "has_residual": result.has_residual,
        "unread": result.unread,
        "keys": result.transaction.keys,
        "signers": result.transaction.signers,
    }


def as_json(body: bytes) -> bytes:
    """A base64 body in the `json` encoding, made here from the wire bytes."""
    result = json.loads(body)
    wire = base64.b64decode(result["transaction"][0])
    transaction = VersionedTransaction.from_bytes(wire)
    message = transaction.message
    result["transaction"] = {
        "signatures": [str(signature) for signature in transaction.signatures],
        "message": {
            "accountKeys": [str(key) for key in message.account_keys],
            "header": {"numRequiredSignatures": message.header.num_required_signatures},
            "instructions": [
                {
                    "programIdIndex": one.program_id_index,
                    "accounts": list(one.accounts),
                    "data": encode_base58(bytes(one.data)),
                }
                for one in message.instructions
            ],
        },
    }
    return json.dumps(result).encode()


def test_synthetic_transactions_in_base64_and_json() -> None:
    kinds = set()
    for transaction in generate(11, 200):
        wire, text = (decoded(transaction.to_json_bytes(encoding)) for encoding in ("base64", "json"))
        assert told(wire) == told(text)
        assert told(decoded(as_json(transaction.to_json_bytes("base64")))) == told(text)
        assert not wire.has_residual
        kinds |= {action.kind for action in wire.actions}
    assert {"transfer", "mint", "burn", "wrap", "unwrap", "tip", "fee", "account_open", "account_close"} <= kinds


def test_recorded_base64_bodies_made_into_json(recorded: list[Recorded]) -> None:
    compared = 0
    for one in recorded:
        if isinstance(json.loads(one.body)["transaction"], list):
            assert told(decoded(as_json(one.body))) == told(decoded(one.body)), one.file
            compared += 1
    assert compared > 600


def test_what_nodes_served_in_several_encodings(recorded: list[Recorded]) -> None:
    """A devnet block recorded in base64, json and jsonParsed, and whatever else is recorded more than once."""
    by_signature: dict[str, list[tuple[str, Decoded]]] = defaultdict(list)
    for one in recorded:
        result = decoded(one.body)
        by_signature[result.transaction.signature].append((one.file, result))
    parsed_words = compared = without_balances = 0
    for results in by_signature.values():
        for _, other in results[1:]:
            if other.transaction.pre_tokens != results[0][1].transaction.pre_tokens:
                without_balances += 1  # one source left the token balances out, so less can be known there
                continue
            assert told(results[0][1]) == told(other), [file for file, _ in results]
            compared += 1
            parsed_words += any(i.parsed is not None for i in other.transaction.instructions)
    assert compared >= 70
    assert parsed_words >= 20
    assert without_balances <= 1


@pytest.mark.parametrize("seed", [1, 2])
def test_ids_are_unique_and_the_same_when_decoded_again(seed: int) -> None:
    seen: set[str] = set()
    for transaction in generate(seed, 100):
        ids = [action.id for action in decoded(transaction.to_json_bytes("json")).actions]
        assert ids == [action.id for action in decoded(transaction.to_json_bytes("base64")).actions]
        assert len(set(ids)) == len(ids)
        assert not seen & set(ids)
        seen |= set(ids)
