// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DemoToken} from "../../contracts/examples/DemoToken.sol";
import {IDataMarket} from "../../contracts/interfaces/IDataMarket.sol";
import {Clearing} from "../../contracts/libraries/Clearing.sol";
import {ScoreReport} from "../../contracts/libraries/ScoreReport.sol";
import {MarketFixture} from "./utils/MarketFixture.sol";
import {ScoreTree} from "./utils/ScoreTree.sol";

/// @notice What can be watched from outside: every event of a round, and the whole of `roundOf` after every step.
contract DataMarketEventsTest is MarketFixture {
    address private constant CHALLENGER = address(0xC0DE);

    IDataMarket.RoundState private expected;

    function setUp() public {
        setUpMarket(4, 3);
    }

    function seen() private view {
        IDataMarket.RoundState memory state = market.roundOf(round);
        assertEq(keccak256(abi.encode(state)), keccak256(abi.encode(expected)), "the view of the round");
    }

    function expectEvent() private {
        vm.expectEmit(address(market));
    }

    function test_everyEventAndStateOfALife() public {
        _open();
        _commit();
        _observe();
        _report();
        _challenge();
        _reveal();
        _settle();
        _pull();
    }

    function _open() private {
        uint256 id = vm.snapshotState();
        openRound();
        address revenueToken = market.revenueToken(1);
        vm.revertToState(id);
        round = 1;
        DemoToken(token).mint(PLANNER, escrow());
        vm.prank(PLANNER);
        DemoToken(token).approve(address(market), escrow());
        expected.planner = PLANNER;
        expected.termsHash = keccak256(abi.encode(terms));
        expected.commitments = expected.termsHash << 32;

        vm.prank(PLANNER);
        expectEvent();
        emit IDataMarket.Opened(1, PLANNER, expected.termsHash, terms, revenueToken);
        assertEq(market.open(terms), 1, "round");
        seen();
    }

    function _commit() private {
        bid(100, WAD, WAD);
        bid(200, WAD, WAD / 2);
        bid(300, WAD, WAD); // never opened
        bytes32 datasetRoot = keccak256(abi.encode("data", uint256(3)));
        Bid memory b = Bid(providerAt(3), datasetRoot, 900, keccak256("salt"));
        vm.deal(b.provider, terms.bidBond);
        vm.prank(b.provider);
        expectEvent();
        emit IDataMarket.Committed(1, b.provider, bytes32(type(uint256).max), datasetRoot, keccak256("manifest"));
        market.commit{value: terms.bidBond}(1, bytes32(type(uint256).max), datasetRoot, keccak256("manifest"));
        vm.prank(b.provider);
        expectEvent();
        emit IDataMarket.Resealed(1, b.provider, sealOf(b));
        market.reseal(1, sealOf(b));
        bids.push(b);
        leaves.push(IDataMarket.ScoreLeaf(b.provider, datasetRoot, 0, 0, uint64(WAD), uint64(WAD), 1, 5e9));
        expected.bonded = 4;
        expected.commitments = market.roundOf(1).commitments;
        assertEq(uint32(uint256(expected.commitments)), 4, "counted in the running hash");
        seen();
    }

    /// @dev The last member stays away.
    function _observe() private {
        vm.warp(terms.commitEnd);
        for (uint256 i; i < 3; ++i) {
            bytes32 digest = keccak256(abi.encode("observation", i));
            bytes32 signed = ScoreReport.observationDigest(address(market), 1, expected.commitments, digest);
            expectEvent();
            emit IDataMarket.Observed(1, members[i], digest);
            market.observe(1, members[i], digest, signature(keys[i], signed));
            expected.observations = keccak256(abi.encode(expected.observations, members[i], digest));
            expected.observers |= 1 << i;
            seen();
        }
    }

    function _report() private {
        vm.warp(terms.observeEnd);
        bytes32 root = ScoreTree.root(leaves);
        bytes32 digest = ScoreReport.reportDigest(address(market), reportOf(root, 4));
        (address[] memory signers, bytes[] memory signed) = signatures(3, digest);
        expectEvent();
        emit IDataMarket.Reported(1, root, 4, expected.commitments, expected.observations);
        market.postReport(1, root, 4, signers, signed);
        (expected.reported, expected.root, expected.observations) = (true, root, 0);
        seen();
    }

    function _challenge() private {
        vm.warp(terms.reportEnd);
        vm.deal(CHALLENGER, terms.challengeBond);
        bytes32 leafHash = ScoreTree.leafHash(leaves[1]);
        expected.challengeId = keccak256(
            abi.encode(
                block.chainid, address(market), uint256(1), expected.root, leafHash, CHALLENGER, keccak256("evidence")
            )
        );
        (expected.challenged, expected.challenger) = (true, CHALLENGER);
        bytes32[] memory proof = ScoreTree.proof(leaves, 1);
        vm.prank(CHALLENGER);
        expectEvent();
        emit IDataMarket.Challenged(1, CHALLENGER, expected.challengeId, keccak256("evidence"));
        market.challenge{value: terms.challengeBond}(1, leaves[1], proof, keccak256("evidence"));
        seen();
        _rule(false);
        expectEvent();
        emit IDataMarket.ChallengeResolved(1, false);
        expectEvent();
        emit IDataMarket.BondsBurned(1, terms.challengeBond);
        market.resolve(1);
        (expected.challenged, expected.challenger) = (false, address(0));
        seen();
    }

    function _rule(bool upheld) private {
        bytes32 digest = operators.rulingDigest(committeeId, expected.challengeId, upheld);
        (address[] memory signers, bytes[] memory signed) = signatures(3, digest);
        operators.rule(committeeId, expected.challengeId, upheld, signers, signed);
    }

    function _reveal() private {
        vm.warp(terms.challengeEnd);
        uint256[3] memory order = [uint256(0), 1, 3];
        for (uint256 i; i < 3; ++i) {
            (uint64 cost, uint64 weight) = recordOf(order[i]);
            bytes32 record = bytes32(abi.encodePacked(uint32(0), uint64(5e9), uint8(0), uint24(i + 1), cost, weight));
            bytes32[] memory proof = ScoreTree.proof(leaves, order[i]);
            Bid memory b = bids[order[i]];
            expectEvent();
            emit IDataMarket.Revealed(1, b.provider, record);
            market.reveal(1, leaves[order[i]], proof, b.cost, b.salt);
            revealed.push(order[i]);
            assertEq(market.bidOf(1, b.provider), record, "record");
            bytes32 folded = keccak256(abi.encodePacked(expected.auctions[0].records, uint128(0), cost, weight));
            expected.auctions[0].records = folded << 32 | bytes32(i + 1);
            (expected.revealed, expected.auctions[0].revealed) = (i + 1, i + 1);
            seen();
        }
    }

    /// @dev R / W = 667 a weight of 1.5, as in `test_life`; the bid of 900 is m.
    function _settle() private {
        vm.warp(terms.revealEnd);
        Clearing.Certificate memory c = Clearing.Certificate(1.5e18, 2, 900, WAD);
        bytes memory all = records();
        bytes memory tail = new bytes(all.length - 16);
        for (uint256 i; i < tail.length; ++i) {
            tail[i] = all[i + 16];
        }
        assembly ("memory-safe") {
            mstore(all, 16)
        }
        expectEvent();
        emit IDataMarket.SettlementAdvanced(1, 0, address(this), 1);
        market.settle(1, 0, c, 0, all);
        seen();
        assertEq(market.progressOf(1, 0, address(this), c), 1, "progress");
        expectEvent();
        emit IDataMarket.Settled(1, 0, 1.5e18, 2, 999);
        expectEvent();
        emit IDataMarket.BondsBurned(1, terms.bidBond);
        market.settle(1, 0, c, 1, tail);
        (expected.settled, expected.totalReward, expected.cashOwed) = (true, 999, 600);
        expected.auctions[0].settled = true;
        (expected.auctions[0].winningWeight, expected.auctions[0].marginal) = (1.5e18, 2);
        seen();
    }

    function _pull() private {
        expectEvent();
        emit IDataMarket.Claimed(1, bids[0].provider, 400, 666, 5e9, terms.bidBond);
        market.claim(1, bids[0].provider);
        expectEvent();
        emit IDataMarket.Claimed(1, bids[3].provider, 0, 0, 0, terms.bidBond);
        market.claim(1, bids[3].provider);
        expectEvent();
        emit IDataMarket.OperatorPaid(1, members[1], terms.operatorFee);
        market.claimOperatorFee(1, members[1]);
        expected.paidOperators = 2;
        seen();
        expectEvent();
        emit IDataMarket.Refunded(1, 64 + 7, 1);
        market.refund(1);
        expected.refunded = true;
        seen();
    }

    function test_upheldChallengeAnnouncesTheVoid() public {
        openRound();
        bid(100, WAD, WAD);
        score();
        vm.warp(terms.reportEnd);
        vm.deal(address(this), terms.challengeBond);
        market.challenge{value: terms.challengeBond}(round, leaves[0], new bytes32[](0), 0);
        assertTrue(!market.roundOf(round).voided, "not yet");
        expected.challengeId = market.roundOf(round).challengeId;
        _rule(true);
        expectEvent();
        emit IDataMarket.ChallengeResolved(round, true);
        expectEvent();
        emit IDataMarket.Voided(round);
        market.resolve(round);
        IDataMarket.RoundState memory state = market.roundOf(round);
        assertTrue(state.voided && !state.challenged, "void");
    }
}
