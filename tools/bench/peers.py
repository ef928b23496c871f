"""peers.py - what Burnish is compared with: one class a peer, with `imports`, `load` and `run`.

A peer gets a model file, beside which lies NAME.inputs.npz, a number of threads and a folder for what it needs to keep.
"""

import importlib.util
import json
import os
import pathlib
import subprocess
import sys
import time


def output_of(command):
    """Runs a command and returns what it prints; what it said is the exception if it fails."""
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        said = done.stdout
        start = max(said.find("error:"), 0) if "error:" in said else max(len(said) - 600, 0)
        raise RuntimeError(f"{pathlib.Path(command[0]).name} ended with {done.returncode}: {said[start : start + 600]}")
    return done.stdout


def burnish():
    """The compiler."""
    return os.environ.get("BURNISH", str(pathlib.Path(__file__).resolve().parent.parent.parent / "build/bin/burnish"))


def megabytes(*paths):
    return sum(os.path.getsize(path) for path in paths) / 1e6


class Peer:
    title, package = None, None  # as tables call it; the module that must be installed

    def __init__(self, model, threads, work):
        import numpy as np

        self.model, self.threads, self.work = pathlib.Path(model), threads, pathlib.Path(work)
        self.name = self.model.stem
        with np.load(self.model.with_suffix(".inputs.npz")) as arrays:
            self.inputs = dict(arrays)

    def artifact_mb(self):
        """What must be shipped beside the peer's own libraries."""
        return megabytes(self.model)


class Burnish(Peer):
    """A compiled program, which times itself."""

    title, options = "Burnish", []

    def imports(self):
        self.compiler = burnish()
        self.version = output_of([self.compiler, "--version"]).splitlines()[0]

    def load(self):
        self.program = self.work / f"{self.name}.{type(self).__name__.lower()}"
        start = time.perf_counter()
        if not self.program.exists():
            output_of([self.compiler, self.model, "-o", self.program, *self.options])
        self.compile_s = time.perf_counter() - start

    def command(self, *more):
        return [self.program, self.model.with_suffix(".inputs.npz"), f"--threads={self.threads}", *more]

    def run(self):
        output_of(self.command("-o", self.work / "out.npz"))

    def outputs(self):
        import numpy as np

        with np.load(self.work / "out.npz") as arrays:
            names = [o["name"] for o in json.loads(output_of([self.program, "--signature"]))["outputs"]]
            return [arrays[name] for name in names]

    def artifact_mb(self):
        return megabytes(self.program)

    def slot(self, seconds):
        times = json.loads(output_of(self.command(f"--bench={seconds}")))
        rss = times["peak_rss_bytes"] / 2**20
        return dict(runs=times["runs"], median_ms=times["median_ms"], min_ms=times["min_ms"], rss_mb=rss)


class BurnishBf16(Burnish):
    """The same with operands of products in bf16."""

    title, options = "Burnish, bf16", ["--precision=bf16"]


class OnnxRuntime(Peer):
    """All graph optimisations; inputs and outputs are bound once."""

    title, package = "ONNX Runtime", "onnxruntime"

    def imports(self):
        import onnxruntime

        self.library, self.version = onnxruntime, onnxruntime.__version__

    def load(self):
        self.open(self.model)

    def open(self, path):
        library = self.library
        options = library.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = self.threads, 1
        options.graph_optimization_level = library.GraphOptimizationLevel.ORT_ENABLE_ALL
        options.log_severity_level = 3
        self.session = library.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        for i in self.session.get_inputs():
            self.binding.bind_ortvalue_input(i.name, library.OrtValue.ortvalue_from_numpy(self.inputs[i.name]))
        for o in self.session.get_outputs():
            self.binding.bind_output(o.name, "cpu")

    def run(self):
        self.session.run_with_iobinding(self.binding)

    def outputs(self):
        return self.binding.copy_outputs_to_cpu()


class OnnxRuntimeFused(OnnxRuntime):
    """ONNX Runtime after its offline transformer optimiser."""

    title = "ONNX Runtime, fused offline"

    HEADS = {
        "bert_base": ("bert", 12, 768), "minilm_l6": ("bert", 12, 384), "distilbert": ("bert", 12, 768), "vit_b16": ("vit", 12, 768),
        "gpt2_prefill64": ("gpt2", 12, 768), "gpt2_decode": ("gpt2", 12, 768), "whisper_tiny_enc": ("bart", 6, 384),
    }  # fmt: skip

    def load(self):
        from onnxruntime.transformers import optimizer

        if self.name not in self.HEADS:
            raise RuntimeError("not a transformer")
        kind, heads, width = self.HEADS[self.name]
        path = self.work / f"{self.name}.fused.onnx"
        if not path.exists():
            options = dict(model_type=kind, num_heads=heads, hidden_size=width, opt_level=1, use_gpu=False)
            optimizer.optimize_model(str(self.model), **options).save_model_to_file(str(path))
        self.open(path)


