# SPDX-License-Identifier: GPL-3.0-or-later
# What each target does is told by `make help`.
SHELL := /bin/bash
PYTHON ?= python3
CHROMIUM ?= chromium
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg

.DEFAULT_GOAL := help

.PHONY: help
help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

.PHONY: lab
lab: venv ## Build the lab and the cluster in it from nothing, and prove that it works
	ansible-playbook lvs.cluster.lab_up -i lab
	ansible-playbook site.yml -i lab

.PHONY: lab-down
lab-down: venv ## End every lab of yours; nothing of it keeps running
	ansible-playbook lvs.cluster.lab_down -i lab -e lab_all=true

.PHONY: test
test: venv ## Run all that CI runs
	python tests/parts.py

.PHONY: kernel
kernel: venv ## Test IPVS on a real kernel with few random cases: half a minute once its machine is up
	python tests/parts.py kernel-quick

.PHONY: modes
modes: venv ## Test the how-to's other ways alone: ARP filter, gateway, tunnels, masquerade
	python tests/parts.py images arptables gateway tunnel masquerade

.PHONY: bench
bench: venv ## Measure the collection against what people use today; some of it with LVS_BENCH="tasks sites"
	python tests/parts.py bench

.PHONY: check
check: venv ## Run the fast part of the tests: linters and unit tests
	python tests/parts.py lint unit

.PHONY: words
words: venv ## Renew tests/unit/errors.txt, which has what errors say
	pytest -q tests/unit --renew-words

.PHONY: picture
picture: venv ## Make the docs' picture of the lab's report anew, by Debian's package chromium
	mkdir -p build
	ansible-playbook lvs.cluster.verify -i lab -e verify_report=build/report.html
	$(CHROMIUM) --headless --no-sandbox --hide-scrollbars --window-size=1280,1430 \
		--screenshot=docs/docsite/rst/verify.png file://$(CURDIR)/build/report.html

.PHONY: build
build: venv ## Build the collection's tarball in build/
	ansible-galaxy collection build --force --output-path build

.PHONY: docs
docs: venv ## Build the documentation as a site in build/docs
	nox --session docs

.PHONY: format
format: venv ## Format the Python files
	ruff check --fix-only --quiet .
	ruff format --quiet .

.PHONY: venv
venv: .venv/ready ## Make the development environment with pinned versions in .venv

.venv/ready: requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("$(PYTHON) is %d.%d, and the pinned ansible-core needs 3.11 or newer: name one with make PYTHON=..." % sys.version_info[:2])'
	@PYTHON=$(PYTHON) tests/need.sh python/ensurepip:python3-venv
	@# What is behind a link belongs to another checkout, and would be cleared.
	@test ! -L .venv || { echo ".venv is a link to $$(readlink .venv), which is not cleared from here; remove the link."; exit 1; }
	@echo "Making the development environment in .venv (about a minute) ..."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/pip install -qq --disable-pip-version-check --requirement requirements/dev.txt
	@touch $@

.PHONY: requirements
requirements: ## Pin the newest versions of requirements/*.in in requirements/dev.txt and gates.txt
	for name in dev gates; do \
		rm -rf .cache/pin && $(PYTHON) -m venv .cache/pin && \
		.cache/pin/bin/pip install -qq --disable-pip-version-check --requirement requirements/$$name.in && \
		{ echo "# Pinned by \`make requirements\` from $$name.in."; .cache/pin/bin/pip freeze; } > requirements/$$name.txt || exit 1; \
	done
	rm -rf .cache/pin
