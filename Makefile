# `make demo` and `make test` need Python 3.11 or 3.12, git and make; scripts/setup.py fetches everything else, once.
PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export FOUNDRY_DISABLE_NIGHTLY_WARNING := 1

.DEFAULT_GOAL := help

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## set the checkout up (.venv, node_modules, compiler); everything below does it too
	@$(PYTHON) scripts/setup.py

demo: setup  ## a whole round on a local chain: make demo ARGS="--sample 60"
	@$(BIN)/mia demo $(ARGS)

test: lint test-solidity gas test-python test-brownie  ## everything that has to pass

lint: setup  ## ruff, mypy, forge fmt
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/forge fmt --check contracts tests && echo "forge fmt: all formatted"

test-solidity: setup  ## unit, fuzz and invariant tests of the contracts
	$(BIN)/forge test

test-python: setup  ## tests of the Python packages: make test-python ARGS="tests/mechanism -k weights"
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile $(ARGS)

test-deep: setup  ## the mechanism by the million (build/deep.json), every parser ten thousand times (build/fuzz.json)
	FOUNDRY_PROFILE=deep $(BIN)/forge test --fuzz-seed $$(od -An -N4 -tu4 /dev/urandom)
	MIA_DEEP=1 OMP_NUM_THREADS=1 $(BIN)/pytest -vv -n 2 --dist worksteal tests/mechanism $(ARGS)
	MIA_FUZZ_SEED=$${MIA_FUZZ_SEED:-$$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')} MIA_DEEP=1 OMP_NUM_THREADS=1 \
	    $(BIN)/pytest -vv -n 2 --dist worksteal tests/fuzz

test-brownie: setup  ## compile, test and deploy with brownie
	$(BIN)/brownie compile
	$(BIN)/brownie test --network anvil
	$(BIN)/brownie run deploy --network anvil

gas: setup  ## gas of every transaction, compared with benchmarks/gas.json: make gas ARGS=--save
	@$(BIN)/python -m benchmarks.gas $(ARGS)

mutants: setup  ## change the market and its libraries at random: a test has to fail: make mutants ARGS="--only Clearing.sol"
	@$(BIN)/python scripts/mutants.py $(ARGS)

peers: setup  ## .cache/peers: the programs that benchmarks compare with
	@$(BIN)/python scripts/peers.py

ipfs: setup  ## .cache/ipfs: a daemon for the tests of the IPFS store, unless Kubo is on PATH
	@$(BIN)/python scripts/ipfs_daemon.py

bench-custody: ipfs  ## the IPFS store against its client's own add and cat
	$(BIN)/python -m benchmarks.custody.store $(ARGS)

bench-quality: peers  ## what the quality scores claim, measured against peers: make bench-quality MARKET=folder
	OMP_NUM_THREADS=1 taskset -c 0 $(BIN)/python -m benchmarks.quality.embedding
	OMP_NUM_THREADS=1 taskset -c 0 $(BIN)/python -m benchmarks.quality.filters
	OMP_NUM_THREADS=1 taskset -c 0 $(BIN)/python -m benchmarks.quality.minhash
	$(BIN)/python -m benchmarks.quality.memory
	$(if $(MARKET),OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.quality.evaluation $(MARKET) $(ARGS),@echo "no MARKET given: the evaluation on real corpora was skipped")

bench-influence: peers  ## impact against 158 retrainings, peers, gaming, cost, memory (hours, resumable): MARKET=folder
	@test -n "$(MARKET)" || { echo "give MARKET=folder: the truth is real text, trained on"; exit 2; }
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.influence.evaluation $(MARKET) --dear --peers --json build/influence/evaluation.json --plot docs/images/influence-agreement.svg
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.influence.gaming $(MARKET) $(ARGS)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.influence.cost
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.influence.memory

slither: setup  ## static analysis of the contracts; every finding needs an answer in contracts/slither.toml
	@$(BIN)/python scripts/check_slither.py

halmos: setup  ## symbolic checks in tests/halmos, for every moment and every argument
	@$(BIN)/python scripts/check_halmos.py $(ARGS)

artifacts: setup  ## write oracle/chain/artifacts from contracts/
	$(BIN)/python -m oracle.chain.compile

wheel: setup  ## build the wheel in dist/
	rm -rf build/lib build/bdist.*
	$(BIN)/python -m build --wheel --no-isolation --outdir dist

wheel-check: wheel  ## install that wheel into an empty environment and use it there
	$(BIN)/python scripts/wheel_check.py

.PHONY: help setup demo test lint gas peers ipfs bench-custody bench-quality mutants slither halmos test-solidity test-python test-deep test-brownie artifacts wheel wheel-check