class OpenVino(Peer):
    """CPU plugin, latency hint, one stream, f32 (its own default is bf16 where the machine has AMX)."""

    title, package, precision = "OpenVINO", "openvino", "f32"

    def imports(self):
        import openvino

        self.library, self.version = openvino, openvino.__version__.split("-")[0]

    def load(self):
        options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": self.precision, "NUM_STREAMS": "1"}
        options["INFERENCE_NUM_THREADS"] = self.threads
        self.compiled = self.library.Core().compile_model(str(self.model), "CPU", options)
        self.request = self.compiled.create_infer_request()
        for port in self.compiled.inputs:
            self.request.set_tensor(port, self.library.Tensor(self.inputs[port.get_any_name()]))

    def run(self):
        self.request.infer()

    def outputs(self):
        return [self.request.get_output_tensor(i).data.copy() for i in range(len(self.compiled.outputs))]


class OpenVinoBf16(OpenVino):
    """The same in bf16."""

    title, precision = "OpenVINO, bf16", "bf16"


class Torch(Peer):
    """PyTorch eager, in inference mode."""

    title, package = "PyTorch", "torch"

    def imports(self):
        import torch

        import make_models

        self.torch, self.suite, self.version = torch, make_models, torch.__version__
        if self.name not in make_models.FLOAT:
            raise RuntimeError("no torch module")

    def load(self):
        self.torch.set_num_threads(self.threads)
        self.module, example = self.suite.build(self.name)
        self.arguments = [self.torch.from_numpy(self.inputs[key]) for key in example]
        self.prepare()

    def prepare(self):
        pass

    def run(self):
        with self.torch.inference_mode():
            self.result = self.module(*self.arguments)

    def outputs(self):
        return [tensor.numpy() for tensor in (self.result if isinstance(self.result, (tuple, list)) else [self.result])]


class Inductor(Torch):
    """torch.compile with frozen and prepacked weights, cold caches."""

    title = "torch.compile"

    def prepare(self):
        import torch._inductor.config as config

        config.freezing, config.force_disable_caches = True, True
        self.module = self.torch.compile(self.module)
        self.run()

    def run(self):
        with self.torch.no_grad():
            self.result = self.module(*self.arguments)


class Iree(Peer):
    """IREE's llvm-cpu for this CPU; weights above 50 MB stay in a parameter archive."""

    title, package = "IREE", "iree.compiler"

    FLAGS = (
        "--iree-hal-target-device=local", "--iree-hal-local-target-device-backends=llvm-cpu", "--iree-llvmcpu-target-cpu=host",
        "--iree-opt-level=O3", "--iree-opt-data-tiling", "--iree-llvmcpu-stack-allocation-limit=262144",
    )  # fmt: skip

    def imports(self):
        import importlib.metadata

        import iree.runtime

        self.library, self.version = iree.runtime, importlib.metadata.version("iree-base-compiler")
        self.mlir, self.module_file, self.parameters = (self.work / f"{self.name}.{end}" for end in ("mlir", "vmfb", "irpa"))

    def compile(self):
        beside = pathlib.Path(sys.executable).parent
        external = ["--externalize-params", "--save-params-to", self.parameters] if self.model.stat().st_size > 50e6 else []
        output_of([beside / "iree-import-onnx", self.model, "-o", self.mlir, "--opset-version", "18", *external])
        output_of([beside / "iree-compile", self.mlir, "-o", self.module_file, *self.FLAGS])
        self.mlir.unlink()

    def load(self):
        library = self.library
        start = time.perf_counter()
        if not self.module_file.exists():
            self.compile()
        self.compile_s = time.perf_counter() - start
        library.flags.parse_flags(f"--task_topology_group_count={self.threads}", "--task_worker_stack_size=2097152")
        config = library.Config("local-sync" if self.threads == 1 else "local-task")
        modules = [library.create_hal_module(config.vm_instance, config.device)]
        if self.parameters.exists():
            index = library.ParameterIndex()
            index.load(str(self.parameters))
            modules.insert(0, library.create_io_parameters_module(config.vm_instance, index.create_provider(scope="model")))
        modules.append(library.VmModule.mmap(config.vm_instance, str(self.module_file)))
        self.loaded = library.load_vm_modules(*modules, config=config)
        module = self.loaded[-1]
        names = [n for n in module.vm_module.function_names if not n.startswith("__") and not n.endswith("$async")]
        self.function = module[names[0]]
        self.arguments = [library.asdevicearray(config.device, array) for array in self.inputs.values()]

    def run(self):
        self.result = self.function(*self.arguments)

    def outputs(self):
        return [array.to_host() for array in (self.result if isinstance(self.result, (tuple, list)) else [self.result])]

    def artifact_mb(self):
        return megabytes(*(path for path in (self.module_file, self.parameters) if path.exists()))


PEERS = {
    "burnish": Burnish, "burnish_bf16": BurnishBf16, "ort": OnnxRuntime, "ort_fused": OnnxRuntimeFused,
    "openvino": OpenVino, "openvino_bf16": OpenVinoBf16,
    "torch": Torch, "inductor": Inductor, "iree": Iree,
}  # fmt: skip
COMPARED = ("burnish", "ort", "openvino", "inductor", "iree")  # in the tables of README.md


def is_installed(name):
    package = PEERS[name].package
    try:
        return not package or importlib.util.find_spec(package) is not None
    except ModuleNotFoundError:  # what holds it is missing too
        return False
