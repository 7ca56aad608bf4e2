"""What a table of balances becomes by the instructions of a hand-built transaction, so that no table is written twice."""

from hand_ledger import FEE_LAMPORTS, Call, with_called

_TRANSFER, _MINT_TO, _BURN = 3, 7, 8
_LAMPORTS, _MINT, _AMOUNT = 1, 2, 3


def settled(before: str, calls: list[Call], *, paid: dict[str, int] | None = None) -> str:
    """The table after the calls' transfers, mints and burns, and after its first account paid the network fee.

    `paid` are lamports by account that programs moved by no instruction.
    """
    lines = {row.split()[0]: row.split() for row in before.strip().splitlines()}

    def add(name: str, column: int, delta_raw: int) -> None:
        if name in lines:
            lines[name][column] = str(int(lines[name][column]) + delta_raw)

    add(next(iter(lines)), _LAMPORTS, -FEE_LAMPORTS)
    for name, lamports in (paid or {}).items():
        add(name, _LAMPORTS, lamports)
    for call, _ in with_called(calls):
        accounts = call.accounts.split()
        if call.program == "system":
            lamports = int.from_bytes(call.data[4:12], "little")
            add(accounts[0], _LAMPORTS, -lamports)
            add(accounts[1], _LAMPORTS, lamports)
        elif call.program == "token" and call.data[0] in (_TRANSFER, _MINT_TO, _BURN):
            amount_raw = int.from_bytes(call.data[1:9], "little")
            giver = "" if call.data[0] == _MINT_TO else accounts[0]
            taker = "" if call.data[0] == _BURN else accounts[1]
            for name, delta_raw in ((giver, -amount_raw), (taker, amount_raw)):
                if name not in lines:
                    continue
                add(name, _AMOUNT, delta_raw)
                if lines[name][_MINT] == "wsol":
                    add(name, _LAMPORTS, delta_raw)
    return "\n".join(" ".join(row) for row in lines.values())
