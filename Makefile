# Few Labels. `make run` serves the explorer, `make test` proves it; both need Python 3.11 or newer, and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Processes that run tests. On two cores two wait half of their time, for a browser or a process of a run; three keep both
# cores busy all the time. Four were no faster: each drove a browser in the end, and they starved each other.
WORKERS ?= 3
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make upgrade"
.PHONY: help run cluster test test-lowest bench picture check format readme lock upgrade clean

help:
	@echo "make run     build .venv if needed and serve the explorer on this machine (port 8501 or the next free one)"
	@echo "make cluster add Ray to .venv: on each node of a cluster, and where the explorer is served"
	@echo "make test    lint, then every test in a random order, a real browser included if Chromium is installed,"
	@echo "             two nodes of a cluster if Ray is;"
	@echo "             SEED=5 runs them in the order that is drawn with 5 (the last line tells the seed of a run)"
	@echo "make test-lowest  a part of the tests on the lowest versions that requirements.txt allows, torch apart"
	@echo "make bench   measure a training step against a textbook implementation, and the time to an"
	@echo "             accuracy; about 14 minutes, two cores at rest"
	@echo "make picture draw README's animated picture anew, of the recordings and in a real browser"
	@echo "make check   lint, format check and types only"
	@echo "make format  put every file into its format"
	@echo "make readme  write README's tables of methods, equations and data sets"
	@echo "make lock    write the lock files after a change of requirements*.txt"
	@echo "make upgrade the same with the newest versions that requirements*.txt allow"
	@echo "make clean   remove .venv and caches; runs/ and data sets stay"

run: $(VENV)/.installed
	$(BIN)/streamlit run app.py

cluster: $(VENV)/.installed-cluster

test: check
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(if $(SEED),--randomly-seed=$(SEED))

# Every public room once, without what only draws the tests: what an older Streamlit, NumPy or scikit-learn breaks is
# a name that is not there yet, and these meet it. Torch is the lock's: an older one is 3 GB more for each run.
LOWEST := tests/test_pages.py tests/test_archive.py tests/test_data.py tests/test_cli.py tests/test_separation.py tests/test_film.py
test-lowest: $(VENV)-lowest/.installed
	$(VENV)-lowest/bin/python -m pytest -n $(WORKERS) --dist loadfile -p no:randomly $(LOWEST)

bench: $(VENV)/.installed-dev
	$(BIN)/python -m tests.bench $(BENCH)

picture: $(VENV)/.installed-dev
	$(BIN)/python -m tests.browser.home_picture docs/home.webp

check: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/oxlint
	$(BIN)/pyrefly check

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

readme: $(VENV)/.installed
	$(BIN)/python -m models.results.readme

lock: $(VENV)/.installed-dev
	$(COMPILE) requirements-dev.txt --output-file requirements-dev.lock
	cp requirements-dev.lock requirements.lock
	$(COMPILE) requirements.txt --output-file requirements.lock  # keeps the versions that it finds there
	cp requirements.lock requirements-cluster.lock
	$(COMPILE) requirements-cluster.txt --output-file requirements-cluster.lock

upgrade: COMPILE += --upgrade
upgrade: $(VENV)/.installed-dev
	$(COMPILE) requirements-dev.txt --output-file requirements-dev.lock
	cp requirements-dev.lock requirements.lock
	$(filter-out --upgrade,$(COMPILE)) requirements.txt --output-file requirements.lock
	cp requirements.lock requirements-cluster.lock
	$(filter-out --upgrade,$(COMPILE)) requirements-cluster.txt --output-file requirements-cluster.lock

clean:
	rm -rf $(VENV) $(VENV)-lowest .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, this is %s. Name another one: make PYTHON=python3.12" % sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@touch $@

$(VENV)/.installed-cluster: requirements-cluster.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-cluster.lock
	@touch $(VENV)/.installed $@

$(VENV)/.installed-dev: requirements-dev.lock requirements.lock | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.lock
	@touch $(VENV)/.installed $@

# Beside .venv, whose packages it sees below its own: torch and what came with it are not installed twice.
$(VENV)-lowest/.installed: requirements-dev.txt requirements.txt $(VENV)/.installed-dev
	rm -rf $(VENV)-lowest
	$(BIN)/python -m venv $(VENV)-lowest
	grep -oE '^(torch|torchvision)==[^ ]+' requirements-dev.lock > $(VENV)-lowest/torch.txt
	$(BIN)/uv pip compile --quiet --python $(BIN)/python --resolution lowest-direct --no-annotate --no-header \
		--constraint $(VENV)-lowest/torch.txt requirements-dev.txt --output-file $(VENV)-lowest/all.txt
	grep -vE '^(torch|torchvision|triton|nvidia-.*|cuda-.*)==' $(VENV)-lowest/all.txt > $(VENV)-lowest/lowest.txt
	$(BIN)/uv pip install --quiet --python $(VENV)-lowest/bin/python --no-deps -r $(VENV)-lowest/lowest.txt
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
		> "$$($(VENV)-lowest/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/torch.pth"
	@touch $@
