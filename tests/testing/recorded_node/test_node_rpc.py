"""The HTTP methods, asked by hand and by solana-py's typed client."""

import asyncio
import base64
import json
import os
from pathlib import Path

import pytest
from solana.rpc.async_api import AsyncClient
from solana.rpc.commitment import Confirmed
from solana.rpc.models import TokenAccountOpts
from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.token.state import TokenAccount
from solders.transaction_status import TransactionDetails

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.testing.recorded_node.ledger import load_ledger
from oof_pipelines.testing.recorded_node.method_table import MAINNET_GENESIS_HASH

FIXTURES = Path(os.environ.get("OOF_FIXTURES", Path(__file__).parents[4] / "shared" / "fixtures"))
MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
MEMO = "MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"
V0 = {"maxSupportedTransactionVersion": 0}


def run(scenario):
    return asyncio.run(scenario)


def test_solana_py_accepts_the_answers(write_chain, bodies, serve):
    async def scenario():
        async with serve(write_chain(5, per_slot=2)) as (node, _), AsyncClient(node.http_url) as client:
            first = Signature.from_string(bodies.signature(0))
            found = (await client.get_transaction(first, "base64", max_supported_transaction_version=0)).value
            assert found.slot == 100
            assert found.transaction.transaction.signatures[0] == first
            unknown = Signature.from_string(bodies.signature(77))
            assert (await client.get_transaction(unknown, "base64", Confirmed)).value is None
            listed = (await client.get_signatures_for_address(Pubkey.from_string(bodies.address(1)), limit=3)).value
            assert [str(one.signature) for one in listed] == [bodies.signature(number) for number in (4, 3, 2)]
            assert [one.slot for one in listed] == [102, 101, 101]
            statuses = (await client.get_signature_statuses([first, unknown])).value
            assert (statuses[0].slot, statuses[0].confirmations, statuses[1]) == (100, None, None)
            assert (await client.get_slot()).value == 102 + 64
            assert (await client.get_blocks(0, 101)).value == [100, 101]
            assert (await client.get_block_time(101)).value == 1_700_000_101
            assert str((await client.get_genesis_hash()).value) == MAINNET_GENESIS_HASH
            assert (await client.get_version()).value.solana_core
            assert await client.is_connected()
            block = (await client.get_block(101, "base64", max_supported_transaction_version=0)).value
            assert [str(one.transaction.signatures[0]) for one in block.transactions] == [
                bodies.signature(number) for number in (2, 3)
            ]
            names = (await client.get_block(101, transaction_details=TransactionDetails.Signatures)).value.signatures
            assert [str(name) for name in names] == [bodies.signature(number) for number in (2, 3)]

    run(scenario())


def test_the_body_arrives_as_recorded(tmp_path, bodies, serve):
    text = '{ "odd" :  1.50,\n "big": 18446744073709551615, ' + json.dumps(bodies.body(1, 100))[1:]
    (tmp_path / "one.json").write_text(text)

    async def scenario():
        async with serve(tmp_path) as (_, ask):
            answer = await ask.post("getTransaction", bodies.signature(1), V0)
            assert answer.content == b'{"jsonrpc":"2.0","result":' + text.encode() + b',"id":1}'

    run(scenario())


def test_versions_are_treated_as_a_node_does(tmp_path, bodies, serve):
    (tmp_path / "0.json").write_text(json.dumps(bodies.body(1, 100, version=0)))
    (tmp_path / "1.json").write_text(json.dumps(bodies.body(2, 101)))

    async def scenario():
        new, old = bodies.signature(1, version=0), bodies.signature(2)
        async with serve(tmp_path) as (_, ask):
            refused = await ask("getTransaction", new)
            assert refused == {
                "code": -32015,
                "message": "Transaction version (0) is not supported by the requesting client. Please try the request "
                'again with the following configuration parameter: "maxSupportedTransactionVersion": 0',
            }
            assert (await ask("getBlock", 100))["code"] == -32015
            assert (await ask("getTransaction", new, V0))["version"] == 0
            assert (await ask("getTransaction", old, V0))["version"] == "legacy"
            without = await ask("getTransaction", old, "base64")
            assert "version" not in without
            assert without == {key: value for key, value in bodies.body(2, 101).items() if key != "version"}
            assert "version" not in (await ask("getBlock", 101))["transactions"][0]
            assert (await ask("getBlock", 101, V0))["transactions"][0]["version"] == "legacy"

    run(scenario())


