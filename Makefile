# Everything runs in .venv, which the first target that needs it makes. Only Python >= 3.11 and make come before it.
PYTHON ?= python3
BIN = .venv/bin
# What running needs, and what testing needs beside it. Each file pins all of it, so pip has nothing to resolve.
RUNTIME = .venv/.runtime
STAMP = .venv/.installed
# Servers and tests are some hundred processes; without its bytecode each would compile the project again.
unexport PYTHONDONTWRITEBYTECODE
PIP = $(BIN)/pip install --quiet --disable-pip-version-check --no-deps

.PHONY: run run-distributed demo test unit integration cases contract journeys faults lint types rebuild bench scale-demo docs deploy-check deploy-requirements clean

$(RUNTIME): requirements.txt
	$(PYTHON) -c 'import sys; sys.exit("Kiroku needs Python 3.11 or newer") if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv .venv
	$(PIP) -r requirements.txt
	touch $(RUNTIME)

$(STAMP): requirements-dev.txt $(RUNTIME)
	$(PIP) -r requirements-dev.txt
	$(BIN)/pip check
	touch $(STAMP)

run: $(RUNTIME)            ## embedded PostgreSQL, all services and the gateway on one port
	$(BIN)/python -m kiroku.cli run

run-distributed: $(RUNTIME) ## the same as processes over RabbitMQ at KIROKU_AMQP_URL
	$(BIN)/python -m kiroku.cli run-distributed

demo: $(RUNTIME)           ## fill the running server with a small production
	$(BIN)/python -m kiroku.demo

rebuild: $(RUNTIME)        ## rebuild the read models of SERVICE from its log
	$(BIN)/python -m kiroku.cli rebuild $(SERVICE)

test: lint types deploy-check unit integration cases journeys faults

unit: $(STAMP)
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal -p no:logging tests/unit

cases: $(STAMP)          ## every recorded case as a test, in both shapes
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile tests/contract

contract: $(STAMP)       ## the same as a table: route, cases passed / total
	$(BIN)/python -m tests.contract.both_shapes

faults: $(STAMP)         ## kill -9 of every process, of PostgreSQL and of the broker while clients write
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile tests/faults

journeys: $(STAMP)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile tests/journeys

integration: $(STAMP)
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile tests/integration

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(STAMP)
	$(BIN)/mypy

bench: $(RUNTIME)
	$(BIN)/python -m bench

scale-demo: $(RUNTIME)   ## replicas under load over KIROKU_AMQP_URL, some of which die; exit 1 when anything is lost
	$(BIN)/python -m bench.scale

docs: $(STAMP)           ## write the pages of docs/reference that are data elsewhere
	$(BIN)/python -m kiroku.reference

deploy-check: $(STAMP)   ## check image, compose file and manifests without network or cluster
	$(BIN)/python -m deploy.checks
	$(BIN)/python -m pytest --numprocesses 2 tests/deploy

deploy-requirements: $(STAMP) ## pin what the image installs, with hashes
	$(BIN)/python -m deploy.requirements $(BIN)/uv

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
