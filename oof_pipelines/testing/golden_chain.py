"""`oof synth golden`: four years of one wallet, in the shape and encoding of a node, with the answers it is to be given.

The story is made up; its transactions are true encodings of real programs, and the answers are counted by the story itself
(golden_lots.py, golden_moments.py), never read back from what a decoder says. Nothing here imports positions, detectors or
pricing. The same seed gives the same bytes; another seed another wallet, other days, amounts and coins, and the same plot.
"""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from oof_pipelines.chain.exchanges import EXCHANGES_FILE, read_exchanges
from oof_pipelines.config_files import read_config
from oof_pipelines.testing.golden_answers import (
    Plan,
    check_plan,
    found_moments,
    instant_text,
    near_miss_list,
    owner_answers,
    scene_of,
)
from oof_pipelines.testing.golden_cast import EXCHANGE
from oof_pipelines.testing.golden_diary import Diary
from oof_pipelines.testing.golden_klines import kline_lines
from oof_pipelines.testing.golden_lots import StoryBook
from oof_pipelines.testing.golden_market import StoryError, StoryMarket
from oof_pipelines.testing.golden_plot import planned_chapters
from oof_pipelines.testing.golden_stage import Stage
from oof_pipelines.testing.golden_tale import Tale
from oof_pipelines.testing.recorded_node.recording_files import ANSWERS_NAME
from oof_pipelines.testing.synthetic_chain import SyntheticTransaction, write_transaction

KLINES_FOLDER = "klines"
_KLINES_NAME = "SOLUSDT_1m.csv"
SETTINGS_NAME = "settings.env"


@dataclass(frozen=True, slots=True)
class GoldenWallet:
    """A told story: its transactions in the order of the chain, its answers, the lines of its klines, and its own notes."""

    transactions: list[SyntheticTransaction]
    answers: dict[str, Any]
    klines: list[str]
    diary: Diary
    market: StoryMarket


def tell(seed: int) -> GoldenWallet:
    """Tell the story of a seed. Raises `StoryError` where its amounts contradict the plot."""
    stage, plan = Stage(seed), Plan()
    play(stage, plan)
    stage.market.check()
    _check_signatures(stage.landed)
    klines = kline_lines([one.block_time_s for one in stage.landed])
    return GoldenWallet(stage.landed, _answers(stage, plan), klines, stage.diary, stage.market)


def play(stage: Stage, plan: Plan) -> None:
    """Play all chapters, whoever's turn it is by the clock; two that meet take turns minute by minute."""
    turns: list[tuple[int, int, Iterator[int]]] = []
    for number, planned in enumerate(planned_chapters(stage.dice.randrange)):
        tale = Tale(stage, plan, planned.begin_s)
        heapq.heappush(turns, (planned.begin_s, number, planned.chapter(tale)))
    while turns:
        due_s, number, chapter = heapq.heappop(turns)
        stage.now_s = due_s if due_s >= stage.now_s else stage.next_minute()
        next_s = next(chapter, None)
        if next_s is not None:
            heapq.heappush(turns, (next_s, number, chapter))


def _check_signatures(landed: list[SyntheticTransaction]) -> None:
    if len({one.signature for one in landed}) < len(landed):
        raise StoryError("two transactions have one signature")


def _answers(stage: Stage, plan: Plan) -> dict[str, Any]:
    owner, second = str(stage.cast.owner.address), str(stage.cast.second.address)
    as_of_s = stage.landed[-1].block_time_s or 0
    exchanges = frozenset(read_exchanges(read_config(EXCHANGES_FILE)))
    if str(EXCHANGE) not in exchanges:
        raise StoryError(f"{EXCHANGES_FILE} does not name {EXCHANGE}")

    def answered(wallets: list[str]) -> dict[str, Any]:
        owners = frozenset(wallets)
        book = StoryBook.of(stage.diary.of(owners), exchanges)
        scene = scene_of(stage.market, stage.diary, wallets, as_of_s)
        found = found_moments(stage.diary, book, scene, owners, str(stage.cast.oof))
        check_plan(plan, found)
        return owner_answers(book, found, stage.diary, wallets, scene)

    return {
        "seed": stage.seed,
        "wallet": owner,
        "as_of": instant_text(as_of_s),
        "environment": {
            "OOF_TOKEN_MINT": str(stage.cast.oof),
            "OOF_STAKING_PROGRAM_ID": str(stage.cast.staking_program),
            "OOF_SOL_USD_SOURCE": "klines",
            "OOF_SOL_USD_KLINES": f"{KLINES_FOLDER}/*.csv",
        },
        "transactions": len(stage.landed),
        **answered([owner]),
        "near_misses": near_miss_list(plan),
        "owner_set": answered([owner, second]),
    }


def write_golden(folder: Path, *, seed: int, on_written: Callable[[int], None] | None = None) -> GoldenWallet:
    """Write SIGNATURE.json files, klines/, settings.env and answers.json into a folder, which is made where it is missing.

    What is there already stays.
    """
    golden = tell(seed)
    (folder / KLINES_FOLDER).mkdir(parents=True, exist_ok=True)
    (folder / KLINES_FOLDER / _KLINES_NAME).write_text("\n".join(golden.klines) + "\n", encoding="utf-8")
    for number, transaction in enumerate(golden.transactions, start=1):
        write_transaction(folder, transaction, "base64" if number % 2 else "json")
        if on_written is not None:
            on_written(number)
    environment = {name: text for name, text in golden.answers["environment"].items() if KLINES_FOLDER not in text}
    (folder / SETTINGS_NAME).write_text(
        "".join(f"{name}={text}\n" for name, text in environment.items()), encoding="utf-8"
    )
    answers = msgspec.json.format(msgspec.json.encode(golden.answers), indent=2)
    (folder / ANSWERS_NAME).write_bytes(answers + b"\n")
    return golden
