// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {ERC20} from "solady/src/tokens/ERC20.sol";
import {SafeCastLib} from "solady/src/utils/SafeCastLib.sol";
import {SafeTransferLib} from "solady/src/utils/SafeTransferLib.sol";
import {IMarginalUtilityToken} from "./interfaces/IMarginalUtilityToken.sol";
import {Errors} from "./libraries/Errors.sol";

/// @title MUT: the revenue shares of one round
/// @dev Deployed once as an implementation; each round has a clone with `abi.encode(paymentToken, units)` behind its
/// code, so there is nothing to initialise. A holder's earnings, scaled by 2^64, are
///     balance * index + correction
/// where `index` is the scaled revenue of one unit since the round began. A mint leaves the correction alone: it brings
/// the unit's whole past with it. Transfers and withdrawals move the correction. Summed over all R units, minted or
/// not, this is every deposit less every withdrawal, less the `carry`.
contract MarginalUtilityToken is IMarginalUtilityToken, ERC20, ReentrancyGuardTransient {
    using SafeTransferLib for address;

    /// @dev Below 2^64 units, so that one unit of the payment token moves the index.
    uint256 private constant SCALE_BITS = 64;

    /// @inheritdoc IMarginalUtilityToken
    address public immutable market;

    /// @dev Scaled revenue of one unit.
    uint256 private _index;
    /// @dev Scaled revenue not yet in the index, below `units()`.
    uint256 private _carry;
    /// @dev Scaled; positive where units were given away after they had earned, or received before they earn.
    mapping(address holder => int256) private _correction;

    constructor() {
        market = msg.sender;
    }

    /* MINT */

    /// @inheritdoc IMarginalUtilityToken
    function mint(address to, uint256 amount) external {
        require(msg.sender == market, Errors.OnlyMarket());
        _mint(to, amount);
    }

    /* REVENUE */

    /// @inheritdoc IMarginalUtilityToken
    function deposit(uint256 amount) external nonReentrant returns (uint256 received) {
        (address token, uint256 total) = _arguments();

        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        received = token.balanceOf(address(this)) - before;
        require(received != 0, Errors.NothingDue());

        uint256 scaled = (uint256(SafeCastLib.toUint128(received)) << SCALE_BITS) + _carry;
        _index += scaled / total;
        _carry = scaled % total;

        emit Deposited(msg.sender, received);
    }

    /// @inheritdoc IMarginalUtilityToken
    function withdraw(address holder) external nonReentrant returns (uint256 amount) {
        amount = withdrawable(holder);
        require(amount != 0, Errors.NothingDue());

        _correction[holder] -= int256(amount << SCALE_BITS);

        emit Withdrawn(holder, amount);

        (address token,) = _arguments();
        token.safeTransfer(holder, amount);
    }

    /// @inheritdoc IMarginalUtilityToken
    function withdrawable(address holder) public view returns (uint256) {
        // Never negative: a correction takes back no more than the balance had earned. Below 2^255: deposits are below
        // 2^128 each, and balance * index is at most their scaled sum.
        return uint256(int256(balanceOf(holder) * _index) + _correction[holder]) >> SCALE_BITS;
    }

    /* METADATA */

    /// @inheritdoc IMarginalUtilityToken
    function units() external view returns (uint256 total) {
        (, total) = _arguments();
    }

    /// @inheritdoc IMarginalUtilityToken
    function paymentToken() external view returns (address token) {
        (token,) = _arguments();
    }

    function name() public pure override returns (string memory) {
        return "Mixed-MIA Marginal Utility";
    }

    function symbol() public pure override returns (string memory) {
        return "MUT";
    }

    /// @dev A unit is a unit: the face value of one money unit of the round.
    function decimals() public pure override returns (uint8) {
        return 0;
    }

    /* INTERNAL */

    /// @dev Earnings stay where they were made: settled before balances move.
    function _beforeTokenTransfer(address from, address to, uint256 amount) internal override {
        require(to != address(0), Errors.ZeroRecipient());
        if (from == address(0)) return;
        require(amount <= balanceOf(from), InsufficientBalance());
        int256 earned = int256(amount * _index);
        if (earned == 0) return;
        _correction[from] += earned;
        _correction[to] -= earned;
    }

    /// @dev Nobody moves units without an approval of its owner.
    function _givePermit2InfiniteAllowance() internal pure override returns (bool) {
        return false;
    }

    function _arguments() private view returns (address token, uint256 total) {
        return abi.decode(Clones.fetchCloneArgs(address(this)), (address, uint256));
    }
}
