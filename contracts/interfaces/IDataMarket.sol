// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clearing} from "../libraries/Clearing.sol";
import {IKeyExchange} from "./IKeyExchange.sol";
import {IOracleCommittee} from "./IOracleCommittee.sol";

/// @title A truthful market for text corpora
/// @notice The life of a round: what it is opened with, how it moves on, what anybody may read. A planner escrows a
/// budget; providers commit sealed bids; a committee of operators attests scores; bids open; the clearing rule is
/// settled by certificate; everybody pulls what is theirs. Nobody owns this contract, and no key can touch a round.
/// @dev Money inside a round is counted in *money units*: `Terms.moneyUnit` smallest units of the payment token each.
/// Events and views follow that, bonds excepted, which are wei. Every function that belongs to a phase reverts with
/// `WrongPhase(actual)` outside of it; with `UnknownRound` where there is no such round.
interface IDataMarket {
    enum Phase {
        None, // never opened
        Commit, // providers commit sealed bids
        Observe, // operators commit to their signed observations
        Report, // one quorum-signed score report is posted
        Challenge, // the report may be challenged
        Reveal, // sealed bids are opened
        Settle, // anyone proposes the certificate
        Claim, // settled: rewards, bonds and refunds are pulled
        Void // ended without a settlement: escrow and bonds are pulled back
    }

    /// @notice Frozen at opening and hashed: termsHash = keccak256(abi.encode(terms)). WAD = 1e18.
    struct Terms {
        address planner; // buyer; must be the sender of `open`
        address paymentToken; // ERC-20 the round is paid in
        uint128 moneyUnit; // smallest units of the payment token per money unit
        uint64 budget; // B, money units
        uint64 utilityPool; // U, money units
        uint64 liquidity; // rho, WAD, at most 1e18
        uint64 eta; // exponent of quality, WAD
        uint64 gamma; // exponent of impact, WAD
        uint64 kappa; // offset of impact, WAD
        uint128 reserve; // highest price of one WAD of weight, money units
        uint64 cap; // highest eligible bid, money units
        uint32 maxBids; // most providers the round takes, below 2^24
        uint64 trancheShare; // WAD of R that is auctioned among members of the tranche first, below 1e18; 0: no tranche
        uint64 shareSupply; // T, DST units allocated over all scored providers
        uint64 volumeWeight; // alpha, WAD
        uint64 qualityWeight; // beta, WAD
        uint64 impactWeight; // gamma of section 5, WAD
        uint64 shareFloor; // WAD of T, scaled by a provider's share of the deduplicated tokens
        uint64 shareCap; // WAD of T, per provider
        uint96 bidBond; // wei, given back for any correct opening
        uint96 challengeBond; // wei
        uint64 operatorFee; // money units for each operator that observed in time
        uint40 commitEnd; // unix seconds; every phase is half-open [start, end)
        uint40 observeEnd;
        uint40 reportEnd;
        uint40 challengeEnd;
        uint40 revealEnd;
        uint40 settleEnd;
        uint40 deliverEnd; // winners deliver their keys until here; 0: nothing is delivered, rewards are claimed at once
        uint40 bountyEnd; // or operators for them, until here
        uint32 disputeWindow; // seconds after each delivery
        bytes32 committee; // operator set and quorum in the OracleCommittee
        address arbitrator; // IArbitrator; rules on challenged leaves
        bytes32 pipelineHash; // sha256 of the canonical scoring specification
        bytes32 baseModelHash; // sha256 of the base language model
        bytes32 validationRoot; // document root of the validation pool
        bytes32 agreementHash; // sha256 of the data licence
        bytes32 deliveryKey; // keccak256 of the planner's bn254 key: IKeyExchange
    }

    /// @notice One leaf of the score tree: what the quorum attests of one provider. Scores are WAD.
    struct ScoreLeaf {
        address provider;
        bytes32 datasetRoot;
        uint8 status; // 0 = scored; anything else makes the bid ineligible
        uint8 group; // 0 = everybody else, 1 = the diversity tranche; not looked at in a round without one
        uint64 quality; // q
        uint64 impact; // phi
        uint64 tokens; // deduplicated token count
        uint64 shares; // DST units the provider mints if it wins
    }

    /// @notice Where a round stands.
    struct RoundState {
        address planner;
        bytes32 termsHash;
        bytes32 commitments; // running hash of commitments
        bytes32 observations; // running hash of observation digests, from 0; 0 once the report is posted
        bytes32 root; // score tree; 0 before the report and once it is struck
        uint256 bonded; // providers with a bond, and leaves of the score tree
        uint256 revealed; // bids opened
        uint256 observers; // bit i: member i of the committee observed in time
        uint256 paidOperators; // bit i: member i took its fee
        bool reported;
        bool challenged; // a challenge waits for its ruling
        bool settled; // both auctions
        bool voided; // by `voidRound` or an upheld challenge; `phase` is Void from the deadline on, before that
        bool refunded; // the planner took its refund
        uint256 totalReward; // sum of rewards, money units
        uint256 cashOwed; // sum of their cash parts, each rounded up
        AuctionState[2] auctions; // of everybody else, and of the tranche
        address challenger; // of the open or the upheld challenge
        bytes32 challengeId;
    }

