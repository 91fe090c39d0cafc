// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {LibBit} from "solady/src/utils/LibBit.sol";
import {MerkleProofLib} from "solady/src/utils/MerkleProofLib.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {DataShareToken} from "./DataShareToken.sol";
import {KeyExchange} from "./KeyExchange.sol";
import {MarginalUtilityToken} from "./MarginalUtilityToken.sol";
import {TermsValidator} from "./TermsValidator.sol";
import {IArbitrator} from "./interfaces/IArbitrator.sol";
import {IDataMarket} from "./interfaces/IDataMarket.sol";
import {IDataShareToken} from "./interfaces/IDataShareToken.sol";
import {IKeyExchange} from "./interfaces/IKeyExchange.sol";
import {IMarginalUtilityToken} from "./interfaces/IMarginalUtilityToken.sol";
import {IOracleCommittee} from "./interfaces/IOracleCommittee.sol";
import {Clearing} from "./libraries/Clearing.sol";
import {Commitment} from "./libraries/Commitment.sol";
import {Errors} from "./libraries/Errors.sol";
import {Liquidity} from "./libraries/Liquidity.sol";
import {RoundTerms} from "./libraries/RoundTerms.sol";
import {ScoreReport} from "./libraries/ScoreReport.sol";
import {Weights} from "./libraries/Weights.sol";

