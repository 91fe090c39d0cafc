// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {SSTORE2} from "solady/src/utils/SSTORE2.sol";
import {DataMarket} from "../../contracts/DataMarket.sol";
import {OracleCommittee} from "../../contracts/OracleCommittee.sol";
import {DemoToken} from "../../contracts/examples/DemoToken.sol";
import {IDataMarket} from "../../contracts/interfaces/IDataMarket.sol";
import {Clearing} from "../../contracts/libraries/Clearing.sol";
import {Commitment} from "../../contracts/libraries/Commitment.sol";

interface SymbolicVm {
    function assume(bool condition) external pure;
    function warp(uint256 timestamp) external;
    function prank(address sender) external;
    function deal(address account, uint256 balance) external;
    function etch(address account, bytes calldata code) external;
}

/// @notice An operator whose signature is anything at all, so that no solver has to sign (EIP-1271).
contract Operator {
    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return this.isValidSignature.selector;
    }
}

/// @notice A round with one operator and one provider, all of its R in cash, up to each of its phases.
abstract contract MarketAt {
    SymbolicVm internal constant vm = SymbolicVm(address(uint160(uint256(keccak256("hevm cheat code")))));
    address internal constant PLANNER = address(0xB0B);
    address internal constant PROVIDER = address(0xA11CE);
    bytes32 internal constant SALT = keccak256("salt");
    uint256 internal constant COST = 100;
    uint256 internal constant START = 1_800_000_000;

    DataMarket internal market;
    DemoToken internal token;
    address internal operator;
    IDataMarket.Terms internal terms;
    IDataMarket.ScoreLeaf internal leaf;
    uint256 internal round;

    function setUp() public {
        vm.warp(START);
        OracleCommittee operators = new OracleCommittee();
        market = new DataMarket(operators);
        token = new DemoToken(6);
        operator = address(new Operator());
        vm.deal(address(this), 1 ether);
        operators.stake{value: 1 ether}(operator);
        address[] memory members = new address[](1);
        members[0] = operator;
        bytes memory encoded = abi.encode(members, uint8(1));
        _write(address(operators), keccak256(encoded), encoded);
        terms.committee = operators.form(members, 1);
        terms.arbitrator = address(operators);
        _open();
        _commit();
    }

    /// @dev Halmos numbers the contracts that `create` makes, so SSTORE2 would not find what it wrote: it is put there.
    function _write(address deployer, bytes32 salt, bytes memory data) private {
        vm.etch(SSTORE2.predictDeterministicAddress(salt, deployer), abi.encodePacked(hex"00", data));
    }

    function _open() private {
        terms.planner = PLANNER;
        terms.paymentToken = address(token);
        terms.moneyUnit = 1;
        terms.budget = 1_000;
        terms.liquidity = 1e18;
        (terms.eta, terms.gamma) = (1e18, 1e18);
        (terms.reserve, terms.cap, terms.maxBids) = (1e6, 1_000, 4);
        (terms.shareSupply, terms.volumeWeight, terms.shareCap) = (1e12, 1e18, 1e18);
        (terms.bidBond, terms.challengeBond, terms.operatorFee) = (0.1 ether, 0.5 ether, 7);
        terms.commitEnd = uint40(START + 1 hours);
        terms.observeEnd = uint40(START + 2 hours);
        terms.reportEnd = uint40(START + 3 hours);
        terms.challengeEnd = uint40(START + 4 hours);
        terms.revealEnd = uint40(START + 5 hours);
        terms.settleEnd = uint40(START + 6 hours);
        _write(address(market), bytes32(uint256(1)), abi.encode(terms));
        token.mint(PLANNER, 10_000);
        vm.prank(PLANNER);
        token.approve(address(market), type(uint256).max);
        vm.prank(PLANNER);
        round = market.open(terms);
    }

    function _commit() private {
        bytes32 datasetRoot = keccak256("data");
        leaf = IDataMarket.ScoreLeaf(PROVIDER, datasetRoot, 0, 0, 1e18, 1e18, 10_000, 5e9);
        bytes32 termsHash = keccak256(abi.encode(terms));
        bytes32 opening = keccak256(
            abi.encode(
                Commitment.BID_TYPEHASH,
                block.chainid,
                address(market),
                round,
                PROVIDER,
                termsHash,
                datasetRoot,
                COST,
                SALT
            )
        );
        vm.deal(PROVIDER, 1 ether);
        vm.prank(PROVIDER);
        market.commit{value: 0.1 ether}(round, opening, datasetRoot, 0);
    }

    /* ONE CALL OF EACH KIND, AND WHETHER IT WENT THROUGH */

    function tryObserve(bytes32 digest) internal returns (bool ok) {
        (ok,) = address(market).call(abi.encodeCall(market.observe, (round, operator, digest, "")));
    }

    function tryReport(bytes32 root, uint32 count) internal returns (bool ok) {
        address[] memory signers = new address[](1);
        signers[0] = operator;
        (ok,) = address(market).call(abi.encodeCall(market.postReport, (round, root, count, signers, new bytes[](1))));
    }

    function tryReveal() internal returns (bool ok) {
        (ok,) = address(market).call(abi.encodeCall(market.reveal, (round, leaf, new bytes32[](0), COST, SALT)));
    }

    function trySettle() internal returns (bool ok) {
        Clearing.Certificate memory certificate = Clearing.Certificate(1e18, Clearing.NONE, 0, 0);
        bytes memory records = abi.encodePacked(uint64(COST), uint64(1e18));
        (ok,) = address(market).call(abi.encodeCall(market.settle, (round, 0, certificate, 0, records)));
    }

    function tryClaim() internal returns (bool ok) {
        (ok,) = address(market).call(abi.encodeCall(market.claim, (round, PROVIDER)));
    }

    function tryRefund() internal returns (bool ok) {
        vm.prank(PLANNER);
        (ok,) = address(market).call(abi.encodeCall(market.refund, (round)));
    }

    /* THE ROUND SO FAR */

    function observed() internal {
        vm.warp(terms.commitEnd);
        assert(tryObserve(keccak256("observation")));
    }

    function reported() internal {
        observed();
        vm.warp(terms.observeEnd);
        bytes32 leafHash = keccak256(bytes.concat(keccak256(abi.encode(leaf))));
        assert(tryReport(leafHash, 1));
    }

    function revealed() internal {
        reported();
        vm.warp(terms.challengeEnd);
        assert(tryReveal());
    }

    function settled() internal {
        revealed();
        vm.warp(terms.revealEnd);
        assert(trySettle());
    }

    /// @dev Any moment outside [start, end).
    function outside(uint40 time, uint40 start, uint40 end) internal {
        vm.assume(time < start || time >= end);
        vm.warp(time);
    }
}
