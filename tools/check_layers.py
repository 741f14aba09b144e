#!/usr/bin/env python3
"""Checks who includes whom against ARCHITECTURE.md: arrows point only to rooms listed above.

Prints one line for each include that crosses a wall, and exits 1 if there is one.
"""

import pathlib
import re
import sys

# room -> the rooms whose internal headers it may include
MAY_INCLUDE = {
    "include/decant": set(),
    "src/base": set(),
    "src/pickle": {"src/base"},
    "src/kernels": {"src/base"},
    "src/text": {"src/base", "src/pickle", "src/kernels"},
    "src/checkpoint": {"src/base", "src/pickle", "src/kernels"},
    "src/sampling": {"src/base", "src/kernels"},
    "src/constraint": {"src/base"},
    "src/model": {"src/base", "src/kernels", "src/checkpoint"},
    "src/generate": set(),
    "src/metrics": set(),
    "bindings/c": set(),
    "apps/cli": set(),
}
# room -> the public headers it may include besides types.h and error.h; rooms that are not listed
# may include all of them
PUBLIC = {
    "src/base": set(),
    "src/pickle": set(),
    "src/kernels": set(),
    "src/text": {"tokenizer"},
    "src/checkpoint": {"checkpoint"},
    "src/sampling": {"sampling", "trace", "json", "logprobs", "token_mask"},
    "src/constraint": {"constraint", "token_mask", "tokenizer"},
    "src/model": {"checkpoint", "model"},
    "src/metrics": {"metrics"},
}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def main() -> int:
    root = pathlib.Path(__file__).resolve().parent.parent
    files = {
        room: sorted(p for p in (root / room).rglob("*") if p.suffix in {".h", ".cpp"})
        for room in MAY_INCLUDE
    }
    owner = {
        path.relative_to(root / room).as_posix(): room
        for room, paths in files.items() if room != "include/decant"
        for path in paths if path.suffix == ".h"
    }
    trespasses = []
    for room, paths in files.items():
        for path in paths:
            for header in INCLUDE.findall(path.read_text()):
                if header.startswith("decant/"):
                    name = pathlib.PurePath(header).stem
                    allowed = name in PUBLIC.get(room, {name}) | {"types", "error"}
                elif header.endswith(".cpp"):  # Highway compiles a file once for each target
                    allowed = header == path.name
                elif header in owner:
                    allowed = owner[header] == room or owner[header] in MAY_INCLUDE[room]
                else:
                    allowed = (path.parent / header).exists()
                if not allowed:
                    trespasses.append(f"{path.relative_to(root)}: {room} must not include {header}")
    print("\n".join(trespasses) or f"{sum(map(len, files.values()))} files keep to their rooms")
    return 1 if trespasses else 0


if __name__ == "__main__":
    sys.exit(main())
