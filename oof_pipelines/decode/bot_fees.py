"""Fees of trading bots and front ends: what a trader pays to their known wallets beside the trade itself.

Sources of the wallets: the bot trade models of duneanalytics/spellbook (fee receivers) and, for axiom, bullx, fomo, gmgn and
photon, wallets by which public dashboards and fee adapters count those front ends' users. metamask: who gets 0.875 % of
what is sold in the swaps among the test transactions of MetaMask/snap-solana-wallet. phantom: the Solana fee wallets in
fees/phantom of DefiLlama/dimension-adapters. A fee that a router took is part of the route's own amounts, not of this file.
"""

from collections.abc import Iterator

from oof_pipelines.chain.moves import LAMPORTS_ASSET, NATIVE_MINT, NATIVE_MINTS, Move
from oof_pipelines.chain.replaced import replaced
from oof_pipelines.decode.call import Scene
from oof_pipelines.decode.facts import ON_TOP, Fact, FeePaid, FeePart
from oof_pipelines.decode.routes import Route

_WALLETS_BY_BOT = {
    "alpha_dex": ("6qgwjhV2RQxcPffRdtQBTTEezRykQKXqhcDyv1z3r9tq",),
    "autosnipe": ("CWEfC6fLi552zE2KFxhPiBAZUWdT78gMd8NGENik2zfE",),
    "axiom": (
        "4FobGn5ZWYquoJkxMzh2VUAWvV36xMgxQ3M7uG1pGGhd",
        "4V65jvcDG9DSQioUVqVPiUcUY9v6sb6HKtMnsxSKEz5S",
        "4kuG6NsAFJNwqEkac8GFDMMheCGKUPEbaRVHHyFHSwWz",
        "5BqYhuD4q1YD3DMAYkc1FeTu9vqQVYYdfBAmkZjamyZg",
        "5L2QKqDn5ukJSWGyqR4RPvFvwnBabKWqAqMzH4heaQNB",
        "76sxKrPtgoJHDJvxwFHqb3cAXWfRHFLe3VpKcLCAHSEf",
        "7LCZckF6XXGQ1hDY6HFXBKWAtiUgL9QY5vj1C4Bn1Qjj",
        "7oi1L8U9MRu5zDz5syFahsiLUric47LzvJBQX6r827ws",
        "846ah7iBSu9ApuCyEhA5xpnjHHX7d4QJKetWLbwzmJZ8",
        "86Vh4XGLW2b6nvWbRyDs4ScgMXbuvRCHT7WbUT3RFxKG",
        "8m5GkL7nVy95G4YVUbs79z873oVKqg2afgKRmqxsiiRm",
        "8vFGAKdwpn4hk7kc1cBgfWZzpyW3MEMDATDzVZhddeQb",
        "9kPrgLggBJ69tx1czYAbp7fezuUmL337BsqQTKETUEhP",
        "AaG6of1gbj1pbDumvbSiTuJhRCRkkUNaWVxijSbWvTJW",
        "CeA3sPZfWWToFEBmw5n1Y93tnV66Vmp8LacLzsVprgxZ",
        "DKyUs1xXMDy8Z11zNsLnUg3dy9HZf6hYZidB6WodcaGy",
        "DYVeNgXGLAhZdeLMMYnCw1nPnMxkBN7fJnNpHmizTrrF",
        "DZfEurFKFtSbdWZsKSDTqpqsQgvXxmESpvRtXkAdgLwM",
        "H2cDR3EkJjtTKDQKk8SJS48du9mhsdzQhy8xJx5UMqQK",
        "Hbj6XdxX6eV4nfbYTseysibp4zZJtVRRPn2J3BhGRuK9",
    ),
    "banana_gun": (
        "47hEzz83VFR23rLTEeVm9A7eFzjJwjvdupPPmX3cePqF",
        "4BBNEVRgrxVKv9f7pMNE788XM1tt379X9vNjpDH2KCL7",
        "7tQiiBdKoScWQkB1RmVuML7DBGnR31cuKPEtMM7Vy5SA",
        "8r2hZoDfk5hDWJ1sDujAi2Qr45ZyZw5EQxAXiMZWLKh2",
        "Cj297UauzMX64FU9dKJZRUBWszJ7tEWpVheasq4CfATV",
        "EMbqD9Y9jLXEa3RbCR8AsEW1kVa3EiJgDLVgvKh4qNFP",
        "HKMh8nV3ysSofRi23LsfVGLGQKB415QAEfZT96kCcVj4",
        "Lk693UiTzQC4vobasRS1QGcYA9D6RGYLjHp1bWreQtM",
    ),
    "bitfoot": ("BzmpLvrhZHKoXV7CW9F1AVPnie3hNh2JK3BRdHL4Zcya",),
    "bloom": ("7HeD6sLLqAnKVRuSfc1Ko3BSPMNKWgGTiWLKXJF31vKM",),
    "bonkbot": ("ZG98FUCjb8mJ824Gbs6RsgVmr1FhXb2oNiJHa2dwmPd",),
    "bullx": ("F4hJ3Ee3c5UuaorKAMfELBjYCjiiLH75haZTKqTywRP3",),
    "cswap": ("CSWAP5SpPcVjvpsA1H2n2HjNjMsRaPnZuX8H8bVJN5wy",),
    "falcon": ("DfkYw6zrr5cqzQHBTaXBsny54p5ip25CELUZ71hkS5LH",),
    "fomo": ("HrTf9CzXR1dRH4Sof5QrpmGWwpwAf3qZzwCsEjQpXcSq",),
    "gmgn": (
        "3t9EKmRiAUcQUYzTZpNojzeGP1KBAVEEbDNmy6wECQpK",
        "6TxjC5wJzuuZgTtnTMipwwULEbMPx5JPW3QwWkdTGnrn",
        "7sHXjs1j7sDJGVSMSPjD1b4v3FD6uRSvRWfhRdfv5BiA",
        "BB5dnY55FXS1e1NXqZDwCzgdYJdMCj3B92PU6Q5Fb6DT",
        "ByRRgnZenY6W2sddo1VJzX9o4sMU4gPDUkcmgrpGBxRy",
        "DXfkEGoo6WFsdL7x6gLZ7r6Hw2S6HrtrAQVPWYx2A1s9",
        "DymeoWc5WLNiQBaoLuxrxDnDRvLgGZ1QGsEoCAM7Jsrx",
        "HeZVpHj9jLwTVtMMbzQRf6mLtFPkWNSg11o68qrbUBa3",
        "dBhdrmwBkRa66XxBuAK4WZeZnsZ6bHeHCCLXa3a8bTJ",
    ),
    "jupbot": ("H2mM9cXi42efgwkSzTRKMVaWHrqJJx1nzNdV1NxWaHjC",),
    "looter": ("3Pu1V4duyLyVpAJue1kLAfr74nGjQ3JDzj3aJjnoEXuL",),
    "maestro": (
        "FRMxAnZgkW58zbYcE7Bxqsg99VWpJh6sMP5xLzAWNabN",
        "MaestroUL88UBnZr3wfoN7hqmNWFi3ZYCGqZoJJHE36",
    ),
    "magnum": (
        "8dEe5BM7irAnHtJ6SSWwCRf7njgnyczS3jPrvJJs88U5",
        "CPixcsP8LEMeUoavaHG3bdkywR8s4mZXNN3mYUgbXFev",
    ),
    "metamask": ("4cLUBQKZgCv2AqGXbh8ncGhrDRcicUe3WSDzjgPY2oTA",),
    "mev_x": (
        "3kxSQybWEeQZsMuNWMRJH4TxrhwoDwfv41TNMLRzFP5A",
        "4Lpvp1q69SHentfYcMBUrkgvppeEx6ovHCSYjg4UYXiq",
        "BS3CyJ9rRC4Tp8G7f86r6hGvuu3XdrVGNVpbNM9U5WRZ",
    ),
    "nova": ("noVaE91mUL5jTb8e9Vf6dqJdNPzJpEQ3uAdnQ8h4nVz",),
    "pepe_boost": ("G9PhF9C9H83mAjjkdJz4MDqkufiTPMJkx7TnKE1kFyCp",),
    "phantom": (
        "25mYnjJ2MXHZH6NvTTdA63JvjgRVcuiaj6MRiEQNs1Dq",
        "2rQZb9xqQGwoCMDkpabbzDB9wyPTjSPj9WNhJodTaRHm",
        "8psNvWTrdNTiVRNzAgsou9kETXNJm2SXZyaKuJraVRtf",
        "9gnLg6NtVxaASvxtADLFKZ9s8yHft1jXb1Vu6gVKvh1J",
        "9yj3zvLS3fDMqi1F8zhkaWfq8TZpZWHe6cz1Sgt7djXf",
        "CnmA6Zb8hLrG33AT4RTzKdGv1vKwRBKQQr8iNckvv8Yg",
        "D1NJy3Qq3RKBG29EDRj28ozbGwnhmM5yBUp8PonSYUnm",
        "wtpXRqKLdGc7vpReogsRugv6EFCw4HBHcxm8pFcR84a",
    ),
    "photon": ("AVUCZyuT35YSuj4RH7fwiyPu82Djn2Hfg7y2ND2XcnZH",),
    "pinkpunk": (
        "38e4GH49TwjXn2yARvnHueAKvU2xREtuchQahMiz3w9G",
        "DShXwLqk6ZHZFtdzE8HMDsGJLhEvrxgRdB5K16V28arK",
    ),
    "prophetbots": (
        "55vkTc7nZoUQM92AfQG7T8bkNKD4TbWeBPRg8KjyUZre",
        "Hgckz7Sv8Q5grhLXxDFXGaJD6StPE7Yu8gz611nn1wKS",
    ),
    "readyswap": ("FNKVZeufZY2me2netdgj44tnxqPK1p5GTJkFWukWFRsN",),
    "sanji": ("4E64WX4EARRMfHsvL4ZXbrbpiPcBUyrC62uawGofhdNN",),
    "shuriken": ("9cSuF94JWPb1HQzWMcifJzkoggwAtfjsojcUqny5XuJy",),
    "sol_gun": ("J3W8Bv948phnEYFCHaSF9CPxbsdRn2LFjBCUwC7Vo5AN",),
    "sol_trading_bot": (
        "96aFQc9qyqpjMfqdUeurZVYRrrwPJG2uPV6pceu4B1yb",
        "F34kcgMgCF7mYWkwLN3WN7KrFprr2NbwxuLvXx4fbztj",
        "HEPL5rTb6n1Ax6jt9z2XMPFJcDe9bSWvWQpsK7AMcbZg",
        "K1LRSA1DSoKBtC5DkcvnermRQ62YxogWSCZZPWQrdG5",
    ),
    "soul_sniper": ("6MgcmcZJXfyux7rRSsvjWaG8iegQ29KLxMtWHKoCZ7fn",),
    "tirador": ("3CicL2SZhjeZrMkQ4trT2di2RKaffovBADqHvRrYKsaJ",),
    "tradewiz": ("97VmzkjX9w8gMFS2RnHTSjtMEDbifGXBq9pgosFdFnM",),
    "trojan": (
        "2jwHNxavSoMZMEDbT1eV9PcPt5dDcayCqM6MkgaPpmWQ",
        "65gDv7pZQCZELsNpNYSFEBtNFpWZAbxmRFB6BGMqFkHH",
        "8jgg7moFJkHyTtAv9M6RBSPMp2oXeXhuiUMKW8YbYCWn",
        "92Med3qeK7duC5iiYsHX38H2f2twJfRsSx93oNrza2VH",
        "9yMwSPk9mrXSN7yDHUuZurAh1sjbJsfpUqjZ7SvVtdco",
        "BBYXdwhqbCxVRVtnuMTTxh8biNisz3ZxsnHfr44jXytR",
        "BWgb8wR1FEGiu1jCDSKuHKf752W27b4iN6SvoNCiK4qp",
    ),
    "unibot": (
        "7Yr577ubghnmUTvFgB23iPw3FWReMt18WehCz2b2c9mV",
        "8FEE2ghpWPoxsypBLW87yyqmChjUbcZz41V7bzfiJqGF",
    ),
    "wifbot": ("W1FCMFH3D7QeQcsNSTCMTpJ9BxQdk6VzeQMLJp2dNro",),
}
BOT_FEE_WALLETS = {wallet: bot for bot, wallets in _WALLETS_BY_BOT.items() for wallet in wallets}
"""Wallet → bot."""


