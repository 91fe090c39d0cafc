// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DataMarket} from "../../contracts/DataMarket.sol";
import {OracleCommittee} from "../../contracts/OracleCommittee.sol";
import {DemoToken} from "../../contracts/examples/DemoToken.sol";
import {MarketFixture} from "./utils/MarketFixture.sol";
import {RoundDriver} from "./utils/RoundDriver.sol";
import {Test} from "./utils/Test.sol";

/// @notice Opens rounds and picks who acts; time passes with every call.
contract MarketHandler is Test {
    uint256 private constant MAX_ROUNDS = 4;
    OracleCommittee private immutable OPERATORS;
    DataMarket private immutable MARKET;
    address private immutable TOKEN;
    bytes32 private immutable COMMITTEE;
    uint256[] private keys;
    RoundDriver[] public drivers;

    constructor(
        OracleCommittee operators,
        DataMarket market,
        address token,
        bytes32 committee,
        uint256[] memory keys_
    ) {
        (OPERATORS, MARKET, TOKEN, COMMITTEE, keys) = (operators, market, token, committee, keys_);
        open(0);
    }

    modifier later(uint256 seed) {
        vm.warp(block.timestamp + seed % 1 minutes);
        _;
    }

    function count() external view returns (uint256) {
        return drivers.length;
    }

    function open(uint256 seed) public later(seed) {
        if (drivers.length == MAX_ROUNDS || seed % 4 != 0) return;
        drivers.push(new RoundDriver(OPERATORS, MARKET, TOKEN, COMMITTEE, keys, _mixed(seed, 0)));
    }

    function bid(uint256 which, uint256 seed) external later(seed) {
        _driver(which).bidding(_mixed(seed, which));
    }

    function advance(uint256 which, uint256 seed) external later(seed) {
        _driver(which).advance(_mixed(seed, which));
    }

    function pull(uint256 which, uint256 seed) external later(seed) {
        _driver(which).pull(_mixed(seed, which));
    }

    function trade(uint256 which, uint256 seed) external later(seed) {
        _driver(which).trade(_mixed(seed, which));
    }

    /// @notice Time passes; mostly every round does what it has to do before.
    function wait(uint256 seed) external {
        seed = _mixed(seed, 0);
        for (uint256 i; i < drivers.length && seed % 8 != 0; ++i) {
            drivers[i].advance(_mixed(seed, i));
        }
        vm.warp(block.timestamp + (seed >> 8) % 6 minutes);
    }

    /// @dev Fuzzed words are often small or round: every bit of these counts.
    function _mixed(uint256 seed, uint256 salt) private pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, salt)));
    }

    function _driver(uint256 which) private view returns (RoundDriver) {
        return drivers[which % drivers.length];
    }
}

/// @notice Whatever rounds do beside each other, the market holds what it owes, to the last unit and the last wei.
contract MarketInvariantsTest is MarketFixture {
    MarketHandler private handler;

    function setUp() public {
        setUpMarket(4, 3);
        handler = new MarketHandler(operators, market, token, committeeId, keys);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// forge-config: default.invariant.runs = 24
    /// forge-config: deep.invariant.runs = 600
    /// forge-config: default.invariant.depth = 150
    /// forge-config: deep.invariant.depth = 150
    /// forge-config: default.invariant.fail-on-revert = true
    /// forge-config: deep.invariant.fail-on-revert = true
    function invariant_theMarketHoldsWhatItOwes() external view {
        uint256 tokens;
        uint256 bonds;
        for (uint256 i; i < handler.count(); ++i) {
            RoundDriver driver = handler.drivers(i);
            tokens += driver.tokensOwed();
            bonds += driver.bondsOwed();
            driver.check();
        }
        assertEq(DemoToken(token).balanceOf(address(market)), tokens, "payment tokens");
        assertEq(address(market).balance, bonds, "bonds");
    }

    /// @dev Nothing is left once everybody took what is theirs.
    function afterInvariant() external {
        vm.warp(block.timestamp + 1 days);
        for (uint256 i; i < handler.count(); ++i) {
            handler.drivers(i).wrapUp();
        }
        assertEq(DemoToken(token).balanceOf(address(market)), 0, "tokens left");
        assertEq(address(market).balance, 0, "wei left");
    }
}
