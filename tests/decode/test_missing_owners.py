"""Owners that an old recording does not name are found again: those of new recordings, taken away, come back."""

import json

from recorded_bodies import Recorded

from oof_pipelines.chain.replaced import replaced
from oof_pipelines.chain.transaction import ParsedTransaction, parse_transaction
from oof_pipelines.decode.decoded import decode_transaction
from oof_pipelines.decode.missing_owners import with_owners


def without_owners(transaction: ParsedTransaction) -> ParsedTransaction:
    before, after = (
        [replaced(one, owner=None) for one in side] for side in (transaction.pre_tokens, transaction.post_tokens)
    )
    return replaced(transaction, pre_tokens=before, post_tokens=after)


def test_a_recording_that_names_its_owners_is_left_as_it_is(by_signature: dict[str, Recorded]) -> None:
    named = 0
    for one in by_signature.values():
        transaction = parse_transaction(one.body)
        if all(balance.owner for balance in (*transaction.pre_tokens, *transaction.post_tokens)):
            assert with_owners(transaction) is transaction
            named += 1
    assert named > 500


def test_owners_taken_away_come_back_and_hardly_any_is_wrong(by_signature: dict[str, Recorded]) -> None:
    right = wrong = untold = 0
    for one in by_signature.values():
        transaction = parse_transaction(one.body)
        if transaction.is_failed:
            continue
        owners = {held.account: held.owner for held in (*transaction.pre_tokens, *transaction.post_tokens)}
        found = with_owners(without_owners(transaction))
        for held in (*found.pre_tokens, *found.post_tokens):
            told = owners[held.account]
            right += told is not None and held.owner == told
            wrong += told is not None and held.owner not in (told, None)
            untold += held.owner is None
    assert right > untold, (right, wrong, untold)
    assert wrong * 50 < right, (right, wrong, untold)


def test_the_traders_of_routes_are_found_without_named_owners(by_signature: dict[str, Recorded]) -> None:
    same = other = 0
    for one in by_signature.values():
        body = json.loads(one.body)
        if not isinstance(body["transaction"], dict) or (body.get("meta") or {}).get("err"):
            continue
        transaction = parse_transaction(one.body)
        told = decode_transaction(transaction).routes
        found = decode_transaction(without_owners(transaction)).routes
        if [route.path for route in told] == [route.path for route in found]:
            for left, right in zip(told, found, strict=True):
                same += left.trader == right.trader
                other += left.trader != right.trader
    assert same > 80, (same, other)
    assert other * 20 < same, (same, other)
