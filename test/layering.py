"""layering.py - lists the includes that point the wrong way through the tree.

    tools -> {frontend, passes, codegen} -> ir -> MLIR

The three in the middle do not know each other, only frontend/onnx sees protobuf and ONNX's library, and runtime knows
itself and C's headers. runtime/abi.def and runtime/include/burnish.h are for everyone.
"""

import pathlib
import re
import sys

MAY_INCLUDE = {
    "ir": {"ir"},
    "frontend": {"frontend", "ir"},
    "passes": {"passes", "ir"},
    "codegen": {"codegen", "ir"},
    "tools": {"tools", "frontend", "passes", "codegen", "ir", "runtime"},
    "runtime": {"runtime"},
}
FOR_EVERYONE = {"runtime/abi.def", "runtime/include/burnish.h", "burnish.h"}
# What the language takes from the runtime: first values of params and checksums of weights, the same in a compiler and in a training.
SHARED = {("frontend/dsl/Initializers.cpp", "runtime/train/Initial.h"), ("frontend/dsl/SafeTensors.cpp", "runtime/train/Crc32c.h")}
SUFFIXES = {".cpp", ".h", ".c", ".td", ".def", ".inc"}
# Headers of C++ that need no library behind them; the runtime may use these.
FREESTANDING = {"bit", "concepts", "cstddef", "cstdint", "initializer_list", "limits", "new", "type_traits", "utility", "atomic"}

INCLUDE = re.compile(r'^\s*#?\s*include\s+([<"])([^>"]+)[>"]', re.M)


def complaint(layer, file, quote, header):
    """Why `file` may not include `header`, or None."""
    top = header.split("/")[0]
    if header in FOR_EVERYONE or (file, header) in SHARED:
        return None
    if top in MAY_INCLUDE and "/" in header and top not in MAY_INCLUDE[layer]:
        return f"{layer} must not know {top}"
    if (top in ("onnx", "google") or header.endswith(".pb.h")) and "/" in header and not file.startswith("frontend/onnx/"):
        return "only frontend/onnx sees protobuf"
    if layer == "runtime":
        if top in ("mlir", "llvm", "fmt"):
            return "runtime includes no library"
        if quote == "<" and "." not in header and header not in FREESTANDING:
            return "runtime includes no C++ library"
    return None


def main(root):
    root = pathlib.Path(root)
    for layer in MAY_INCLUDE:
        for path in sorted((root / layer).rglob("*")):
            if path.suffix not in SUFFIXES:
                continue
            file = path.relative_to(root).as_posix()
            for quote, header in INCLUDE.findall(path.read_text(errors="replace")):
                why = complaint(layer, file, quote, header)
                if why:
                    print(f"{file}: includes {header}: {why}")


if __name__ == "__main__":
    main(sys.argv[1])
