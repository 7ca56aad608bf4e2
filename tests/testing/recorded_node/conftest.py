"""Small recordings of real signed transactions, and a way to serve them."""

import asyncio
import base64
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from solders.hash import Hash
from solders.instruction import AccountMeta, Instruction
from solders.keypair import Keypair
from solders.message import Message, MessageV0
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer
from solders.transaction import VersionedTransaction

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.testing.recorded_node.ledger import load_ledger
from oof_pipelines.testing.recorded_node.server import RecordedNode

GENESIS_SECONDS = 1_700_000_000
BLOCKHASH = Hash.from_bytes(bytes([7]) * 32)


class Bodies:
    """Makes getTransaction results: transfers signed by numbered wallets, in base64 or json."""

    def wallet(self, number: int) -> Keypair:
        return Keypair.from_seed(number.to_bytes(32, "big"))

    def address(self, number: int) -> str:
        return str(self.wallet(number).pubkey())

    def transaction(
        self,
        number: int,
        *,
        payer: int = 1,
        version: int | str = "legacy",
        program: str | None = None,
        data: bytes = b"",
    ) -> VersionedTransaction:
        sender = self.wallet(payer)
        to = self.wallet(1000 + number).pubkey()
        instructions = [transfer(TransferParams(from_pubkey=sender.pubkey(), to_pubkey=to, lamports=number + 1))]
        if program is not None:
            accounts = [AccountMeta(sender.pubkey(), is_signer=True, is_writable=True)]
            instructions = [Instruction(Pubkey.from_string(program), data or number.to_bytes(8, "little"), accounts)]
        if version == 0:
            return VersionedTransaction(MessageV0.try_compile(sender.pubkey(), instructions, [], BLOCKHASH), [sender])
        return VersionedTransaction(Message.new_with_blockhash(instructions, sender.pubkey(), BLOCKHASH), [sender])

    def body(
        self,
        number: int,
        slot: int | None,
        *,
        encoding: str = "base64",
        err: Any = None,
        loaded: list[str] | None = None,
        meta: dict[str, Any] | None = None,
        index: int | None = None,
        **transaction: Any,
    ) -> dict[str, Any]:
        signed = self.transaction(number, **transaction)
        size = len(signed.message.account_keys)
        result: dict[str, Any] = {
            "meta": {
                "computeUnitsConsumed": 150,
                "err": err,
                "fee": 5000,
                "innerInstructions": [],
                "loadedAddresses": {"readonly": loaded or [], "writable": []},
                "logMessages": [f"Program log: number {number}"],
                "postBalances": [10**9] * size,
                "postTokenBalances": [],
                "preBalances": [10**9] * size,
                "preTokenBalances": [],
                "rewards": [],
                "status": {"Ok": None} if err is None else {"Err": err},
                **(meta or {}),
            },
            "transaction": self._encoded(signed, encoding),
            "version": transaction.get("version", "legacy"),
        }
        if slot is not None:
            result = {"blockTime": GENESIS_SECONDS + slot, "slot": slot, **result}
        if index is not None:
            result["transactionIndex"] = index
        return result

    def _encoded(self, signed: VersionedTransaction, encoding: str) -> Any:
        if encoding == "base64":
            return [base64.b64encode(bytes(signed)).decode(), "base64"]
        return self._json(signed)

    def _json(self, signed: VersionedTransaction) -> dict[str, Any]:
        message = signed.message
        return {
            "signatures": [str(signature) for signature in signed.signatures],
            "message": {
                "accountKeys": [str(key) for key in message.account_keys],
                "header": {
                    "numReadonlySignedAccounts": message.header.num_readonly_signed_accounts,
                    "numReadonlyUnsignedAccounts": message.header.num_readonly_unsigned_accounts,
                    "numRequiredSignatures": message.header.num_required_signatures,
                },
                "instructions": [
                    {
                        "accounts": list(item.accounts),
                        "data": encode_base58(bytes(item.data)),
                        "programIdIndex": item.program_id_index,
                        "stackHeight": None,
                    }
                    for item in message.instructions
                ],
                "recentBlockhash": str(message.recent_blockhash),
            },
        }

    def signature(self, number: int, **transaction: Any) -> str:
        return str(self.transaction(number, **transaction).signatures[0])


@pytest.fixture
def bodies() -> Bodies:
    return Bodies()


@pytest.fixture
def write_chain(tmp_path: Path, bodies: Bodies) -> Callable[..., Path]:
    """Writes `count` transfers of wallet 1, `per_slot` a slot from slot 100 on, one file each; returns the folder."""

    def write(count: int, *, per_slot: int = 1, slot_step: int = 1) -> Path:
        folder = tmp_path / "recorded"
        folder.mkdir(exist_ok=True)
        for number in range(count):
            body = bodies.body(number, 100 + number // per_slot * slot_step, index=number % per_slot)
            (folder / f"{number:06}.json").write_text(json.dumps(body))
        return folder

    return write


class Asker:
    """JSON-RPC over HTTP without any client library in between."""

    def __init__(self, url: str) -> None:
        self.client = httpx.AsyncClient(base_url=url, timeout=10)

    async def post(self, method: str, *params: Any) -> httpx.Response:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        return await self.client.post("/", json=request)

    async def __call__(self, method: str, *params: Any) -> Any:
        answer = (await self.post(method, *params)).json()
        return answer["error"] if "error" in answer else answer["result"]


@pytest.fixture
def serve() -> Callable[..., Any]:
    """`async with serve(folder, …) as (node, ask)`: a node in this process and a way to ask it."""

    @contextlib.asynccontextmanager
    async def serving(folder: Path, **options: Any) -> AsyncIterator[tuple[RecordedNode, Asker]]:
        async with asyncio.timeout(30), RecordedNode(load_ledger(folder), **options).serving() as node:
            ask = Asker(node.http_url)
            async with ask.client:
                yield node, ask

    return serving


class HandClock:
    """A clock that a test moves; sleepers wake when their time is reached."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now_seconds(self) -> float:
        return self.seconds

    async def sleep(self, duration_seconds: float) -> None:
        event = asyncio.Event()
        # A hair more, as on a real clock, so that a sum of rounded seconds never falls short of what was asked.
        self._sleepers.append((self.seconds + duration_seconds + 1e-9, event))
        await event.wait()

    async def advance(self, duration_seconds: float) -> None:
        until = self.seconds + duration_seconds
        while due := [at for at, event in self._sleepers if at <= until + 1e-6 and not event.is_set()]:
            self.seconds = max(self.seconds, min(due))
            for at, event in self._sleepers:
                if at <= self.seconds:
                    event.set()
            for _ in range(5):
                await asyncio.sleep(0)
        self.seconds = max(self.seconds, until)
        for _ in range(5):
            await asyncio.sleep(0)


@pytest.fixture
def hand_clock() -> HandClock:
    return HandClock()
