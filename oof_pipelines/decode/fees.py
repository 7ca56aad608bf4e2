"""What a transaction pays to land: base fee, priority fee, and the accounts that take tips for Jito and other services."""

from oof_pipelines.chain.body import COMPUTE_BUDGET_PROGRAM_ID
from oof_pipelines.chain.transaction import OUTER, Instruction, ParsedTransaction
from oof_pipelines.decode.layout import Fields, LayoutError

SIGNATURE_FEE_LAMPORTS = 5_000
_TIP_ACCOUNTS_BY_SERVICE = {
    "jito": (
        "96gYZGLnJYVFmbjzopPSU6QiEV5fGqZNyN9nmNhvrZU5",
        "HFqU5x63VTqvQss8hp11i4wVV8bD44PvwucfZ2bU7gRe",
        "Cw8CFyM9FkoMi7K7Crf6HNQqf4uEMzpKw6QNghXLvLkY",
        "ADaUMid9yfUytqMBgopwjb2DTLSokTSzL1zt6iGPaS49",
        "DfXygSm4jCyNCybVYYK6DwvWqjKee8pbDmJGcLWNDXjh",
        "ADuUkR4vqLUMWXxW9gh6D6L8pMSawimctcNZ5pGwDcEt",
        "DttWaMuVvTiduZRnguLF7jNxTgiMBZ1hyAumKUiL2KRL",
        "3AVi9Tg9Uo68tJfuvoKvqKNWKkC5wPdSSdeBnizKZ6jT",
    ),
    "nozomi": (
        "TEMPaMeCRFAS9EKF53Jd6KpHxgL47uWLcpFArU1Fanq",
        "noz3jAjPiHuBPqiSPkkugaJDkJscPuRhYnSpbi8UvC4",
        "noz3str9KXfpKknefHji8L1mPgimezaiUyCHYMDv1GE",
        "noz6uoYCDijhu1V7cutCpwxNiSovEwLdRHPwmgCGDNo",
        "noz9EPNcT7WH6Sou3sr3GGjHQYVkN3DNirpbvDkv9YJ",
        "nozc5yT15LazbLTFVZzoNZCwjh3yUtW86LoUyqsBu4L",
        "nozFrhfnNGoyqwVuwPAW4aaGqempx4PU6g6D9CJMv7Z",
        "nozievPk7HyK1Rqy1MPJwVQ7qQg2QoJGyP71oeDwbsu",
        "noznbgwYnBLDHu8wcQVCEw6kDrXkPdKkydGJGNXGvL7",
        "nozNVWs5N8mgzuD3qigrCG2UoKxZttxzZ85pvAQVrbP",
        "nozpEGbwx4BcGp6pvEdAh1JoC2CQGZdU6HbNP1v2p6P",
        "nozrhjhkCr3zXT3BiT4WCodYCUFeQvcdUkM7MqhKqge",
        "nozrwQtWhEdrA6W8dkbt9gnUaMs52PdAv5byipnadq3",
        "nozUacTVWub3cL4mJmGCYjKZTnE9RbdY5AP46iQgbPJ",
        "nozWCyTPppJjRuw2fpzDhhWbW355fzosWSzrrMYB1Qk",
        "nozWNju6dY353eMkMqURqwQEoM3SFgEKC6psLCSfUne",
        "nozxNBgWohjR75vdspfxR5H9ceC7XXH99xpxhVGt3Bb",
    ),
    "bloxroute": (
        "HWEoBxYs7ssKuudEjzjmpfJVX7Dvi7wescFsVx2L5yoY",
        "95cfoy472fcQHaw4tPGBTKpn6ZQnfEPfBgDQx6gcRmRg",
        "3UQUKjhMKaY2S6bjcQD6yHB7utcZt5bfarRCmctpRtUd",
        "FogxVNs6Mm2w9rnGL1vkARSwJxvLE8mujTv3LK8RnUhF",
        "bLx7MvxGaKdKL7mEbpk9tC79z6MnBSJoJkuaEAPu6Nd",
        "bLx7XBqSg3LUPVf1bRgCnkJmgVZR8QEgDJBPqcRLHvp",
        "bLx8KeZxinPwy6kkUgyzMLeqb2ARNsWjADG1dhSsVba",
        "bLxADBknoNj8WAGw2W6GBYeq848Xx6ajhaymV1YvrHm",
        "bLxAc88vRBwvcUQJEgcxNfBLvHPikY4csNsUmPeWea2",
        "bLxQ88oCiTsL8Xj4YWekKi1hjrgmbE3J3FFZ2xZHR3h",
        "bLxS7NoLuynNRJ4mCnEE2YbtwJFttYsEyp2ME7rp2yt",
        "bLxW6mCov7VEbrKc3S9tcBRcfSzRnLCbNp3Dfn3SJG5",
        "bLxXSGXs4mYPTC5okZXed1qzvjNwNJ48QJ82hT2V7w7",
        "bLxYi3vojbbB7hVzVDVTdBLVPhp7GJ3ZB3BwdK5sFXi",
        "bLxhLPgBXtUpX4b1bH3HatuMGMSKT9GnwtuCGiMSAqe",
        "bLxpY1mniuFW4PgkNA4JiNxoeKHFszryi6tNgyZAiAA",
        "bLxuETxd2tgWxBALNwPzAfHhsik4BzD3nrEBCiPNZQD",
        "bLxuL2gK5FW7xfahvwLrxLyW76vcCpNsKQY2CmnE6kV",
        "bLxv4Hnub7nDJWHs8s17o9bGU65Bnx6Yqp2fqtMgHmm",
    ),
    "nextblock": (
        "NextbLoCkVtMGcV47JzewQdvBpLqT9TxQFozQkN98pE",
        "NexTbLoCkWykbLuB1NkjXgFWkX9oAtcoagQegygXXA2",
        "NeXTBLoCKs9F1y5PJS9CKrFNNLU1keHW71rfh7KgA1X",
        "NexTBLockJYZ7QD7p2byrUa6df8ndV2WSd8GkbWqfbb",
        "neXtBLock1LeC67jYd1QdAa32kbVeubsfPNTJC1V5At",
        "nEXTBLockYgngeRmRrjDV31mGSekVPqZoMGhQEZtPVG",
        "NEXTbLoCkB51HpLBLojQfpyVAMorm3zzKg7w9NFdqid",
        "nextBLoCkPMgmG8ZgJtABeScP35qLa2AMCNKntAP7Xc",
    ),
    "astralane": (
        "astrazznxsGUhWShqgNtAdfrzP2G83DzcWVJDxwV9bF",
        "astra4uejePWneqNaJKuFFA8oonqCE1sqF6b45kDMZm",
        "astra9xWY93QyfG6yM8zwsKsRodscjQ2uU2HKNL5prk",
        "astraRVUuTHjpwEVvNBeQEgwYx9w9CFyfxjYoobCZhL",
        "astraEJ2fEj8Xmy6KLG7B3VfbKfsHXhHrNdCQx7iGJK",
        "astraubkDw81n4LuutzSQ8uzHCv4BhPVhfvTcYv8SKC",
        "astraZW5GLFefxNPAatceHhYjfA1ciq9gvfEg2S47xk",
        "astrawVNP4xDBKT7rAdxrLYiTSTdqtUr63fSMduivXK",
        "AstrA1ejL4UeXC2SBP4cpeEmtcFPZVLxx3XGKXyCW6to",
        "AsTra79FET4aCKWspPqeSFvjJNyp96SvAnrmyAxqg5b7",
        "AstrABAu8CBTyuPXpV4eSCJ5fePEPnxN8NqBaPKQ9fHR",
        "AsTRADtvb6tTmrsqULQ9Wji9PigDMjhfEMza6zkynEvV",
        "AsTRAEoyMofR3vUPpf9k68Gsfb6ymTZttEtsAbv8Bk4d",
        "AStrAJv2RN2hKCHxwUMtqmSxgdcNZbihCwc1mCSnG83W",
        "Astran35aiQUF57XZsmkWMtNCtXGLzs8upfiqXxth2bz",
        "AStRAnpi6kFrKypragExgeRoJ1QnKH7pbSjLAKQVWUum",
        "ASTRaoF93eYt73TYvwtsv6fMWHWbGmMUZfVZPo3CRU9C",
    ),
    "zero_slot": (
        "6fQaVhYZA4w3MBSXjJ81Vf6W1EDYeUPXpgVQ6UQyU1Av",
        "4HiwLEP2Bzqj3hM2ENxJuzhcPCdsafwiet3oGkMkuQY4",
        "7toBU3inhmrARGngC7z6SjyP85HgGMmCTEwGNRAcYnEK",
        "8mR3wB1nh4D6J9RUCugxUpc6ya8w38LPxZ3ZjcBhgzws",
        "6SiVU5WEwqfFapRuYCndomztEwDjvS5xgtEof3PLEGm9",
        "TpdxgNJBWZRL8UXF5mrEsyWxDWx9HQexA9P1eTWQ42p",
        "D8f3WkQu6dCF33cZxuAsrKHrGsqGP2yvAHf8mX6RXnwf",
        "GQPFicsy3P3NXxB5piJohoxACqTvWE9fKpLgdsMduoHE",
        "Ey2JEr8hDkgN8qKJGrLf2yFjRhW7rab99HVxwi5rcvJE",
        "4iUgjMT8q2hNZnLuhpqZ1QtiV8deFPy2ajvvjEpKKgsS",
        "3Rz8uD83QsU8wKvZbgWAPvCNDU6Fy8TSZTMcPm3RB6zt",
        "DiTmWENJsHQdawVUUKnUXkconcpW4Jv52TnMWhkncF6t",
        "HRyRhQ86t3H4aAtgvHVpUJmw64BDrb61gRiKcdKUXs5c",
        "7y4whZmw388w1ggjToDLSBLv47drw5SUXcLk6jtmwixd",
        "J9BMEWFbCBEjtQ1fG5Lo9kouX1HfrKQxeUxetwXrifBw",
        "8U1JPQh3mVQ4F5jwRdFTBzvNRQaYFQppHQYoH38DJGSQ",
        "Eb2KpSC8uMt9GmzyAEm5Eb1AAAgTjRaXWFjKyFXHZxF3",
        "FCjUJZ1qozm1e8romw216qyfQMaaWKxWsuySnumVCCNe",
        "ENxTEjSQ1YabmUpXAdCgevnHQ9MHdLv8tzFiuiYJqa13",
        "6rYLG55Q9RpsPGvqdPNJs4z5WTxJVatMB8zV3WJhs5EK",
        "Cix2bHfqPcKcM233mzxbLk14kSggUUiz2A87fJtGivXr",
    ),
    "helius": (
        "4ACfpUFoaSD9bfPdeu6DBt89gB6ENTeHBXCAi87NhDEE",
        "D2L6yPZ2FmmmTKPgzaMKdhu6EWZcTpLy1Vhx8uvZe7NZ",
        "9bnz4RShgq1hAnLnZbP8kbgBg1kEmcJBYQq3gQbmnSta",
        "5VY91ws6B2hMmBFRsXkoAAdsPHBJwRfBht4DXox3xkwn",
        "2nyhqdwKcJZR2vcqCyrYsaPVdAnFoJjiksCXJ7hfEYgD",
        "2q5pghRs6arqVjRvT5gfgWfWcHWmw1ZuCzphgd5KfWGJ",
        "wyvPkWjVZz1M8fHQnMMCDTQDbkManefNNhweYk5WkcF",
        "3KCKozbAaF75qEU33jtzozcJ29yJuaLJTy2jFdzUY8bT",
        "4vieeGHPYPG2MmyPRcYjdiDmmhN3ww7hsFNap8pVN3Ey",
        "4TQLFNWK8AovT1gFvda5jfw2oJeRMKEmw7aH6MGBJ3or",
    ),
    "block_razor": (
        "FjmZZrFvhnqqb9ThCuMVnENaM3JGVuGWNyCAxRJcFpg9",
        "6No2i3aawzHsjtThw81iq1EXPJN6rh8eSJCLaYZfKDTG",
        "A9cWowVAiHe9pJfKAj3TJiN9VpbzMUq6E4kEvf5mUT22",
        "Gywj98ophM7GmkDdaWs4isqZnDdFCW7B46TXmKfvyqSm",
        "68Pwb4jS7eZATjDfhmTXgRJjCiZmw1L7Huy4HNpnxJ3o",
        "4ABhJh5rZPjv63RBJBuyWzBK3g9gWMUQdTZP2kiW31V9",
        "B2M4NG5eyZp5SBQrSdtemzk5TqVuaWGQnowGaCBt8GyM",
        "5jA59cXMKQqZAVdtopv8q3yyw9SYfiE3vUCbt7p8MfVf",
        "5YktoWygr1Bp9wiS1xtMtUki1PeYuuzuCF98tqwYxf61",
        "295Avbam4qGShBYK7E9H5Ldew4B3WyJGmgmXfiWdeeyV",
        "EDi4rSy2LZgKJX74mbLTFk4mxoTgT6F7HxxzG2HBAFyK",
        "BnGKHAC386n4Qmv9xtpBVbRaUTKixjBe3oagkPFKtoy6",
        "Dd7K2Fp7AtoN8xCghKDRmyqr5U169t48Tw5fEd3wT9mq",
        "AP6qExwrbRgBAVaehg4b5xHENX815sMabtBzUzVB4v8S",
    ),
    "node1": (
        "node1PqAa3BWWzUnTHVbw8NJHC874zn9ngAkXjgWEej",
        "node1UzzTxAAeBTpfZkQPJXBAqixsbdth11ba1NXLBG",
        "node1Qm1bV4fwYnCurP8otJ9s5yrkPq7SPZ5uhj3Tsv",
        "node1PUber6SFmSQgvf2ECmXsHP5o3boRSGhvJyPMX1",
        "node1AyMbeqiVN6eoQzEAwCA6Pk826hrdqdAHR7cdJ3",
        "node1YtWCoTwwVYTFLfS19zquRQzYX332hs1HEuRBjC",
    ),
    "flash_block": (
        "FLaShB3iXXTWE1vu9wQsChUKq3HFtpMAhb8kAh1pf1wi",
        "FLashhsorBmM9dLpuq6qATawcpqk1Y2aqaZfkd48iT3W",
        "FLaSHJNm5dWYzEgnHJWWJP5ccu128Mu61NJLxUf7mUXU",
        "FLaSHR4Vv7sttd6TyDF4yR1bJyAxRwWKbohDytEMu3wL",
        "FLASHRzANfcAKDuQ3RXv9hbkBy4WVEKDzoAgxJ56DiE4",
        "FLasHstqx11M8W56zrSEqkCyhMCCpr6ze6Mjdvqope5s",
        "FLAShWTjcweNT4NSotpjpxAkwxUr2we3eXQGhpTVzRwy",
        "FLasHXTqrbNvpWFB6grN47HGZfK6pze9HLNTgbukfPSk",
        "FLAShyAyBcKb39KPxSzXcepiS8iDYUhDGwJcJDPX4g2B",
        "FLAsHZTRcf3Dy1APaz6j74ebdMC6Xx4g6i9YxjyrDybR",
    ),
}
# Where a service publishes its list: Jito (getTipAccounts), Nozomi (Temporal's docs, Tipping), bloXroute (docs, Tip and
# Tipping Addresses, the four of 2025 and the seventeen of 2026), NextBlock (docs, Quickstart), Astralane (docs, Endpoints
# and Configs), 0slot (its docs page), Helius Sender (docs, Sender), BlockRazor (docs, Send Transaction). Node1 and
# FlashBlock as the clients in Sol Trade SDK name them.
TIP_SERVICES = {account: service for service, accounts in _TIP_ACCOUNTS_BY_SERVICE.items() for account in accounts}
"""Account → the landing service whose tips it takes."""
TIP_ACCOUNTS = frozenset(TIP_SERVICES)
"""Accounts that take tips for landing a transaction: a transfer of lamports to one is a cost, not a payment."""