def test_errors_are_those_of_a_node(write_chain, bodies, serve):
    async def scenario():
        async with serve(write_chain(3, slot_step=10)) as (_, ask):
            one, wallet = bodies.signature(1), bodies.address(1)
            below = {"code": -32602, "message": "Method does not support commitment below `confirmed`"}
            processed = {"commitment": "processed"}
            assert await ask("getTransaction", one, processed) == below
            assert await ask("getSignaturesForAddress", wallet, processed) == below
            assert await ask("getBlock", 100, processed) == below
            assert await ask("getSlot", processed) == 120 + 64
            assert await ask("getTransaction", "0OIl") == {"code": -32602, "message": "Invalid param: Invalid"}
            assert await ask("getTransaction", wallet) == {"code": -32602, "message": "Invalid param: WrongSize"}
            assert await ask("getSignaturesForAddress", one) == {"code": -32602, "message": "Invalid param: WrongSize"}
            for limit in (0, 1001, "5", True):
                refused = await ask("getSignaturesForAddress", wallet, {"limit": limit})
                assert refused == {"code": -32602, "message": "Invalid limit; max 1000"}
            assert (await ask("getTransaction"))["code"] == -32602
            assert (await ask("getTransaction", one, {"encoding": "morse"}))["code"] == -32602
            assert (await ask("getTransaction", one, {"commitment": "sure"}))["code"] == -32602
            assert await ask("sing") == {"code": -32601, "message": "Method not found"}
            skipped = {"code": -32009, "message": "Slot 105 was skipped, or missing in long-term storage"}
            assert await ask("getBlock", 105) == skipped
            assert await ask("getBlockTime", 105) == skipped
            assert await ask("getBlock", 185) == {"code": -32004, "message": "Block not available for slot 185"}
            assert await ask("getBlocks", 0, 500_001) == [100, 110, 120]  # clamped to the tip first
            assert await ask("getBlocks", 50, 40) == []
            assert (await ask("getBlocksWithLimit", 0, 500_001))["code"] == -32602
            assert await ask("getBlocksWithLimit", 101, 2) == [110, 120]
            assert (await ask("getSignatureStatuses", [one] * 257))["message"] == "Too many inputs provided; max 256"
            assert (await ask("getBlock", 100, {"transactionDetails": "accounts"}))["code"] == -32602

    run(scenario())


def test_messages_that_are_no_single_request(write_chain, serve):
    async def scenario():
        async with serve(write_chain(1)) as (_, ask):

            async def post(text):
                return (await ask.client.post("/", content=text)).json()

            assert (await post("{"))["error"] == {"code": -32700, "message": "Parse error"}
            assert (await post("[]"))["error"]["code"] == -32600
            assert (await post('{"id": 3, "method": "getSlot"}')) == {
                "jsonrpc": "2.0",
                "error": {"code": -32600, "message": "Invalid request"},
                "id": 3,
            }
            batch = [{"jsonrpc": "2.0", "id": name, "method": name} for name in ("getHealth", "sing", "getGenesisHash")]
            answers = await post(json.dumps(batch))
            assert [answer["id"] for answer in answers] == ["getHealth", "sing", "getGenesisHash"]
            assert [list(answer)[1] for answer in answers] == ["result", "error", "result"]
            assert (await ask.client.get("/health")).text == "ok"
            assert (await ask.client.get("/")).status_code == 405

    run(scenario())


@pytest.mark.parametrize("limit", [1, 3, 7, 1000])
def test_pages_joined_are_the_whole_list(write_chain, bodies, serve, limit):
    async def scenario():
        async with serve(write_chain(20, per_slot=3)) as (_, ask):
            wallet, found, options = bodies.address(1), [], {"limit": limit}
            while page := await ask("getSignaturesForAddress", wallet, options):
                found += [one["signature"] for one in page]
                options = {"limit": limit, "before": found[-1]}
            assert found == [bodies.signature(number) for number in reversed(range(20))]
            until = {"until": found[12], "before": found[3], "limit": limit}
            page = await ask("getSignaturesForAddress", wallet, until)
            assert [one["signature"] for one in page] == found[4:12][:limit]

    run(scenario())


