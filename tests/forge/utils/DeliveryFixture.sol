// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IKeyExchange} from "../../../contracts/interfaces/IKeyExchange.sol";
import {Bn254} from "../../../contracts/libraries/Bn254.sol";
import {MarketFixture} from "./MarketFixture.sol";
import {ScoreTree} from "./ScoreTree.sol";

/// @notice A market whose winners deliver keys: what planner, winners and operators compute for it. Hashes are written
/// out again, so that the contract's own are under test.
abstract contract DeliveryFixture is MarketFixture {
    uint256 internal constant SECRET = uint256(keccak256("the planner's x")) % Bn254.ORDER;
    uint256 internal constant OWNER_SECRET = uint256(keccak256("a wallet"));
    address internal immutable OWNER = vm.addr(OWNER_SECRET);
    IKeyExchange internal exchange;
    Bn254.Point internal planners;

    function setUpDelivery() internal {
        setUpMarket(4, 3);
        setUpKeys();
        delivering(1 hours, 1 hours, 1 hours);
    }

    function setUpKeys() internal {
        exchange = market.exchange();
        planners = times(SECRET, Bn254.generator());
        registerKey(PLANNER, SECRET);
    }

    function delivering(uint256 delivery, uint256 bounty, uint256 window) internal {
        terms.deliverEnd = terms.settleEnd + uint40(delivery);
        terms.bountyEnd = terms.deliverEnd + uint40(bounty);
        terms.disputeWindow = uint32(window);
        terms.deliveryKey = keccak256(abi.encode(planners));
    }

    /* PLANNER */

    function times(uint256 scalar, Bn254.Point memory point) internal view returns (Bn254.Point memory) {
        return Bn254.combination(scalar, point, 0, point);
    }

    /// @dev A proof that `secret` is behind its public key, for `owner`.
    function possession(address owner, uint256 secret) internal view returns (uint256 challenge, uint256 response) {
        uint256 a = uint256(keccak256(abi.encode("possession", owner, secret))) % Bn254.ORDER;
        bytes32 typehash = keccak256(
            "DeliveryKey(uint256 chainId,address exchange,address owner,uint256 keyX,uint256 keyY,uint256 aX,uint256 aY)"
        );
        Bn254.Point memory key = times(secret, Bn254.generator());
        Bn254.Point memory commitment = times(a, Bn254.generator());
        challenge = uint256(
            keccak256(abi.encode(typehash, block.chainid, exchange, owner, key.x, key.y, commitment.x, commitment.y))
        ) % Bn254.ORDER;
        response = answer(a, challenge, secret);
    }

    /// @dev The signature by `secret` that `key` is the encryption key of `owner`, in the short form.
    function signedKey(uint256 secret, address owner, bytes32 key) internal pure returns (bytes32 r, bytes32 vs) {
        bytes32 domain = keccak256(
            abi.encode(
                keccak256("EIP712Domain(string name,string version)"), keccak256("Mixed-MIA keys"), keccak256("1")
            )
        );
        bytes32 message = keccak256(abi.encode(keccak256("EncryptionKey(address owner,bytes32 x25519)"), owner, key));
        (uint8 v, bytes32 r_, bytes32 s) = vm.sign(secret, keccak256(bytes.concat("\x19\x01", domain, message)));
        (r, vs) = (r_, s | bytes32(uint256(v - 27) << 255));
    }

    function registerEncryptionKey(bytes32 key) internal {
        (bytes32 r, bytes32 vs) = signedKey(OWNER_SECRET, OWNER, key);
        vm.prank(OWNER);
        exchange.registerEncryptionKey(key, r, vs);
    }

    function registerKey(address owner, uint256 secret) internal {
        (uint256 challenge, uint256 response) = possession(owner, secret);
        Bn254.Point memory key = times(secret, Bn254.generator());
        vm.prank(owner);
        exchange.registerDeliveryKey(key, challenge, response);
    }

    /// @dev a - c * x.
    function answer(uint256 a, uint256 challenge, uint256 secret) internal pure returns (uint256) {
        return addmod(a, Bn254.ORDER - mulmod(challenge, secret, Bn254.ORDER), Bn254.ORDER);
    }

    /* PROVIDERS */

    function contentOf(uint256 index) internal pure returns (bytes32) {
        return keccak256(abi.encode("content", index));
    }

    function keyOf(uint256 index) internal pure returns (bytes32) {
        return keccak256(abi.encode("key", index));
    }

    function keyCommit(address provider, bytes32 content, bytes32 key) internal view returns (bytes32) {
        bytes32 typehash = keccak256(
            "ContentKey(uint256 chainId,address market,uint256 round,address provider,bytes32 contentHash,bytes32 key)"
        );
        return keccak256(abi.encode(typehash, block.chainid, market, round, provider, content, key));
    }

    /// @dev A bid on a dataset that is sealed under `keyOf`.
    function offer(uint256 cost, uint256 quality) internal returns (uint256 index) {
        index = bid(cost, quality, WAD);
        sealData(index);
    }

    /// @dev A bid's new dataset, sealed under `keyOf`.
    function sealData(uint256 index) internal {
        bytes32 root = sealedRoot(index);
        bids[index].datasetRoot = leaves[index].datasetRoot = root;
        bytes32 sealedBid = sealOf(bids[index]);
        vm.prank(bids[index].provider);
        market.commit(round, sealedBid, root, 0);
    }

    function sealedRoot(uint256 index) internal view returns (bytes32) {
        address provider = bids[index].provider;
        return keccak256(
            abi.encode(
                keccak256("Dataset(address provider,bytes32 contentHash,bytes32 keyCommit)"),
                provider,
                contentOf(index),
                keyCommit(provider, contentOf(index), keyOf(index))
            )
        );
    }

    function mask(address provider, Bn254.Point memory shared) internal view returns (bytes32) {
        bytes32 typehash = keccak256(
            "DeliveryMask(uint256 chainId,address exchange,address market,uint256 round,address provider,uint256 sX,uint256 sY)"
        );
        return keccak256(abi.encode(typehash, block.chainid, exchange, market, round, provider, shared.x, shared.y));
    }

    /// @dev `key`, masked for the planner by a point of `secret`'s making, with the proof of `deliverer`.
    function parcel(address provider, address deliverer, bytes32 key, uint256 secret)
        internal
        view
        returns (IKeyExchange.Parcel memory p)
    {
        p.ephemeral = times(secret, Bn254.generator());
        p.sealedKey = key ^ mask(provider, times(secret, planners));
        (p.challenge, p.response) = making(provider, deliverer, p.ephemeral, secret);
        uint256 index;
        while (bids[index].provider != provider) ++index;
        p.contentHash = contentOf(index);
        p.keyCommit = keyCommit(provider, contentOf(index), keyOf(index));
    }

    function making(address provider, address deliverer, Bn254.Point memory ephemeral, uint256 secret)
        internal
        view
        returns (uint256 challenge, uint256 response)
    {
        uint256 a = uint256(keccak256(abi.encode("making", secret))) % Bn254.ORDER;
        bytes32 typehash = keccak256(
            "DeliveryProof(uint256 chainId,address exchange,address market,uint256 round,address provider,address deliverer,uint256 rX,uint256 rY,uint256 aX,uint256 aY)"
        );
        bytes memory head = abi.encode(typehash, block.chainid, exchange, market, round, provider, deliverer);
        bytes memory points = abi.encode(ephemeral, times(a, Bn254.generator()));
        challenge = uint256(keccak256(bytes.concat(head, points))) % Bn254.ORDER;
        response = answer(a, challenge, secret);
    }

    function good(uint256 index) internal view returns (IKeyExchange.Parcel memory) {
        address provider = bids[index].provider;
        return parcel(provider, provider, keyOf(index), 7919 + index);
    }

    function deliver(uint256 index, IKeyExchange.Parcel memory p) internal {
        vm.prank(bids[index].provider);
        exchange.deliver(round, bids[index].provider, p);
    }

    /* DISPUTES */

    function disputeOf(IKeyExchange.Parcel memory p) internal view returns (IKeyExchange.Dispute memory d) {
        d.key = planners;
        d.parcel = p;
        d.shared = times(SECRET, p.ephemeral);
        (d.challenge, d.response) = equality(p.ephemeral, d.shared, SECRET);
    }

    function equality(Bn254.Point memory ephemeral, Bn254.Point memory shared, uint256 secret)
        internal
        view
        returns (uint256 challenge, uint256 response)
    {
        uint256 a = uint256(keccak256(abi.encode("equality", secret))) % Bn254.ORDER;
        bytes32 typehash = keccak256(
            "DeliveryDispute(uint256 keyX,uint256 keyY,uint256 rX,uint256 rY,uint256 sX,uint256 sY,uint256 aX,uint256 aY,uint256 bX,uint256 bY)"
        );
        bytes memory points = abi.encode(planners, ephemeral, shared, times(a, Bn254.generator()), times(a, ephemeral));
        challenge = uint256(keccak256(bytes.concat(typehash, points))) % Bn254.ORDER;
        response = answer(a, challenge, secret);
    }

    function dispute(uint256 index, IKeyExchange.Dispute memory d, uint256 bond) internal {
        address provider = bids[index].provider;
        vm.deal(PLANNER, PLANNER.balance + bond);
        vm.prank(PLANNER);
        exchange.dispute{value: bond}(round, provider, d);
    }

    function refute(uint256 index, IKeyExchange.Parcel memory p) internal {
        bytes32[] memory proof = ScoreTree.proof(leaves, index);
        vm.prank(PLANNER);
        exchange.refute(round, terms.deliveryKey, p, leaves[index], proof);
    }
}