# Programs whose instructions carry signatures that are charged as the message's own are; the first byte counts them.
_PRECOMPILES = frozenset(
    {
        "Ed25519SigVerify111111111111111111111111111",
        "KeccakSecp256k11111111111111111111111111111",
        "Secp256r1SigVerify1111111111111111111111111",
    }
)

# ComputeBudgetInstruction, Borsh, a u8 tag first. The first was replaced by the other two in 2022.
_REQUEST_UNITS_AND_FEE = 0
_SET_UNIT_LIMIT = 2
_SET_UNIT_PRICE = 3
_MAX_UNITS = 1_400_000
_MICRO_LAMPORTS = 1_000_000


def network_fee(transaction: ParsedTransaction) -> tuple[int, int]:
    """(base, priority) in lamports; they add up to the fee charged, of a failed transaction too.

    Who sets a limit and a price pays ceil(price × limit / 1,000,000) beside the signatures (agave's
    `get_prioritization_fee`); who sets no price pays no priority fee, whatever a signature cost at the time. Without a
    limit the default depends on the release (200,000 units an instruction, 3,000 for a builtin one since 2025), so there
    the signatures tell the two apart.
    """
    charged = transaction.fee_lamports
    limit: int | None = None
    price = asked_lamports = 0
    for instruction in transaction.instructions:
        if instruction.program_id == COMPUTE_BUDGET_PROGRAM_ID and instruction.path[1] == OUTER:
            tag, value = _budget_setting(instruction)
            if tag == _SET_UNIT_LIMIT:
                limit = min(value, _MAX_UNITS)
            elif tag == _SET_UNIT_PRICE:
                price = value
            elif tag == _REQUEST_UNITS_AND_FEE:
                asked_lamports = value
    if price == 0:
        priority_lamports = asked_lamports
    elif limit is not None:
        priority_lamports = -(-price * limit // _MICRO_LAMPORTS)
    else:
        priority_lamports = max(0, charged - _signature_count(transaction) * SIGNATURE_FEE_LAMPORTS)
    priority_lamports = min(priority_lamports, charged)
    return charged - priority_lamports, priority_lamports


def _budget_setting(instruction: Instruction) -> tuple[int, int]:
    """(tag, value) of a Compute Budget instruction; tag -1 for one without a value that concerns the fee."""
    fields = Fields(instruction.data)
    try:
        tag = fields.u8()
        if tag == _REQUEST_UNITS_AND_FEE:
            _units, value = fields.u32(), fields.u32()
        elif tag == _SET_UNIT_LIMIT:
            value = fields.u32()
        elif tag == _SET_UNIT_PRICE:
            value = fields.u64()
        else:
            return -1, 0
    except LayoutError:
        return -1, 0
    return tag, value


def _signature_count(transaction: ParsedTransaction) -> int:
    count = transaction.signer_count
    for instruction in transaction.instructions:
        if instruction.path[1] == OUTER and instruction.program_id in _PRECOMPILES and instruction.data:
            count += instruction.data[0]
    return count
