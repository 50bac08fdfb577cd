.DEFAULT_GOAL := help
.PHONY: help run demo test lint check check-deployment check-trouble check-upgrade bench fuzz simulate simulate-phones simulate-line format pages reset

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1 \t\2/' | expand -t 18

run: ## from nothing to a running service with a demo in it (HOST, PORT, ADMIN_PORT)
	@HOST=$(HOST) PORT=$(PORT) ADMIN_PORT=$(ADMIN_PORT) scripts/run.sh

demo: ## play one stay by seven people on the running service
	@.build-release/release/voorpret demo --url http://127.0.0.1:$(or $(PORT),8080)

test: ## set up, start a throw-away cluster, run all tests (ARGS='--filter Booking')
	@scripts/test.sh $(ARGS)

lint: ## format, layering, and that every refusal is documented and met by a test
	@scripts/lint.sh

check: ## format, layering, tests, and what other programs say: a browser, Prometheus, readers of PDFs and calendars, a fuzzer
	@scripts/check.sh

check-deployment: ## run docs/deployment.md on an empty Debian; a thousand phones connect through each proxy
	@scripts/deployment.sh

check-trouble: ## kills, full disks, a wrong secret, clocks, a lost database, while guests write
	@scripts/trouble.sh

check-upgrade: ## roll this version out over the one before (BEFORE=ref) while guests work
	@BEFORE=$(BEFORE) scripts/check-upgrade.sh

fuzz: ## attack a service of its own with what openapi.yaml allows and forbids (FUZZ_CASES; 0 for the examples)
	@scripts/fuzz.sh

simulate: ## lose answers, forge webhooks, dispute payments and kill the service while groups pay (FAULTS, SEED, MINUTES)
	@scripts/simulate.sh payments

simulate-phones: ## lose requests, kill phones, clone them, send friends away while they plan (SCHEDULES, PHONES, SEED, MINUTES)
	@scripts/simulate.sh phones

simulate-line: ## one phone on a line of 30 kbit/s that is cut again and again (SEED)
	@scripts/simulate.sh line

bench: ## measure, beside floors on the same machine (ONLY=name; PEERS=1 installs Kinto and measures it too)
	@ONLY=$(ONLY) PEERS=$(PEERS) scripts/bench.sh

format: ## lay out the sources
	@swift format --in-place --recursive --configuration .swift-format Sources Tests Package.swift

pages: ## write docs/errors.md and openapi.yaml anew, after a new refusal or route
	@python3 scripts/errors.py write && python3 scripts/openapi.py write

reset: ## forget the data of make run
	@scripts/reset.sh
