// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {MarginalUtilityToken} from "../../contracts/MarginalUtilityToken.sol";
import {OddToken} from "./utils/Tokens.sol";
import {Test} from "./utils/Test.sol";

/// @notice Revenue in payment tokens that misbehave; this contract is the market and mints 600 and 400 of 1,000 units.
contract RevenueTokensTest is Test {
    address private constant ANN = address(0xA);
    address private constant BEN = address(0xB);

    OddToken private odd;
    MarginalUtilityToken private shares;

    function setUp() public {
        odd = new OddToken();
        shares = MarginalUtilityToken(
            Clones.cloneDeterministicWithImmutableArgs(
                address(new MarginalUtilityToken()), abi.encode(odd, 1_000), bytes32(0)
            )
        );
        shares.mint(ANN, 600);
        shares.mint(BEN, 400);
        odd.mint(address(this), 1_000_000);
    }

    function test_noReturn() public {
        odd.setStyle(OddToken.Style.NoReturn);
        shares.deposit(1_000);
        shares.withdraw(ANN);
        shares.withdraw(BEN);
        assertEq(odd.balanceOf(ANN), 600, "Ann's");
        assertEq(odd.balanceOf(BEN), 400, "Ben's");
    }

    function test_falseOnDeposit() public {
        odd.setStyle(OddToken.Style.ReturnsFalse);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        shares.deposit(1_000);
    }

    /// @dev A withdrawal that moves nothing must not count.
    function test_falseOnWithdrawal() public {
        shares.deposit(1_000);
        odd.setStyle(OddToken.Style.ReturnsFalse);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        shares.withdraw(ANN);
        odd.setStyle(OddToken.Style.Standard);
        assertEq(shares.withdraw(ANN), 600, "still hers");
    }

    /// @dev What arrives is what is shared, so that the last holder finds enough.
    function test_feeOnDeposit() public {
        odd.setFee(10);
        assertEq(shares.deposit(1_010), 1_000, "what arrived");
        odd.setFee(0);
        shares.withdraw(ANN);
        assertEq(shares.withdraw(BEN), 400, "the last one too");
        assertEq(odd.balanceOf(address(shares)), 0, "all out");
    }

    function test_feeOnWithdrawalIsTheHolders() public {
        shares.deposit(1_000);
        odd.setFee(10);
        shares.withdraw(ANN);
        assertEq(odd.balanceOf(ANN), 590, "less the fee");
        assertEq(shares.withdrawable(BEN), 400, "not Ben's");
    }

    function test_blackListedHolderBlocksNobodyElse() public {
        shares.deposit(1_000);
        odd.refuse(ANN);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        shares.withdraw(ANN);
        shares.withdraw(BEN);
        assertEq(odd.balanceOf(BEN), 400, "paid");
        // Her units can go to an account that the token serves; what they earned before stays hers.
        vm.prank(ANN);
        shares.transfer(BEN, 600);
        shares.deposit(1_000);
        assertEq(shares.withdraw(BEN), 1_000, "the new owner's");
        odd.refuse(address(0));
        assertEq(shares.withdraw(ANN), 600, "not lapsed");
    }

    function test_withdrawalsReenter() public {
        shares.deposit(1_000);
        bytes[3] memory calls = [
            abi.encodeCall(shares.withdraw, (ANN)),
            abi.encodeCall(shares.withdraw, (BEN)),
            abi.encodeCall(shares.deposit, (1))
        ];
        for (uint256 i; i < 3; ++i) {
            uint256 here = vm.snapshotState();
            odd.callBack(address(shares), calls[i]);
            shares.withdraw(ANN);
            assertTrue(!odd.callbackSucceeded(), "within a withdrawal");
            assertEq(odd.balanceOf(ANN), 600, "once");
            vm.revertToState(here);
        }
    }

    /// @dev Paid out within a deposit, the difference of balances would miss it.
    function test_depositReenters() public {
        shares.deposit(1_000);
        odd.callBack(address(shares), abi.encodeCall(shares.withdraw, (ANN)));
        assertEq(shares.deposit(1_000), 1_000, "what arrived");
        assertTrue(!odd.callbackSucceeded(), "withdrawal in deposit");
    }

    /// @dev A balance that grows by itself is nobody's; one that shrinks keeps the last holder waiting.
    function test_rebased() public {
        shares.deposit(1_000);
        odd.rebase(address(shares), 5_000);
        assertEq(shares.withdraw(ANN), 600, "no more than was deposited");
        odd.rebase(address(shares), 399);
        vm.expectRevert();
        shares.withdraw(BEN);
        odd.mint(address(shares), 1);
        assertEq(shares.withdraw(BEN), 400, "made up");
    }
}
