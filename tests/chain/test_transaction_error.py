"""Errors in bincode against solders, which wraps the validator's own enums."""

from typing import Any

import pytest
from solders.transaction_status import (
    InstructionErrorCustom,
    InstructionErrorFieldless,
    TransactionErrorDuplicateInstruction,
    TransactionErrorFieldless,
    TransactionErrorInstructionError,
    TransactionErrorInsufficientFundsForRent,
    TransactionErrorProgramExecutionTemporarilyRestricted,
    TransactionStatus,
)

from oof_pipelines.chain.transaction_error import (
    TransactionErrorBytesError,
    read_transaction_error,
    write_transaction_error,
)

# A TransactionStatus in bincode: slot, confirmations (none), then the status, whose error is what we read.
_BEFORE_STATUS = 8 + 1 + 4
_AFTER_STATUS = 2


def bincode_of(error: Any) -> bytes:
    return bytes(TransactionStatus(5, None, error, None))[_BEFORE_STATUS:-_AFTER_STATUS]


def names_of(enum: type) -> list[str]:
    return [name for name in vars(enum) if not name.startswith("_")]


@pytest.mark.parametrize("name", names_of(TransactionErrorFieldless))
def test_every_error_without_fields(name: str) -> None:
    encoded = bincode_of(getattr(TransactionErrorFieldless, name))
    assert read_transaction_error(encoded) == name
    assert write_transaction_error(name) == encoded


@pytest.mark.parametrize("name", names_of(InstructionErrorFieldless))
def test_every_instruction_error_without_fields(name: str) -> None:
    encoded = bincode_of(TransactionErrorInstructionError(3, getattr(InstructionErrorFieldless, name)))
    assert read_transaction_error(encoded) == {"InstructionError": [3, name]}
    assert write_transaction_error({"InstructionError": [3, name]}) == encoded


@pytest.mark.parametrize(
    ("error", "value"),
    [
        (
            TransactionErrorInstructionError(255, InstructionErrorCustom(2**32 - 1)),
            {"InstructionError": [255, {"Custom": 2**32 - 1}]},
        ),
        (TransactionErrorDuplicateInstruction(7), {"DuplicateInstruction": 7}),
        (TransactionErrorInsufficientFundsForRent(2), {"InsufficientFundsForRent": {"account_index": 2}}),
        (
            TransactionErrorProgramExecutionTemporarilyRestricted(9),
            {"ProgramExecutionTemporarilyRestricted": {"account_index": 9}},
        ),
    ],
)
def test_errors_with_fields(error: Any, value: Any) -> None:
    assert read_transaction_error(bincode_of(error)) == value
    assert write_transaction_error(value) == bincode_of(error)


def test_the_words_of_an_older_borsh_error() -> None:
    value = {"InstructionError": [1, {"BorshIoError": "Unknown"}]}
    assert read_transaction_error(write_transaction_error(value)) == value


@pytest.mark.parametrize(
    "encoded", [b"", b"\x08\0\0", b"\x08\0\0\0", b"\x08\0\0\0\1\x19\0\0\0\1", b"\xff\0\0\0", b"\0\0\0\0\1"]
)
def test_bytes_that_are_no_error(encoded: bytes) -> None:
    with pytest.raises(TransactionErrorBytesError):
        read_transaction_error(encoded)


@pytest.mark.parametrize("value", ["Nonsense", None, 5, {}, {"InstructionError": [300, "Custom"]}, {"Custom": 1}])
def test_values_that_are_no_error(value: Any) -> None:
    with pytest.raises(TransactionErrorBytesError):
        write_transaction_error(value)