def test_unknown_cursors(write_chain, bodies, serve):
    async def scenario():
        async with serve(write_chain(5)) as (_, ask):
            wallet, unknown = bodies.address(1), bodies.signature(500)
            newest = await ask("getSignaturesForAddress", wallet, {"limit": 2})
            assert await ask("getSignaturesForAddress", wallet, {"limit": 2, "until": unknown}) == newest
            assert await ask("getSignaturesForAddress", wallet, {"before": unknown}) == []
            assert await ask("getSignaturesForAddress", bodies.address(99)) == []

    run(scenario())


def test_what_a_listing_says_of_a_transaction(tmp_path, bodies, serve):
    failed = bodies.body(1, 100, err={"InstructionError": [0, {"Custom": 6001}]}, loaded=[MINT])
    memos = [{"program": MEMO, "data": text.encode()} for text in ("grüß", "hi")]
    (tmp_path / "0.json").write_text(json.dumps(failed))
    (tmp_path / "1.json").write_text(json.dumps(bodies.body(2, 101, **memos[0])))
    (tmp_path / "2.json").write_text(json.dumps(bodies.body(3, 102, encoding="json", **memos[1])))

    async def scenario():
        async with serve(tmp_path) as (_, ask):
            listed = await ask("getSignaturesForAddress", bodies.address(1))
            assert [one["memo"] for one in listed] == ["[2] hi", "[6] grüß", None]
            assert listed[2] == {
                "blockTime": failed["blockTime"],
                "confirmationStatus": "finalized",
                "err": failed["meta"]["err"],
                "memo": None,
                "signature": bodies.signature(1),
                "slot": 100,
            }
            loaded = await ask("getSignaturesForAddress", MINT)
            assert [one["signature"] for one in loaded] == [bodies.signature(1)]
            status = (await ask("getSignatureStatuses", [bodies.signature(1)]))["value"][0]
            assert status["status"] == {"Err": failed["meta"]["err"]}

    run(scenario())


def balance(index, owner, amount, mint=MINT):
    amounts = {"amount": str(amount), "decimals": 6, "uiAmount": amount / 1e6, "uiAmountString": str(amount / 1e6)}
    program = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
    return {"accountIndex": index, "mint": mint, "owner": owner, "programId": program, "uiTokenAmount": amounts}


def test_token_accounts_follow_the_recorded_balances(tmp_path, bodies, serve):
    owner, other = bodies.address(50), bodies.address(51)
    # Account 1 of transfer N is wallet 1000 + N, a stand-in for a token account here.
    steps = [
        (1, 100, [], [balance(1, owner, 5)], None),
        (2, 101, [], [balance(1, owner, 7)], None),
        (2, 102, [balance(1, owner, 7)], [], None),
        (3, 103, [], [balance(1, owner, 9)], None),
        (3, 104, [balance(1, owner, 9)], [balance(1, other, 9)], None),
        (4, 105, [], [balance(1, owner, 1)], None),
        (4, 106, [balance(1, owner, 1)], [], {"InstructionError": [0, "Custom"]}),
    ]
    for number, (receiver, slot, before, after, err) in enumerate(steps):
        meta = {"preTokenBalances": before, "postTokenBalances": after}
        body = bodies.body(receiver, slot, payer=100 + number, meta=meta, err=err)
        (tmp_path / f"{number}.json").write_text(json.dumps(body))

    async def scenario():
        async with serve(tmp_path) as (node, ask):
            answer = await ask("getTokenAccountsByOwner", owner, {"mint": MINT}, {"encoding": "jsonParsed"})
            amounts = {
                one["pubkey"]: one["account"]["data"]["parsed"]["info"]["tokenAmount"]["amount"]
                for one in answer["value"]
            }
            # 2 was closed, 3 went to another owner, the closing of 4 failed.
            assert amounts == {bodies.address(1001): "5", bodies.address(1004): "1"}
            assert answer["context"]["slot"] == 106 + 64
            moved = await ask("getTokenAccountsByOwner", other, {"mint": MINT})
            assert [one["pubkey"] for one in moved["value"]] == [bodies.address(1003)]
            assert (await ask("getTokenAccountsByOwner", owner, {"mint": other}))["value"] == []
            assert (await ask("getTokenAccountsByOwner", owner, {"programId": other}))["code"] == -32602
            token_program = {"programId": "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"}
            sliced = {"encoding": "base64", "dataSlice": {"offset": 0, "length": 64}}
            for row in (await ask("getTokenAccountsByOwner", owner, token_program, sliced))["value"]:
                assert row["account"]["data"][1] == "base64"
                data = base64.b64decode(row["account"]["data"][0])
                assert [encode_base58(data[:32]), encode_base58(data[32:])] == [MINT, owner]
                assert row["account"]["owner"] == token_program["programId"]
            for wrong in (
                {"encoding": "base58"},
                {"encoding": "base64", "dataSlice": {"offset": 0}},
                {"encoding": "base64", "dataSlice": {"offset": -1, "length": 2}},
            ):
                assert (await ask("getTokenAccountsByOwner", owner, {"mint": MINT}, wrong))["code"] == -32602
            later = {"encoding": "base64", "minContextSlot": 1_000}
            assert (await ask("getTokenAccountsByOwner", owner, {"mint": MINT}, later))["code"] == -32016
            async with AsyncClient(node.http_url) as client:
                typed = await client.get_token_accounts_by_owner_json_parsed(
                    Pubkey.from_string(owner), TokenAccountOpts(mint=Pubkey.from_string(MINT))
                )
                assert sorted(str(one.pubkey) for one in typed.value) == sorted(amounts)
                whole = await client.get_token_accounts_by_owner(
                    Pubkey.from_string(owner), TokenAccountOpts(mint=Pubkey.from_string(MINT), encoding="base64")
                )
                laid_out = {str(one.pubkey): TokenAccount.from_bytes(one.account.data) for one in whole.value}
                assert {pubkey: str(account.amount) for pubkey, account in laid_out.items()} == amounts
                assert {str(account.owner) for account in laid_out.values()} == {owner}
                assert all(account.is_native is None for account in laid_out.values())

    run(scenario())


