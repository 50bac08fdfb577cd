.DEFAULT_GOAL := help
.PHONY: help test

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1 \t\2/' | expand -t 18

test: ## set up, start a throw-away cluster, run all tests
	@scripts/test.sh $(ARGS)
