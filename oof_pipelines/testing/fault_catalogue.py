"""Which faults there are, and what of them a seed decides. Pure: the same seed gives the same faults.

A fault is of a kind, which says how it is run: `node` (the recorded node misbehaves), `fork` (the same, and what the chain
takes back is not in the calm run either), `feed`, `fold`, `refresh`, `backfill` and `worker` (kill -9 at a step), `server`
(PostgreSQL goes away), `disk` (no room is left), `webhook` and `geyser` (the feed hears of the chain otherwise, and badly).
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from oof_pipelines.testing.crash_points import PARTS, WORKFLOWS

NODE, FORK, FEED, FOLD, SERVER, DISK = "node", "fork", "feed", "fold", "server", "disk"
REFRESH, BACKFILL, WORKER = "refresh", "backfill", "worker"
WEBHOOK, GEYSER = "webhook", "geyser"
KILLS = (FEED, FOLD, REFRESH, BACKFILL, WORKER)


@dataclass(frozen=True, slots=True)
class Fault:
    """One row of the matrix. `node_faults` are the recorded node's, `steps` where processes are killed, one after another.

    `settings` are environment variables of the feed; `speed` is the chain's, 0 for everything at once; `plan` are numbers
    that the kind's own run draws on, `sources` what the feed hears by.
    """

    name: str
    kind: str
    node_faults: str = ""
    steps: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    speed: float = 0.0
    plan: tuple[float, ...] = ()
    sources: tuple[str, ...] = ()


_FEED_MOMENTS = {
    "record_heard": ("before:1", "commit:1", "after:1"),
    "enqueue": ("before:1", "commit:1", "after:1"),
    "store": ("before:1", "commit:1", "after:1", "commit:2", "after:2"),
    "mark_final": ("before:1", "commit:1", "after:1"),
    "save_checkpoint": ("before:1", "commit:1", "after:1", "before:2"),
}
_FOLD_WORKFLOWS = ("fold", "decode", "flag", "reference", "price", "features", "wallets", "positions", "moments")
_COMMITS = (
    "waiting.clear",
    "served.publish",
    "contents.record",
    "positions.publish_positions",
    "positions.publish_moments",
)
_BACKFILL_STEPS = ("prove", "note_listed", "note_accounts", "settle", "save_state")
# A job that was completed by a worker that died right after is done: nobody does it again.
_WORKER_STEPS = ("claim:commit:1", "claim:after:1", "append:after:1", "complete:before:1", "complete:commit:1")
# Longer than a feed waits for its database.
_PATIENCE_SECONDS = 240
# The steps that every workflow has once a day or bucket; of each there are at least three.
_MOST_TIMES = 3


def all_faults(seed: int, *, drop_seconds: float = 90.0) -> tuple[Fault, ...]:
    """Every fault there is, with what the seed decides of it. `drop_seconds` is how long the socket is away."""
    return (
        *_node_faults(_dice("node", seed), drop_seconds),
        *_forks(),
        *_killed_feeds(_dice("feed", seed)),
        *_killed_folds(_dice("fold", seed)),
        *_killed_refreshers(_dice("refresh", seed)),
        *_killed_backfills(_dice("backfill", seed)),
        *_killed_workers(_dice("worker", seed)),
        *_other_sources(_dice("source", seed)),
        *_lost_servers(_dice("server", seed)),
        *_full_disks(_dice("disk", seed)),
    )


def _dice(kind: str, seed: int) -> random.Random:
    return random.Random(f"{kind} {seed}")  # noqa: S311 - which faults, no secret


def chosen(faults: Sequence[Fault], names: Sequence[str]) -> tuple[Fault, ...]:
    """The faults of these names, in the matrix's order; a name that is none's stands for all that begin with it.

    Raises ValueError for a name that none begins with.
    """
    known = {fault.name for fault in faults}
    wanted: set[str] = set()
    for name in names:
        found = {name} if name in known else {one for one in known if one.startswith(name)}
        if not found:
            groups = sorted({one.partition(":")[0] for one in known})
            raise ValueError(f"{name!r} is no fault; there are {', '.join(groups)}")
        wanted |= found
    return tuple(fault for fault in faults if not names or fault.name in wanted)


def _node_faults(dice: random.Random, drop_seconds: float) -> list[Fault]:
    after = dice.randint(20, 50)
    # The chain goes on meanwhile, so that most of it is told while nobody listens.
    speed = 110 / drop_seconds
    impatient = (("RPC_TIMEOUT_SECONDS", "1"),)
    return [
        Fault("socket-drop", NODE, f"drop:after={after};times=1;lose=0;for_ms={drop_seconds * 1000:.0f}", speed=speed),
        Fault("socket-drops", NODE, f"drop:after={dice.randint(10, 30)};times=0;lose={dice.randint(5, 25)}"),
        Fault("429-storm", NODE, f"storm:after={dice.randint(15, 60)};times=3;for_ms=4000;retry_after=2"),
        Fault("429-scattered", NODE, "429:p=0.15"),
        Fault("null-after-log", NODE, "null_after_log:p=0.5;for_ms=900"),
        Fault("stale-endpoint", NODE, f"stale_slot:p=0.5;lag={dice.choice((60, 5_000, 100_000_000))}"),
        Fault("stale-after-drop", NODE, f"drop:after={after};times=1,stale_slot:p=0.3;lag=100000000"),
        Fault("slow-answers", NODE, "slow:p=0.2;ms=400"),
        Fault("timeouts", NODE, "slow:p=0.1;ms=2500", settings=impatient),
        Fault("malformed-answers", NODE, "truncated:p=0.2"),
        Fault("server-errors", NODE, "error:p=0.2"),
        Fault("repeated-announcements", NODE, f"repeat:p=0.5;later={dice.randint(1, 40)}"),
        Fault("reordered-announcements", NODE, f"reorder:p=0.4;later={dice.randint(2, 60)}"),
        Fault(
            "everything-at-once",
            NODE,
            "429:p=0.05;retry_after=1,error:p=0.05,truncated:p=0.05,null_after_log:p=0.1,drop:after=30;times=0,"
            "slow:p=0.05,repeat:p=0.1,reorder:p=0.1",
        ),
    ]


def _forks() -> list[Fault]:
    vanishing, moving = "vanish:p=0.12;after_ms=1500", "fork:p=0.3;back=1;after_ms=2500"
    return [
        Fault("fork-vanished", FORK, vanishing),
        Fault("fork-moved", FORK, moving),
        Fault("kill-feed:inbox.retract", FORK, vanishing, steps=("inbox.retract:commit:1", "inbox.retract:after:2")),
        Fault("kill-feed:inbox.move_slot", FORK, moving, steps=("inbox.move_slot:commit:1", "inbox.move_slot:after:1")),
    ]


def _killed_feeds(dice: random.Random) -> list[Fault]:
    faults = [
        Fault(f"kill-feed:inbox.{method}", FEED, steps=(f"inbox.{method}:{dice.choice(moments)}",))
        for method, moments in _FEED_MOMENTS.items()
    ]
    fetched = dice.randint(2, 120)
    faults.append(Fault("kill-feed:source.transaction", FEED, steps=(f"source.transaction:after:{fetched}",)))
    several = [f"inbox.{method}:{dice.choice(_FEED_MOMENTS[method])}" for method in ("record_heard", "store", "store")]
    return [*faults, Fault("kill-feed:again-and-again", FEED, steps=tuple(several))]


def _killed_folds(dice: random.Random) -> list[Fault]:
    faults = []
    for workflow in _FOLD_WORKFLOWS:
        for step in WORKFLOWS[workflow][2]:
            at = f"{workflow}.{step}:before:{dice.randint(1, _MOST_TIMES)}"
            faults.append(Fault(f"kill-fold:{workflow}.{step}", FOLD, steps=(at,)))
    for step in _COMMITS:
        part, _, method = step.partition(".")
        assert method in PARTS[part][2]
        faults.append(Fault(f"kill-fold:{step}", FOLD, steps=(f"{step}:commit:{dice.randint(1, _MOST_TIMES)}",)))
    # These are one statement each, which commits itself.
    for step in ("positions.begin_positions", "positions.begin_moments"):
        faults.append(Fault(f"kill-fold:{step}", FOLD, steps=(f"{step}:after:{dice.randint(1, _MOST_TIMES)}",)))
    renames = tuple(f"partition.rename:{moment}:{dice.randint(1, 60)}" for moment in ("before", "after"))
    return [*faults, Fault("kill-fold:partition.rename", FOLD, steps=renames)]


def _killed_refreshers(dice: random.Random) -> list[Fault]:
    faults = [
        Fault(f"kill-refresh:refresh.{step}", REFRESH, steps=(f"refresh.{step}:before:1",))
        for step in WORKFLOWS["refresh"][2]
    ]
    moments = (
        f"touched.take:{dice.choice(('commit', 'after'))}:1",
        f"touched.serve:{dice.choice(('commit', 'after'))}:1",
    )
    return [*faults, Fault("kill-refresh:touched.serve", REFRESH, steps=moments)]


def _killed_backfills(dice: random.Random) -> list[Fault]:
    faults = [
        Fault(f"kill-backfill:coverage.{step}", BACKFILL, steps=(f"coverage.{step}:{_any_moment(dice)}:1",))
        for step in _BACKFILL_STEPS
    ]
    stored = (f"inbox.store:{_any_moment(dice)}:1", f"source.transaction:after:{dice.randint(2, 12)}")
    storm = "429:p=0.3,null_after_log:p=0.3;for_ms=500,truncated:p=0.1"
    return [
        *faults,
        Fault("kill-backfill:inbox.store", BACKFILL, steps=stored),
        Fault("backfill-under-node-faults", BACKFILL, node_faults=storm),
    ]


def _killed_workers(dice: random.Random) -> list[Fault]:
    faults = [Fault(f"kill-worker:jobs.{step}", WORKER, steps=(f"jobs.{step}",)) for step in _WORKER_STEPS]
    inside = f"inbox.store:{_any_moment(dice)}:1"
    return [*faults, Fault("kill-worker:inbox.store", WORKER, steps=(inside,))]


def _other_sources(dice: random.Random) -> list[Fault]:
    kill = f"hints.queue:{_any_moment(dice)}:{dice.randint(2, 6)}"
    after = dice.randint(15, 60)
    streams = {
        "geyser-drop": f"geyser_drop:after={after};times=3;lose=8",
        "geyser-stall": f"geyser_stall:after={after};times=2;for_ms=4000",
        "geyser-gaps": "geyser_skip:p=0.2",
        "geyser-repeated-reordered": "geyser_repeat:p=0.3,geyser_reorder:p=0.3",
    }
    both = "geyser_drop:after=40;times=0;lose=5,drop:after=40;times=0;lose=5"
    return [
        Fault("webhook-forgeries", WEBHOOK, plan=(12,)),
        Fault("kill-webhook:hints.queue", WEBHOOK, steps=(kill,)),
        *(Fault(name, GEYSER, spec, sources=("geyser",)) for name, spec in streams.items()),
        Fault("geyser-and-logs", GEYSER, both, sources=("logs", "geyser")),
        Fault("kill-geyser:inbox.store", GEYSER, steps=(f"inbox.store:{_any_moment(dice)}:1",), sources=("geyser",)),
    ]


def _any_moment(dice: random.Random) -> str:
    return dice.choice(("before", "commit", "after"))


def _lost_servers(dice: random.Random) -> list[Fault]:
    pauses = tuple(round(dice.uniform(0.1, 0.9), 2) for _ in range(3))
    slow = "slow:p=0.4;ms=250"
    fold_step = dice.choice(("fold.clear:before:4", "decode.publish:before:3", "positions.publish:before:2"))
    return [
        Fault("postgres-restart", SERVER, slow, plan=pauses, steps=("fast",)),
        Fault("postgres-kill-9", SERVER, slow, plan=pauses, steps=("server",)),
        Fault("postgres-kill-9-postmaster", SERVER, slow, plan=pauses, steps=("postmaster",)),
        Fault("postgres-kill-9-in-fold", SERVER, plan=(), steps=("fold", fold_step)),
    ]


def _full_disks(dice: random.Random) -> list[Fault]:
    return [
        Fault("disk-full-store", DISK, plan=(dice.randint(40, 400), dice.randint(500, 1_500)), steps=("store",)),
        Fault("disk-full-postgres", DISK, "slow:p=0.4;ms=250", plan=(0,), steps=("postgres",)),
        Fault("disk-full-postgres-for-long", DISK, "slow:p=0.4;ms=250", plan=(_PATIENCE_SECONDS,), steps=("postgres",)),
    ]
