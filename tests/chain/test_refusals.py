"""What a node says of a refused call becomes an error of ours, whatever it says."""

from __future__ import annotations

import pytest
from eth_utils.crypto import keccak
from web3.exceptions import ContractLogicError

from oracle.chain.reverts import decode_error, explain
from oracle.errors import BadInput

KNOWN = "0x" + keccak(text="Error(string)")[:4].hex()
LONG = "0x" + keccak(text="StringTooLong(string)")[:4].hex() + f"{32:064x}{1 << 64:064x}"
"""Its text has 2**64 bytes."""
ROUND = "0x" + keccak(text="UnknownRound()")[:4].hex()


@pytest.mark.parametrize("data", ["0xzz", "0x0", "é", ROUND[:-1], KNOWN + "ff" * 31, LONG, ""])
def test_data_that_is_none(data: str) -> None:
    error = ContractLogicError("execution reverted", data=data)
    assert decode_error(error) is None
    assert isinstance(explain(error), BadInput)
