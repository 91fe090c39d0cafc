// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {MerkleProofLib} from "solady/src/utils/MerkleProofLib.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {IDataMarket} from "./interfaces/IDataMarket.sol";
import {IKeyExchange} from "./interfaces/IKeyExchange.sol";
import {IOracleCommittee} from "./interfaces/IOracleCommittee.sol";
import {Bn254} from "./libraries/Bn254.sol";
import {Commitment} from "./libraries/Commitment.sol";
import {DeliveryProof} from "./libraries/DeliveryProof.sol";
import {EncryptionKey} from "./libraries/EncryptionKey.sol";
import {Errors} from "./libraries/Errors.sol";
import {RoundTerms} from "./libraries/RoundTerms.sol";
import {ScoreReport} from "./libraries/ScoreReport.sol";

/// @title Keys for payment
/// @dev A delivery is one slot: what it was is kept as a hash, of which a dispute shows the preimage.
contract KeyExchange is IKeyExchange {
    using Bn254 for Bn254.Point;
    using SafeTransferLib for address;

    address private constant BURN = 0x000000000000000000000000000000000000dEaD;

    /// @inheritdoc IKeyExchange
    IDataMarket public immutable market;
    /// @inheritdoc IKeyExchange
    mapping(address owner => bytes32) public deliveryKeyOf;
    /// @inheritdoc IKeyExchange
    mapping(address owner => SignedKey) public encryptionKeyOf;
    mapping(uint256 round => mapping(address provider => Delivery)) private _deliveries;
    /// @inheritdoc IKeyExchange
    mapping(uint256 round => mapping(address provider => address)) public delivererOf;

    constructor() {
        market = IDataMarket(msg.sender);
    }

    /* KEYS */

    /// @inheritdoc IKeyExchange
    function registerDeliveryKey(Bn254.Point calldata key, uint256 challenge, uint256 response) external {
        require(key.isOnCurve(), Errors.NotOnCurve());
        require(DeliveryProof.possesses(msg.sender, key, challenge, response), Errors.InvalidProof());

        deliveryKeyOf[msg.sender] = _hash(key);

        emit DeliveryKeyRegistered(msg.sender, key.x, key.y);
    }

    /// @inheritdoc IKeyExchange
    function registerEncryptionKey(bytes32 key, bytes32 r, bytes32 vs) external {
        require(key != 0, Errors.ZeroKey());
        (address signer,,) = ECDSA.tryRecover(EncryptionKey.digest(msg.sender, key), r, vs);
        require(signer == msg.sender, Errors.InvalidSignature(msg.sender));

        encryptionKeyOf[msg.sender] = SignedKey(key, r, vs);

        emit EncryptionKeyRegistered(msg.sender, key);
    }

    /* DELIVER */

    /// @inheritdoc IKeyExchange
    function deliver(uint256 round, address provider, Parcel calldata parcel) external {
        require(parcel.ephemeral.isOnCurve(), Errors.NotOnCurve());
        IDataMarket.Terms memory t = RoundTerms.readOf(address(market), round);
        require(_deliveries[round][provider].state == State.None, Errors.AlreadyDelivered());
        require(block.timestamp >= t.settleEnd && block.timestamp < t.bountyEnd, Errors.DeliveryClosed());
        bool bounty = msg.sender != provider;
        if (bounty) {
            require(block.timestamp >= t.deliverEnd && _attested(t.committee, round), Errors.NotDeliverer());
            (uint256 reward,) = market.rewardOf(round, provider);
            require(reward != 0, Errors.NothingDue());
            delivererOf[round][provider] = msg.sender;
        }

        _deliveries[round][provider] = Delivery(
            State.Delivered,
            bounty,
            uint40(block.timestamp) + t.disputeWindow,
            _digest(t.planner, t.deliveryKey, parcel)
        );

        emit Delivered(round, provider, parcel);
    }

    /// @inheritdoc IKeyExchange
    function accept(uint256 round, address provider) external {
        require(msg.sender == RoundTerms.readOf(address(market), round).planner, Errors.NotPlanner());
        Delivery storage delivery = _deliveries[round][provider];
        require(delivery.state == State.Delivered, Errors.NotDelivered());

        delivery.state = State.Accepted;

        emit Accepted(round, provider);
    }

    /// @inheritdoc IKeyExchange
    function dispute(uint256 round, address provider, Dispute calldata d) external payable {
        Delivery memory delivery = _disputable(round, provider, _digest(msg.sender, _hash(d.key), d.parcel));
        require(d.shared.isOnCurve(), Errors.NotOnCurve());
        require(
            DeliveryProof.disputeHolds(d.key, d.parcel.ephemeral, d.shared, d.challenge, d.response),
            Errors.InvalidProof()
        );
        bytes32 key = d.parcel.sealedKey ^ DeliveryProof.mask(address(market), round, provider, d.shared);
        bool good =
            d.parcel.keyCommit == Commitment.keyCommit(address(market), round, provider, d.parcel.contentHash, key);
        uint256 bond = good ? RoundTerms.readOf(address(market), round).challengeBond : 0;
        require(msg.value == bond, Errors.WrongBond());

        if (good) _deliveries[round][provider].state = State.Accepted;
        else _strike(round, provider, delivery);

        emit Disputed(round, provider, good, d.shared);

        if (good) BURN.safeTransferETH(bond);
    }

    /// @inheritdoc IKeyExchange
    function refute(
        uint256 round,
        bytes32 deliveryKey,
        Parcel calldata parcel,
        IDataMarket.ScoreLeaf calldata leaf,
        bytes32[] calldata proof
    ) external {
        address provider = leaf.provider;
        Delivery memory delivery = _disputable(round, provider, _digest(msg.sender, deliveryKey, parcel));
        bytes32 root = market.roundOf(round).root;
        require(MerkleProofLib.verifyCalldata(proof, root, ScoreReport.leafHash(leaf)), Errors.InvalidProof());
        bool scored = leaf.datasetRoot == Commitment.sealedDatasetRoot(provider, parcel.contentHash, parcel.keyCommit);
        require(!scored || !_made(round, provider, delivery, parcel), Errors.Irrefutable());

        _strike(round, provider, delivery);

        emit Refuted(round, provider);
    }

    /* VIEWS */

    /// @inheritdoc IKeyExchange
    function deliveryOf(uint256 round, address provider) external view returns (Delivery memory) {
        return _deliveries[round][provider];
    }

    /// @inheritdoc IKeyExchange
    function bondTo(uint256 round, address provider, uint256 bountyEnd) external view returns (address) {
        Delivery memory delivery = _deliveries[round][provider];
        if (delivery.state == State.Reversed) return address(0);
        if (delivery.state == State.None) {
            require(block.timestamp >= bountyEnd, Errors.NotAccepted());
            return address(0);
        }
        require(delivery.state == State.Accepted || block.timestamp >= delivery.disputeEnd, Errors.NotAccepted());
        return delivery.bounty ? delivererOf[round][provider] : provider;
    }

    /* INTERNAL */

    /// @dev Whether the sender is a member of the round's committee and observed in time.
    function _attested(bytes32 committeeId, uint256 round) private view returns (bool) {
        (uint256 index,) = market.committee().memberIndex(committeeId, msg.sender);
        return (market.roundOf(round).observers >> index) & 1 != 0;
    }

    function _hash(Bn254.Point calldata key) private pure returns (bytes32) {
        return keccak256(abi.encode(key));
    }

    /// @dev A delivery that may still be disputed and was this one.
    function _disputable(uint256 round, address provider, uint200 digest)
        private
        view
        returns (Delivery memory delivery)
    {
        delivery = _deliveries[round][provider];
        require(
            delivery.state == State.Delivered && block.timestamp < delivery.disputeEnd && delivery.digest == digest,
            Errors.NotDelivered()
        );
    }

    /// @dev An operator's failure is not the winner's: somebody else may still deliver.
    function _strike(uint256 round, address provider, Delivery memory delivery) private {
        delivery.state = delivery.bounty ? State.None : State.Reversed;
        _deliveries[round][provider] = delivery;
    }

    /// @dev Whether whoever delivered this proved that it drew r.
    function _made(uint256 round, address provider, Delivery memory delivery, Parcel calldata parcel)
        private
        view
        returns (bool)
    {
        address deliverer = delivery.bounty ? delivererOf[round][provider] : provider;
        return DeliveryProof.deliveryHolds(
            address(market), round, provider, deliverer, parcel.ephemeral, parcel.challenge, parcel.response
        );
    }

    /// @dev 200 bits: only a second preimage would help anybody, and that only to dispute something else.
    function _digest(address planner, bytes32 deliveryKey, Parcel calldata parcel) private pure returns (uint200) {
        return uint200(uint256(keccak256(abi.encode(planner, deliveryKey, parcel))));
    }
}
