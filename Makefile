# The course's commands. `make run` and `make test` are the two a newcomer needs; each sets .venv up by itself.
#
#   make run  [CH=04] [PROFILE=smoke|cpu|gpu]   execute the chapters, write pages to build/, end with a table
#   make test                                    lint, unit tests, every notebook against its stored outputs
#   make processors                              the notebooks as two older processors would compute them
#   make lab                                     JupyterLab on notebooks/
#   make bench                                   benchmarks/: ratios, measured side by side
#   make test-latest                             the tests with the newest Keras, in an environment of its own
#   make outputs [CH=04]                         write the notebooks' reference outputs (maintainers)
#   make mutate                                  run every cell twice, then break every number: do the tests notice?
#   make venv                                    the environment alone
#   make links REPO=owner/name                   point every badge and set-up cell at your fork

PYTHON  ?= python3
PROFILE ?= smoke
VENV    ?= .venv
CH      ?=

.DEFAULT_GOAL := run

bin     := $(VENV)/bin
# The stamp carries the interpreter's version, so that another PYTHON gets another environment.
version := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)
stamp   := $(VENV)/.installed-$(version)
cores   := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
nbval   := --nbval --nbval-current-env --nbval-sanitize-with tests/sanitize.cfg --nbval-cell-timeout 600

.PHONY: venv run test test-latest processors lab bench outputs mutate links clean
.DELETE_ON_ERROR:

venv: $(stamp)

# In smoke nothing is downloaded, so that the first run is quick and the same everywhere; the other profiles may.
run: $(stamp)
	$(if $(filter smoke,$(PROFILE)),CNNLAB_OFFLINE=1) CNNLAB_PROFILE=$(PROFILE) $(bin)/python -m tools.run $(CH)

# Every part is run, whatever failed before it; the last line is the verdict.
test: export CNNLAB_PROFILE := smoke
test: export CNNLAB_OFFLINE := 1
test: $(stamp)
	@failed=; \
	$(bin)/ruff check --quiet . && $(bin)/ruff format --check --quiet . || failed="$$failed lint,"; \
	$(bin)/pytest -q -n $(cores) --dist loadfile tests || failed="$$failed unit tests,"; \
	$(bin)/pytest -q -n $(cores) --dist loadscope $(nbval) $(notebooks) || failed="$$failed notebooks,"; \
	if [ -n "$$failed" ]; then echo "make test: FAILED:$${failed%,}"; exit 1; fi; \
	echo "make test: lint, unit tests and notebooks all passed"

# Colab moves on: the same tests with the newest Keras. Chapter 11 is left out, since AutoKeras stops at Keras 3.12.
test-latest:
	$(MAKE) test VENV=.venv-latest KERAS=latest notebooks='$(filter-out notebooks/11_%,$(notebooks))'

# Sums of 32-bit numbers depend on the instructions that add them up, so no compared output and no bound of a check may.
# OpenBLAS, NumPy, oneDNN and TensorFlow, each told to use no newer instructions than the processor has, stand in for it.
sse  := OPENBLAS_CORETYPE=Prescott NPY_DISABLE_CPU_FEATURES="AVX512_SPR AVX512_ICL X86_V4 X86_V3" ONEDNN_MAX_CPU_ISA=SSE41
avx2 := OPENBLAS_CORETYPE=Haswell NPY_DISABLE_CPU_FEATURES="AVX512_SPR AVX512_ICL X86_V4" ONEDNN_MAX_CPU_ISA=AVX2 TF_ENABLE_ONEDNN_OPTS=0

processors: export CNNLAB_PROFILE := smoke
processors: export CNNLAB_OFFLINE := 1
processors: $(stamp)
	@failed=; \
	echo "With SSE4.1 alone:"; \
	$(sse) $(bin)/pytest -q -n $(cores) --dist loadscope $(nbval) $(notebooks) || failed="$$failed SSE4.1,"; \
	echo "With AVX2, without oneDNN:"; \
	$(avx2) $(bin)/pytest -q -n $(cores) --dist loadscope $(nbval) $(notebooks) || failed="$$failed AVX2,"; \
	if [ -n "$$failed" ]; then echo "make processors: FAILED:$${failed%,}"; exit 1; fi; \
	echo "make processors: the notebooks passed with SSE4.1 and with AVX2"

lab: $(stamp)
	$(bin)/jupyter lab --notebook-dir=notebooks

bench: $(stamp)
	$(bin)/python -m benchmarks

outputs: $(stamp)
	$(bin)/python -m tools.outputs $(CH)

mutate: $(stamp)
	$(bin)/python -m tools.mutate --twice
	$(bin)/python -m tools.mutate --all

links: $(stamp)
	$(bin)/python -m tools.links $(if $(REPO),--repo $(REPO))

clean:
	rm -rf build .venv .venv-latest

notebooks ?= $(sort $(wildcard notebooks/*.ipynb))

# Made when missing, made again when a requirement file or the interpreter asked for is newer. The old environment is
# removed first, so that nothing in it is left over from other requirements.
$(stamp): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11, 3.12 or 3.13 is needed and $(PYTHON) is $(or $(version),not there): make PYTHON=python3.12 ..."; exit 1; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
ifeq ($(KERAS),latest)
	grep -v -E '^(keras|autokeras|keras-tuner)==' requirements.txt > $(VENV)/requirements.txt
	$(bin)/python -m pip install --quiet --disable-pip-version-check -r $(VENV)/requirements.txt keras
else
	$(bin)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
endif
	$(bin)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@
