"""How one setting is read: text, numbers, addresses, folders, secrets; each refusal is one line that names the setting."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from oof_pipelines.chain.base58 import is_pubkey

# A part of an address this short is a version or a path, not a key.
_SHORTEST_KEY = 8
# A login of fewer characters keeps nobody out, and taking it out would make any text unreadable.
_SHORTEST_PASSWORD = 3
# An error repeats a value of this form only: longer ones, or ones with other characters, may be a pasted key or address.
_HARMLESS = re.compile(r"[A-Za-z0-9_.,+-]{1,20}")
POSTGRES_SCHEMES = ("postgres", "postgresql")


class SettingsError(ValueError):
    """A setting that cannot be used; the one-line message names it."""


@dataclass(frozen=True, slots=True)
class SecretUrl:
    """An address that may hold a password or an API key. Only `reveal` gives it away; printing shows scheme and host.

    `setting` is the name of the setting it was read from, for messages; empty where there is none.
    """

    _url: str = field(repr=False)
    setting: str = field(default="", compare=False)

    def reveal(self) -> str:
        return self._url

    def hide_in(self, text: str) -> str:
        """`text`, written by someone else about this address, with what may be a key or a password taken out."""
        parts = urlsplit(self._url)
        login = parts.password or parts.username or ""
        hidden = {piece for piece in (login, unquote(login)) if len(piece) >= _SHORTEST_PASSWORD}
        pieces = [value for _, value in parse_qsl(parts.query)]
        if parts.scheme in POSTGRES_SCHEMES:
            # There the path is the name of the database, and a name alone is no password.
            hidden = hidden if parts.password else set()
        else:
            pieces += parts.path.split("/")
        hidden |= {piece for piece in {*pieces, *map(unquote, pieces)} if len(piece) >= _SHORTEST_KEY}
        for piece in sorted(hidden, key=len, reverse=True):
            text = text.replace(piece, "…")
        return text

    @property
    def named(self) -> str:
        """What a message says of it: the setting's name, then scheme and host."""
        return f"{self.setting} {self}".strip()

    def __str__(self) -> str:
        parts = urlsplit(self._url)
        host = parts.hostname or ""
        host = f"[{host}]" if ":" in host else host
        port = f":{parts.port}" if parts.port else ""
        has_more = bool(parts.query or parts.username or parts.path.strip("/"))
        return f"{parts.scheme}://{host}{port}{'/…' if has_more else ''}"

    def __repr__(self) -> str:
        return f"SecretUrl({self})"


@dataclass(frozen=True, slots=True)
class SecretText:
    """A key. Only `reveal` gives it away. `setting` is the name of the setting it was read from."""

    _text: str = field(repr=False)
    setting: str = ""

    def reveal(self) -> str:
        return self._text

    def hide_in(self, text: str) -> str:
        """`text`, written by someone else, with the key taken out."""
        return text.replace(self._text, "…") if self._text else text

    def __str__(self) -> str:
        return f"{self.setting} …".strip()

    def __repr__(self) -> str:
        return f"SecretText({self})"


def folder_path(name: str, text: str) -> Path:
    if "://" in text:
        # An address of an object store may hold its key.
        raise SettingsError(f"{name}: an address is not a folder; object stores are not supported yet")
    try:
        path = Path(text).expanduser().absolute()
    except RuntimeError:
        user = text.partition("/")[0]
        raise SettingsError(f"{name}: the home folder that {user!r} names is not known") from None
    try:
        standing = next(folder for folder in (path, *path.parents) if folder.exists())
    except OSError as error:
        raise SettingsError(f"{name}: {path} cannot be reached ({error.strerror})") from None
    if not standing.is_dir():
        raise SettingsError(f"{name}: {standing} is a file, not a folder")
    return path


def text_of(values: Mapping[str, str], name: str) -> str:
    return values.get(name, "").strip()


def url_of(values: Mapping[str, str], name: str, schemes: tuple[str, ...]) -> SecretUrl | None:
    text = text_of(values, name)
    if not text:
        return None
    _check_characters(name, text)
    try:
        parts = urlsplit(text)
        is_usable = parts.scheme in schemes and bool(parts.hostname or parts.scheme in POSTGRES_SCHEMES)
        _ = parts.port
    except ValueError:
        is_usable = False
    if not is_usable:
        # The value itself may hold a key, so only what was expected is said.
        raise SettingsError(f"{name}: not an address of the form {' or '.join(f'{scheme}://…' for scheme in schemes)}")
    return SecretUrl(text, name)


def _check_characters(name: str, text: str) -> None:
    """Refuse an address whose password ends too early: what follows would be taken for a host, and shown as one."""
    if any(character.isspace() or not character.isprintable() for character in text):
        raise SettingsError(f"{name}: holds a blank or a control character (in a password, percent-encode it)")
    after_scheme = text.partition("://")[2]
    authority = re.split(r"[/?#]", after_scheme, maxsplit=1)[0]
    if "@" in after_scheme[len(authority) :] or authority.count("@") > 1:
        raise SettingsError(f"{name}: in a password, write @ as %40, / as %2F, ? as %3F, # as %23, : as %3A, % as %25")
    if text.startswith(POSTGRES_SCHEMES) and re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise SettingsError(f"{name}: a % that begins no code of two hexadecimal digits; write it as %25")


def public_key(values: Mapping[str, str], name: str) -> str:
    text = text_of(values, name)
    if text and not is_pubkey(text):
        raise SettingsError(f"{name}: {shown(text)} is no address")
    return text


def positive(values: Mapping[str, str], name: str, default: int, at_most: int = 1_000_000) -> int:
    text = text_of(values, name)
    if not text:
        return default
    # The length first: int() refuses thousands of digits with an error of its own.
    # `isdecimal` alone would let in the digits of every script.
    if not (text.isascii() and text.isdecimal()) or len(text) > 20 or not 1 <= int(text) <= at_most:
        raise SettingsError(f"{name}: {shown(text)} is not a whole number from 1 to {at_most}")
    return int(text)


def shown(value: str) -> str:
    """A bad value as an error may repeat it."""
    return repr(value) if _HARMLESS.fullmatch(value) else f"the value ({len(value)} characters)"
