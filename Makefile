# Everything that can be done with this folder; `make` alone prints the list.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help
help: ## Print this list
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

.venv/run: requirements.txt
	@PYTHON="$(PYTHON)" deploy/make-venv requirements.txt
	@touch $@

.venv/dev: requirements.txt requirements-dev.txt
	@PYTHON="$(PYTHON)" deploy/make-venv requirements-dev.txt
	@touch .venv/run $@

# It takes half a minute, so only after something of it has changed.
.venv/playbooks-linted: .venv/dev .ansible-lint $(shell find playbooks selfservice/files/example -type f -not -name '*.pyc')
	@PATH="$(CURDIR)/$(BIN):$$PATH" ansible-lint -q playbooks selfservice/files/example
	@touch $@

.PHONY: run
run: .venv/run ## Set up what is missing and start a master: dashboard and worker API
	@SELFSERVICE_TYPE=MASTER exec $(BIN)/python run.py

.PHONY: test
test: .venv/dev ## Set up what is missing and run every test
	@tests/install-packages
	@$(BIN)/python -m pytest -n 2 --no-loadscope-reorder

.PHONY: check
check: .venv/dev .venv/playbooks-linted ## Lint, formatting, typing, import direction, templates, playbooks, dead code, dependencies
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/djlint --lint --quiet templates
	@$(BIN)/vulture
	@$(BIN)/python deploy/audit-dependencies

.PHONY: screenshots
screenshots: .venv/dev ## Write every page, both themes, phone and desktop, to screenshots/
	@tests/install-packages
	@$(BIN)/python -m tests.browser.screenshots screenshots

.PHONY: permissions
permissions: .venv/dev ## Ask every route who may open it, and write docs/permissions.md anew
	@$(BIN)/python -m tests.web.permission_table docs/permissions.md

.PHONY: explore
explore: .venv/dev ## Send every operation of the API much that nobody would think of; EXAMPLES=N for more
	@SELFSERVICE_EXPLORE=$(or $(EXAMPLES),100) $(BIN)/python -m pytest tests/web/test_conformance.py

.PHONY: bench
bench: .venv/dev ## Measure against ansible-playbook, ansible-runner and Polemarch, side by side; ONLY=name for one part
	@$(BIN)/python -m benchmarks $(ONLY)

.PHONY: load
load: .venv/dev ## Measure what it bears: people, launches, nodes, years of history; ONLY=name for one of them
	@$(BIN)/python -m benchmarks.load $(ONLY)

.PHONY: faults
faults: .venv/dev ## Break a whole site by a schedule and check what is left (SEED= RUNS= FAULTS=)
	@tests/install-packages
	@$(BIN)/python -m tests.faults $(foreach each,SEED RUNS FAULTS LIMIT FOLDER,\
	    $(if $($(each)),--$(shell echo $(each) | tr A-Z a-z) $($(each))))

.PHONY: clean
clean: ## Remove the virtual environment and caches; runs, audit and instance/ stay
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache screenshots
