// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {DemoToken} from "../../contracts/examples/DemoToken.sol";
import {MarginalUtilityToken} from "../../contracts/MarginalUtilityToken.sol";
import {IDataMarket} from "../../contracts/interfaces/IDataMarket.sol";
import {Errors} from "../../contracts/libraries/Errors.sol";
import {MarketFixture} from "./utils/MarketFixture.sol";
import {ScoreTree} from "./utils/ScoreTree.sol";
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

    function test_falseReturningOnRefundAndFee() public {
        openRound();
        settled();
        odd.setStyle(OddToken.Style.ReturnsFalse);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        market.refund(round);
        vm.expectRevert(SafeTransferLib.TransferFailed.selector);
        market.claimOperatorFee(round, members[0]);
        odd.setStyle(OddToken.Style.Standard);
        claimAll();
        assertEq(odd.balanceOf(address(market)), 0, "still owed, then paid");
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

    /// @dev A provider, the planner, an operator in turn.
    function test_blackListedPayeeBlocksNobodyElse() public {
        openRound();
        settled();
        bytes[3] memory calls = [
            abi.encodeCall(market.claim, (round, bids[0].provider)),
            abi.encodeCall(market.refund, (round)),
            abi.encodeCall(market.claimOperatorFee, (round, members[0]))
        ];
        address[3] memory payees = [bids[0].provider, PLANNER, members[0]];
        for (uint256 i; i < 3; ++i) {
            uint256 here = vm.snapshotState();
            odd.refuse(payees[i]);
            (bool ok,) = address(market).call(calls[i]);
            assertTrue(!ok, "refused by the token");
            market.claim(round, bids[1].provider);
            for (uint256 j; j < 3; ++j) {
                (ok,) = address(market).call(calls[j]);
                assertTrue(ok == (i != j), "the others are paid");
            }
            // A claim does not lapse.
            odd.refuse(address(0));
            (ok,) = address(market).call(calls[i]);
            assertTrue(ok, "paid later");
            for (uint256 j = 1; j < members.length; ++j) {
                market.claimOperatorFee(round, members[j]);
            }
            assertEq(odd.balanceOf(address(market)), 0, "tokens left");
            vm.revertToState(here);
        }
    }

    /// @dev A balance that grows by itself is nobody's.
    function test_rebasedUpwards() public {
        openRound();
        settled();
        odd.rebase(address(market), 2 * escrow());
        claimAll();
        assertEq(odd.balanceOf(address(market)), escrow(), "nobody was paid more");
    }

    /// @dev A balance that shrinks is the risk of the rounds in that token: who is late waits until it is made up, and
    /// rounds in other tokens see nothing of it.
    function test_rebasedDownwards() public {
        openRound();
        settled();
        market.refund(round);
        market.claim(round, bids[0].provider);
        odd.rebase(address(market), odd.balanceOf(address(market)) - 1);
        market.claim(round, bids[1].provider);
        for (uint256 i; i < members.length - 1; ++i) {
            market.claimOperatorFee(round, members[i]);
        }
        vm.expectRevert();
        market.claimOperatorFee(round, members[3]);
        (uint256 one, address lost) = (round, token);

        (terms, token) = (defaultTerms(), address(new DemoToken(6)));
        terms.paymentToken = token;
        openRound();
        settled();
        claimAll();
        assertEq(DemoToken(token).balanceOf(address(market)), 0, "paid in full");

        OddToken(lost).mint(address(market), 1);
        market.claimOperatorFee(one, members[3]);
        assertEq(odd.balanceOf(address(market)), 0, "made up");
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

    /// @dev Two openings that measure one escrow.
    function test_tokenReentersOpening() public {
        OddReceiver planner = new OddReceiver();
        terms.planner = address(planner);
        odd.mint(address(planner), 2 * escrow());
        bytes memory opening = abi.encodeCall(market.open, (terms));
        odd.callBack(address(planner), abi.encodeCall(planner.run, (address(market), 0, opening)));
        planner.run(address(market), 0, opening);
        assertTrue(!odd.callbackSucceeded(), "open in open");
        assertEq(market.rounds(), 1, "one round");
        assertEq(odd.balanceOf(address(market)), escrow(), "one escrow");
    }

    /// @dev A deposit within a deposit would be counted twice by the difference of balances.
    function test_tokenReentersDeposit() public {
        openRound();
        settled();
        MarginalUtilityToken shares = mut();
        odd.mint(address(this), 100);
        odd.mint(address(odd), 1);
        odd.callBack(address(shares), abi.encodeCall(shares.deposit, (1)));
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

    /// @dev A challenger that wants its bond twice, and a provider's on top.
    function test_challengerReenters() public {
        OddReceiver challenger = new OddReceiver();
        openRound();
        bid(100, WAD, WAD);
        observeAll();
        postReport();
        vm.warp(terms.reportEnd);
        uint96 bond = terms.challengeBond;
        vm.deal(address(this), bond);
        bytes memory call_ =
            abi.encodeCall(IDataMarket.challenge, (round, leaves[0], ScoreTree.proof(leaves, 0), "evidence"));
        challenger.run{value: bond}(address(market), bond, call_);
        bytes32 id = market.roundOf(round).challengeId;
        (address[] memory signers, bytes[] memory signed) = signatures(3, operators.rulingDigest(committeeId, id, true));
        operators.rule(committeeId, id, true, signers, signed);
        market.resolve(round);
        vm.deal(address(market), 10 ether);
        challenger.callBack(address(market), abi.encodeCall(IDataMarket.claimChallengeBond, (round)));
        market.claimChallengeBond(round);
        assertEq(address(challenger).balance, bond, "once");
    }

    function test_operatorReentersWithdrawal() public {
        OddReceiver operator = new OddReceiver();
        operators.stake{value: 1 ether}(address(operator));
        operator.run(address(operators), 0, abi.encodeCall(operators.requestExit, ()));
        vm.warp(block.timestamp + operators.EXIT_DELAY());
        operator.callBack(
            address(operator),
            abi.encodeCall(operator.run, (address(operators), 0, abi.encodeCall(operators.withdraw, ())))
        );
        operator.run(address(operators), 0, abi.encodeCall(operators.withdraw, ()));
        assertTrue(!operator.reentered(), "withdrawal in withdrawal");
        assertEq(address(operator).balance, 1 ether, "once");
    }
}
