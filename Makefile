# Nightscribe. `make help` lists the targets; `make demo` needs nothing but Python 3.11 and make.
.DEFAULT_GOAL := help
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
DEMO_FOLDER := .demo
# A stack left by `make demo KEEP=1` describes itself here; every target below uses it when it is there.
STACK_ENV := $(DEMO_FOLDER)/env
WITH_STACK := if [ -f $(STACK_ENV) ]; then set -a; . ./$(STACK_ENV); set +a; fi;
PREFIX ?=
ARGS ?=
NAME ?= nightscribe
SIZE ?= small
SEED ?=
PEERS ?=

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(VENV)/.run: requirements/run.txt pyproject.toml scripts/setup
	@scripts/setup run
$(VENV)/.demo: requirements/demo.txt pyproject.toml scripts/setup
	@scripts/setup demo
$(VENV)/.dev: requirements/dev.txt pyproject.toml scripts/setup tests/clients/js/package-lock.json
	@scripts/setup dev

.PHONY: setup
setup: $(VENV)/.dev ## Install everything for development into .venv

.PHONY: demo
demo: $(VENV)/.demo ## Transcribe real speech on the embedded stack; KEEP=1 leaves it running
	@$(BIN)/python -m emulator demo --folder $(DEMO_FOLDER) $(if $(KEEP),--keep)

.PHONY: crowd
crowd: $(VENV)/.demo ## Give the stack left by `make demo KEEP=1` 300 small recordings: make backfill BUCKET=crowd
	@$(BIN)/python -m emulator crowd --folder $(DEMO_FOLDER) $(ARGS)

.PHONY: stop
stop: ## Stop a stack left by `make demo KEEP=1`
	@$(BIN)/python -m emulator stack --stop --folder $(DEMO_FOLDER)

.PHONY: nightly
nightly: $(VENV)/.run ## A night's work: make nightly BUCKET=name [PREFIX=shows/], or ARCHIVES=file; [ARGS="--until 06:00"]
	@test -n "$(BUCKET)$(ARCHIVES)" || { echo 'Error: say what: make nightly BUCKET=my-podcasts, or ARCHIVES=file' >&2; exit 2; }
	@$(WITH_STACK) $(BIN)/nightscribe nightly $(if $(ARCHIVES),--archives "$(ARCHIVES)","s3://$(BUCKET)/$(PREFIX)") $(ARGS)

.PHONY: backfill
backfill: $(VENV)/.run ## Transcribe an archive: make backfill BUCKET=name [PREFIX=shows/] [ARGS="--formats vtt"]
	@test -n "$(BUCKET)" || { echo 'Error: say which bucket: make backfill BUCKET=my-podcasts' >&2; exit 2; }
	@$(WITH_STACK) $(BIN)/nightscribe backfill "s3://$(BUCKET)/$(PREFIX)" $(ARGS)

.PHONY: worker
worker: $(VENV)/.run ## Start a worker; several may run, here and on other hosts (NAME=second for another here)
	@$(WITH_STACK) exec $(BIN)/celery --quiet -A workers.app worker --pool threads -n $(NAME)@%h \
		--without-mingle --without-gossip

.PHONY: beat
beat: $(VENV)/.run ## Begin the nights at night.start, by workers: one beat for all; NIGHTSCRIBE_NIGHT_ARCHIVES=file
	@$(WITH_STACK) exec $(BIN)/celery --quiet -A workers.app beat $(ARGS)

.PHONY: flower
flower: $(VENV)/.demo ## Start Flower on http://127.0.0.1:5555; for others, with a login: ARGS="--address=0.0.0.0"
	@$(WITH_STACK) exec $(BIN)/celery -A workers.app flower --conf=configs/flower.py \
		$(if $(wildcard $(STACK_ENV)),--db=$(DEMO_FOLDER)/flower.db) $(ARGS)

.PHONY: metrics
metrics: $(VENV)/.demo ## Serve Prometheus' metrics on http://127.0.0.1:9478/metrics: ARGS="s3://my-podcasts/"
	@$(WITH_STACK) exec $(BIN)/nightscribe metrics $(ARGS)

.PHONY: webhook
webhook: $(VENV)/.demo ## Receive fal's webhooks on webhook.host and webhook.port: ARGS="--port 8080"
	@$(WITH_STACK) exec $(BIN)/nightscribe webhook $(ARGS)

.PHONY: test
test: $(VENV)/.dev ## Run all tests: unit, contracts, integration, e2e
	@scripts/run-tests $(ARGS)

.PHONY: live
live: $(VENV)/.dev ## Check with FAL_KEY what only a real account can tell, for less than 0.02 USD: YES=1 agrees
	@PYTHONPATH=tests $(BIN)/python -m live $(if $(YES),--yes) $(ARGS)

.PHONY: chaos
chaos: $(VENV)/.dev ## Kill and disturb everything: SIZE=large, SEED=number, PEERS=1 for peers beside us
	@PYTHONPATH=tests $(BIN)/python -m chaos --size $(SIZE) $(if $(SEED),--seed $(SEED)) $(if $(PEERS),,--only nightscribe)

.PHONY: bench-scale
bench-scale: $(VENV)/.dev ## Measure how time, memory and S3 requests grow: ARGS="--sizes 10000"
	@PYTHONPATH=tests $(BIN)/python -m bench scale $(ARGS)

.PHONY: lint
lint: $(VENV)/.dev ## Check style, types and layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: format
format: $(VENV)/.dev ## Format the code
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

.PHONY: lock
lock: $(VENV)/.dev ## Write requirements/*.txt anew from pyproject.toml
	@PATH="$(CURDIR)/$(BIN):$$PATH" scripts/lock

.PHONY: pictures
pictures: $(VENV)/.dev ## Take docs/images anew in Chromium, by the tests that look at these pages
	@PICTURES=1 scripts/run-tests -m browser $(ARGS)

.PHONY: schemas
schemas: $(VENV)/.dev ## Write docs/schemas/*.json anew from the models
	@$(BIN)/python scripts/schemas

.PHONY: errors
errors: $(VENV)/.dev ## Write docs/errors.md anew from the code's tables of errors
	@$(BIN)/python scripts/errors-page

.PHONY: clean
clean: ## Remove the environment and what runs have left
	@rm -rf $(VENV) $(DEMO_FOLDER) .test .live tests/clients/js/node_modules .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