    /// @notice One of a round's two auctions.
    struct AuctionState {
        bytes32 records; // running hash of revealed (cost, weight), from 0
        uint256 revealed; // bids opened
        bool settled;
        uint256 winningWeight; // W, WAD
        uint256 marginal; // position of m, or type(uint256).max for none
    }

    event Opened(uint256 indexed round, address indexed planner, bytes32 termsHash, Terms terms, address revenueToken);
    event Committed(
        uint256 indexed round, address indexed provider, bytes32 sealedBid, bytes32 datasetRoot, bytes32 manifest
    );
    event Resealed(uint256 indexed round, address indexed provider, bytes32 sealedBid);
    event Observed(uint256 indexed round, address indexed operator, bytes32 digest);
    event Reported(uint256 indexed round, bytes32 root, uint32 count, bytes32 commitments, bytes32 observations);
    event Challenged(uint256 indexed round, address indexed challenger, bytes32 challengeId, bytes32 evidence);
    event ChallengeResolved(uint256 indexed round, bool upheld);
    /// @notice `record`: see `bidOf`.
    event Revealed(uint256 indexed round, address indexed provider, bytes32 record);
    /// @notice One proposer's pass over an auction's records has come to `next`.
    event SettlementAdvanced(uint256 indexed round, uint256 group, address indexed proposer, uint256 next);
    event Settled(uint256 indexed round, uint256 group, uint256 winningWeight, uint256 marginal, uint256 totalReward);
    event Voided(uint256 indexed round);
    event Claimed(
        uint256 indexed round, address indexed provider, uint256 cash, uint256 units, uint256 shares, uint256 bond
    );
    /// @notice What a winner won went to the planner: no good key came in time.
    event Reversed(uint256 indexed round, address indexed provider);
    event Refunded(uint256 indexed round, uint256 amount, uint256 units);
    event OperatorPaid(uint256 indexed round, address indexed operator, uint256 amount);
    /// @notice Bonds of bids that were never opened, or of a challenge that was rejected or not ruled on; wei.
    event BondsBurned(uint256 indexed round, uint256 amount);

    /* OPEN */

    /// @notice Opens a round and escrows (L + maxBids) money units and the fee of every member of the committee.
    /// @dev Checks every field of the terms, each with an error of its own (see `Errors`, `Liquidity`). The payment token
    /// must move exactly the escrow: tokens with a fee on transfer revert with WrongEscrow. Deploys the round's revenue
    /// token where D > 0.
    /// @return round From 1.
    function open(Terms calldata terms) external returns (uint256 round);

    /* COMMIT */

    /// @notice Commits the sender's sealed bid on a dataset, with the bond as value.
    /// @dev Again by the same sender: a new dataset in a new, later place, without a second bond. Reverts with
    /// SealedBidTooSmall, WrongBond, RoundFull.
    /// @param sealedBid `Commitment.seal`; binds chain, market, round, provider, terms, dataset, cost and salt.
    /// @param datasetRoot Public: operators score it.
    /// @param manifest sha256 of the dataset's manifest in the content store.
    function commit(uint256 round, bytes32 sealedBid, bytes32 datasetRoot, bytes32 manifest) external payable;

    /// @notice Replaces the sender's sealed bid (another cost or salt, the same dataset); its place stays.
    /// @dev Reverts with NoBid, SealedBidTooSmall.
    function reseal(uint256 round, bytes32 sealedBid) external;

    /* SCORE */

    /// @notice Records the digest of one operator's observation; anybody may carry the signature.
    /// @dev Once an operator. Reverts with NotAMember, RetiredMember, AlreadyObserved, InvalidSignature.
    /// @param signature Over EIP-712 `Observation(uint256 round,bytes32 commitments,bytes32 digest)`.
    function observe(uint256 round, address operator, bytes32 digest, bytes calldata signature) external;

    /// @notice Posts the score report, signed by a quorum of the committee; at least a quorum must have observed.
    /// @dev Reverts with AlreadyReported, ZeroRoot, WrongCount, BelowQuorum and the errors of `IOracleCommittee.verify`.
    /// @param root Score tree over one leaf for each bonded provider.
    /// @param count Leaves of the tree.
    /// @param signers In strictly ascending order, one signature each over EIP-712 `ScoreReport`.
    function postReport(
        uint256 round,
        bytes32 root,
        uint32 count,
        address[] calldata signers,
        bytes[] calldata signatures
    ) external;

