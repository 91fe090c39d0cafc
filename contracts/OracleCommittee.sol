// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {SSTORE2} from "solady/src/utils/SSTORE2.sol";
import {IArbitrator} from "./interfaces/IArbitrator.sol";
import {IOracleCommittee} from "./interfaces/IOracleCommittee.sol";
import {Errors} from "./libraries/Errors.sol";
import {ScoreReport} from "./libraries/ScoreReport.sol";
import {Signatures} from "./libraries/Signatures.sol";

/// @title Operators, their stakes and their committees
/// @dev Members are kept as code, at an address that follows from the committee's id: one cold account for a whole
/// quorum, where a slot a signer would cost 2,100 gas each.
contract OracleCommittee is IOracleCommittee, EIP712 {
    using SafeTransferLib for address;

    struct Operator {
        uint128 amount; // wei
        uint64 exitAt; // unix seconds, 0 while staying
        bool slashed;
    }

    /// @inheritdoc IOracleCommittee
    uint256 public constant MIN_STAKE = 1 ether;
    /// @inheritdoc IOracleCommittee
    uint256 public constant EXIT_DELAY = 30 days;
    /// @inheritdoc IOracleCommittee
    uint256 public constant MAX_MEMBERS = 32;

    bytes32 private constant RULING_TYPEHASH = keccak256("Ruling(bytes32 committee,bytes32 challengeId,bool upheld)");
    address private constant BURN = 0x000000000000000000000000000000000000dEaD;

    /// @inheritdoc IOracleCommittee
    mapping(address signer => Operator) public operatorOf;
    /// @inheritdoc IOracleCommittee
    mapping(bytes32 committee => uint256) public retiredOf;
    /// @inheritdoc IArbitrator
    mapping(bytes32 committee => mapping(bytes32 challengeId => Ruling)) public ruling;

    constructor() EIP712("Mixed-MIA OracleCommittee", "1") {}

    /* STAKES */

    /// @inheritdoc IOracleCommittee
    function stake(address signer) external payable {
        Operator storage operator = operatorOf[signer];
        require(!operator.slashed, Errors.OperatorSlashed());
        require(operator.exitAt == 0, Errors.ExitPending());
        require(operator.amount + msg.value >= MIN_STAKE, Errors.StakeTooSmall());

        // No more wei than 2^128 will ever exist.
        operator.amount += uint128(msg.value);

        emit Staked(signer, msg.value);
    }

    /// @inheritdoc IOracleCommittee
    function requestExit() external {
        Operator storage operator = operatorOf[msg.sender];
        require(operator.amount != 0, Errors.NothingDue());
        require(operator.exitAt == 0, Errors.ExitPending());

        uint256 exitAt = block.timestamp + EXIT_DELAY;
        operator.exitAt = uint64(exitAt);

        emit ExitRequested(msg.sender, exitAt);
    }

    /// @inheritdoc IOracleCommittee
    function withdraw() external {
        Operator storage operator = operatorOf[msg.sender];
        uint256 amount = operator.amount;
        require(amount != 0, Errors.NothingDue());
        require(operator.exitAt != 0 && block.timestamp >= operator.exitAt, Errors.ExitNotDue());

        delete operatorOf[msg.sender];

        emit Withdrawn(msg.sender, amount);

        msg.sender.safeTransferETH(amount);
    }

    /// @inheritdoc IOracleCommittee
    function slash(
        address signer,
        address market,
        ScoreReport.Report calldata a,
        bytes calldata signatureA,
        ScoreReport.Report calldata b,
        bytes calldata signatureB
    ) external {
        require(_contradict(a, b), Errors.NoEquivocation());
        _requireSigned(signer, market, a, signatureA);
        _requireSigned(signer, market, b, signatureB);
        Operator storage operator = operatorOf[signer];
        uint256 amount = operator.amount;
        require(amount != 0, Errors.NothingDue());

        operator.amount = 0;
        operator.slashed = true;

        emit Slashed(signer, amount, market, a.round);

        BURN.safeTransferETH(amount);
    }

    /* COMMITTEES */

    /// @inheritdoc IOracleCommittee
    function form(address[] calldata signers, uint8 quorum) external returns (bytes32 committee) {
        uint256 size = signers.length;
        require(size <= MAX_MEMBERS && quorum <= size && uint256(quorum) * 3 > size * 2, Errors.QuorumOutOfRange());
        address previous;
        for (uint256 i; i < size; ++i) {
            require(signers[i] > previous, Errors.UnsortedSigners());
            previous = signers[i];
        }
        bytes memory encoded = abi.encode(signers, quorum);
        committee = keccak256(encoded);
        if (SSTORE2.predictDeterministicAddress(committee).code.length != 0) return committee;

        SSTORE2.writeDeterministic(encoded, committee);

        emit Formed(committee, signers, quorum);
    }

    /// @inheritdoc IOracleCommittee
    function retire(bytes32 committee, address signer) external {
        require(operatorOf[signer].slashed, Errors.NotSlashed());
        (uint256 index,) = memberIndex(committee, signer);

        retiredOf[committee] |= 1 << index;

        emit Retired(committee, signer);
    }

    /// @inheritdoc IOracleCommittee
    function rule(
        bytes32 committee,
        bytes32 challengeId,
        bool upheld,
        address[] calldata signers,
        bytes[] calldata signatures
    ) external {
        require(ruling[committee][challengeId] == Ruling.None, Errors.AlreadyRuled());
        verify(committee, rulingDigest(committee, challengeId, upheld), signers, signatures);

        Ruling given = upheld ? Ruling.Upheld : Ruling.Rejected;
        ruling[committee][challengeId] = given;

        emit Ruled(committee, challengeId, given);
    }

    /* VIEWS */

    /// @inheritdoc IOracleCommittee
    function verify(bytes32 committee, bytes32 digest, address[] calldata signers, bytes[] calldata signatures)
        public
        view
        returns (uint256 quorum)
    {
        address[] memory members;
        (members, quorum) = committeeOf(committee);
        require(signers.length >= quorum && signers.length == signatures.length, Errors.BelowQuorum());
        uint256 retired = retiredOf[committee];
        // Both lists ascend strictly, so one walk along the members finds every signer.
        uint256 index;
        address previous;
        uint256 size = members.length;
        for (uint256 i; i < signers.length; ++i) {
            address signer = signers[i];
            require(signer > previous, Errors.UnsortedSigners());
            address member;
            // Below `size`, which is at most MAX_MEMBERS.
            unchecked {
                while (index < size && (member = members[index]) < signer) ++index;
            }
            require(member == signer, Errors.NotAMember(signer));
            require((retired >> index) & 1 == 0, Errors.RetiredMember(signer));
            require(Signatures.isValid(signer, digest, signatures[i]), Errors.InvalidSignature(signer));
            previous = signer;
        }
    }

    /// @inheritdoc IOracleCommittee
    function memberIndex(bytes32 committee, address signer) public view returns (uint256 index, bool retired) {
        (address[] memory members,) = committeeOf(committee);
        while (index < members.length && members[index] != signer) ++index;
        require(index < members.length, Errors.NotAMember(signer));
        retired = (retiredOf[committee] >> index) & 1 != 0;
    }

    /// @inheritdoc IOracleCommittee
    function verifyMember(bytes32 committee, address signer, bytes32 digest, bytes calldata signature)
        external
        view
        returns (uint256)
    {
        (uint256 index, bool retired) = memberIndex(committee, signer);
        require(!retired, Errors.RetiredMember(signer));
        require(Signatures.isValid(signer, digest, signature), Errors.InvalidSignature(signer));
        return index;
    }

    /// @inheritdoc IOracleCommittee
    function requireActive(bytes32 committee) external view returns (uint256 size) {
        (address[] memory members,) = committeeOf(committee);
        size = members.length;
        for (uint256 i; i < size; ++i) {
            require(isActive(members[i]), Errors.InactiveMember(members[i]));
        }
    }

    /// @inheritdoc IOracleCommittee
    function committeeOf(bytes32 committee) public view returns (address[] memory signers, uint8 quorum) {
        address pointer = SSTORE2.predictDeterministicAddress(committee);
        require(pointer.code.length != 0, Errors.UnknownCommittee());
        bytes memory encoded = SSTORE2.read(pointer);
        // `form` encoded it: offset of the list, quorum, then the list as it lies in memory.
        assembly ("memory-safe") {
            signers := add(encoded, 0x60)
            quorum := mload(add(encoded, 0x40))
        }
    }

    /// @inheritdoc IOracleCommittee
    function isActive(address signer) public view returns (bool) {
        Operator storage operator = operatorOf[signer];
        return operator.amount >= MIN_STAKE && operator.exitAt == 0;
    }

    /// @inheritdoc IOracleCommittee
    function rulingDigest(bytes32 committee, bytes32 challengeId, bool upheld) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(RULING_TYPEHASH, committee, challengeId, upheld)));
    }

    /* INTERNAL */

    /// @dev Same round, same inputs, another result.
    function _contradict(ScoreReport.Report calldata a, ScoreReport.Report calldata b) private pure returns (bool) {
        return a.round == b.round && a.termsHash == b.termsHash && a.commitments == b.commitments
            && a.observations == b.observations && (a.root != b.root || a.count != b.count);
    }

    function _requireSigned(
        address signer,
        address market,
        ScoreReport.Report calldata report,
        bytes calldata signature
    ) private view {
        require(
            Signatures.isValid(signer, ScoreReport.reportDigest(market, report), signature),
            Errors.InvalidSignature(signer)
        );
    }
}
