# Everything a developer does with Athena; `make help` lists it. Debian 12, clang-19; packages come with `make deps`.

PYTHON       ?= /usr/bin/python3
FUZZ_SECONDS ?= 300
ARGS         ?=

SHELL     := /bin/bash
MAKEFLAGS += --no-print-directory
export PYTHONDONTWRITEBYTECODE = 1
# One cache for every clone: paths below this folder count as relative ones.
export CCACHE_BASEDIR   := $(CURDIR)
export CCACHE_NOHASHDIR := 1

release  := build/release/athena
pytest   := $(PYTHON) -m pytest -p no:cacheprovider -q
sanitize := ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1 UBSAN_OPTIONS=print_stacktrace=1 \
            TSAN_OPTIONS=suppressions=$(CURDIR)/tests/tsan.supp:second_deadlock_stack=1
step      = @printf '\n== %s ==\n' "$(1)"
sources   = find src tests bench \( -name '*.cpp' -o -name '*.h' -o -name '*.c' \) -print0

.NOTPARALLEL:
.PHONY: help deps build strip run test test-all structure functional schemathesis fuzz fuzz-replay build-fuzz bench format tidy

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps: ## install the Debian packages that are missing (tools/packages.txt)
	@tools/deps.sh

configure-%:
	@mkdir -p build
	@cmake --preset $* >build/configure-$*.log || { cat build/configure-$*.log; exit 1; }

build: deps configure-release ## build/release/athena, stripped
	@cmake --build --preset release --target athena
	@$(MAKE) strip

# What is measured and shipped is stripped. The stamp spares the linked program a needless rewrite.
strip:
	@if [[ ! -e $(release).stripped || $(release) -nt $(release).stripped ]]; then \
	  llvm-strip-19 $(release) && touch $(release).stripped; fi

run: build ## serve the SQLite sample on http://127.0.0.1:4052 (ARGS="--port 4100")
	@exec $(release) dev $(ARGS)

# --- tests: docs/testing.md ------------------------------------------------------------------------------------------

test: deps ## what every change must pass; at most 10 minutes with a warm ccache
	@$(MAKE) structure unit-dev build functional

test-all: deps ## all of it: release and TSan unit tests, sanitized programs and slow tests in the functional tests, schemathesis, tidy, 60 s of each fuzz target
	@$(MAKE) structure tidy unit-release unit-dev unit-tsan
	@$(MAKE) fuzz FUZZ_SECONDS=60
	@$(MAKE) functional-dev functional-tsan
	@$(MAKE) functional ARGS=--slow
	@$(MAKE) schemathesis

unit-%: configure-%
	$(call step,unit tests: preset $*)
	@cmake --build --preset $*
	@$(sanitize) ctest --preset $* -j2

structure:
	$(call step,structure: layers and file sizes)
	@$(PYTHON) tests/structure/check_layers.py
	@$(pytest) tests/structure

functional:
	$(call step,functional tests: $(release))
	@$(MAKE) strip
	@$(pytest) tests/functional $(ARGS)

functional-%:
	$(call step,functional tests: build/$*/athena)
	@$(sanitize) ATHENA_BIN=$(CURDIR)/build/$*/athena $(pytest) tests/functional $(ARGS)

schemathesis: build ## requests made out of openapi.yaml (installs schemathesis from PyPI; ARGS="--examples 500")
	$(call step,schemathesis)
	@$(PYTHON) tests/schemathesis/run.py $(ARGS)

fuzz: deps build-fuzz ## run each fuzz target for FUZZ_SECONDS (300)
	$(call step,fuzzing: $(FUZZ_SECONDS) s a target)
	@$(sanitize) tools/fuzz.sh $(FUZZ_SECONDS)

fuzz-replay: build-fuzz
	$(call step,fuzz targets: replay of the corpus)
	@$(sanitize) tools/fuzz.sh 0

build-fuzz: configure-fuzz
	@cmake --build --preset fuzz --target tests/fuzz/all

bench: build ## measure against pgbench, docs/performance.md (ARGS="--quick")
	@cmake --preset release -D ATHENA_BENCH=ON >build/configure-release.log
	@cmake --build --preset release --target bench_unix_socket
	@$(PYTHON) bench/run.py $(ARGS)

# --- sources ---------------------------------------------------------------------------------------------------------

format: ## clang-format over all sources
	@$(sources) | xargs -0 -r clang-format-19 -i

tidy: deps configure-release ## clang-format and clang-tidy; warnings are errors
	$(call step,clang-format and clang-tidy)
	@$(sources) | xargs -0 -r clang-format-19 --dry-run --Werror
	@tools/tidy.sh build/release
