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
/// code, so there is nothing to initialise. The number of units never changes, so revenue is kept as exact fractions:
/// a holder has earned
///     (balance * revenue + correction) / units
/// where `revenue` is everything deposited since the round began. A mint leaves the correction alone: it brings the
/// unit's whole past with it. Transfers and withdrawals move the correction. Summed over all units, minted or not,
/// this is every deposit less every withdrawal.
contract MarginalUtilityToken is IMarginalUtilityToken, ERC20, ReentrancyGuardTransient {
    using SafeTransferLib for address;

    /// @inheritdoc IMarginalUtilityToken
    address public immutable market;

    /// @inheritdoc IMarginalUtilityToken
    uint256 public revenue;
    /// @dev In 1 / units of the payment token: positive where units were given away after they had earned, negative
    /// where units were received that had earned for others, or where earnings were withdrawn.
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
        (address token,) = _arguments();

        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        received = token.balanceOf(address(this)) - before;
        require(received != 0, Errors.NothingDue());

        revenue += SafeCastLib.toUint128(received);

        emit Deposited(msg.sender, received);
    }

    /// @inheritdoc IMarginalUtilityToken
    function withdraw(address holder) external nonReentrant returns (uint256 amount) {
        (address token, uint256 total) = _arguments();
        amount = _earned(holder) / total;
        require(amount != 0, Errors.NothingDue());

        // Below 2^255, see `_earned`. What rounding holds back stays the holder's.
        _correction[holder] -= int256(amount * total);

        emit Withdrawn(holder, amount);

        token.safeTransfer(holder, amount);
    }

    /// @inheritdoc IMarginalUtilityToken
    function withdrawable(address holder) external view returns (uint256) {
        (, uint256 total) = _arguments();
        return _earned(holder) / total;
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
        int256 earned = int256(amount * revenue);
        if (earned == 0) return;
        _correction[from] += earned;
        _correction[to] -= earned;
    }

    /// @dev Nobody moves units without an approval of its owner.
    function _givePermit2InfiniteAllowance() internal pure override returns (bool) {
        return false;
    }

    /// @dev In 1 / units. Never negative: a correction takes back no more than the balance had earned. Below 2^255:
    /// balances are below 2^64 and deposits below 2^128 each.
    function _earned(address holder) private view returns (uint256) {
        return uint256(int256(balanceOf(holder) * revenue) + _correction[holder]);
    }

    function _arguments() private view returns (address token, uint256 total) {
        return abi.decode(Clones.fetchCloneArgs(address(this)), (address, uint256));
    }
}
