"""Why a transaction failed: the bincode bytes that a Geyser stream and a ledger carry, as the JSON that an RPC node prints.

Source: the enums `TransactionError` and `InstructionError` of the solana-transaction-error and solana-instruction-error
crates, whose order of variants is their number on the wire (u32, little-endian), and serde's JSON of them: a variant
without fields is its name, one with fields an object of one key.
"""

from typing import Any

_TRANSACTION_ERRORS = (
    "AccountInUse",
    "AccountLoadedTwice",
    "AccountNotFound",
    "ProgramAccountNotFound",
    "InsufficientFundsForFee",
    "InvalidAccountForFee",
    "AlreadyProcessed",
    "BlockhashNotFound",
    "InstructionError",
    "CallChainTooDeep",
    "MissingSignatureForFee",
    "InvalidAccountIndex",
    "SignatureFailure",
    "InvalidProgramForExecution",
    "SanitizeFailure",
    "ClusterMaintenance",
    "AccountBorrowOutstanding",
    "WouldExceedMaxBlockCostLimit",
    "UnsupportedVersion",
    "InvalidWritableAccount",
    "WouldExceedMaxAccountCostLimit",
    "WouldExceedAccountDataBlockLimit",
    "TooManyAccountLocks",
    "AddressLookupTableNotFound",
    "InvalidAddressLookupTableOwner",
    "InvalidAddressLookupTableData",
    "InvalidAddressLookupTableIndex",
    "InvalidRentPayingAccount",
    "WouldExceedMaxVoteCostLimit",
    "WouldExceedAccountDataTotalLimit",
    "DuplicateInstruction",
    "InsufficientFundsForRent",
    "MaxLoadedAccountsDataSizeExceeded",
    "InvalidLoadedAccountsDataSizeLimit",
    "ResanitizationNeeded",
    "ProgramExecutionTemporarilyRestricted",
    "UnbalancedTransaction",
    "ProgramCacheHitMaxLimit",
    "CommitCancelled",
)
_INSTRUCTION_ERRORS = (
    "GenericError",
    "InvalidArgument",
    "InvalidInstructionData",
    "InvalidAccountData",
    "AccountDataTooSmall",
    "InsufficientFunds",
    "IncorrectProgramId",
    "MissingRequiredSignature",
    "AccountAlreadyInitialized",
    "UninitializedAccount",
    "UnbalancedInstruction",
    "ModifiedProgramId",
    "ExternalAccountLamportSpend",
    "ExternalAccountDataModified",
    "ReadonlyLamportChange",
    "ReadonlyDataModified",
    "DuplicateAccountIndex",
    "ExecutableModified",
    "RentEpochModified",
    "NotEnoughAccountKeys",
    "AccountDataSizeChanged",
    "AccountNotExecutable",
    "AccountBorrowFailed",
    "AccountBorrowOutstanding",
    "DuplicateAccountOutOfSync",
    "Custom",
    "InvalidError",
    "ExecutableDataModified",
    "ExecutableLamportChange",
    "ExecutableAccountNotRentExempt",
    "UnsupportedProgramId",
    "CallDepth",
    "MissingAccount",
    "ReentrancyNotAllowed",
    "MaxSeedLengthExceeded",
    "InvalidSeeds",
    "InvalidRealloc",
    "ComputationalBudgetExceeded",
    "PrivilegeEscalation",
    "ProgramEnvironmentSetupFailure",
    "ProgramFailedToComplete",
    "ProgramFailedToCompile",
    "Immutable",
    "IncorrectAuthority",
    "BorshIoError",
    "AccountNotRentExempt",
    "InvalidAccountOwner",
    "ArithmeticOverflow",
    "UnsupportedSysvar",
    "IllegalOwner",
    "MaxAccountsDataAllocationsExceeded",
    "MaxAccountsExceeded",
    "MaxInstructionTraceLengthExceeded",
    "BuiltinProgramsMustConsumeComputeUnits",
)
_WITH_ACCOUNT_INDEX = frozenset({"InsufficientFundsForRent", "ProgramExecutionTemporarilyRestricted"})
_TAG_BYTES = 4
_LENGTH_BYTES = 8