@pytest.fixture(scope="module")
def recorded():
    if not FIXTURES.is_dir():
        pytest.skip(f"recorded fixtures are missing: {FIXTURES} (set OOF_FIXTURES)")
    return FIXTURES


def test_every_recorded_transaction_is_served_as_it_lies_in_its_file(recorded, serve):
    async def scenario():
        seen = 0
        async with serve(recorded) as (node, ask):
            for folder in ("tx_json", "tx_json_parsed", "tx_base64"):
                encoding = {"tx_json": "json", "tx_json_parsed": "jsonParsed", "tx_base64": "base64"}[folder]
                for path in sorted((recorded / folder).glob("*.json")):
                    if path.name.endswith(".expected.json"):
                        continue
                    signature = path.name.removesuffix(".json")
                    answer = await ask("getTransaction", signature, {"encoding": encoding, **V0})
                    assert answer == json.loads(path.read_bytes()), path.name
                    seen += 1
            block = await ask("getBlock", 254170887, {"encoding": "base64", **V0})
            assert len(block["transactions"]) == 602
            assert all(set(one) == {"transaction", "meta", "version"} for one in block["transactions"])
            assert sum(entry.is_vote for entry in node.chain.ledger.entries if entry.slot == 254170887) == 158
        assert seen == 218

    run(scenario())


def test_solana_py_reads_every_recorded_json_answer(recorded, serve):
    async def scenario():
        async with serve(recorded / "tx_json") as (node, _), AsyncClient(node.http_url) as client:
            entries = node.chain.ledger.entries
            assert len(entries) == 70
            for entry in entries:
                signature = Signature.from_string(entry.signature)
                found = await client.get_transaction(signature, "json", max_supported_transaction_version=0)
                assert (found.value.slot, found.value.block_time) == (entry.slot, entry.block_time_seconds)
            wallet = Pubkey.from_string("JUP6LkbZbjS1jKKwapdHNy74zcZ3tLUZoi5QNyVTaV4")
            listed = (await client.get_signatures_for_address(wallet)).value
            assert [one.slot for one in listed] == sorted((one.slot for one in listed), reverse=True)
            assert len(listed) == len(node.chain.ledger.positions_of_address(str(wallet))) > 5

    run(scenario())


def test_recorded_headers_and_postings_agree(recorded):
    ledger = load_ledger(recorded / "blocks")
    entry = ledger.entries[-1]
    body = json.loads(ledger.read_body(entry, "base64"))
    for address in body["meta"]["loadedAddresses"]["writable"]:
        assert ledger.position_of(entry.signature) in ledger.positions_of_address(address)
