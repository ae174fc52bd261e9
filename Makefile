# Everything a person runs. Set-up is part of each target and is skipped when it is up to date.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
PYTHON ?= python3
STAGE ?= dev
VENV := .venv
BIN := $(VENV)/bin

CODE := app.py stacks rules audit scripts lambda topics_client training_scripts local_cloud explore operations benchmarks tests
# Spark needs Java, which is not for us to install: its tests are left out where there is none, and say so.
SPARK := $(if $(or $(JAVA_HOME),$(shell command -v java)),.venv-spark/.ready)
# Files, not tests, are dealt out: what a file's tests share, a local cloud for example, is made once.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile
# Node and npm look for the user's own folder, and do not start where nothing tells one.
export HOME := $(or $(HOME),$(CURDIR)/build/home)
export CDK_DISABLE_CLI_TELEMETRY := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A line for every tenth package that pip has fetched, and one when it begins to install them.
PIP_PROGRESS = awk -v all="$$(grep -c '^[^ \#].*==' $<)" '/^Collecting/ && ++n % 10 == 0 {print "  " n " of " all " packages"} \
  /^Installing collected/ {print "  installing them"} {fflush()}'
# The source that CORPUS is: by FORMAT, or else by what its name says.
FORMAT ?= $(if $(CORPUS),$(shell [ -d '$(CORPUS)' ] && echo folder || \
  echo '$(CORPUS)' | sed -E 's/\.(gz|bz2)$$//; s/.*\.//; s/^(ndjson|json)$$/jsonl/; s/^tsv$$/csv/'))
SOURCE = $(if $(CORPUS),'$(FORMAT)' '$(CORPUS)' $(if $(TEXT),--text-field '$(TEXT)'))

help:  ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: $(VENV)/.ready $(BIN)/cdk $(BIN)/topics node_modules/.ready  ## Make the environment: Python packages, Node 24, the CDK CLI
	@# What is compiled here, no synth, function or job has to compile, also where Python is told to write no bytecode.
	@$(BIN)/python -m compileall -q $(filter-out tests,$(CODE))

# Every environment: .venv of requirements/dev.txt, and .venv-NAME of requirements/NAME.txt, each file by its hash.
.SECONDEXPANSION:
.PRECIOUS: .%/.ready
.%/.ready: requirements/$$(or $$(subst venv,,$$(subst venv-,,$$*)),dev).txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: $(PYTHON) is $$($(PYTHON) -V 2>&1); Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@echo "Setting up .$*: a minute or two, once"
	@$(PYTHON) -m venv .$*
	@set -o pipefail; .$*/bin/python -m pip install --progress-bar off --require-hashes -r $< \
	  2> >(grep -v 'is ignored: it is neither' >&2) | $(PIP_PROGRESS)
	@touch $@

$(BIN)/cdk $(BIN)/topics: $(BIN)/%: scripts/% | $(VENV)/.ready
	@install -m 755 $< $@

node_modules/.ready: package.json package-lock.json $(VENV)/.ready
	@echo "Installing the CDK CLI from its lock file: some seconds"
	@# The certificates that the system trusts, as pip does: Node's own list lacks that of a company's proxy.
	@PATH="$$PWD/$(BIN):$$PATH" NODE_OPTIONS="--use-system-ca $$NODE_OPTIONS" \
	  npm ci --loglevel=error --ignore-scripts --no-fund --no-audit
	@touch $@

notebook: setup .venv-notebook/.ready  ## Run the tutorial's notebook on the cloud of the environment
	@.venv-notebook/bin/python scripts/run_notebook.py notebooks/tutorial.ipynb build/notebook/tutorial.ipynb

.venv-script-mode/bundle/bundle.json: requirements/open.txt .venv-script-mode/.ready $(VENV)/.ready
	@$(BIN)/python -m scripts.bundle --output $(@D) \
	  --python $$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
	@touch $@

.venv-spark/.ready: | java

java:
	@java -version 2>&1 | grep -qE '"?(17|21)\.' || [ -x "$$JAVA_HOME/bin/java" ] || \
	  { echo "make: Spark needs Java 17, and there is no java on PATH: install a JRE of it, or set JAVA_HOME" >&2; exit 2; }

spark: .venv-spark/.ready  ## Make the environment that prepares corpora on Spark here

open-bundle: setup  ## Fetch what algorithm: open takes along to AWS (PROCESSOR=gpu for GPU instances)
	@$(BIN)/python -m scripts.bundle --processor $(or $(PROCESSOR),cpu)

spark-bundle: setup  ## Fetch what the setting preparation takes along to AWS's Spark container (SEGMENTATION=1 for Chinese, Japanese, Thai)
	@$(BIN)/python -m scripts.bundle --processor spark $(if $(SEGMENTATION),--segmentation)

segmentation: .venv-segmentation/.ready  ## Make the environment of what parts words of Chinese, Japanese and Thai, for the tests

corpus: setup  ## Prepare the default corpus into build/corpus, or CORPUS=articles.csv TEXT=body
	@$(BIN)/python -m training_scripts.prepare $(SOURCE)

# What needs a corpus takes the one that is there, the default one where there is none.
build/corpus/corpus.json: | setup
	@echo "There is no corpus in build/corpus: preparing the default one"
	@$(BIN)/python -m training_scripts.prepare

