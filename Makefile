# Everything a person runs. Set-up is part of each target and is skipped when it is up to date.
SHELL := /bin/bash
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
PYTHON ?= python3
STAGE ?= dev
VENV := .venv
BIN := $(VENV)/bin

REQUIREMENTS := requirements.txt requirements-train.txt requirements-local.txt requirements-explore.txt \
                requirements-dev.txt constraints.txt
CODE := app.py stacks rules audit doctor scripts lambda topics_client training_scripts local_cloud explore benchmarks tests
# Spark needs Java, which is not for us to install: its tests are left out where there is none, and say so.
SPARK := $(if $(or $(JAVA_HOME),$(shell command -v java)),.venv-spark/.ready)
# Files, not tests, are dealt out: what a file's tests share, a local cloud for example, is made once.
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadfile
# Node and npm look for the user's own folder, and do not start where nothing tells one.
export HOME := $(or $(HOME),$(CURDIR)/build/home)
export CDK_DISABLE_CLI_TELEMETRY := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:  ## Say what there is
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-15s %s\n", $$1, $$2}'

setup: $(VENV)/.ready node_modules/.ready  ## Make the environment: Python packages, Node 24, the CDK CLI
	@# What is compiled here, no synth, function or job has to compile, also where Python is told to write no bytecode.
	@$(BIN)/python -m compileall -q $(filter-out tests,$(CODE))

$(VENV)/.ready: $(REQUIREMENTS) scripts/cdk
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "make: $(PYTHON) is $$($(PYTHON) -V 2>&1); Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	@echo "Setting up $(VENV): a minute or two, once"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet -r requirements-dev.txt 2> >(grep -v 'is ignored: it is neither' >&2)
	@install -m 755 scripts/cdk $(BIN)/cdk
	@touch $@

node_modules/.ready: package.json package-lock.json $(VENV)/.ready
	@echo "Installing the CDK CLI from its lock file"
	@# The certificates that the system trusts, as pip does: Node's own list lacks that of a company's proxy.
	@PATH="$$PWD/$(BIN):$$PATH" NODE_OPTIONS="--use-system-ca $$NODE_OPTIONS" \
	  npm ci --loglevel=error --ignore-scripts > /dev/null
	@touch $@

.venv-sdk-v1/.ready .venv-sdk-v2/.ready .venv-sdk-v3/.ready: .venv-sdk-%/.ready: requirements-sdk-%.txt constraints-sdk-%.txt
	@echo "Setting up .venv-sdk-$*, the SageMaker SDK's own environment: a minute or two, once"
	@$(PYTHON) -m venv .venv-sdk-$*
	@.venv-sdk-$*/bin/python -m pip install --quiet -r requirements-sdk-$*.txt 2> >(grep -v 'is ignored: it is neither' >&2)
	@touch $@

.venv-notebook/.ready: requirements-notebook.txt requirements-train.txt requirements-explore.txt constraints.txt
	@echo "Setting up .venv-notebook, Jupyter's kernel and what the notebook imports: a minute, once"
	@$(PYTHON) -m venv .venv-notebook
	@.venv-notebook/bin/python -m pip install --quiet -r requirements-notebook.txt 2> >(grep -v 'is ignored: it is neither' >&2)
	@touch $@

notebook: setup .venv-notebook/.ready  ## Run the tutorial's notebook on the cloud of the environment
	@.venv-notebook/bin/python scripts/run_notebook.py notebooks/tutorial.ipynb build/notebook/tutorial.ipynb

