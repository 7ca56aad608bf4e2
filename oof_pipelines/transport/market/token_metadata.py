"""What tokens call themselves: Helius' Digital Asset Standard API (getAssetBatch), or any node's view of the mint account.

DAS knows name, symbol, logo, decimals and token program; a node (getMultipleAccounts, jsonParsed) knows decimals and token
program, and name and symbol only where Token-2022 keeps them in the mint itself. Whoever makes a token chooses its words:
they are cut to a length, freed of control characters, and a logo is only an address of http(s), ipfs or ar.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from oof_pipelines.chain.base58 import is_pubkey
from oof_pipelines.interfaces import MethodMissingError, SourceRefusedError
from oof_pipelines.pricing.readings import (
    HELIUS_DAS,
    RPC_MINT,
    MetadataBatch,
    ReadingRefusedError,
    RefusedReading,
    TokenMetadata,
)
from oof_pipelines.transport.market.service import MarketService, ServiceClient, ServicePolicy
from oof_pipelines.transport.market.wire import Decimals, chunks, read_entry

METADATA_POLICY = ServicePolicy(requests=2, most_bytes=16 * 2**20)
MOST_ASSETS = 100

_METHOD_MISSING_CODE = -32601
_MOST_NAME_CHARACTERS = 200
_MOST_URL_CHARACTERS = 2048
_MOST_ADDRESS_CHARACTERS = 44
_LOGO_SCHEMES = ("https://", "http://", "ipfs://", "ar://")


class _ErrorObject(msgspec.Struct):
    code: int
    message: str = ""


class _Results(msgspec.Struct):
    result: list[msgspec.Raw] | None = None
    error: _ErrorObject | None = None


class _Accounts(msgspec.Struct):
    value: list[msgspec.Raw]


class _AccountResults(msgspec.Struct):
    result: _Accounts | None = None
    error: _ErrorObject | None = None


class _Words(msgspec.Struct):
    name: str | None = None
    symbol: str | None = None


class _Links(msgspec.Struct):
    image: str | None = None


class _Content(msgspec.Struct):
    metadata: _Words = msgspec.field(default_factory=_Words)
    links: _Links | None = None


class _TokenInfo(msgspec.Struct):
    symbol: str | None = None
    decimals: Decimals | None = None
    token_program: str | None = None


class _Asset(msgspec.Struct):
    id: str
    content: _Content | None = None
    token_info: _TokenInfo | None = None


class _Extension(msgspec.Struct):
    extension: str
    state: Any = None


class _MintInfo(msgspec.Struct):
    decimals: Decimals
    extensions: list[_Extension] = []


class _Parsed(msgspec.Struct):
    type: str
    info: _MintInfo


class _MintData(msgspec.Struct):
    parsed: _Parsed


class _MintAccount(msgspec.Struct):
    owner: str
    data: _MintData


_decode_results = msgspec.json.Decoder(_Results).decode
_decode_accounts = msgspec.json.Decoder(_AccountResults).decode


class DasClient(ServiceClient):
    """`MetadataSource` over a DAS endpoint; a node without DAS is a `MethodMissingError`."""

    async def metadata(self, mints: Sequence[str]) -> MetadataBatch:
        """Metadata of `mints`, in requests of at most 100; what the index does not know is `missing`."""
        batch = _Batch()
        for chunk in chunks(list(dict.fromkeys(mints)), MOST_ASSETS):
            content = _request("getAssetBatch", {"ids": chunk})
            answer = await self.service.post("", _decode_results, content)
            _raise_error(self.service, answer.value.error)
            by_mint: dict[str, _Asset] = {}
            for entry in answer.value.result or []:
                if bytes(entry) == b"null":
                    continue
                try:
                    asset = read_entry(HELIUS_DAS, "asset", entry, _Asset)
                except ReadingRefusedError as error:
                    batch.refuse(error, _mint_in(entry, chunk), answer.came_at)
                    continue
                by_mint[asset.id] = asset
            batch.tokens += [_of_asset(by_mint[mint], answer.came_at) for mint in chunk if mint in by_mint]
            batch.miss(chunk)
        return batch.frozen()


class RpcMintClient(ServiceClient):
    """`MetadataSource` over any node."""

    async def metadata(self, mints: Sequence[str]) -> MetadataBatch:
        """Decimals and token program of `mints`; what is no account is `missing`, what is no mint refused."""
        batch = _Batch()
        for chunk in chunks(list(dict.fromkeys(mints)), MOST_ASSETS):
            content = _request("getMultipleAccounts", [chunk, {"encoding": "jsonParsed", "commitment": "confirmed"}])
            answer = await self.service.post("", _decode_accounts, content)
            _raise_error(self.service, answer.value.error)
            accounts = answer.value.result.value if answer.value.result else []
            if len(accounts) != len(chunk):
                raise ReadingRefusedError(RPC_MINT, "answer", f"{len(accounts)} accounts for {len(chunk)} addresses")
            for mint, entry in zip(chunk, accounts, strict=True):
                if bytes(entry) == b"null":
                    continue
                try:
                    account = read_entry(RPC_MINT, mint, entry, _MintAccount)
                    if account.data.parsed.type != "mint":
                        raise ReadingRefusedError(RPC_MINT, mint, "the account is no mint")
                except ReadingRefusedError as error:
                    batch.refuse(error, mint, answer.came_at)
                    continue
                batch.tokens.append(_of_account(mint, account, answer.came_at))
            batch.miss(chunk)
        return batch.frozen()


class _Batch:
    """A `MetadataBatch` in the making."""

    def __init__(self) -> None:
        self.tokens: list[TokenMetadata] = []
        self.missing: list[str] = []
        self.refused: list[RefusedReading] = []

    def refuse(self, error: ReadingRefusedError, mint: str, at: datetime) -> None:
        self.refused.append(RefusedReading(error.source, mint, error.reason, at))

    def miss(self, asked: list[str]) -> None:
        """Whoever was asked for and is in neither list is missing."""
        told = {token.mint for token in self.tokens} | {one.subject for one in self.refused}
        self.missing += [mint for mint in asked if mint not in told]

    def frozen(self) -> MetadataBatch:
        return MetadataBatch(tuple(self.tokens), tuple(self.missing), tuple(self.refused))


def _request(method: str, parameters: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}


def _raise_error(service: MarketService, error: _ErrorObject | None) -> None:
    if error is None:
        return
    kind = MethodMissingError if error.code == _METHOD_MISSING_CODE else SourceRefusedError
    # Whole and cleaned while a key is looked for: cut first, half of it would stay, and cleaned later it would come back.
    raise kind(error.code, cut_words(service.hide_in(_printable(error.message))))


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())


def _mint_in(entry: msgspec.Raw, asked: list[str]) -> str:
    """Which of the mints asked for a malformed entry is about, as far as its text tells."""
    text = bytes(entry)
    return next((mint for mint in asked if b'"' + mint.encode() + b'"' in text), "asset")


def _of_asset(asset: _Asset, at: datetime) -> TokenMetadata:
    content, info = asset.content or _Content(), asset.token_info or _TokenInfo()
    return TokenMetadata(
        mint=asset.id,
        name=cut_words(content.metadata.name or ""),
        symbol=cut_words(content.metadata.symbol or info.symbol or ""),
        logo_url=logo_of(content.links.image if content.links else None),
        decimals=info.decimals,
        token_program=program_of(info.token_program),
        source=HELIUS_DAS,
        at=at,
    )


def _of_account(mint: str, account: _MintAccount, at: datetime) -> TokenMetadata:
    words = _Words()
    for extension in account.data.parsed.info.extensions:
        if extension.extension == "tokenMetadata" and isinstance(extension.state, dict):
            named = {key: value for key, value in extension.state.items() if isinstance(value, str)}
            words = _Words(named.get("name"), named.get("symbol"))
    return TokenMetadata(
        mint=mint,
        name=cut_words(words.name or ""),
        symbol=cut_words(words.symbol or ""),
        logo_url=None,
        decimals=account.data.parsed.info.decimals,
        token_program=program_of(account.owner),
        source=RPC_MINT,
        at=at,
    )


def cut_words(text: str) -> str:
    """`text` without control characters and lone surrogates (PostgreSQL takes no NUL), trimmed and cut."""
    return _printable(text).strip()[:_MOST_NAME_CHARACTERS]


def program_of(address: str | None) -> str | None:
    """`address` where it is one of a program, base58 of 32 bytes; else None."""
    # The length first: reading base58 takes time that grows with its square.
    if address is None or len(address) > _MOST_ADDRESS_CHARACTERS or not is_pubkey(address):
        return None
    return address


def logo_of(address: str | None) -> str | None:
    """`address` where it is one that a page may show; else None."""
    if address is None or len(address) > _MOST_URL_CHARACTERS or not address.isprintable() or " " in address:
        return None
    return address if address.lower().startswith(_LOGO_SCHEMES) else None
