"""lit.cfg.py - how the lit tests find their tools, and what they may ask of the machine.

Tools by plain name: burnish, burnish-opt, and LLVM 22's (FileCheck, not, split-file, llvm-nm, llvm-objdump, ...).
Substitutions: %clang %clangxx %python %include (folder of burnish.h) %runtime (libburnish.a) %root (of the sources)
and %cross-ld, beside lit's own.
Features: x86-64-v2, -v3, -v4, each CPU flag of x86 as cpu-FLAG, node, qemu-aarch64, qemu-riscv64, qemu-arm, sanitized.
"""

import os
import platform
import shutil

import lit.formats

config.name = "burnish"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.join(config.source_root, "test")
config.test_exec_root = os.path.join(config.binary_root, "test")

binaries = os.path.join(config.binary_root, "bin")
config.environment["PATH"] = os.pathsep.join([binaries, config.llvm_tools, os.environ.get("PATH", "")])
for name in ("HOME", "TMPDIR"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
# `burnish run` keeps what it compiled; the tests have a cache of their own.
config.environment["XDG_CACHE_HOME"] = os.path.join(config.test_exec_root, "cache")

if config.sanitized:
    config.available_features.add("sanitized")
    # LLVM's allocators poison memory that they have not given out, and their copies in LLVM's own libraries, which are not
    # instrumented, give it out without a word: so no poison but the sanitizer's own.
    config.environment["ASAN_OPTIONS"] = "detect_leaks=0:abort_on_error=1:allow_user_poisoning=0"
    config.environment["UBSAN_OPTIONS"] = "print_stacktrace=1"

sanitize = " -fsanitize=address,undefined" if config.sanitized else ""
config.substitutions += [
    (r"%clangxx", os.path.join(config.llvm_tools, "clang++") + sanitize),
    (r"%clang", os.path.join(config.llvm_tools, "clang") + sanitize),
    (r"%python", config.python),
    (r"%include", os.path.join(config.source_root, "runtime", "include")),
    (r"%runtime", os.path.join(config.binary_root, "lib", "libburnish.a")),
    (r"%root", config.source_root),
]
if lit_config.params.get("roundtrip"):
    config.substitutions.append((r"(?<![\w/.-])burnish-opt(?![\w.-])", "burnish-opt --verify-roundtrip"))


def cpu_flags():
    """The flags of the first processor, empty where /proc/cpuinfo does not tell."""
    try:
        for line in open("/proc/cpuinfo"):
            if line.startswith("flags"):
                return set(line.split(":")[1].split())
    except OSError:
        pass
    return set()


LEVELS = {
    "x86-64-v2": {"cx16", "popcnt", "sse4_1", "sse4_2", "ssse3"},
    "x86-64-v3": {"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"},
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
}
config.available_features.add(platform.machine())
flags = cpu_flags()
config.available_features.update("cpu-" + flag for flag in flags)
needed = set()
for level, adds in LEVELS.items():
    needed |= adds
    if needed <= flags:
        config.available_features.add(level)
for tool in ("node", "qemu-aarch64", "qemu-riscv64", "qemu-arm", "gcc", "g++"):
    if shutil.which(tool):
        config.available_features.add(tool)
