# Thin fronts over CMake: `make demo` and `make test` are all that a newcomer needs.
.PHONY: all build demo test bench web playground format clean

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

build/wasm/build.ninja: CMakeLists.txt CMakePresets.json
	@tools/install_dependencies emscripten
	emcmake cmake --preset wasm

web/node_modules/.package-lock.json: web/package-lock.json
	@command -v npm >/dev/null || { echo "The playground is built with npm: install Node.js 20.19 or later." >&2; exit 1; }
	npm ci --prefix web --ignore-scripts --no-audit --no-fund

# The playground as a static folder, build/web, for any host.
web: build/wasm/build.ninja web/node_modules/.package-lock.json
	cmake --build --preset wasm
	npm run build --prefix web

# The same on localhost, in a browser if there is a display.
playground: web
	npm run preview --prefix web -- $(if $(DISPLAY)$(WAYLAND_DISPLAY)$(filter Darwin,$(shell uname)),--open)

format:
	git ls-files '*.h' '*.cpp' | xargs clang-format -i

clean:
	rm -rf build build-*
