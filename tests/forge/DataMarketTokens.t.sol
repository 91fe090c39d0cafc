// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {MarginalUtilityToken} from "../../contracts/MarginalUtilityToken.sol";
import {IDataMarket} from "../../contracts/interfaces/IDataMarket.sol";
import {Errors} from "../../contracts/libraries/Errors.sol";
import {MarketFixture} from "./utils/MarketFixture.sol";
import {OddReceiver, OddToken} from "./utils/Tokens.sol";

/// @notice Payment tokens and payees that misbehave.
contract DataMarketTokensTest is MarketFixture {
    OddToken private odd;

    function setUp() public {
        setUpMarket(4, 3);
        odd = new OddToken();
        token = address(odd);
        terms.paymentToken = token;
    }

    function settled() private {
        bid(100, WAD, WAD);
        bid(200, WAD, WAD);
        score();
        revealAll();
        settle();
    }

    /* TOKENS */

    function test_noReturnToken() public {
        odd.setStyle(OddToken.Style.NoReturn);
        openRound();
        settled();
        claimAll();
        assertEq(odd.balanceOf(address(market)), 0, "tokens left");
        assertTrue(odd.balanceOf(bids[0].provider) != 0, "paid");
    }

    function refuseOpening(bytes memory reason) private {
        odd.mint(PLANNER, escrow());
        vm.prank(PLANNER);
        vm.expectRevert(reason);
        market.open(terms);
    }

    function test_falseReturningToken() public {
        odd.setStyle(OddToken.Style.ReturnsFalse);
        refuseOpening(abi.encodeWithSelector(SafeTransferLib.TransferFromFailed.selector));
    }

    /// @dev A claim that moves nothing must not count as paid.
    function test_falseReturningOnClaim() public {
        openRound();
        settled();
        odd.setStyle(OddToken.Style.ReturnsFalse);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        market.claim(round, bids[0].provider);
        odd.setStyle(OddToken.Style.Standard);
        market.claim(round, bids[0].provider);
    }

    function test_feeOnTransfer() public {
        odd.setFee(1);
        refuseOpening(abi.encodeWithSelector(Errors.WrongEscrow.selector, escrow(), escrow() - 1));
    }

    function test_noToken() public {
        terms.paymentToken = address(0x1234);
        vm.prank(PLANNER);
        vm.expectRevert(SafeTransferLib.TransferFromFailed.selector);
        market.open(terms);
    }

    function test_blackListedPayeeBlocksNobodyElse() public {
        openRound();
        settled();
        odd.refuse(bids[0].provider);
        vm.expectRevert();
        market.claim(round, bids[0].provider);
        market.claim(round, bids[1].provider);
        market.refund(round);
        // Its claim does not lapse.
        odd.refuse(address(0));
        market.claim(round, bids[0].provider);
        for (uint256 i; i < members.length; ++i) {
            market.claimOperatorFee(round, members[i]);
        }
        market.refund(round);
        assertEq(odd.balanceOf(address(market)), 0, "tokens left");
    }

    function test_tokenReenters() public {
        openRound();
        settled();
        odd.callBack(address(market), abi.encodeCall(IDataMarket.claim, (round, bids[0].provider)));
        market.claim(round, bids[1].provider);
        assertTrue(!odd.callbackSucceeded(), "claim in claim");
        odd.callBack(address(market), abi.encodeCall(IDataMarket.refund, (round)));
        market.refund(round);
        assertTrue(!odd.callbackSucceeded(), "refund in refund");
        market.claimOperatorFee(round, members[0]);
        assertTrue(!odd.callbackSucceeded(), "refund in fee");
    }

    /// @dev A deposit within a deposit would be counted twice by the difference of balances.
    function test_tokenReentersDeposit() public {
        openRound();
        settled();
        MarginalUtilityToken shares = mut();
        odd.mint(address(this), 100);
        odd.callBack(address(shares), abi.encodeCall(shares.deposit, (0)));
        shares.deposit(100);
        assertTrue(!odd.callbackSucceeded(), "deposit in deposit");
    }

    /* PAYEES */

    /// @dev A contract as a third provider.
    function oddProvider() private returns (OddReceiver payee) {
        payee = new OddReceiver();
        openRound();
        bids.push(Bid(address(payee), keccak256("data"), 50, keccak256("salt")));
        leaves.push(IDataMarket.ScoreLeaf(address(payee), keccak256("data"), 0, 0, uint64(WAD), uint64(WAD), 1, 1));
        vm.deal(address(this), terms.bidBond);
        bytes memory call_ = abi.encodeCall(IDataMarket.commit, (round, sealOf(bids[0]), keccak256("data"), 0));
        payee.run{value: terms.bidBond}(address(market), terms.bidBond, call_);
        settled();
    }

    function test_payeeRefusesEther() public {
        OddReceiver payee = oddProvider();
        payee.refuse(true);
        vm.expectRevert(SafeTransferLib.ETHTransferFailed.selector);
        market.claim(round, address(payee));
        market.claim(round, bids[1].provider);
        payee.refuse(false);
        market.claim(round, address(payee));
        assertEq(address(payee).balance, terms.bidBond, "bond");
    }

    function test_payeeReenters() public {
        OddReceiver payee = oddProvider();
        payee.callBack(address(market), abi.encodeCall(IDataMarket.claim, (round, bids[1].provider)));
        market.claim(round, address(payee));
        assertTrue(!payee.reentered(), "claim in claim");
        assertEq(address(payee).balance, terms.bidBond, "once");
    }
}
