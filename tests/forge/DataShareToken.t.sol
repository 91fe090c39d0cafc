// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DataShareToken} from "../../contracts/DataShareToken.sol";
import {Errors} from "../../contracts/libraries/Errors.sol";
import {Test} from "./utils/Test.sol";

/// @notice The ledger on its own; this contract is its market.
contract DataShareTokenTest is Test {
    address private constant ANN = address(0xA);
    DataShareToken private shares;

    function setUp() public {
        shares = new DataShareToken();
    }

    function test_onlyTheMarketMints() public {
        vm.prank(ANN);
        vm.expectRevert(Errors.OnlyMarket.selector);
        shares.mint(1, ANN, 1, 1);
    }

    function test_soulbound() public {
        shares.mint(1, ANN, 10, 10);
        vm.startPrank(ANN);
        vm.expectRevert(Errors.NotTransferable.selector);
        shares.transfer(address(this), 1);
        vm.expectRevert(Errors.NotTransferable.selector);
        shares.transferFrom(ANN, address(this), 1);
        vm.expectRevert(Errors.NotTransferable.selector);
        shares.approve(address(this), 1);
        vm.stopPrank();
        assertEq(shares.getVotes(ANN), 10, "votes");
        assertEq(shares.allowance(ANN, address(this)), 0, "allowance");
    }

    function testFuzz_neverAboveTheSupplyOfARound(uint64[8] memory amounts, uint64 supply) public {
        uint256 total;
        for (uint256 i; i < amounts.length; ++i) {
            uint256 minted = shares.mint(1, address(uint160(i + 1)), amounts[i], supply);
            assertTrue(minted == amounts[i] || total + minted == supply, "cut only at the supply");
            total += minted;
            assertEq(shares.mintedIn(1), total, "in the round");
        }
        assertTrue(total <= supply, "supply");
        shares.mint(2, ANN, 5, 5);
        assertEq(shares.mintedIn(2), 5, "another round");
        assertEq(shares.totalSupply(), total + 5, "total");
    }
}
