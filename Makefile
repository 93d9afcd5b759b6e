# make up        a real ZooKeeper and three brokers, until Ctrl-C   (make up ARGS="--brokers 5")
# make check     lint, types, import contracts, tests without servers: under a minute
# make test      all tests but the full matrices: under 20 minutes, what CI runs
# make test-all  everything: under an hour
# make bench     zbroker beside the real Kafka, in turns: hours (ARGS=--quick: five minutes)
# make lock      raise the pinned versions: Python's and Java's
# make clean     remove what make has made (your clusters' data in .zbroker stays)
#
# Everything happens in .venv, made from requirements.lock with the checksum of every wheel. A stamp
# file says that it is up to date, so a second start runs neither pip nor anything on the network,
# and our modules are compiled beforehand: that is half of a broker's start.

PYTHON ?= $(firstword $(foreach python,python3 python3.11 python3.12 python3.13 python3.14,\
	$(shell $(python) -c 'import sys; sys.version_info >= (3, 11) and print("$(python)")' 2>&1 \
		| grep -x '$(python)')))
BIN := .venv/bin
PIP := $(BIN)/pip --disable-pip-version-check install --require-hashes
# Two cores are what we promise to work on; a hanging test must not hang the run.
PYTEST := $(BIN)/pytest -n 2 --dist worksteal --timeout 300
# A test that holds a time to its promise has the machine to itself.
ALONE := $(BIN)/pytest --timeout 300

.PHONY: up check lint tests-without-servers test test-all bench lock clean
.DELETE_ON_ERROR:

up: .venv/installed
	@$(BIN)/zbroker-admin up $(ARGS)

# Side by side: the type checker knows one core only.
check: .venv/installed-for-tests
	@$(MAKE) --no-print-directory --jobs 2 lint tests-without-servers

lint: .venv/installed-for-tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports
	$(BIN)/mypy

tests-without-servers: .venv/installed-for-tests
	$(PYTEST) -m "not server and not matrix and not long" --ignore tests/interop --ignore tests/compose

test: .venv/installed-for-tests
	$(PYTEST) -m "not matrix and not alone"
	$(ALONE) -m "not matrix and alone"

test-all: .venv/installed-for-bench
	$(PYTEST) -m "not alone"
	$(ALONE) -m alone

bench: .venv/installed-for-bench
	$(BIN)/python -m tests.bench $(ARGS)

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "zbroker needs Python 3.11 or newer, and there is none on the \
	PATH. Install one, or say where it is: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv

# setuptools, which builds our own package, is in the lock too: nothing is fetched unchecked.
.venv/installed: requirements.lock setup.cfg pyproject.toml | .venv/bin/python
	$(PIP) -r requirements.lock
	$(BIN)/pip --disable-pip-version-check install --no-deps --no-build-isolation --quiet -e .
	$(BIN)/python -m compileall -q broker coordination cli
	@touch $@

.venv/installed-for-tests: tests/requirements.lock .venv/installed
	$(PIP) --quiet -r tests/requirements.lock
	@touch $@

.venv/installed-for-bench: tests/bench/requirements.lock .venv/installed-for-tests
	$(PIP) --quiet -r tests/bench/requirements.lock
	@touch $@

# --universal: one lock for every platform and Python from 3.11. No registry is named in it, so
# whatever index pip is set up for is asked.
COMPILE := build/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-header --no-emit-index-url --no-emit-find-links
JAVA_LOCK := $(BIN)/python -m cli.java.lock

lock: .venv/installed
	$(BIN)/python -m venv build/lock
	build/lock/bin/pip install --quiet uv
	grep -o 'setuptools==[0-9.]*' pyproject.toml | $(COMPILE) setup.cfg - -o requirements.lock
	$(COMPILE) tests/requirements.in -c requirements.lock -o tests/requirements.lock
	$(COMPILE) tests/bench/requirements.in -c requirements.lock -c tests/requirements.lock \
		-o tests/bench/requirements.lock
	$(COMPILE) examples/quix-streams/requirements.in -o examples/quix-streams/requirements.lock
	$(JAVA_LOCK) cli/java/zookeeper.lock \
		org.apache.zookeeper:zookeeper:3.9.5 org.slf4j:slf4j-simple:2.0.13 \
		io.dropwizard.metrics:metrics-core:4.1.12.1 org.xerial.snappy:snappy-java:1.1.10.5 \
		--without io.netty --without org.mockito --without net.bytebuddy \
		--without org.objenesis --without org.apache.yetus
	$(JAVA_LOCK) tests/support/kafka.lock \
		org.apache.kafka:kafka_2.13:3.9.1 org.apache.kafka:kafka-tools:3.9.1 \
		org.slf4j:slf4j-simple:1.7.36 \
		--without ch.qos.reload4j --without org.slf4j:slf4j-reload4j
	$(JAVA_LOCK) tests/support/jmx_exporter.lock io.prometheus.jmx:jmx_prometheus_javaagent:0.20.0
	$(JAVA_LOCK) cli/java/compiler.lock org.eclipse.jdt:ecj:3.44.0
	$(JAVA_LOCK) examples/kafka-streams/java.lock \
		org.apache.kafka:kafka-streams:3.9.1 org.slf4j:slf4j-simple:1.7.36

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache .grimp_cache
