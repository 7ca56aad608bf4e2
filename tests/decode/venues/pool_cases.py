"""Old names, until nobody imports them."""

from layout_checks import layout_named
from ledger_calls import craft, packed, seated
from recorded_bodies import Recorded
from venue_facts import ReadTransaction as Crafted
from venue_facts import facts_of
from venue_facts import read as read_body_facts

from oof_pipelines.decode.facts import Fact
from oof_pipelines.decode.program import Program

__all__ = ["Crafted", "craft", "layout_named", "packed", "read_body_facts", "recorded_facts", "seated"]


def recorded_facts(recorded: Recorded, program: Program) -> list[Fact]:
    return facts_of(recorded, program.name)
