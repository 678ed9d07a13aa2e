# A thin front: every target installs what is missing, configures once and builds what changed.
#   make explain   the main job on Fashion-MNIST; ends by naming out/explain/report.html
#   make test      every test
#   make study     a study over data sets, architectures and trainings; goes on where it was stopped
#   make paper     the paper's experiments on its networks, narrower; goes on where it was stopped
.DEFAULT_GOAL := build
.PHONY: setup build explain study paper test benchmark coverage sanitize fuzz format check clean

setup:
	@scripts/setup

build: setup
	@scripts/build release reluctance

explain: build
	@build/release/bin/reluctance explain

study: build
	@scripts/study

paper: build
	@scripts/paper

test: setup
	@scripts/build release
	@scripts/check
	@ctest --preset release --no-tests=error --parallel $$(($$(nproc) + 1)) # some wait for a lost process

benchmark: setup
	@scripts/build benchmark
	@scripts/benchmark

coverage: setup
	@scripts/coverage

sanitize:
	@scripts/setup sanitize
	@scripts/build sanitize
	@scripts/sanitize

fuzz:
	@scripts/setup sanitize
	@scripts/build sanitize
	@scripts/fuzz $(SECONDS)

format:
	@git ls-files --cached --others --exclude-standard '*.cpp' '*.hpp' | xargs clang-format -i

check:
	@scripts/check

clean:
	@rm -rf build
