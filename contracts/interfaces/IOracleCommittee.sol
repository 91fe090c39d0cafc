// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ScoreReport} from "../libraries/ScoreReport.sol";
import {IArbitrator} from "./IArbitrator.sol";

/// @title Operators, their stakes and their committees
/// @notice An operator is a key (or an EIP-1271 contract) with a stake. A committee is a fixed list of operators with a
/// quorum; rounds name one in their terms. Nobody owns this contract.
interface IOracleCommittee is IArbitrator {
    event Staked(address indexed signer, uint256 amount);
    event ExitRequested(address indexed signer, uint256 exitAt);
    event Withdrawn(address indexed signer, uint256 amount);
    event Formed(bytes32 indexed committee, address[] signers, uint8 quorum);
    event Slashed(address indexed signer, uint256 amount, address market, uint256 round);
    event Retired(bytes32 indexed committee, address indexed signer);
    event Ruled(bytes32 indexed committee, bytes32 indexed challengeId, Ruling ruling);

    /// @notice Least stake of an active operator, wei.
    function MIN_STAKE() external view returns (uint256);
    /// @notice Seconds a leaving operator's stake can still be slashed; rounds end their challenge window within it.
    function EXIT_DELAY() external view returns (uint256);
    /// @notice Most members of a committee.
    function MAX_MEMBERS() external view returns (uint256);

    /* STAKES */

    /// @notice Adds the value sent to the stake of `signer`; anybody may pay, only the signer can take it back.
    /// @dev Reverts with StakeTooSmall, OperatorSlashed or ExitPending.
    function stake(address signer) external payable;

    /// @notice The sender leaves: no new round may count on it, and its stake is free after EXIT_DELAY.
    function requestExit() external;

    /// @notice Pays the stake of a sender that has left.
    function withdraw() external;

    /// @notice Burns the whole stake of an operator that signed two different reports over the same commitments and
    /// observations. Anybody may submit the two; nobody gains by it.
    /// @dev Reverts with NoEquivocation or InvalidSignature.
    /// @param market The DataMarket both reports were signed for, on this chain.
    function slash(
        address signer,
        address market,
        ScoreReport.Report calldata a,
        bytes calldata signatureA,
        ScoreReport.Report calldata b,
        bytes calldata signatureB
    ) external;

    /* COMMITTEES */

    /// @notice Records a committee; forming the same one again does nothing.
    /// @param signers Members in strictly ascending order, 1 to MAX_MEMBERS.
    /// @param quorum More than two thirds of the members.
    /// @return committee keccak256(abi.encode(signers, quorum)).
    function form(address[] calldata signers, uint8 quorum) external returns (bytes32 committee);

    /// @notice Takes a slashed operator out of a committee for good; the quorum stays as it is. Anybody may call it.
    function retire(bytes32 committee, address signer) external;

    /// @notice Records the committee's own ruling on a challenge, signed by a quorum of it (EIP-712
    /// `Ruling(bytes32 committee,bytes32 challengeId,bool upheld)`).
    function rule(
        bytes32 committee,
        bytes32 challengeId,
        bool upheld,
        address[] calldata signers,
        bytes[] calldata signatures
    ) external;

    /* VIEWS */

    /// @notice Reverts unless a quorum of the committee signed `digest`.
    /// @dev Reverts with UnknownCommittee, BelowQuorum, UnsortedSigners, NotAMember, RetiredMember, InvalidSignature.
    /// @param signers In strictly ascending order, one signature each.
    /// @return quorum The committee's quorum.
    function verify(bytes32 committee, bytes32 digest, address[] calldata signers, bytes[] calldata signatures)
        external
        view
        returns (uint256 quorum);

    /// @notice Requires that one member that was not retired signed the digest.
    /// @dev Reverts with NotAMember, RetiredMember, InvalidSignature.
    /// @return index Its place in the committee.
    function verifyMember(bytes32 committee, address signer, bytes32 digest, bytes calldata signature)
        external
        view
        returns (uint256 index);

    /// @notice Place of a member in the committee, from 0, and whether it was retired. Reverts with NotAMember.
    function memberIndex(bytes32 committee, address signer) external view returns (uint256 index, bool retired);

    /// @notice Reverts with InactiveMember unless every member is staked, not leaving and not slashed.
    /// @return size Number of members.
    function requireActive(bytes32 committee) external view returns (uint256 size);

    /// @notice Members in ascending order and quorum. Reverts with UnknownCommittee.
    function committeeOf(bytes32 committee) external view returns (address[] memory signers, uint8 quorum);

    /// @notice Bit i is set where member i was retired.
    function retiredOf(bytes32 committee) external view returns (uint256);

    /// @notice Stake in wei, the time at which it is free (0: not leaving), and whether the operator was slashed.
    function operatorOf(address signer) external view returns (uint128 amount, uint64 exitAt, bool slashed);

    /// @notice Whether a new round may count on the operator.
    function isActive(address signer) external view returns (bool);

    /// @notice What a member signs to rule on a challenge.
    function rulingDigest(bytes32 committee, bytes32 challengeId, bool upheld) external view returns (bytes32);
}