.venv-script-mode/.ready: requirements-script-mode.txt constraints-script-mode.txt requirements-open.txt constraints.txt $(VENV)/.ready
	@echo "Setting up .venv-script-mode, the framework containers' toolkits and wheels for this Python: a minute or two, once"
	@$(PYTHON) -m venv .venv-script-mode
	@.venv-script-mode/bin/python -m pip install --quiet -r requirements-script-mode.txt 2> >(grep -v 'is ignored: it is neither' >&2)
	@$(BIN)/python -m training_scripts.bundle --output .venv-script-mode/bundle \
	  --python $$($(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
	@touch $@

.venv-spark/.ready: requirements-spark.txt requirements-spark-job.txt constraints-spark.txt
	@java -version 2>&1 | grep -qE '"?(17|21)\.' || [ -x "$$JAVA_HOME/bin/java" ] || \
	  { echo "make: Spark needs Java 17, and there is no java on PATH: install a JRE of it, or set JAVA_HOME" >&2; exit 2; }
	@echo "Setting up .venv-spark, Spark in local mode: a minute or two, once"
	@$(PYTHON) -m venv .venv-spark
	@.venv-spark/bin/python -m pip install --quiet -r requirements-spark.txt 2> >(grep -v 'is ignored: it is neither' >&2)
	@touch $@

spark: .venv-spark/.ready  ## Make the environment that prepares corpora on Spark here

open-bundle: setup  ## Fetch what algorithm: open takes along to AWS (PROCESSOR=gpu for GPU instances)
	@$(BIN)/python -m training_scripts.bundle --processor $(or $(PROCESSOR),cpu)

spark-bundle: setup  ## Fetch what the setting preparation takes along to AWS's Spark container
	@$(BIN)/python -m training_scripts.bundle --processor spark

corpus: setup  ## Prepare the default corpus into build/corpus
	@$(BIN)/python -m training_scripts.prepare

demo: setup  ## The whole service in the local cloud: prepare, deploy, train, serve, ask, draw
	@$(BIN)/python -m local_cloud.demo

synth: setup  ## Write the templates of STAGE (dev) to cdk.out
	@$(BIN)/cdk synth --quiet -c stage=$(STAGE)

doctor: setup  ## Ask AWS, before a deploy of STAGE, what it would find out late
	@$(BIN)/python -m doctor --stage $(STAGE)

.venv-cli/.ready: requirements-cli.txt constraints-cli.txt
	@echo "Setting up .venv-cli, the AWS CLI's own environment: half a minute, once"
	@$(PYTHON) -m venv .venv-cli
	@.venv-cli/bin/python -m pip install --quiet -r requirements-cli.txt 2> >(grep -v 'is ignored: it is neither' >&2)
	@touch $@

.venv-lint/.ready: requirements-lint.txt constraints-lint.txt
	@echo "Setting up .venv-lint, cfn-lint's and Checkov's own environment: a minute, once"
	@$(PYTHON) -m venv .venv-lint
	@.venv-lint/bin/python -m pip install --quiet -r requirements-lint.txt 2> >(grep -v 'is ignored: it is neither' >&2)
	@touch $@

lint-templates: corpus .venv-lint/.ready  ## Hold the templates of prod against cfn-lint and Checkov
	@$(BIN)/cdk synth --quiet -c stage=prod -o build/lint
	@.venv-lint/bin/python scripts/lint_templates.py build/lint

similar-asset: setup  ## Build the function for similar documents from wheels for Lambda: what a synth with `similar` set needs
	@$(BIN)/python scripts/similar_asset.py

audit: setup  ## Write what an auditor reads and loads of prod to build/audit
	@CDK_VALIDATION=false $(BIN)/cdk synth --quiet -c stage=prod -o build/audit-assembly
	@$(BIN)/python -m audit --assembly build/audit-assembly --out build/audit

deploy: setup  ## Deploy STAGE (dev) to AWS with your credentials
	@$(BIN)/cdk deploy --all -c stage=$(STAGE)

check: setup  ## Lint and types
	@$(BIN)/ruff check $(CODE) notebooks
	@$(BIN)/ruff format --check --quiet $(CODE) notebooks
	@$(BIN)/mypy $(CODE)

test: setup check .venv-sdk-v2/.ready  ## The tests, under 10 minutes
	@$(PYTEST) -m "not slow"

test-all: setup check lint-templates similar-asset open-bundle spark-bundle .venv-sdk-v1/.ready .venv-sdk-v2/.ready .venv-sdk-v3/.ready .venv-cli/.ready .venv-notebook/.ready .venv-script-mode/.ready $(SPARK)  ## All tests, the slower ones too
	@$(PYTEST)

.venv-bench/.ready: requirements-bench.txt requirements-train.txt constraints.txt
	@echo "Setting up .venv-bench, the peers' own environment: a minute, once"
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet -r requirements-bench.txt 2> >(grep -v 'is ignored: it is neither' >&2)
	@touch $@

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

lock: setup  ## Write what is installed back into the constraints, after changing a requirement
	@$(BIN)/python -m pip freeze > constraints.txt

clean:  ## Remove what was made, but not the environments
	@rm -rf build cdk.out .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: help setup notebook audit doctor lint-templates similar-asset open-bundle spark-bundle spark corpus demo synth deploy check test test-all bench bench-training bench-url lock clean
