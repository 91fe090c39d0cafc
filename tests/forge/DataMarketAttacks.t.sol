// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DataMarket} from "../../contracts/DataMarket.sol";
import {DemoToken} from "../../contracts/examples/DemoToken.sol";
import {Clearing} from "../../contracts/libraries/Clearing.sol";
import {Errors} from "../../contracts/libraries/Errors.sol";
import {ScoreReport} from "../../contracts/libraries/ScoreReport.sol";
import {MarketFixture} from "./utils/MarketFixture.sol";
import {ScoreTree} from "./utils/ScoreTree.sol";

/// @notice Each attack fails by name.
contract DataMarketAttacksTest is MarketFixture {
    /// @dev Order of the secp256k1 group.
    uint256 private constant N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;
    address private constant THIEF = address(0xBAD);

    function setUp() public {
        setUpMarket(4, 3);
        vm.deal(THIEF, 100 ether);
    }

    /* COMMITMENTS */

    function commitAs(address provider, bytes32 sealedBid, bytes32 datasetRoot) private {
        vm.prank(provider);
        market.commit{value: terms.bidBond}(round, sealedBid, datasetRoot, 0);
    }

    /// @dev The copy sits in the thief's slot, but its opening names somebody else, or another market, chain or round.
    function refuseOpening(uint256 index) private {
        bytes32[] memory proof = ScoreTree.proof(leaves, index);
        vm.expectRevert(Errors.WrongOpening.selector);
        market.reveal(round, leaves[index], proof, bids[index].cost, bids[index].salt);
    }

    function thief(bytes32 sealedBid) private {
        leaves.push(leaves[0]);
        bids.push(bids[0]);
        leaves[1].provider = THIEF;
        bids[1].provider = THIEF;
        commitAs(THIEF, sealedBid, bids[0].datasetRoot);
        score();
        refuseOpening(1);
        reveal(0);
    }

    function test_copiedCommitment() public {
        openRound();
        bid(10, WAD, WAD);
        thief(market.bidOf(round, bids[0].provider));
    }

    function test_commitmentOfAnotherRound() public {
        openRound();
        bid(10, WAD, WAD);
        Bid memory b = bids[0];
        b.provider = THIEF;
        bytes32 old = sealOf(b);
        openRound();
        bid(10, WAD, WAD);
        bids[0].salt = b.salt;
        bytes32 sealedBid = sealOf(bids[0]);
        vm.prank(bids[0].provider);
        market.reseal(round, sealedBid);
        thief(old);
    }

    function test_commitmentOfAnotherChain() public {
        openRound();
        bid(10, WAD, WAD);
        Bid memory b = bids[0];
        b.provider = THIEF;
        uint256 here = block.chainid;
        vm.chainId(here + 1);
        bytes32 there = sealOf(b);
        vm.chainId(here);
        thief(there);
    }

    function test_commitmentOfAnotherDeployment() public {
        openRound();
        bid(10, WAD, WAD);
        Bid memory b = bids[0];
        b.provider = THIEF;
        DataMarket here = market;
        market = new DataMarket(operators);
        bytes32 there = sealOf(b);
        market = here;
        thief(there);
    }

    function test_hashGroundIntoARecord() public {
        openRound();
        vm.deal(address(this), terms.bidBond);
        vm.expectRevert(Errors.SealedBidTooSmall.selector);
        market.commit{value: terms.bidBond}(round, bytes32(uint256(1 << 224) - 1), 0, 0);
        market.commit{value: terms.bidBond}(round, bytes32(uint256(1 << 224)), 0, 0);
        vm.expectRevert(Errors.SealedBidTooSmall.selector);
        market.reseal(round, bytes32(uint256(1)));
    }

    function test_wrongSaltCostOrLeaf() public {
        openRound();
        bid(10, WAD, WAD);
        bid(20, WAD, WAD);
        score();
        bytes32[] memory proof = ScoreTree.proof(leaves, 0);
        vm.expectRevert(Errors.WrongOpening.selector);
        market.reveal(round, leaves[0], proof, 10, keccak256("guess"));
        vm.expectRevert(Errors.WrongOpening.selector);
        market.reveal(round, leaves[0], proof, 11, bids[0].salt);
        vm.expectRevert(Errors.InvalidProof.selector);
        market.reveal(round, leaves[1], proof, 20, bids[1].salt);
        leaves[0].quality += 1;
        vm.expectRevert(Errors.InvalidProof.selector);
        market.reveal(round, leaves[0], proof, 10, bids[0].salt);
    }

    function test_secondReveal() public {
        openRound();
        bid(10, WAD, WAD);
        score();
        reveal(0);
        bytes32[] memory proof = ScoreTree.proof(leaves, 0);
        vm.expectRevert(Errors.AlreadyRevealed.selector);
        market.reveal(round, leaves[0], proof, bids[0].cost, bids[0].salt);
    }

    function test_bonds() public {
        openRound();
        vm.deal(address(this), 10 ether);
        bytes32 sealedBid = bytes32(type(uint256).max);
        vm.expectRevert(Errors.WrongBond.selector);
        market.commit{value: terms.bidBond - 1}(round, sealedBid, 0, 0);
        vm.expectRevert(Errors.NoBid.selector);
        market.reseal(round, sealedBid);
        market.commit{value: terms.bidBond}(round, sealedBid, 0, 0);
        vm.expectRevert(Errors.WrongBond.selector);
        market.commit{value: terms.bidBond}(round, sealedBid, 0, 0);
        bytes32 first = market.roundOf(round).commitments;
        market.commit(round, sealedBid, keccak256("other data"), 0);
        assertEq(market.roundOf(round).bonded, 1, "one bond");
        assertTrue(market.roundOf(round).commitments != first, "a later place");
    }

    function test_fullRound() public {
        terms.maxBids = 2;
        openRound();
        bid(10, WAD, WAD);
        bid(10, WAD, WAD);
        vm.deal(address(this), terms.bidBond);
        vm.expectRevert(Errors.RoundFull.selector);
        market.commit{value: terms.bidBond}(round, bytes32(type(uint256).max), 0, 0);
        vm.prank(bids[0].provider);
        market.commit(round, sealOf(bids[0]), bids[0].datasetRoot, 0);
    }

    /* OBSERVATIONS AND REPORTS */

    function test_observeOnceAndSigned() public {
        openRound();
        vm.warp(terms.commitEnd);
        observe(0);
        bytes32 digest = keccak256("observation");
        bytes32 signed =
            ScoreReport.observationDigest(address(market), round, market.roundOf(round).commitments, digest);
        vm.expectRevert(Errors.AlreadyObserved.selector);
        market.observe(round, members[0], digest, signature(keys[0], signed));
        vm.expectRevert(abi.encodeWithSelector(Errors.InvalidSignature.selector, members[1]));
        market.observe(round, members[1], digest, signature(keys[2], signed));
        vm.expectRevert(abi.encodeWithSelector(Errors.InvalidSignature.selector, members[1]));
        market.observe(round, members[1], keccak256("other"), signature(keys[1], signed));
        vm.expectRevert(abi.encodeWithSelector(Errors.NotAMember.selector, THIEF));
        market.observe(round, THIEF, digest, signature(keys[1], signed));
    }

    struct Signed {
        bytes32 root;
        bytes32 digest;
        address[] signers;
        bytes[] signatures;
    }

    /// @dev A round at the report phase, and a report that would pass.
    function ready() private returns (Signed memory x) {
        openRound();
        bid(10, WAD, WAD);
        observeAll();
        vm.warp(terms.observeEnd);
        x.root = ScoreTree.root(leaves);
        x.digest = ScoreReport.reportDigest(address(market), reportOf(x.root, 1));
        (x.signers, x.signatures) = signatures(3, x.digest);
    }

    function refuseReport(Signed memory x, bytes memory reason) private {
        vm.expectRevert(reason);
        market.postReport(round, x.root, 1, x.signers, x.signatures);
    }

    function test_belowQuorum() public {
        Signed memory x = ready();
        (x.signers, x.signatures) = signatures(2, x.digest);
        refuseReport(x, abi.encodeWithSelector(Errors.BelowQuorum.selector));
    }

    function test_signaturesMissing() public {
        Signed memory x = ready();
        (, x.signatures) = signatures(2, x.digest);
        refuseReport(x, abi.encodeWithSelector(Errors.BelowQuorum.selector));
    }

    function test_observersBelowQuorum() public {
        openRound();
        vm.warp(terms.commitEnd);
        observe(0);
        observe(1);
        vm.warp(terms.observeEnd);
        bytes32 digest = ScoreReport.reportDigest(address(market), reportOf(keccak256("root"), 0));
        (address[] memory signers, bytes[] memory signed) = signatures(3, digest);
        vm.expectRevert(Errors.BelowQuorum.selector);
        market.postReport(round, keccak256("root"), 0, signers, signed);
    }

    function test_duplicateSigner() public {
        Signed memory x = ready();
        (x.signers[1], x.signatures[1]) = (x.signers[0], x.signatures[0]);
        refuseReport(x, abi.encodeWithSelector(Errors.UnsortedSigners.selector));
    }

    function test_unsortedSigners() public {
        Signed memory x = ready();
        (x.signers[0], x.signers[1]) = (x.signers[1], x.signers[0]);
        (x.signatures[0], x.signatures[1]) = (x.signatures[1], x.signatures[0]);
        refuseReport(x, abi.encodeWithSelector(Errors.UnsortedSigners.selector));
    }

    function test_zeroSigner() public {
        Signed memory x = ready();
        x.signers[0] = address(0);
        x.signatures[0] = new bytes(65);
        refuseReport(x, abi.encodeWithSelector(Errors.UnsortedSigners.selector));
    }

    function test_strangerSigns() public {
        Signed memory x = ready();
        uint256 key = 1;
        while (vm.addr(key) < x.signers[1]) ++key;
        (x.signers[2], x.signatures[2]) = (vm.addr(key), signature(key, x.digest));
        refuseReport(x, abi.encodeWithSelector(Errors.NotAMember.selector, vm.addr(key)));
    }

    function test_malleableSignature() public {
        Signed memory x = ready();
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[0], x.digest);
        x.signatures[0] = abi.encodePacked(r, N - uint256(s), v == 27 ? uint8(28) : uint8(27));
        refuseReport(x, abi.encodeWithSelector(Errors.InvalidSignature.selector, members[0]));
    }

    function testFuzz_anyBitOfASignature(uint16 bit, uint8 which) public {
        Signed memory x = ready();
        which = which % 3;
        bit = uint16(bound(bit, 0, 64 * 8 - 1));
        x.signatures[which][bit / 8] ^= bytes1(uint8(1 << (bit % 8)));
        refuseReport(x, abi.encodeWithSelector(Errors.InvalidSignature.selector, members[which]));
    }

    function test_retiredSigner() public {
        Signed memory x = ready();
        slash(1);
        operators.retire(committeeId, members[1]);
        refuseReport(x, abi.encodeWithSelector(Errors.RetiredMember.selector, members[1]));
        // Three of the others still make a quorum.
        (x.signers[1], x.signatures[1]) = (members[2], signature(keys[2], x.digest));
        (x.signers[2], x.signatures[2]) = (members[3], signature(keys[3], x.digest));
        market.postReport(round, x.root, 1, x.signers, x.signatures);
    }

    /// @dev Member `index` signs two roots for one round.
    function slash(uint256 index) private {
        ScoreReport.Report memory a = reportOf(keccak256("one"), 1);
        ScoreReport.Report memory b = reportOf(keccak256("two"), 1);
        operators.slash(
            members[index],
            address(market),
            a,
            signature(keys[index], ScoreReport.reportDigest(address(market), a)),
            b,
            signature(keys[index], ScoreReport.reportDigest(address(market), b))
        );
    }

    function test_countMustMatch() public {
        Signed memory x = ready();
        x.digest = ScoreReport.reportDigest(address(market), reportOf(x.root, 2));
        (x.signers, x.signatures) = signatures(3, x.digest);
        vm.expectRevert(abi.encodeWithSelector(Errors.WrongCount.selector, 1));
        market.postReport(round, x.root, 2, x.signers, x.signatures);
    }

    function test_zeroRoot() public {
        Signed memory x = ready();
        x.root = 0;
        refuseReport(x, abi.encodeWithSelector(Errors.ZeroRoot.selector));
    }

    function test_secondReport() public {
        Signed memory x = ready();
        market.postReport(round, x.root, 1, x.signers, x.signatures);
        refuseReport(x, abi.encodeWithSelector(Errors.AlreadyReported.selector));
    }

    /// @dev Same committee, same round number, same terms, same bids, hence the same running hashes: another market.
    function test_reportReplayedAtASibling() public {
        Signed memory x = ready();
        vm.warp(terms.commitEnd - 1 hours);
        market = new DataMarket(operators);
        openRound();
        bid(10, WAD, WAD);
        observeAll();
        vm.warp(terms.observeEnd);
        refuseReport(x, abi.encodeWithSelector(Errors.InvalidSignature.selector, members[0]));
    }

    /// @dev Signatures over one list of commitments do not serve another (a reorganised chain).
    function test_reorganisedCommitments() public {
        openRound();
        bid(10, WAD, WAD);
        uint256 fork = vm.snapshotState();
        vm.warp(terms.commitEnd);
        bytes32 digest = keccak256("observation");
        bytes32 signed =
            ScoreReport.observationDigest(address(market), round, market.roundOf(round).commitments, digest);
        bytes memory old = signature(keys[0], signed);
        vm.revertToState(fork);
        bid(20, WAD, WAD);
        vm.warp(terms.commitEnd);
        vm.expectRevert(abi.encodeWithSelector(Errors.InvalidSignature.selector, members[0]));
        market.observe(round, members[0], digest, old);
    }

    /* SETTLEMENT */

    function test_wrongSettlement() public {
        openRound();
        bid(100, WAD, WAD);
        bid(200, WAD, WAD / 2);
        bid(900, WAD, WAD);
        score();
        revealAll();
        vm.warp(terms.revealEnd);
        bytes memory good = records();
        Clearing.Certificate memory right = certificate();
        Clearing.Certificate memory c = certificate();

        ++c.winningWeight;
        vm.expectRevert(abi.encodeWithSelector(Clearing.WrongWinningWeight.selector, right.winningWeight));
        market.settle(round, 0, c, 0, good);
        vm.expectRevert(Clearing.MarginalFits.selector);
        market.settle(round, 0, Clearing.Certificate(WAD, 1, 200, WAD / 2), 0, good);
        vm.expectRevert(Clearing.MarginalNotKept.selector);
        market.settle(round, 0, Clearing.Certificate(right.winningWeight, 3, 900, WAD), 0, good);
        vm.expectRevert(Clearing.MarginalNotKept.selector);
        market.settle(round, 0, Clearing.Certificate(right.winningWeight, right.marginal, 901, WAD), 0, good);
        vm.expectRevert(Errors.WrongRecords.selector);
        market.settle(round, 0, right, 0, abi.encodePacked(good, new bytes(16)));

        // The first two swapped: same bids, another order.
        (revealed[0], revealed[1]) = (revealed[1], revealed[0]);
        bytes memory swapped = records();
        vm.expectRevert(Errors.WrongRecords.selector);
        market.settle(round, 0, right, 0, swapped);

        market.settle(round, 0, right, 0, good);
    }

    function testFuzz_anyByteOfTheRecords(uint8 position, uint8 delta) public {
        vm.assume(delta != 0);
        openRound();
        bid(100, WAD, WAD);
        bid(900, WAD, WAD);
        score();
        revealAll();
        vm.warp(terms.revealEnd);
        Clearing.Certificate memory c = certificate();
        bytes memory packed = records();
        packed[position % 32] ^= bytes1(delta);
        vm.expectRevert();
        market.settle(round, 0, c, 0, packed);
    }

    /* CLAIMS */

    function test_claimByAStrangerPaysTheProvider() public {
        openRound();
        bid(100, WAD, WAD);
        score();
        revealAll();
        settle();
        (, uint256 cash) = market.rewardOf(round, bids[0].provider);
        uint256 before = THIEF.balance;
        vm.prank(THIEF);
        market.claim(round, bids[0].provider);
        assertEq(THIEF.balance, before, "wei");
        assertEq(DemoToken(token).balanceOf(THIEF), 0, "cash");
        assertEq(DemoToken(token).balanceOf(bids[0].provider), cash * UNIT, "the provider's cash");
        assertEq(bids[0].provider.balance, terms.bidBond, "the provider's bond");
        vm.prank(THIEF);
        vm.expectRevert(Errors.NothingDue.selector);
        market.claim(round, THIEF);
    }

    function test_doubleClaim() public {
        openRound();
        bid(100, WAD, WAD);
        score();
        revealAll();
        settle();
        market.claim(round, bids[0].provider);
        vm.expectRevert(Errors.NothingDue.selector);
        market.claim(round, bids[0].provider);
        market.claimOperatorFee(round, members[2]);
        vm.expectRevert(Errors.NothingDue.selector);
        market.claimOperatorFee(round, members[2]);
        vm.expectRevert(abi.encodeWithSelector(Errors.NotAMember.selector, THIEF));
        market.claimOperatorFee(round, THIEF);
        vm.expectRevert(Errors.NothingDue.selector);
        market.claimChallengeBond(round);
    }
}
