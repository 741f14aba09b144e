#!/usr/bin/env python3
"""Checks who includes whom against ARCHITECTURE.md: arrows point only to rooms listed above.

Prints one line for each include that crosses a wall, and exits 1 if there is one.
"""

import pathlib
import re
import sys

# room -> the rooms whose internal headers it may include. Everybody may include include/decant.
MAY_INCLUDE = {
    "include/decant": set(),
    "src/base": set(),
    "src/kernels": {"src/base"},
    "src/text": {"src/base", "src/kernels"},
    "src/checkpoint": {"src/base", "src/kernels"},
    "src/sampling": {"src/base", "src/kernels"},
    "src/model": {"src/base", "src/kernels", "src/checkpoint"},
    "src/generate": set(),
    "apps/cli": set(),
}
# base knows nothing of language models, and the simplest headers nothing of the others.
PUBLIC_FOR_BASE = {"decant/error.h", "decant/types.h"}

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
                    allowed = room != "src/base" or header in PUBLIC_FOR_BASE
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