up: $(if $(CORPUS),corpus,build/corpus/corpus.json)  ## From CORPUS=articles.csv TEXT=body (FORMAT=csv, jsonl or folder) to an answer, in the local cloud
	@$(BIN)/python -m local_cloud up --detach > /dev/null
	@$(BIN)/python -m local_cloud deploy --stage $(STAGE) $(if $(SETTINGS),-- -c settings='$(SETTINGS)')

fit: $(if $(CORPUS),corpus,build/corpus/corpus.json)  ## Train here without any cloud, and draw the topics: CORPUS and TEXT as in make up
	@$(BIN)/python -m operations.fit --stage $(STAGE) $(if $(SETTINGS),--settings '$(SETTINGS)')

down:  ## End the local cloud that make up left running
	@$(BIN)/python -m local_cloud down

demo: setup  ## The whole service in the local cloud: prepare, deploy, train, serve, ask, draw
	@$(BIN)/python -m local_cloud.demo

synth: setup build/corpus/corpus.json  ## Write the templates of STAGE (dev) to cdk.out
	@$(BIN)/cdk synth --quiet -c stage=$(STAGE)

doctor: setup  ## Ask AWS, before a deploy of STAGE, what it would find out late
	@$(BIN)/python -m operations.doctor --stage $(STAGE)

lint-templates: setup build/corpus/corpus.json .venv-lint/.ready  ## Hold the templates of prod against cfn-lint and Checkov
	@$(BIN)/cdk synth --quiet -c stage=prod -o build/lint
	@.venv-lint/bin/python scripts/lint_templates.py build/lint

similar-asset: setup  ## Build the function for similar documents from wheels for Lambda: what a synth with `similar` set needs
	@$(BIN)/python scripts/similar_asset.py

audit: setup build/corpus/corpus.json  ## Write what an auditor reads and loads of prod to build/audit
	@CDK_VALIDATION=false $(BIN)/cdk synth --quiet -c stage=prod -o build/audit-assembly
	@$(BIN)/python -m audit --assembly build/audit-assembly --out build/audit

deploy: setup build/corpus/corpus.json  ## Deploy STAGE (dev) to AWS with your credentials
	@$(BIN)/cdk deploy --all -c stage=$(STAGE) $(if $(SETTINGS),-c settings='$(SETTINGS)')
	@$(BIN)/python -m operations.pipeline status --stage $(STAGE) $(if $(SETTINGS),--settings '$(SETTINGS)')

check: check-lint check-format check-types check-floors  ## Lint, format, types, floors: what the hooks of .pre-commit-config.yaml run, too

check-lint: setup
	@$(BIN)/ruff check $(CODE) notebooks

check-format: setup
	@$(BIN)/ruff format --check --quiet $(CODE) notebooks

check-types: setup
	@$(BIN)/mypy $(CODE)

check-floors: setup
	@PYTHONPATH=.:lambda/urls:lambda/deployment $(BIN)/lint-imports --no-logo

test: setup check .venv-sdk-v2/.ready  ## The tests, under 10 minutes
	@$(PYTEST) -m "not slow"

test-all: test check-locks lint-templates similar-asset open-bundle spark-bundle .venv-sdk-v1/.ready .venv-sdk-v2/.ready .venv-sdk-v3/.ready .venv-cli/.ready .venv-notebook/.ready .venv-segmentation/.ready .venv-script-mode/bundle/bundle.json $(SPARK)  ## All tests: those of `make test`, then the slower ones
	@$(PYTEST) -m slow

bench-url: setup  ## Measure the URL: the function alone, then the whole service as its callers find it
	@$(BIN)/python -m benchmarks.topics_function --output build/bench/topics_function.json
	@$(BIN)/python -m benchmarks.url_service

bench-training: setup .venv-bench/.ready  ## Measure training: an epoch and a job, growth, two instances against one
	@.venv-bench/bin/python -m benchmarks.topics.epoch_speed
	@.venv-bench/bin/python -m benchmarks.topics.growth
	@.venv-bench/bin/python -m benchmarks.topics.instances_quality

bench: corpus .venv-bench/.ready  ## Measure: topics against peers (QUICK=1 for the small form), training, the URL, synth, batch transform
	@.venv-bench/bin/python -m benchmarks.topics.run $(if $(QUICK),--quick)
	$(if $(QUICK),,@$(MAKE) --no-print-directory bench-training)
	@$(MAKE) --no-print-directory bench-url
	@$(BIN)/python -m benchmarks.synth
	@$(BIN)/python -m benchmarks.transform $(if $(QUICK),--documents 10000)

lock: setup  ## Write the locks anew, after changing requirements.txt or a requirements/*.in
	@$(BIN)/python scripts/locks.py write

check-locks: setup  ## Ask whether every lock can be installed from wheels: Python 3.11 to 3.14, Linux and macOS
	@$(BIN)/python scripts/locks.py check

hooks: .venv-pre-commit/.ready setup  ## Run `make check` before each commit
	@.venv-pre-commit/bin/pre-commit install

clean:  ## Remove what was made, but not the environments
	@rm -rf build cdk.out .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: help setup java hooks check-lint check-format check-types check-floors check-locks notebook audit doctor lint-templates similar-asset open-bundle spark-bundle spark segmentation corpus up down fit demo synth deploy check test test-all bench bench-training bench-url lock clean
