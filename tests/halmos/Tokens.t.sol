// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DataShareToken} from "../../contracts/DataShareToken.sol";
import {MarginalUtilityToken} from "../../contracts/MarginalUtilityToken.sol";
import {SymbolicVm} from "./MarketAt.sol";

/// @notice For every caller and every amount, by halmos: only the market mints, and data shares never move.
contract TokensCheck {
    SymbolicVm private constant vm = SymbolicVm(address(uint160(uint256(keccak256("hevm cheat code")))));

    DataShareToken private dst;
    MarginalUtilityToken private mut;

    /// @dev The deployer is the market.
    function setUp() public {
        dst = new DataShareToken();
        mut = new MarginalUtilityToken();
        dst.mint(1, address(0xA11CE), 5, 10);
        mut.mint(address(0xA11CE), 5);
    }

    function check_onlyTheMarketMintsShares(address caller, uint256 round, address to, uint256 amount, uint256 supply)
        external
    {
        vm.assume(caller != address(this));
        vm.prank(caller);
        (bool minted,) = address(dst).call(abi.encodeCall(dst.mint, (round, to, amount, supply)));
        assert(!minted);
    }

    /// @dev To one account: balances lie in slots that Solady hashes by hand, and halmos has to know which.
    function check_onlyTheMarketMintsUnits(address caller, uint256 amount) external {
        vm.assume(caller != address(this));
        vm.prank(caller);
        (bool minted,) = address(mut).call(abi.encodeCall(mut.mint, (address(0xA11CE), amount)));
        assert(!minted);
    }

    function check_dataSharesNeverMove(address caller, address from, address to, uint256 amount) external {
        vm.prank(caller);
        (bool sent,) = address(dst).call(abi.encodeCall(dst.transfer, (to, amount)));
        vm.prank(caller);
        (bool pulled,) = address(dst).call(abi.encodeCall(dst.transferFrom, (from, to, amount)));
        assert(!sent && !pulled);
    }

    function check_dataSharesNeverExceedTheirSupply(address to, uint256 amount, uint256 supply) external {
        vm.assume(supply >= dst.mintedIn(1));
        dst.mint(1, to, amount, supply);
        assert(dst.mintedIn(1) <= supply);
    }
}
