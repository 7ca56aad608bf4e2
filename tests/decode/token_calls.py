"""Instructions of the token programs for hand-built transactions, each with the words a node has for it."""

from struct import pack

from hand_ledger import Call, key

RENT = 2_039_280
"""Lamports of a token account of 165 bytes."""


def open_account(account: str, mint: str, owner: str, program: str = "token") -> Call:
    """InitializeAccount3."""
    words = ("initializeAccount3", {"account": account, "mint": mint, "owner": owner})
    return Call(program, f"{account} {mint}", b"\x12" + key(owner), words)


def send(source: str, destination: str, amount_raw: int, program: str = "token") -> Call:
    """Transfer."""
    words = ("transfer", {"source": source, "destination": destination, "amount": str(amount_raw)})
    return Call(program, f"{source} {destination} alice", pack("<BQ", 3, amount_raw), words)


def send_checked(source: str, mint: str, destination: str, amount_raw: int, program: str = "token") -> Call:
    """TransferChecked."""
    amount = {"amount": str(amount_raw), "decimals": 0}
    words = ("transferChecked", {"source": source, "mint": mint, "destination": destination})
    words[1]["tokenAmount"] = amount  # type: ignore[assignment]
    return Call(program, f"{source} {mint} {destination} alice", pack("<BQB", 12, amount_raw, 0), words)


def close(account: str, destination: str, program: str = "token") -> Call:
    """CloseAccount."""
    words = ("closeAccount", {"account": account, "destination": destination, "owner": "alice"})
    return Call(program, f"{account} {destination} alice", b"\x09", words)


def sync(account: str, program: str = "token") -> Call:
    """SyncNative."""
    return Call(program, account, b"\x11", ("syncNative", {"account": account}))


def mint_to(mint: str, account: str, amount_raw: int, program: str = "token") -> Call:
    """MintTo."""
    words = ("mintTo", {"mint": mint, "account": account, "amount": str(amount_raw), "mintAuthority": "alice"})
    return Call(program, f"{mint} {account} alice", pack("<BQ", 7, amount_raw), words)


def burn(account: str, mint: str, amount_raw: int, program: str = "token") -> Call:
    """Burn."""
    words = ("burn", {"account": account, "mint": mint, "amount": str(amount_raw), "authority": "alice"})
    return Call(program, f"{account} {mint} alice", pack("<BQ", 8, amount_raw), words)


def set_authority(account: str, kind: int, word: str, new: str | None) -> Call:
    """SetAuthority of an account; `kind` 2 is its owner, 3 who may close it."""
    tail = b"\x00" if new is None else b"\x01" + key(new)
    info = {"account": account, "authority": "alice", "authorityType": word}
    words = ("setAuthority", info | {"newAuthority": new} if new else info)
    return Call("token", f"{account} alice", bytes([6, kind]) + tail, words)