/// @title A truthful market for text corpora
contract DataMarket is IDataMarket, ReentrancyGuardTransient {
    using RoundTerms for Terms;
    using RoundTerms for RoundTerms.Split;
    using SafeTransferLib for address;

    enum Status {
        Open, // no report yet
        Reported,
        Challenged,
        Voided
    }

    /// @dev What changes in a round's life; what does not is in `RoundTerms`. Counts ride in the running hashes: a commit
    /// writes the first slot, a reveal its auction's first, and a claim none.
    struct Round {
        bytes32 commitments;
        // one slot; bond, end and size are copies of the terms, so that a commit need not read those
        uint96 bidBond;
        uint40 commitEnd;
        uint24 maxBids;
        uint32 observers; // bitmap by place in the committee
        Status status;
        bool reported;
        bool refunded;
        bool upheld;
        // Running hash of observations, then the root of the report while it stands, then 0. Nothing can be proven against
        // a running hash: a proof would be a second preimage.
        bytes32 scores;
        Auction[2] auctions; // of everybody else, and of the tranche
        // one slot
        uint64 totalReward;
        uint64 trancheReward; // of this the tranche's
        uint96 cashOwed;
        uint32 paidOperators; // bitmap like `observers`
        bytes32 disputed; // root under challenge
        bytes32 challengeId;
        address challenger;
    }

    struct Auction {
        bytes32 records;
        // one slot: the certificate
        uint96 winningWeight; // below 2^88: fewer than 2^24 weights below 2^64
        uint64 marginalCost;
        uint64 marginalWeight;
        uint24 marginal; // NO_MARGINAL for none
        bool settled;
    }

    /// @dev A pass over an auction's records that is not over. Sums of a wrong certificate may be cut off: it fails anyway.
    struct Pass {
        bytes32 records;
        uint96 weightSum;
        uint64 rewardSum;
        uint96 cashSum;
    }

    /// @inheritdoc IDataMarket
    uint256 public constant MIN_PHASE = 10 minutes;
    uint24 private constant NO_MARGINAL = type(uint24).max;
    uint8 private constant MAIN = 0;
    uint8 private constant TRANCHE = 1;
    address private constant BURN = 0x000000000000000000000000000000000000dEaD;

    /// @inheritdoc IDataMarket
    IOracleCommittee public immutable committee;
    /// @inheritdoc IDataMarket
    IKeyExchange public immutable exchange;
    /// @inheritdoc IDataMarket
    address public immutable shareToken;
    address private immutable _revenueTokenCode;
    TermsValidator private immutable _validator;

    /// @inheritdoc IDataMarket
    uint256 public rounds;
    mapping(uint256 round => Round) private _rounds;
    /// @inheritdoc IDataMarket
    mapping(uint256 round => mapping(address provider => bytes32)) public bidOf;
    mapping(bytes32 pass => Pass) private _passes;

    constructor(IOracleCommittee committee_) {
        committee = committee_;
        shareToken = address(new DataShareToken());
        _revenueTokenCode = address(new MarginalUtilityToken());
        exchange = new KeyExchange();
        _validator = new TermsValidator(exchange);
    }

    /* OPEN */

    /// @inheritdoc IDataMarket
    function open(Terms calldata t) external nonReentrant returns (uint256 round) {
        _validator.validate(t, msg.sender, MIN_PHASE, block.timestamp + committee.EXIT_DELAY());
        (uint256 cash, uint256 deferred) = Liquidity.split(t.budget, t.utilityPool, t.liquidity);
        uint256 members = committee.requireActive(t.committee);
        // Below 2^198: L, a fee and maxBids are below 2^64, members at most 32, a money unit below 2^128.
        uint256 escrow = (cash + t.maxBids + members * t.operatorFee) * t.moneyUnit;

        round = ++rounds;
        bytes32 termsHash = RoundTerms.write(round, t);
        Round storage r = _rounds[round];
        r.commitments = Commitment.start(termsHash);
        r.bidBond = t.bidBond;
        r.commitEnd = t.commitEnd;
        r.maxBids = uint24(t.maxBids);
        address token;
        if (deferred != 0) {
            bytes memory arguments = abi.encode(t.paymentToken, cash + deferred);
            token = Clones.cloneDeterministicWithImmutableArgs(_revenueTokenCode, arguments, bytes32(round));
        }

        emit Opened(round, msg.sender, termsHash, t, token);

        _take(t.paymentToken, escrow);
    }

    /* COMMIT */

    /// @inheritdoc IDataMarket
    function commit(uint256 round, bytes32 sealedBid, bytes32 datasetRoot, bytes32 manifest) external payable {
        Round storage r = _rounds[round];
        if (block.timestamp >= r.commitEnd) revert Errors.WrongPhase(phase(round));
        require(uint256(sealedBid) >= Commitment.MIN_SEALED, Errors.SealedBidTooSmall());
        bytes32 commitments = r.commitments;
        mapping(address provider => bytes32) storage slots = bidOf[round];
        bool first = slots[msg.sender] == 0;
        require(msg.value == (first ? r.bidBond : 0), Errors.WrongBond());
        require(!first || Commitment.count(commitments) < r.maxBids, Errors.RoundFull());

        slots[msg.sender] = sealedBid;
        r.commitments = Commitment.chainCommitment(commitments, msg.sender, datasetRoot, manifest, first);

        emit Committed(round, msg.sender, sealedBid, datasetRoot, manifest);
    }

    /// @inheritdoc IDataMarket
    function reseal(uint256 round, bytes32 sealedBid) external {
        if (block.timestamp >= _rounds[round].commitEnd) revert Errors.WrongPhase(phase(round));
        require(uint256(sealedBid) >= Commitment.MIN_SEALED, Errors.SealedBidTooSmall());
        require(bidOf[round][msg.sender] != 0, Errors.NoBid());

        bidOf[round][msg.sender] = sealedBid;

        emit Resealed(round, msg.sender, sealedBid);
    }

    /* SCORE */

    /// @inheritdoc IDataMarket
    function observe(uint256 round, address operator, bytes32 digest, bytes calldata signature) external {
        (Terms memory t, Round storage r) = _inPhase(round, Phase.Observe);
        bytes32 signed = ScoreReport.observationDigest(address(this), round, r.commitments, digest);
        uint256 index = committee.verifyMember(t.committee, operator, signed, signature);
        uint32 observers = r.observers;
        require((observers >> index) & 1 == 0, Errors.AlreadyObserved());

        // A committee has at most 32 members.
        r.observers = observers | uint32(1 << index);
        r.scores = Commitment.chainObservation(r.scores, operator, digest);

        emit Observed(round, operator, digest);
    }

    /// @inheritdoc IDataMarket
    function postReport(
        uint256 round,
        bytes32 root,
        uint32 count,
        address[] calldata signers,
        bytes[] calldata signatures
    ) external {
        (Terms memory t, Round storage r) = _inPhase(round, Phase.Report);
        require(r.status == Status.Open, Errors.AlreadyReported());
        require(root != 0, Errors.ZeroRoot());
        bytes32 commitments = r.commitments;
        uint256 bonded = Commitment.count(commitments);
        require(count == bonded, Errors.WrongCount(bonded));
        ScoreReport.Report memory report = ScoreReport.Report(round, t.hash(), commitments, r.scores, root, count);
        uint256 quorum =
            committee.verify(t.committee, ScoreReport.reportDigest(address(this), report), signers, signatures);
        require(LibBit.popCount(r.observers) >= quorum, Errors.BelowQuorum());

        r.scores = root;
        r.status = Status.Reported;
        r.reported = true;

        emit Reported(round, root, count, report.commitments, report.observations);
    }

    /// @inheritdoc IDataMarket
    function challenge(uint256 round, ScoreLeaf calldata leaf, bytes32[] calldata proof, bytes32 evidence)
        external
        payable
    {
        (Terms memory t, Round storage r) = _inPhase(round, Phase.Challenge);
        require(r.status == Status.Reported, Errors.AlreadyChallenged());
        require(block.timestamp < t.reportEnd + (t.challengeEnd - t.reportEnd) / 2, Errors.TooLateToChallenge());
        require(msg.value == t.challengeBond, Errors.WrongBond());
        bytes32 root = r.scores;
        bytes32 leafHash = ScoreReport.leafHash(leaf);
        require(MerkleProofLib.verifyCalldata(proof, root, leafHash), Errors.InvalidProof());
        bytes32 challengeId =
            keccak256(abi.encode(block.chainid, address(this), round, root, leafHash, msg.sender, evidence));

        r.status = Status.Challenged;
        r.scores = 0;
        r.disputed = root;
        r.challenger = msg.sender;
        r.challengeId = challengeId;

        emit Challenged(round, msg.sender, challengeId, evidence);
    }

    /// @inheritdoc IDataMarket
    function resolve(uint256 round) external nonReentrant {
        (Terms memory t, Round storage r) = _inPhase(round, Phase.Challenge);
        require(r.status == Status.Challenged, Errors.NotChallenged());
        IArbitrator.Ruling ruling = IArbitrator(t.arbitrator).ruling(t.committee, r.challengeId);
        require(ruling != IArbitrator.Ruling.None, Errors.NotRuled());

        bool upheld = ruling == IArbitrator.Ruling.Upheld;
        emit ChallengeResolved(round, upheld);
        if (upheld) {
            r.status = Status.Voided;
            r.upheld = true;
            emit Voided(round);
        } else {
            r.status = Status.Reported;
            r.scores = r.disputed;
            delete r.challenger;
            _burn(round, t.challengeBond);
        }
    }

    /* REVEAL AND SETTLE */

    /// @inheritdoc IDataMarket
    function reveal(uint256 round, ScoreLeaf calldata leaf, bytes32[] calldata proof, uint256 cost, bytes32 salt)
        external
    {
        Terms memory t = RoundTerms.read(round);
        Round storage r = _rounds[round];
        bytes32 root = r.scores;
        // The phase without the status: a report that stands is a root that is there.
        if (block.timestamp < t.challengeEnd || block.timestamp >= t.revealEnd || root == 0) {
            revert Errors.WrongPhase(_phase(t, r));
        }
        require(MerkleProofLib.verifyCalldata(proof, root, ScoreReport.leafHash(leaf)), Errors.InvalidProof());
        _requireOpening(
            bidOf[round][leaf.provider], Commitment.seal(round, leaf.provider, t.hash(), leaf.datasetRoot, cost, salt)
        );
        _open(t, r, round, leaf, cost);
    }

    /// @inheritdoc IDataMarket
    function settle(
        uint256 round,
        uint256 group,
        Clearing.Certificate calldata certificate,
        uint256 start,
        bytes calldata records
    ) external nonReentrant {
        (Terms memory t, Round storage r) = _inPhase(round, Phase.Settle);
        Auction storage auction = r.auctions[group];
        require(!auction.settled, Errors.AlreadySettled());
        Clearing.Params memory p;
        {
            RoundTerms.Split memory split = t.split();
            p = t.clearing(split, _budget(t, split, r, group));
        }
        Clearing.begin(p, certificate, Commitment.count(auction.records));
        Pass storage pass = _passes[_passKey(round, group, msg.sender, certificate)];
        Clearing.Progress memory progress = _resume(pass, start);
        Clearing.scan(records, p, certificate, progress);
        uint256 next = Commitment.count(progress.records);
        if (next < Commitment.count(auction.records)) {
            _pause(pass, progress);
            emit SettlementAdvanced(round, group, msg.sender, next);
            return;
        }
        require(progress.records == auction.records, Errors.WrongRecords());
        Clearing.finish(certificate, progress);

        _close(r, group, certificate, progress);

        emit Settled(round, group, certificate.winningWeight, certificate.marginal, progress.rewardSum);

        if (group == MAIN) _burn(round, (Commitment.count(r.commitments) - _revealed(r)) * t.bidBond);
    }

    /// @inheritdoc IDataMarket
    function voidRound(uint256 round) external nonReentrant {
        (Terms memory t, Round storage r) = _inPhase(round, Phase.Void);
        Status status = r.status;
        require(status != Status.Voided, Errors.NothingDue());

        r.status = Status.Voided;

        emit Voided(round);

        if (status == Status.Challenged) _burn(round, t.challengeBond);
    }

    /* PULL */

    /// @inheritdoc IDataMarket
    function claim(uint256 round, address provider) external nonReentrant {
        Terms memory t = RoundTerms.read(round);
        Round storage r = _rounds[round];
        mapping(address provider => bytes32) storage slots = bidOf[round];
        bytes32 slot = slots[provider];
        require(slot != 0, Errors.NothingDue());
        RoundTerms.Split memory split = t.split();
        uint256 reward;
        uint256 cash;
        if (r.auctions[MAIN].settled) {
            require(Commitment.isRecord(slot), Errors.NotRevealed());
            (reward, cash) = _reward(t, split, r, slot);
        } else {
            _requirePhase(t, r, Phase.Void);
        }

        address bondTo = reward == 0 || t.deliverEnd == 0 ? provider : exchange.bondTo(round, provider, t.bountyEnd);

        delete slots[provider];
        uint256 shares = reward == 0 || bondTo == address(0) ? 0 : _mintShares(t, round, provider, slot);
        emit Claimed(round, provider, cash, split.cash == split.total ? 0 : reward, shares, t.bidBond);

        if (bondTo == address(0)) {
            emit Reversed(round, provider);
            _payWinner(t, split, round, t.planner, reward, cash);
            _burn(round, t.bidBond);
        } else {
            _payWinner(t, split, round, provider, reward, cash);
            // An operator that refuses ether must not hold up the winner in whose place it delivered.
            if (bondTo == provider) provider.safeTransferETH(t.bidBond);
            else bondTo.forceSafeTransferETH(t.bidBond);
        }
    }

    /// @inheritdoc IDataMarket
    function claimOperatorFee(uint256 round, address operator) external nonReentrant {
        Terms memory t = RoundTerms.read(round);
        Round storage r = _rounds[round];
        if (block.timestamp < t.observeEnd) revert Errors.WrongPhase(_phase(t, r));
        (uint256 index,) = committee.memberIndex(t.committee, operator);
        uint32 paid = r.paidOperators;
        require(((r.observers & ~paid) >> index) & 1 != 0, Errors.NothingDue());

        // A committee has at most 32 members.
        r.paidOperators = paid | uint32(1 << index);

        emit OperatorPaid(round, operator, t.operatorFee);

        t.paymentToken.safeTransfer(operator, uint256(t.operatorFee) * t.moneyUnit);
    }

    /// @inheritdoc IDataMarket
    function refund(uint256 round) external nonReentrant {
        Terms memory t = RoundTerms.read(round);
        Round storage r = _rounds[round];
        bool settled = r.auctions[MAIN].settled;
        if (!settled) _requirePhase(t, r, Phase.Void);
        if (r.refunded) return;
        RoundTerms.Split memory split = t.split();
        (address[] memory members,) = committee.committeeOf(t.committee);
        uint256 idle = members.length - LibBit.popCount(r.observers);
        // A void round owes nothing, not even to a tranche that was settled in it.
        (uint256 reward, uint256 cash) = settled ? (r.totalReward, r.cashOwed) : (0, 0);
        uint256 amount = split.cash + t.maxBids - cash + idle * t.operatorFee;
        uint256 units = split.cash == split.total ? 0 : split.total - reward;

        r.refunded = true;

        emit Refunded(round, amount, units);

        if (units != 0) _revenueToken(t, split, round).mint(t.planner, units);
        t.paymentToken.safeTransfer(t.planner, amount * t.moneyUnit);
    }

    /// @inheritdoc IDataMarket
    function claimChallengeBond(uint256 round) external nonReentrant {
        Terms memory t = RoundTerms.read(round);
        Round storage r = _rounds[round];
        address challenger = r.challenger;
        require(r.upheld && challenger != address(0), Errors.NothingDue());

        delete r.challenger;

        challenger.safeTransferETH(t.challengeBond);
    }

    /* VIEWS */

    /// @inheritdoc IDataMarket
    function phase(uint256 round) public view returns (Phase) {
        if (round == 0 || round > rounds) return Phase.None;
        Terms memory t = RoundTerms.read(round);
        return _phase(t, _rounds[round]);
    }

    /// @inheritdoc IDataMarket
    function terms(uint256 round) external view returns (Terms memory t) {
        t = RoundTerms.read(round);
    }

    /// @inheritdoc IDataMarket
    function roundOf(uint256 round) external view returns (RoundState memory state) {
        Terms memory t = RoundTerms.read(round);
        Round storage r = _rounds[round];
        state.planner = t.planner;
        state.termsHash = t.hash();
        state.commitments = r.commitments;
        state.reported = r.reported;
        state.challenged = r.status == Status.Challenged;
        if (state.reported) state.root = state.challenged ? r.disputed : r.scores;
        else state.observations = r.scores;
        state.bonded = Commitment.count(r.commitments);
        state.observers = r.observers;
        state.paidOperators = r.paidOperators;
        state.voided = r.status == Status.Voided;
        state.refunded = r.refunded;
        state.totalReward = r.totalReward;
        state.cashOwed = r.cashOwed;
        for (uint256 group; group < 2; ++group) {
            Auction storage auction = r.auctions[group];
            uint256 revealed = Commitment.count(auction.records);
            state.auctions[group] = AuctionState(
                auction.records, revealed, auction.settled, auction.winningWeight, _certificate(auction).marginal
            );
            state.revealed += revealed;
        }
        state.settled = state.auctions[MAIN].settled;
        state.challenger = r.challenger;
        state.challengeId = r.challengeId;
    }

    /// @inheritdoc IDataMarket
    function rewardOf(uint256 round, address provider) external view returns (uint256 reward, uint256 cash) {
        Terms memory t = RoundTerms.read(round);
        Round storage r = _rounds[round];
        bytes32 slot = bidOf[round][provider];
        if (r.auctions[MAIN].settled && Commitment.isRecord(slot)) (reward, cash) = _reward(t, t.split(), r, slot);
    }

    /// @inheritdoc IDataMarket
    function progressOf(uint256 round, uint256 group, address proposer, Clearing.Certificate calldata certificate)
        external
        view
        returns (uint256)
    {
        return Commitment.count(_passes[_passKey(round, group, proposer, certificate)].records);
    }

    /// @inheritdoc IDataMarket
    function revenueToken(uint256 round) external view returns (address token) {
        Terms memory t = RoundTerms.read(round);
        RoundTerms.Split memory split = t.split();
        if (split.cash != split.total) token = address(_revenueToken(t, split, round));
    }

    /// @inheritdoc IDataMarket
    function domainSeparator() external view returns (bytes32) {
        return ScoreReport.domainSeparator(address(this));
    }

    /* INTERNAL */

    /// @dev The terms and the state of a round that is in `expected`.
    function _inPhase(uint256 round, Phase expected) private view returns (Terms memory t, Round storage r) {
        t = RoundTerms.read(round);
        r = _rounds[round];
        _requirePhase(t, r, expected);
    }

    function _requirePhase(Terms memory t, Round storage r, Phase expected) private view {
        Phase actual = _phase(t, r);
        require(actual == expected, Errors.WrongPhase(actual));
    }

    /// @dev By the clock first; a round without what the next phase needs is void from its deadline on.
    function _phase(Terms memory t, Round storage r) private view returns (Phase) {
        Status status = r.status;
        if (status == Status.Voided) return Phase.Void;
        if (block.timestamp < t.commitEnd) return Phase.Commit;
        if (block.timestamp < t.observeEnd) return Phase.Observe;
        if (block.timestamp < t.reportEnd) return Phase.Report;
        if (status == Status.Open) return Phase.Void;
        if (block.timestamp < t.challengeEnd) return Phase.Challenge;
        if (status == Status.Challenged) return Phase.Void;
        if (block.timestamp < t.revealEnd) return Phase.Reveal;
        if (r.auctions[MAIN].settled) return Phase.Claim;
        return block.timestamp < t.settleEnd ? Phase.Settle : Phase.Void;
    }

    function _requireOpening(bytes32 slot, bytes32 opening) private pure {
        if (slot == opening) return;
        require(slot != 0, Errors.NoBid());
        require(!Commitment.isRecord(slot), Errors.AlreadyRevealed());
        revert Errors.WrongOpening();
    }

    /// @dev Turns a sealed bid into its record.
    function _open(Terms memory t, Round storage r, uint256 round, ScoreLeaf calldata leaf, uint256 cost) private {
        (uint64 cost64, uint64 weight) = _record(t, leaf, cost);
        uint8 group = t.trancheShare == 0 || leaf.group == 0 ? MAIN : TRANCHE;
        Auction storage auction = r.auctions[group];
        bytes32 records = auction.records;
        uint256 position = Commitment.count(records);

        auction.records = Commitment.chainRecord(records, cost64, weight);
        bytes32 record = Commitment.packRecord(leaf.shares, group, position, cost64, weight);
        bidOf[round][leaf.provider] = record;

        emit Revealed(round, leaf.provider, record);
    }

    /// @dev What does not fit the record is ineligible: weight 0.
    function _record(Terms memory t, ScoreLeaf calldata leaf, uint256 cost)
        private
        pure
        returns (uint64 cost64, uint64 weight)
    {
        if (cost > type(uint64).max) return (type(uint64).max, 0);
        cost64 = uint64(cost);
        if (leaf.status != 0) return (cost64, 0);
        uint256 full = Weights.weight(leaf.quality, leaf.impact, t.eta, t.gamma, t.kappa);
        if (full <= type(uint64).max) weight = uint64(full);
    }

    /// @dev A pass from where it was left, or a new one.
    function _resume(Pass storage pass, uint256 start) private view returns (Clearing.Progress memory progress) {
        if (start == 0) return progress;
        progress = Clearing.Progress(pass.records, pass.weightSum, pass.rewardSum, pass.cashSum);
        uint256 next = Commitment.count(progress.records);
        require(start == next, Errors.WrongStart(next));
    }

    /// @dev The sum of weights is exact: fewer than 2^24 below 2^64.
    function _pause(Pass storage pass, Clearing.Progress memory progress) private {
        pass.records = progress.records;
        pass.weightSum = uint96(progress.weightSum);
        pass.rewardSum = uint64(progress.rewardSum);
        pass.cashSum = uint96(progress.cashSum);
    }

    /// @dev Keeps a verified outcome. The casts are safe: W is a sum of fewer than 2^24 weights below 2^64, m is one of the
    /// records, the rewards add up to at most R, their cash parts to at most L and one unit for each.
    function _close(
        Round storage r,
        uint256 group,
        Clearing.Certificate calldata certificate,
        Clearing.Progress memory progress
    ) private {
        Auction storage auction = r.auctions[group];
        auction.winningWeight = uint96(certificate.winningWeight);
        auction.marginalCost = uint64(certificate.marginalCost);
        auction.marginalWeight = uint64(certificate.marginalWeight);
        auction.marginal = certificate.marginal == Clearing.NONE ? NO_MARGINAL : uint24(certificate.marginal);
        auction.settled = true;
        r.totalReward += uint64(progress.rewardSum);
        r.cashOwed += uint96(progress.cashSum);
        if (group == TRANCHE) r.trancheReward = uint64(progress.rewardSum);
    }

    function _revealed(Round storage r) private view returns (uint256) {
        return Commitment.count(r.auctions[MAIN].records) + Commitment.count(r.auctions[TRANCHE].records);
    }

    /// @dev Reward budget of one auction: the tranche's share; for everybody else what the tranche left.
    function _budget(Terms memory t, RoundTerms.Split memory split, Round storage r, uint256 group)
        private
        view
        returns (uint256)
    {
        if (t.trancheShare == 0) return split.total;
        if (group == TRANCHE) return t.trancheReward(split);
        Auction storage tranche = r.auctions[TRANCHE];
        require(tranche.settled || tranche.records == 0, Errors.TrancheNotSettled());
        return split.total - r.trancheReward;
    }

    /// @dev Reward and its cash part of a record in a settled round.
    function _reward(Terms memory t, RoundTerms.Split memory split, Round storage r, bytes32 slot)
        private
        view
        returns (uint256 reward, uint256 cash)
    {
        (, uint8 group, uint256 position, uint256 cost, uint256 weight) = Commitment.unpackRecord(slot);
        reward = Clearing.rewardOf(
            t.clearing(split, _budget(t, split, r, group)), _certificate(r.auctions[group]), position, cost, weight
        );
        cash = Liquidity.cashOf(reward, split.cash, split.total);
    }

    function _certificate(Auction storage auction) private view returns (Clearing.Certificate memory c) {
        c.winningWeight = auction.winningWeight;
        c.marginal = auction.marginal == NO_MARGINAL ? Clearing.NONE : auction.marginal;
        c.marginalCost = auction.marginalCost;
        c.marginalWeight = auction.marginalWeight;
    }

    function _passKey(uint256 round, uint256 group, address proposer, Clearing.Certificate calldata certificate)
        private
        pure
        returns (bytes32)
    {
        return keccak256(abi.encode(round, group, proposer, certificate));
    }

    /// @dev A reward: its units and its cash part.
    function _payWinner(
        Terms memory t,
        RoundTerms.Split memory split,
        uint256 round,
        address payee,
        uint256 reward,
        uint256 cash
    ) private {
        if (split.cash != split.total && reward != 0) {
            _revenueToken(t, split, round).mint(payee, reward);
        }
        if (cash != 0) t.paymentToken.safeTransfer(payee, cash * t.moneyUnit);
    }

    /// @dev A winner's data shares.
    function _mintShares(Terms memory t, uint256 round, address provider, bytes32 slot) private returns (uint256) {
        (uint64 attested,,,,) = Commitment.unpackRecord(slot);
        if (attested == 0 || t.shareSupply == 0) return 0;
        return IDataShareToken(shareToken).mint(round, provider, attested, t.shareSupply);
    }

    function _revenueToken(Terms memory t, RoundTerms.Split memory split, uint256 round)
        private
        view
        returns (IMarginalUtilityToken)
    {
        bytes memory arguments = abi.encode(t.paymentToken, split.total);
        return IMarginalUtilityToken(
            Clones.predictDeterministicAddressWithImmutableArgs(_revenueTokenCode, arguments, bytes32(round))
        );
    }

    /// @dev Pulls exactly `amount` of a token from the sender.
    function _take(address token, uint256 amount) private {
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        require(received == amount, Errors.WrongEscrow(amount, received));
    }

    /// @dev To nobody: not to the planner, whose shills could withdraw for free, nor to providers or operators.
    function _burn(uint256 round, uint256 amount) private {
        if (amount == 0) return;
        emit BondsBurned(round, amount);
        BURN.safeTransferETH(amount);
    }
}
