// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice The life of a round: what it is opened with, how it moves on, what anybody may read.
/// @dev Money inside a round is counted in *money units*: `Terms.moneyUnit` smallest units of the payment token each.
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

    /// @notice Frozen at opening and hashed. WAD = 1e18.
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
        uint32 maxBids; // most commitments the round takes
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
        bytes32 committee; // operator set and quorum in the OracleCommittee
        address arbitrator; // IArbitrator; rules on challenged leaves
        bytes32 pipelineHash; // sha256 of the canonical scoring specification
        bytes32 baseModelHash; // sha256 of the base language model
        bytes32 validationRoot; // document root of the validation pool
        bytes32 agreementHash; // sha256 of the data licence
    }

    /// @notice One leaf of the score tree: what the quorum attests of one provider. Scores are WAD.
    struct ScoreLeaf {
        address provider;
        bytes32 datasetRoot;
        uint8 status; // 0 = scored; anything else makes the bid ineligible
        uint64 quality; // q
        uint64 impact; // phi
        uint64 tokens; // deduplicated token count
        uint64 shares; // DST units the provider mints if it wins
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
    event Revealed(
        uint256 indexed round, address indexed provider, uint32 position, uint64 cost, uint64 weight, uint64 shares
    );
    event Settled(uint256 indexed round, uint256 winningWeight, uint256 marginal, uint256 totalReward);
    event Voided(uint256 indexed round);
    event Claimed(
        uint256 indexed round, address indexed provider, uint256 cash, uint256 units, uint256 shares, uint256 bond
    );
    event Refunded(uint256 indexed round, uint256 amount, uint256 units);
    event OperatorPaid(uint256 indexed round, address indexed operator, uint256 amount);
    event BondsBurned(uint256 indexed round, uint256 amount);

    function open(Terms calldata terms) external returns (uint256 round);
    function commit(uint256 round, bytes32 sealedBid, bytes32 datasetRoot, bytes32 manifest) external payable;
    function reseal(uint256 round, bytes32 sealedBid) external;
    function observe(uint256 round, address operator, bytes32 digest, bytes calldata signature) external;
    function postReport(
        uint256 round,
        bytes32 root,
        uint32 count,
        address[] calldata signers,
        bytes[] calldata signatures
    ) external;
    function challenge(uint256 round, ScoreLeaf calldata leaf, bytes32[] calldata proof, bytes32 evidence)
        external
        payable;
    function resolve(uint256 round) external;
    function reveal(
        uint256 round,
        ScoreLeaf calldata leaf,
        bytes32[] calldata proof,
        uint256 cost,
        bytes32 salt
    ) external;
    /// @param records 16 bytes a revealed bid in the order of reveals: cost (uint64) | weight (uint64), big-endian.
    /// @param marginal position of m, or type(uint256).max for none.
    function settle(uint256 round, uint256 winningWeight, uint256 marginal, bytes calldata records) external;
    function claim(uint256 round, address provider) external;
    function claimOperatorFee(uint256 round, address operator) external;
    function refund(uint256 round) external;
    function voidRound(uint256 round) external;

    function phase(uint256 round) external view returns (Phase);
    function rewardOf(uint256 round, address provider) external view returns (uint256 reward, uint256 cash);
}