class TransactionErrorBytesError(ValueError):
    """Bytes, or a JSON value, that are no transaction error known here."""


def read_transaction_error(encoded: bytes) -> Any:
    """The JSON value of an error in bincode. Raises `TransactionErrorBytesError` for variants and lengths not known here."""
    name, rest = _variant(encoded, _TRANSACTION_ERRORS)
    if name == "InstructionError":
        inner, after = _read_instruction_error(rest[1:])
        value: Any = {name: [_byte(rest), inner]}
    elif name == "DuplicateInstruction":
        value, after = {name: _byte(rest)}, rest[1:]
    elif name in _WITH_ACCOUNT_INDEX:
        value, after = {name: {"account_index": _byte(rest)}}, rest[1:]
    else:
        value, after = name, rest
    if after:
        raise TransactionErrorBytesError(f"{len(after)} bytes behind {name}")
    return value


def write_transaction_error(value: Any) -> bytes:
    """The inverse of `read_transaction_error`. Raises `TransactionErrorBytesError` for a value it could not have given."""
    try:
        name, fields = _name_and_fields(value)
        tag = _TRANSACTION_ERRORS.index(name).to_bytes(_TAG_BYTES, "little")
        if name == "InstructionError":
            index, inner = fields
            return tag + bytes([index]) + _write_instruction_error(inner)
        if name == "DuplicateInstruction":
            return tag + bytes([fields])
        return tag + bytes([fields["account_index"]]) if name in _WITH_ACCOUNT_INDEX else tag
    except (ValueError, TypeError, KeyError, OverflowError, AttributeError):
        raise TransactionErrorBytesError(f"no transaction error: {str(value)[:80]}") from None


def _read_instruction_error(encoded: bytes) -> tuple[Any, bytes]:
    name, rest = _variant(encoded, _INSTRUCTION_ERRORS)
    if name == "Custom":
        if len(rest) < _TAG_BYTES:
            raise TransactionErrorBytesError("a Custom error without its code")
        return {name: int.from_bytes(rest[:_TAG_BYTES], "little")}, rest[_TAG_BYTES:]
    if name == "BorshIoError" and rest:
        # Validators before 3.0 put the words of the error behind it; later ones nothing.
        length = int.from_bytes(rest[:_LENGTH_BYTES], "little")
        words, after = rest[_LENGTH_BYTES : _LENGTH_BYTES + length], rest[_LENGTH_BYTES + length :]
        return {name: words.decode(errors="replace")}, after
    return name, rest


def _write_instruction_error(value: Any) -> bytes:
    name, fields = _name_and_fields(value)
    tag = _INSTRUCTION_ERRORS.index(name).to_bytes(_TAG_BYTES, "little")
    if name == "Custom":
        return tag + int(fields).to_bytes(_TAG_BYTES, "little")
    if name == "BorshIoError" and fields is not None:
        words = str(fields).encode()
        return tag + len(words).to_bytes(_LENGTH_BYTES, "little") + words
    return tag


def _name_and_fields(value: Any) -> tuple[str, Any]:
    if isinstance(value, str):
        return value, None
    ((name, fields),) = value.items()
    return name, fields


def _variant(encoded: bytes, names: tuple[str, ...]) -> tuple[str, bytes]:
    number = int.from_bytes(encoded[:_TAG_BYTES], "little")
    if len(encoded) < _TAG_BYTES or number >= len(names):
        raise TransactionErrorBytesError(f"no error of number {number} in {len(encoded)} bytes")
    return names[number], encoded[_TAG_BYTES:]


def _byte(rest: bytes) -> int:
    if not rest:
        raise TransactionErrorBytesError("an error without its index")
    return rest[0]
