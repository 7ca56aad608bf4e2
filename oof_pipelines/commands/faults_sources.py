"""The feed hears otherwise: by a webhook that repeats itself and lies, by a Geyser stream that breaks."""

import json
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha512

import httpx

from oof_pipelines.chain.base58 import encode_base58
from oof_pipelines.commands.faults_matrix import Arena, Calm
from oof_pipelines.commands.faults_stage import RunError, Stage
from oof_pipelines.commands.processes import Child, stop
from oof_pipelines.testing.fault_catalogue import Fault

_SECRET = "the fault matrix's own"  # noqa: S105 - of a server that lives as long as one run
_MOST_BYTES = 64 * 1024
_BATCH = 20
_FORGED = 12
_ATTEMPTS = 4
_READY_SECONDS = 60.0
_TIMEOUT_SECONDS = 15.0
# A signature that no node has is given up two minutes after it was told of.
_FORGED_SECONDS = 300.0


def run_webhook(arena: Arena, fault: Fault) -> tuple[Stage, Calm]:
    """The feed hears of the chain by a webhook alone: each transaction told twice, out of order, among forgeries.

    The API is killed at each step of the fault; as Helius does, the sender tries a delivery four times.
    """
    stage, calm = arena.stage(fault.name), arena.calm()
    dice = random.Random(f"webhook {arena.seed}")  # noqa: S311 - which order, no secret
    forged = int(fault.plan[0]) if fault.plan else 0
    port = _free_port()
    with stage.node(fault.node_faults, seed=arena.seed) as node:
        sources = {"OOF_SOURCES": "webhook", **_api_settings(port)}
        feed = stage.start_feed(node, settings=sources)
        stage.wait_until_following(feed)
        told = [(entry.signature, entry.slot) for entry in arena.ledger.entries] * 2
        told += [(_made_up(arena.seed, number), arena.ledger.slots[-1]) for number in range(forged)]
        dice.shuffle(told)
        batches = [told[first : first + _BATCH] for first in range(0, len(told), _BATCH)]
        steps: list[str | None] = [*fault.steps, None]
        for number, step in enumerate(steps):
            with _api(stage, port, {**node.environment(), **sources}, step) as api:
                # What the last server did not take is told again, all of it.
                _deliver(stage, api, port, batches, is_killed=step is not None)
                if number + 1 == len(steps):
                    _deliver_what_is_refused(stage, port)
        stage.complete(feed, node.transaction_count + forged, _FORGED_SECONDS)
    stage.counts["forged signatures"] = forged
    stage.run_well(["fold"])
    return stage, calm


def _api_settings(port: int) -> dict[str, str]:
    return {
        "OOF_API_PORT": str(port),
        "OOF_API_HOST": "127.0.0.1",
        "HELIUS_WEBHOOK_SECRET": _SECRET,
        "OOF_WEBHOOK_MODE": "header",
        "OOF_WEBHOOK_MOST_BYTES": str(_MOST_BYTES),
    }


@contextmanager
def _api(stage: Stage, port: int, settings: dict[str, str], step: str | None) -> Iterator[Child]:
    api = stage.start(["api", "--json-logs"], at=step, settings=settings)
    deadline_s = time.monotonic() + _READY_SECONDS
    try:
        while True:
            try:
                httpx.get(f"http://127.0.0.1:{port}/v1/health", timeout=_TIMEOUT_SECONDS, trust_env=False)
                break
            except httpx.HTTPError:
                stage.raise_if_over()
                if api.process.poll() is not None or time.monotonic() > deadline_s:
                    raise RunError(f"the API does not answer:\n{api.log_tail()}") from None
                time.sleep(0.1)
        yield api
    finally:
        stop(api)


def _deliver(stage: Stage, api: Child, port: int, batches: list[list[tuple[str, int]]], *, is_killed: bool) -> None:
    for batch in batches:
        body = json.dumps([{"signature": signature, "slot": slot, "type": "SWAP"} for signature, slot in batch])
        if not _post(stage, port, body.encode()):
            if not is_killed:
                raise RunError(f"a delivery was not taken:\n{api.log_tail()}")
            stage.wait_for_death(api)
            return
    if is_killed:
        raise RunError("the API was to be killed and took everything")


def _post(stage: Stage, port: int, body: bytes) -> bool:
    """Whether it was answered with 200, as often as a sender tries."""
    for _ in range(_ATTEMPTS):
        stage.raise_if_over()
        try:
            answer = httpx.post(
                _address(port), content=body, headers=_shown(), timeout=_TIMEOUT_SECONDS, trust_env=False
            )
        except httpx.HTTPError:
            return False
        if answer.status_code == 200:
            stage.counts["deliveries"] += 1
            return True
        time.sleep(0.2)
    return False


def _deliver_what_is_refused(stage: Stage, port: int) -> None:
    """Nobody's secret, another's, half a body, a body that is too large: each is refused as what it is."""
    body = b'[{"signature": "1", "slot": 1}]'
    large = b"[" + b'{"signature": "x", "slot": 1},' * (_MOST_BYTES // 20) + b"{}]"
    refused: tuple[tuple[dict[str, str], bytes, int], ...] = (
        ({}, body, 401),
        ({"Authorization": "another"}, body, 401),
        (_shown(), body[:-3], 400),
        (_shown(), large, 413),
    )
    for headers, content, status in refused:
        answer = httpx.post(_address(port), content=content, headers=headers, timeout=_TIMEOUT_SECONDS, trust_env=False)
        if answer.status_code != status:
            raise RunError(f"a body that is to be refused with {status} was answered with {answer.status_code}")
        stage.counts["refused"] += 1


def run_geyser(arena: Arena, fault: Fault) -> tuple[Stage, Calm]:
    """The feed hears of the chain by a Geyser stream, which breaks, stalls, leaves out, repeats and mixes."""
    stage, calm = arena.stage(fault.name), arena.calm()
    with stage.node(fault.node_faults, seed=arena.seed, has_geyser=True) as node:
        settings = {"OOF_SOURCES": ",".join(fault.sources)}
        for step in fault.steps:
            stage.wait_for_death(stage.start_feed(node, from_slot=calm.first_slot, at=step, settings=settings))
        feed = stage.start_feed(node, from_slot=calm.first_slot, settings=settings)
        stage.complete(feed, node.transaction_count)
    stage.run_well(["fold"])
    return stage, calm


def _shown() -> dict[str, str]:
    return {"Authorization": _SECRET}


def _address(port: int) -> str:
    return f"http://127.0.0.1:{port}/webhooks/helius"


def _made_up(seed: int, number: int) -> str:
    """A signature that looks like one, of no transaction."""
    return encode_base58(sha512(f"forged {seed} {number}".encode()).digest())


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
