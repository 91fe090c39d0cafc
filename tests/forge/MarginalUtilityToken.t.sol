// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ERC20} from "solady/src/tokens/ERC20.sol";
import {MarginalUtilityToken} from "../../contracts/MarginalUtilityToken.sol";
import {DemoToken} from "../../contracts/examples/DemoToken.sol";
import {Errors} from "../../contracts/libraries/Errors.sol";
import {Test} from "./utils/Test.sol";

/// @notice The revenue ledger on its own; this contract is its market.
contract MarginalUtilityTokenTest is Test {
    uint256 private constant UNITS = 1_000;
    address private constant ANN = address(0xA);
    address private constant BEN = address(0xB);
    address private constant CAT = address(0xC);

    DemoToken private money;
    MarginalUtilityToken private shares;

    function setUp() public {
        money = new DemoToken(6);
        shares = clone(UNITS);
    }

    function clone(uint256 units) private returns (MarginalUtilityToken instance) {
        MarginalUtilityToken code = new MarginalUtilityToken();
        instance = MarginalUtilityToken(
            Clones.cloneDeterministicWithImmutableArgs(address(code), abi.encode(money, units), bytes32(units))
        );
        money.approve(address(instance), type(uint256).max);
    }

    function deposit(uint256 amount) private {
        money.mint(address(this), amount);
        assertEq(shares.deposit(amount), amount, "received");
    }

    function send(address from, address to, uint256 amount) private {
        vm.prank(from);
        shares.transfer(to, amount);
    }

    function test_metadata() public view {
        assertEq(shares.units(), UNITS, "units");
        assertEq(shares.paymentToken(), address(money), "token");
        assertEq(shares.market(), address(this), "market");
        assertEq(shares.decimals(), 0, "decimals");
    }

    function test_onlyTheMarketMints() public {
        vm.prank(ANN);
        vm.expectRevert(Errors.OnlyMarket.selector);
        shares.mint(ANN, 1);
    }

    /// @dev A late claim loses nothing, and takes nothing from those who came first.
    function test_revenueBeforeTheFirstClaim() public {
        deposit(500);
        shares.mint(ANN, 600);
        assertEq(shares.withdrawable(ANN), 300, "of the first deposit");
        deposit(500);
        assertEq(shares.withdraw(ANN), 600, "of both");
        shares.mint(BEN, 400);
        assertEq(shares.withdraw(BEN), 400, "late");
        assertEq(money.balanceOf(address(shares)), 0, "all out");
    }

    function test_transferBeforeAndAfterADeposit() public {
        shares.mint(ANN, 1_000);
        send(ANN, BEN, 250);
        deposit(1_000);
        send(ANN, CAT, 750);
        assertEq(shares.withdrawable(ANN), 750, "earned before it was sold");
        assertEq(shares.withdrawable(BEN), 250, "held at the deposit");
        assertEq(shares.withdrawable(CAT), 0, "bought after it");
        deposit(1_000);
        assertEq(shares.withdraw(ANN), 750, "nothing more");
        assertEq(shares.withdraw(BEN), 500, "both");
        assertEq(shares.withdraw(CAT), 750, "the second");
    }

    function test_transferToOneself() public {
        shares.mint(ANN, 1_000);
        deposit(1_000);
        send(ANN, ANN, 1_000);
        assertEq(shares.withdraw(ANN), 1_000, "unchanged");
        vm.expectRevert(Errors.NothingDue.selector);
        shares.withdraw(ANN);
    }

    function test_anybodyMayPushAWithdrawal() public {
        shares.mint(ANN, 1_000);
        deposit(10);
        vm.prank(BEN);
        shares.withdraw(ANN);
        assertEq(money.balanceOf(ANN), 10, "to the holder");
        assertEq(money.balanceOf(BEN), 0, "not to the caller");
    }

    function test_nothingToDeposit() public {
        vm.expectRevert(Errors.NothingDue.selector);
        shares.deposit(0);
    }

    function test_transferToNobody() public {
        shares.mint(ANN, 1);
        vm.prank(ANN);
        vm.expectRevert(Errors.ZeroRecipient.selector);
        shares.transfer(address(0), 1);
    }

    function test_noMoreThanTheBalance() public {
        shares.mint(ANN, 1);
        deposit(1_000);
        vm.prank(ANN);
        vm.expectRevert(ERC20.InsufficientBalance.selector);
        shares.transfer(BEN, 2);
    }

    /// @dev Not even Permit2, to which Solady's tokens give an allowance that nobody approved.
    function test_noAllowanceWithoutApproval() public {
        shares.mint(ANN, 1);
        address permit2 = 0x000000000022D473030F116dDEE9F6B43aC78BA3;
        assertEq(shares.allowance(ANN, permit2), 0, "allowance");
        vm.prank(permit2);
        vm.expectRevert(ERC20.InsufficientAllowance.selector);
        shares.transferFrom(ANN, BEN, 1);
    }

    /// @dev Nobody won: the planner's units bring everything that was paid in before there were any.
    function test_revenueBeforeAnySupply() public {
        deposit(999);
        vm.expectRevert(Errors.NothingDue.selector);
        shares.withdraw(ANN);
        shares.mint(ANN, UNITS);
        assertEq(shares.withdraw(ANN), 999, "all of it");
    }

    function test_permit() public {
        uint256 key = 7;
        address owner = vm.addr(key);
        shares.mint(owner, 5);
        bytes32 permit = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                owner,
                BEN,
                5,
                0,
                block.timestamp
            )
        );
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", shares.DOMAIN_SEPARATOR(), permit));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        shares.permit(owner, BEN, 5, block.timestamp, v, r, s);
        vm.prank(BEN);
        shares.transferFrom(owner, CAT, 5);
        assertEq(shares.balanceOf(CAT), 5, "moved");
    }

    /// @dev Against a ledger that remembers what every single unit has earned, as an exact fraction of its deposits.
    function testFuzz_exactLedger(uint256 seed, uint64 units) public {
        units = uint64(bound(units, 3, type(uint64).max));
        shares = clone(units);
        address[3] memory holders = [ANN, BEN, CAT];
        uint256 minted;
        uint256[3] memory earned; // scaled by `units`
        uint256 deposited;
        uint256 withdrawn;
        for (uint256 i; i < 24; ++i) {
            uint256 word = uint256(keccak256(abi.encode(seed, i)));
            uint256 a = (word >> 8) % 3;
            if (word % 4 == 0) {
                uint256 amount = (word >> 16) % (units - minted + 1);
                minted += amount;
                shares.mint(holders[a], amount);
                earned[a] += amount * deposited;
            } else if (word % 4 == 1) {
                uint256 amount = 1 + ((word >> 16) % 1e12);
                deposit(amount);
                deposited += amount;
                for (uint256 h; h < 3; ++h) {
                    earned[h] += shares.balanceOf(holders[h]) * amount;
                }
            } else if (word % 4 == 2) {
                uint256 held = shares.balanceOf(holders[a]);
                send(holders[a], holders[(word >> 32) % 3], (word >> 64) % (held + 1));
            } else if (shares.withdrawable(holders[a]) != 0) {
                withdrawn += shares.withdraw(holders[a]);
            }
        }
        uint256 open;
        for (uint256 h; h < 3; ++h) {
            uint256 got = money.balanceOf(holders[h]) + shares.withdrawable(holders[h]);
            assertEq(got, earned[h] / units, "earned");
            open += shares.withdrawable(holders[h]);
        }
        assertTrue(open <= deposited - withdrawn, "solvent");
        assertEq(money.balanceOf(address(shares)), deposited - withdrawn, "balance");
    }
}
