// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Commitment} from "../../contracts/libraries/Commitment.sol";
import {Errors} from "../../contracts/libraries/Errors.sol";
import {MarketFixture} from "./utils/MarketFixture.sol";
import {ScoreTree} from "./utils/ScoreTree.sol";

/// @notice Sealed bids where they were not meant for, and places in the order of commitments.
contract CommitmentAttacksTest is MarketFixture {
    address private constant THIEF = address(0xBAD);

    function setUp() public {
        setUpMarket(4, 3);
        vm.deal(THIEF, 100 ether);
    }

    function refuseOpening(uint256 index) private {
        bytes32[] memory proof = ScoreTree.proof(leaves, index);
        vm.expectRevert(Errors.WrongOpening.selector);
        market.reveal(round, leaves[index], proof, bids[index].cost, bids[index].salt);
    }

    /// @dev The chain forgets a round, and the planner opens it again under the same number with other terms: a bid sealed
    /// under the old ones is none under the new.
    function test_commitmentUnderOtherTerms() public {
        uint256 fork = vm.snapshotState();
        openRound();
        bid(10, WAD, WAD);
        bytes32 old = market.bidOf(round, bids[0].provider);
        vm.revertToState(fork);
        terms.reserve = 5;
        openRound();
        bid(10, WAD, WAD);
        vm.prank(bids[0].provider);
        market.reseal(round, old);
        score();
        refuseOpening(0);
    }

    /// @dev Operators score what was committed in public; a bid sealed over another dataset does not open with it.
    function test_sealedOverAnotherDataset() public {
        openRound();
        bid(10, WAD, WAD);
        Bid memory b = bids[0];
        b.datasetRoot = keccak256("better data");
        bytes32 sealedBid = sealOf(b);
        vm.prank(b.provider);
        market.reseal(round, sealedBid);
        score();
        refuseOpening(0);
    }

    function chained(bytes32 hash, address provider, bytes32 datasetRoot, uint256 count)
        private
        pure
        returns (bytes32)
    {
        bytes32 full = keccak256(abi.encode(hash, provider, datasetRoot, bytes32(0)));
        return bytes32(uint256(full) << 32 | count);
    }

    function commit(address provider, bytes32 datasetRoot, uint256 bond) private {
        vm.deal(provider, provider.balance + bond);
        vm.prank(provider);
        market.commit{value: bond}(round, bytes32(type(uint256).max), datasetRoot, 0);
    }

    /// @dev Who came first with a dataset is the original. The squatter came first with another one, and a new dataset
    /// stands behind the victim's; only the cost can be sealed again in place.
    function test_squattedPlace() public {
        openRound();
        address victim = providerAt(0);
        bytes32 order = market.roundOf(round).commitments;
        commit(THIEF, "junk", terms.bidBond);
        commit(victim, "data", terms.bidBond);
        order = chained(chained(order, THIEF, "junk", 1), victim, "data", 2);
        assertEq(market.roundOf(round).commitments, order, "the victim is second");
        vm.prank(THIEF);
        market.reseal(round, bytes32(type(uint256).max - 1));
        assertEq(market.roundOf(round).commitments, order, "a new cost keeps its place");
        commit(THIEF, "data", 0);
        order = chained(order, THIEF, "data", 2);
        assertEq(market.roundOf(round).commitments, order, "a new dataset stands behind");
    }

    /// @dev A provider cannot take two places with two bonds, nor push others out of a full round.
    function test_placesCountProviders() public {
        terms.maxBids = 2;
        openRound();
        commit(THIEF, "one", terms.bidBond);
        commit(THIEF, "two", 0);
        assertEq(Commitment.count(market.roundOf(round).commitments), 1, "one provider");
        commit(providerAt(0), "data", terms.bidBond);
    }
}