def with_bot_fees(scene: Scene, routes: list[Route], facts: list[Fact]) -> list[Route]:
    """The routes, each with the fees its trader paid for it on top: to bots, and in calls that programs have for that.

    A fee belongs to the last route of its payer before it, else to his first one.
    """
    paid = [*_paid(scene), *_told(scene, facts)] if routes else []
    fees: dict[int, list[FeePart]] = {}
    spans = [(scene.order_of(route.path), scene.end_of(scene.order_of(route.path))) for route in routes]
    for order, payer, part in paid:
        if any(start <= order < end for start, end in spans):
            continue
        its_routes = [index for index, route in enumerate(routes) if route.trader == payer]
        if its_routes:
            before = [index for index in its_routes if spans[index][0] < order]
            fees.setdefault(before[-1] if before else its_routes[0], []).append(part)
    return [
        replaced(route, fees=(*route.fees, *fees[index])) if index in fees else route
        for index, route in enumerate(routes)
    ]


def _paid(scene: Scene) -> list[tuple[int, str, FeePart]]:
    """(order, payer, part) of every transfer to a bot's wallet."""
    found = []
    for move in scene.moves:
        if move.delta_raw > 0 and move.owner in BOT_FEE_WALLETS and move.kind == "transfer":
            payer = _payer(scene.moves, move)
            # Wrapped SOL moves in both ledgers; its lamports tell of it.
            if payer not in ("", move.owner) and move.asset not in NATIVE_MINTS:
                mint = NATIVE_MINT if move.asset == LAMPORTS_ASSET else move.asset
                part = FeePart("bot", mint, move.delta_raw, ON_TOP, move.owner)
                found.append((scene.order_of(move.path), payer, part))
    return found


def _told(scene: Scene, facts: list[Fact]) -> Iterator[tuple[int, str, FeePart]]:
    for fact in facts:
        if isinstance(fact, FeePaid) and fact.part.recipient not in BOT_FEE_WALLETS:
            yield scene.order_of(fact.path), fact.payer, fact.part


def _payer(moves: list[Move], taken: Move) -> str:
    givers = {one.owner for one in moves if one.path == taken.path and one.asset == taken.asset and one.delta_raw < 0}
    return givers.pop() if len(givers) == 1 else ""
