// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title bn254's G1: y^2 = x^3 + 3 over the field of `FIELD` elements, of prime order `ORDER`
/// @notice Addition and multiplication are the chain's precompiles (EIP-196, prices of EIP-1108). Every point on the
/// curve is in the group, the identity excepted, which has no coordinates and is refused everywhere.
/// Twin of `oracle/custody/bn254.py`.
library Bn254 {
    uint256 internal constant FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583;
    uint256 internal constant ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617;

    struct Point {
        uint256 x;
        uint256 y;
    }

    function generator() internal pure returns (Point memory) {
        return Point(1, 2);
    }

    /// @notice Whether both coordinates are canonical and meet the curve's equation; false for the identity.
    function isOnCurve(Point memory p) internal pure returns (bool) {
        if (p.x >= FIELD || p.y >= FIELD) return false;
        return mulmod(p.y, p.y, FIELD) == addmod(mulmod(mulmod(p.x, p.x, FIELD), p.x, FIELD), 3, FIELD);
    }

    /// @notice a * p + b * q, for points that are on the curve.
    /// @dev The precompiles fail on nothing else than points off the curve, and then take all gas.
    function combination(uint256 a, Point memory p, uint256 b, Point memory q)
        internal
        view
        returns (Point memory sum)
    {
        assembly ("memory-safe") {
            let m := mload(0x40)
            mstore(m, mload(p))
            mstore(add(m, 0x20), mload(add(p, 0x20)))
            mstore(add(m, 0x40), a)
            let ok := staticcall(gas(), 7, m, 0x60, m, 0x40)
            let n := add(m, 0x40)
            mstore(n, mload(q))
            mstore(add(n, 0x20), mload(add(q, 0x20)))
            mstore(add(n, 0x40), b)
            ok := and(ok, staticcall(gas(), 7, n, 0x60, n, 0x40))
            ok := and(ok, staticcall(gas(), 6, m, 0x80, sum, 0x40))
            if iszero(ok) { revert(0, 0) }
        }
    }
}