    /// @notice Challenges one leaf of the report, with the challenge bond as value, in the first half of the window; the
    /// second half belongs to the arbitrator. One challenge at a time.
    /// @dev Reverts with WrongBond, AlreadyChallenged, TooLateToChallenge, InvalidProof.
    /// @param evidence sha256 of what the arbitrator should look at.
    function challenge(uint256 round, ScoreLeaf calldata leaf, bytes32[] calldata proof, bytes32 evidence)
        external
        payable;

    /// @notice Carries out the arbitrator's ruling, within the window. Upheld: the round is void and the bond goes back
    /// (`claimChallengeBond`). Rejected: the report stands and the bond is burned. Not resolved in time: the round is
    /// void and the bond is burned.
    /// @dev Reverts with NotChallenged, NotRuled.
    function resolve(uint256 round) external;

    /* REVEAL AND SETTLE */

    /// @notice Opens a sealed bid; anybody holding the preimage may. The weight is computed here from the attested leaf. Any
    /// correct opening saves the bond; a status above 0, or a cost or weight above 2^64 - 1, gives a record of weight 0.
    /// @dev Reverts with InvalidProof, NoBid, AlreadyRevealed, WrongOpening.
    function reveal(uint256 round, ScoreLeaf calldata leaf, bytes32[] calldata proof, uint256 cost, bytes32 salt)
        external;

    /// @notice Verifies a certificate over an auction's revealed bids and fixes every reward of it; the last auction of the
    /// round burns unrevealed bonds. The tranche's auction comes first, if anybody of it revealed; what it does not
    /// spend is the other's.
    /// @dev In one call or in batches, each from where the sender's last one for this certificate ended; nobody moves
    /// anybody else's progress. Exactly one certificate passes. Reverts with AlreadySettled, TrancheNotSettled,
    /// WrongStart, WrongRecords and the errors of `Clearing`.
    /// @param group 0 = everybody else, 1 = the tranche.
    /// @param certificate W, and m with its bid.
    /// @param start Position of the first record; 0 starts anew.
    /// @param records 16 bytes a revealed bid in the order of reveals: cost (uint64) | weight (uint64), big-endian.
    function settle(
        uint256 round,
        uint256 group,
        Clearing.Certificate calldata certificate,
        uint256 start,
        bytes calldata records
    ) external;

    /// @notice Puts on record that a round is void. What `claim` and `refund` pay does not wait for it.
    function voidRound(uint256 round) external;

    /* PULL */

    /// @notice Pays a provider, whoever calls: its bond for an opened bid, and for a winner cash, MUT and DST, once the
    /// delivery of its key is accepted. In a void round: its bond. What a winner without a good key won is paid to the
    /// planner, but for the DST; everybody else's reward stands.
    /// @dev Reverts with NothingDue, NotRevealed, NotAccepted.
    function claim(uint256 round, address provider) external;

    /// @notice Pays an operator that observed in time, from the end of the observe phase on, whatever became of the round.
    /// @dev Reverts with NotAMember, NothingDue.
    function claimOperatorFee(uint256 round, address operator) external;

    /// @notice Pays the planner, whoever calls: escrow above the cash owed to winners, fees nobody earned, MUT units nobody
    /// won. Again: pays nothing.
    function refund(uint256 round) external;

    /// @notice Pays the bond of an upheld challenge back to its challenger.
    function claimChallengeBond(uint256 round) external;

    /* VIEWS */

    /// @notice Least seconds of a phase.
    function MIN_PHASE() external view returns (uint256);
    /// @notice The OracleCommittee all rounds use.
    function committee() external view returns (IOracleCommittee);
    /// @notice The KeyExchange of this market.
    function exchange() external view returns (IKeyExchange);
    /// @notice The DataShareToken (DST) of this market.
    function shareToken() external view returns (address);
    /// @notice EIP-712 domain of what operators sign.
    function domainSeparator() external view returns (bytes32);
    /// @notice Number of rounds opened; rounds are numbered from 1.
    function rounds() external view returns (uint256);
    /// @notice The round's present phase, by the clock and what has happened.
    function phase(uint256 round) external view returns (Phase);
    function terms(uint256 round) external view returns (Terms memory);
    function roundOf(uint256 round) external view returns (RoundState memory);
    /// @notice The provider's slot: 0 (no bid, or claimed), a sealed bid (2^224 or more), or the record of an opened bid:
    /// shares (64) | group (8) | position + 1 (24) | cost (64) | weight (64).
    function bidOf(uint256 round, address provider) external view returns (bytes32);
    /// @notice Where `proposer`'s pass with this certificate stands: the position of the next record.
    function progressOf(uint256 round, uint256 group, address proposer, Clearing.Certificate calldata certificate)
        external
        view
        returns (uint256 next);
    /// @notice The round's MarginalUtilityToken (MUT); zero where D = 0.
    function revenueToken(uint256 round) external view returns (address);
    /// @notice Reward and its cash part of an opened bid in a settled round that is not claimed yet, money units; zero
    /// otherwise.
    function rewardOf(uint256 round, address provider) external view returns (uint256 reward, uint256 cash);
}
