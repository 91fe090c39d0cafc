// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {MarketAt} from "./MarketAt.sol";

/// @notice For every moment and every argument, by halmos: phases are kept, nothing happens twice, and a running round's
/// escrow and terms are out of the planner's reach. Each check first shows that the call goes through where it may.
contract MarketCheck is MarketAt {
    /* PHASES */

    function check_commitOutsideItsPhase(uint40 time, bytes32 bid, bytes32 root, bytes32 manifest) external {
        outside(time, 0, terms.commitEnd);
        vm.prank(PROVIDER);
        (bool committed,) = address(market).call(abi.encodeCall(market.commit, (round, bid, root, manifest)));
        vm.prank(PROVIDER);
        (bool resealed,) = address(market).call(abi.encodeCall(market.reseal, (round, bid)));
        assert(!committed && !resealed);
    }

    function check_observeOutsideItsPhase(uint40 time, bytes32 digest) external {
        outside(time, terms.commitEnd, terms.observeEnd);
        assert(!tryObserve(digest));
    }

    function check_reportOutsideItsPhase(uint40 time, bytes32 root) external {
        observed();
        outside(time, terms.observeEnd, terms.reportEnd);
        assert(!tryReport(root, 1));
    }

    function check_revealOutsideItsPhase(uint40 time) external {
        reported();
        outside(time, terms.challengeEnd, terms.revealEnd);
        assert(!tryReveal());
    }

    function check_settleOutsideItsPhase(uint40 time) external {
        revealed();
        outside(time, terms.revealEnd, terms.settleEnd);
        assert(!trySettle());
    }

    /* REPLAY */

    function check_secondObserve(uint40 time, bytes32 digest) external {
        observed();
        vm.warp(time);
        assert(!tryObserve(digest));
    }

    function check_secondReport(uint40 time, bytes32 root, uint32 count) external {
        reported();
        vm.warp(time);
        assert(!tryReport(root, count));
    }

    function check_secondReveal(uint40 time) external {
        revealed();
        vm.warp(time);
        assert(!tryReveal());
    }

    /* MONEY */

    function check_doubleClaim(uint40 time) external {
        settled();
        assert(tryClaim());
        uint256 paid = token.balanceOf(PROVIDER);
        vm.warp(time);
        assert(!tryClaim());
        assert(token.balanceOf(PROVIDER) == paid);
    }

    /// @dev Whatever the planner tries that pays or ends a round, for whomever.
    function check_escrowAndTermsOfARunningRound(uint40 time, address anybody) external {
        revealed();
        vm.assume(time < terms.settleEnd);
        vm.warp(time);
        uint256 escrow = token.balanceOf(address(market));
        bytes[4] memory calls = [
            abi.encodeCall(market.refund, (round)),
            abi.encodeCall(market.voidRound, (round)),
            abi.encodeCall(market.claim, (round, anybody)),
            abi.encodeCall(market.claimChallengeBond, (round))
        ];
        for (uint256 i; i < 4; ++i) {
            vm.prank(PLANNER);
            (bool ok,) = address(market).call(calls[i]);
            assert(!ok);
        }
        assert(token.balanceOf(address(market)) == escrow);
        assert(market.roundOf(round).termsHash == keccak256(abi.encode(terms)));
    }

    function check_refundOnce(uint40 time) external {
        settled();
        assert(tryRefund());
        uint256 paid = token.balanceOf(PLANNER);
        vm.warp(time);
        tryRefund();
        assert(token.balanceOf(PLANNER) == paid);
    }
}
