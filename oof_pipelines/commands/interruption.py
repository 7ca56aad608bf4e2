"""An orderly end: SIGINT, SIGTERM and SIGHUP end a command once, its clean-up is never cut short, nothing stays behind.

Signals belong to the whole process, so their state does too: one `_Signals` in this module.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import FrameType

from oof_pipelines.commands.descendants import adopt_orphans, children_of, end_strays

HURRY_AFTER_SIGNALS = 3
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_NOTICE = b"\nstopping everything; a third signal kills what has not stopped by then\n"


class Interrupted(SystemExit):
    """A signal asked this process to end. Uncaught, it is the exit status 128 + the signal's number, as shells have it."""

    def __init__(self, number: int) -> None:
        super().__init__(128 + number)
        self.signal_number = number


@dataclass(slots=True)
class _Signals:
    is_active: bool = False
    shields: int = 0
    is_raised: bool = False
    received: list[int] = field(default_factory=list)


_signals = _Signals()


@contextlib.contextmanager
def orderly_end() -> Iterator[None]:
    """Within: the first signal raises `Interrupted`, outside of `shielded` blocks; later ones are counted.

    At the end every process that was started within, by whomever, is ended (on Linux). Blocks may be nested: the outermost
    one counts. A SIGHUP that was ignored before (nohup) stays so; a SIGINT that a shell ignores for what it runs in the
    background does not, since whoever sends it means it.
    """
    if _signals.is_active or threading.current_thread() is not threading.main_thread():
        yield
        return
    spared = frozenset(children_of(os.getpid()))
    was_adopting = adopt_orphans(True)
    _signals.is_active, _signals.shields, _signals.is_raised = True, 0, False
    _signals.received.clear()
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    for number, handler in before.items():
        if handler != signal.SIG_IGN or number == signal.SIGINT:
            signal.signal(number, _on_signal)
    try:
        try:
            yield
        finally:
            with shielded():
                end_strays(spared, is_hurried)
    finally:
        _signals.is_active = False
        adopt_orphans(was_adopting)
        # Once interrupted the process is about to end, and a late signal must not change the status it ends with.
        if not _signals.received:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextlib.contextmanager
def shielded() -> Iterator[None]:
    """Within, no signal raises anything. One that came is raised at the end, unless an error is on its way already."""
    _signals.shields += 1
    try:
        yield
    finally:
        _signals.shields -= 1
    raise_if_interrupted()


def raise_if_interrupted(is_again: bool = False) -> None:
    """Raise `Interrupted` where a signal has come that could not be raised when it came.

    Once only, for it must not cut short what follows from it; `is_again` is for loops of the work itself, which cannot be
    reached after an interruption unless something swallowed it (a destructor, say).
    """
    is_due = is_again or not _signals.is_raised
    if _signals.is_active and _signals.received and not _signals.shields and is_due:
        _signals.is_raised = True
        raise Interrupted(_signals.received[0])


def is_hurried() -> bool:
    """Whether so many signals came that what has not stopped is to be killed."""
    return len(_signals.received) >= HURRY_AFTER_SIGNALS


def _on_signal(number: int, _frame: FrameType | None) -> None:
    _signals.received.append(number)
    if len(_signals.received) == 1:
        # Not by print: the signal may have come in the middle of one.
        with contextlib.suppress(OSError):
            os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, _NOTICE)
    raise_if_interrupted()
