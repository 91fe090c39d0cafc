// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DataMarket} from "../../../contracts/DataMarket.sol";
import {DataShareToken} from "../../../contracts/DataShareToken.sol";
import {MarginalUtilityToken} from "../../../contracts/MarginalUtilityToken.sol";
import {OracleCommittee} from "../../../contracts/OracleCommittee.sol";
import {DemoToken} from "../../../contracts/examples/DemoToken.sol";
import {IDataMarket} from "../../../contracts/interfaces/IDataMarket.sol";
import {Clearing} from "../../../contracts/libraries/Clearing.sol";
import {ScoreReport} from "../../../contracts/libraries/ScoreReport.sol";
import {Weights} from "../../../contracts/libraries/Weights.sol";
import {ScoreTree} from "./ScoreTree.sol";
import {Test} from "./Test.sol";

/// @notice A market with a staked committee, and what each party does in a round.
abstract contract MarketFixture is Test {
    uint256 internal constant WAD = 1e18;
    uint256 internal constant UNIT = 1e4;
    address internal constant PLANNER = address(0xB0B);
    address internal constant BURN = 0x000000000000000000000000000000000000dEaD;

    struct Bid {
        address provider;
        bytes32 datasetRoot;
        uint256 cost;
        bytes32 salt;
    }

    OracleCommittee internal operators;
    DataMarket internal market;
    DataShareToken internal dst;
    address internal token;
    bytes32 internal committeeId;
    uint256[] internal keys; // of the members, ascending by address
    address[] internal members;
    IDataMarket.Terms internal terms;

    // The round under way: bids and leaves share their index.
    uint256 internal round;
    Bid[] internal bids;
    IDataMarket.ScoreLeaf[] internal leaves;
    uint256[] internal revealed; // indices in the order of reveals

    /* SET-UP */

    function setUpMarket(uint256 size, uint8 quorum) internal {
        vm.warp(1_800_000_000);
        operators = new OracleCommittee();
        market = new DataMarket(operators);
        dst = DataShareToken(market.shareToken());
        token = address(new DemoToken(6));
        for (uint256 i; i < size; ++i) {
            _addMember(uint256(keccak256(abi.encode("operator", i))));
        }
        committeeId = operators.form(members, quorum);
        terms = defaultTerms();
    }

    function _addMember(uint256 key) private {
        address member = vm.addr(key);
        operators.stake{value: 1 ether}(member);
        keys.push(key);
        members.push(member);
        for (uint256 j = members.length - 1; j > 0 && members[j - 1] > member; --j) {
            (members[j], members[j - 1]) = (members[j - 1], member);
            (keys[j], keys[j - 1]) = (keys[j - 1], key);
        }
    }

    /// @dev R = 1,000: 600 in cash and 400 deferred. Phases of an hour.
    function defaultTerms() internal view returns (IDataMarket.Terms memory t) {
        t.planner = PLANNER;
        t.paymentToken = token;
        t.moneyUnit = uint128(UNIT);
        t.budget = 1_000;
        t.utilityPool = 1_000;
        t.liquidity = 0.6e18;
        t.eta = uint64(WAD);
        t.gamma = uint64(WAD);
        t.reserve = 1e6;
        t.cap = 1_000;
        t.maxBids = 64;
        t.shareSupply = 1e12;
        t.volumeWeight = uint64(WAD);
        t.shareCap = uint64(WAD);
        t.bidBond = 0.1 ether;
        t.challengeBond = 0.5 ether;
        t.operatorFee = 7;
        t.commitEnd = uint40(block.timestamp + 1 hours);
        t.observeEnd = t.commitEnd + 1 hours;
        t.reportEnd = t.observeEnd + 1 hours;
        t.challengeEnd = t.reportEnd + 1 hours;
        t.revealEnd = t.challengeEnd + 1 hours;
        t.settleEnd = t.revealEnd + 1 hours;
        t.committee = committeeId;
        t.arbitrator = address(operators);
        t.pipelineHash = keccak256("pipeline");
    }

    /* PLANNER */

    function openRound() internal returns (uint256) {
        DemoToken(token).mint(PLANNER, escrow());
        vm.startPrank(PLANNER);
        DemoToken(token).approve(address(market), type(uint256).max);
        round = market.open(terms);
        vm.stopPrank();
        delete bids;
        delete leaves;
        delete revealed;
        return round;
    }

    function cashAndTotal() internal view returns (uint256 cash, uint256 total) {
        cash = uint256(terms.budget) * terms.liquidity / WAD;
        total = cash + uint256(terms.utilityPool) * (WAD - terms.liquidity) / WAD;
    }

    /// @dev Smallest units of the payment token.
    function escrow() internal view returns (uint256) {
        (uint256 cash,) = cashAndTotal();
        return (cash + terms.maxBids + members.length * terms.operatorFee) * terms.moneyUnit;
    }

    function mut() internal view returns (MarginalUtilityToken) {
        return MarginalUtilityToken(market.revenueToken(round));
    }

    /* PROVIDERS */

    function providerAt(uint256 i) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("provider", i)))));
    }

    /// @dev One more provider with a bid and the leaf it will get.
    function bid(uint256 cost, uint256 quality, uint256 impact) internal returns (uint256 index) {
        index = bids.length;
        Bid memory b = Bid(
            providerAt(index), keccak256(abi.encode("data", index)), cost, keccak256(abi.encode("salt", round, index))
        );
        bids.push(b);
        leaves.push(
            IDataMarket.ScoreLeaf({
                provider: b.provider,
                datasetRoot: b.datasetRoot,
                status: 0,
                group: 0,
                quality: uint64(quality),
                impact: uint64(impact),
                tokens: 10_000,
                shares: 5e9
            })
        );
        vm.deal(b.provider, b.provider.balance + terms.bidBond);
        vm.prank(b.provider);
        market.commit{value: terms.bidBond}(round, sealOf(b), b.datasetRoot, keccak256(abi.encode("manifest", index)));
    }

    /// @dev Written out again, so that the contract's own hashing is under test.
    function sealOf(Bid memory b) internal view returns (bytes32) {
        return keccak256(
            abi.encode(
                keccak256(
                    "Bid(uint256 chainId,address market,uint256 round,address provider,bytes32 termsHash,bytes32 datasetRoot,uint256 cost,bytes32 salt)"
                ),
                block.chainid,
                address(market),
                round,
                b.provider,
                keccak256(abi.encode(terms)),
                b.datasetRoot,
                b.cost,
                b.salt
            )
        );
    }

    function reveal(uint256 index) internal {
        Bid memory b = bids[index];
        market.reveal(round, leaves[index], ScoreTree.proof(leaves, index), b.cost, b.salt);
        revealed.push(index);
    }

    function revealAll() internal {
        vm.warp(terms.challengeEnd);
        for (uint256 i; i < bids.length; ++i) {
            reveal(i);
        }
    }

    /* OPERATORS */

    function signature(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, s, v);
    }

    function observe(uint256 member) internal {
        bytes32 digest = keccak256(abi.encode("observation", round, member));
        bytes32 signed =
            ScoreReport.observationDigest(address(market), round, market.roundOf(round).commitments, digest);
        market.observe(round, members[member], digest, signature(keys[member], signed));
    }

    function observeAll() internal {
        vm.warp(terms.commitEnd);
        for (uint256 i; i < members.length; ++i) {
            observe(i);
        }
    }

    function reportOf(bytes32 root, uint256 count) internal view returns (ScoreReport.Report memory) {
        IDataMarket.RoundState memory s = market.roundOf(round);
        return ScoreReport.Report(round, s.termsHash, s.commitments, s.observations, root, uint32(count));
    }

    /// @dev The first `count` members' signatures over `digest`.
    function signatures(uint256 count, bytes32 digest)
        internal
        view
        returns (address[] memory signers, bytes[] memory signed)
    {
        signers = new address[](count);
        signed = new bytes[](count);
        for (uint256 i; i < count; ++i) {
            (signers[i], signed[i]) = (members[i], signature(keys[i], digest));
        }
    }

    function postReport() internal {
        vm.warp(terms.observeEnd);
        sendReport();
    }

    function sendReport() internal {
        (, uint8 quorum) = operators.committeeOf(committeeId);
        bytes32 root = leaves.length == 0 ? keccak256("empty") : ScoreTree.root(leaves);
        bytes32 digest = ScoreReport.reportDigest(address(market), reportOf(root, leaves.length));
        (address[] memory signers, bytes[] memory signed) = signatures(quorum, digest);
        market.postReport(round, root, uint32(leaves.length), signers, signed);
    }

    /// @dev From the end of the commit phase to the start of reveals.
    function score() internal {
        observeAll();
        postReport();
        vm.warp(terms.challengeEnd);
    }

    /* SETTLEMENT */

    /// @dev The revealed bids of one auction, in the order of reveals.
    function auctioned(uint256 group) internal view returns (uint256[] memory indices) {
        indices = new uint256[](revealed.length);
        uint256 n;
        for (uint256 i; i < revealed.length; ++i) {
            uint256 own = terms.trancheShare != 0 && leaves[revealed[i]].group != 0 ? 1 : 0;
            if (own == group) indices[n++] = revealed[i];
        }
        assembly ("memory-safe") {
            mstore(indices, n)
        }
    }

    function records(uint256 group) internal view returns (bytes memory packed) {
        uint256[] memory indices = auctioned(group);
        for (uint256 i; i < indices.length; ++i) {
            (uint64 cost, uint64 weight) = recordOf(indices[i]);
            packed = abi.encodePacked(packed, cost, weight);
        }
    }

    function records() internal view returns (bytes memory) {
        return records(0);
    }

    function recordOf(uint256 index) internal view returns (uint64 cost, uint64 weight) {
        IDataMarket.ScoreLeaf memory leaf = leaves[index];
        uint256 full = Weights.weight(leaf.quality, leaf.impact, terms.eta, terms.gamma, terms.kappa);
        bool fits = bids[index].cost <= type(uint64).max;
        cost = fits ? uint64(bids[index].cost) : type(uint64).max;
        weight = leaf.status == 0 && fits && full <= type(uint64).max ? uint64(full) : 0;
    }

    /// @dev Section 3 of the mechanism, by picking the next cheapest bid again and again.
    function certificate(uint256 group, uint256 budget) internal view returns (Clearing.Certificate memory c) {
        uint256[] memory indices = auctioned(group);
        bool[] memory taken = new bool[](indices.length);
        while (true) {
            (c.marginal, c.marginalCost, c.marginalWeight) = (Clearing.NONE, 0, 0);
            for (uint256 i; i < indices.length; ++i) {
                (uint256 cost, uint256 weight) = recordOf(indices[i]);
                if (taken[i] || !Clearing.kept(cost, weight, terms.reserve, terms.cap)) continue;
                if (c.marginal == Clearing.NONE || cost * c.marginalWeight < c.marginalCost * weight) {
                    (c.marginal, c.marginalCost, c.marginalWeight) = (i, cost, weight);
                }
            }
            if (c.marginal == Clearing.NONE) return c;
            if (c.marginalCost * (c.winningWeight + c.marginalWeight) > budget * c.marginalWeight) return c;
            taken[c.marginal] = true;
            c.winningWeight += c.marginalWeight;
        }
    }

    /// @dev Records `from` to `to` of a longer list.
    function part(bytes memory whole, uint256 from, uint256 to) internal pure returns (bytes memory cut) {
        cut = new bytes((to - from) * 16);
        for (uint256 i; i < cut.length; ++i) {
            cut[i] = whole[from * 16 + i];
        }
    }

    function certificate() internal view returns (Clearing.Certificate memory) {
        (, uint256 total) = cashAndTotal();
        return certificate(0, total - market.roundOf(round).totalReward);
    }

    /// @dev Both auctions, each in one call.
    function settle() internal {
        vm.warp(terms.revealEnd);
        (, uint256 total) = cashAndTotal();
        if (auctioned(1).length != 0) {
            market.settle(round, 1, certificate(1, total * terms.trancheShare / WAD), 0, records(1));
        }
        market.settle(round, 0, certificate(), 0, records());
    }

    /// @dev Everybody takes what is theirs; the planner's refund before and after.
    function claimAll() internal {
        market.refund(round);
        for (uint256 i; i < revealed.length; ++i) {
            market.claim(round, bids[revealed[i]].provider);
        }
        for (uint256 i; i < members.length; ++i) {
            market.claimOperatorFee(round, members[i]);
        }
        market.refund(round);
    }
}
