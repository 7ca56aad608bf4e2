"""The one swap that the routes made by hand have in common: a trader's 100 of one token for 90 of another, in a pool."""

from crafted_bodies import address
from crafted_calls import Tokens, pays, venue

TRADER, SOURCE, DESTINATION = address("trader"), address("source"), address("destination")
POOL_IN, POOL_OUT = address("pool in"), address("pool out")
SOLD, BOUGHT = address("sold mint"), address("bought mint")
SWAP_TOKENS: Tokens = {
    SOURCE: (SOLD, TRADER, 1_000),
    DESTINATION: (BOUGHT, TRADER, 0),
    POOL_IN: (SOLD, address("pool"), 0),
    POOL_OUT: (BOUGHT, address("pool"), 900),
}
SWAP = venue("a", pays(SOURCE, POOL_IN, 100), pays(POOL_OUT, DESTINATION, 90))
