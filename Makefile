# Thin fronts over CMake: `make demo` and `make test` are all that a newcomer needs.
.PHONY: all build demo test bench format clean

all: build

build/build.ninja: CMakeLists.txt CMakePresets.json
	@tools/install_dependencies
	cmake --preset release

build: build/build.ninja
	cmake --build --preset release

# Only the program, so that the first text comes soon.
demo: build/build.ninja
	@cmake --build --preset release --target decant
	build/decant generate --prompt "ROMEO:" --seed 2

test: build
	ctest --preset release -j $$(nproc)

bench: build
	build/tokenizer_bench
	build/sampling_bench
	build/decant bench

format:
	git ls-files '*.h' '*.cpp' | xargs clang-format -i

clean:
	rm -rf build build-*
