# Everything a newcomer needs: `make run` opens the console, `make test` proves it, `make lab` gives a cluster to break.
BIN := .venv/bin
# the lab lives in network namespaces of its own: that takes root
ROOT := $(if $(filter 0,$(shell id -u)),,sudo --preserve-env=PATH,TERM,COLORTERM,LANG)

.PHONY: run test lab lint bench soak readme pictures clean

run:
	@.ci/setup run
	@if [ -e config.yaml ]; then exec $(BIN)/kvmtui; \
	elif [ -w /run/libvirt/libvirt-sock ] || [ -w /run/libvirt/virtqemud-sock ]; then exec $(BIN)/kvmtui -c qemu:///system; \
	else exec $(BIN)/kvmtui demo; fi

test: lint
	$(BIN)/python -m pytest

lab:
	@.ci/setup test
	@$(ROOT) $(BIN)/python -m tests.lab play

lint:
	@.ci/setup test
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench:
	@.ci/setup test
	$(ROOT) $(BIN)/python -m tests.bench

soak:
	@.ci/setup test
	$(BIN)/python -m pytest -m soak --timeout 7200

# the README's tables and pictures, made of the program as it is now
readme: pictures
	$(BIN)/python -m tests.readme

pictures:
	@.ci/setup test
	$(BIN)/python -m tests.console.pictures

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
