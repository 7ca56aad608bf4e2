"""Old names, until nobody imports them."""

from crafted_calls import PAYER, Made, called, pays, record, tells, venue
from crafted_calls import CraftedTransaction as MadeTransaction
from route_facts import measured_routes, said
from venue_facts import read

from oof_pipelines.chain.transaction import ParsedTransaction
from oof_pipelines.decode.facts import Fact

__all__ = ["PAYER", "Made", "MadeTransaction", "called", "measured_routes", "pays", "record", "said", "tells", "venue"]


def facts_of(transaction: ParsedTransaction) -> list[Fact]:
    return read(transaction).facts
