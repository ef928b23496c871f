"""make_models.py - writes the benchmark suite: ONNX files with random weights of a fixed seed, and their inputs.

    build/bench-venv/bin/python tools/bench/make_models.py [--out build/suite] [--only NAME ...] [--skip-int8] [--list]

For each model NAME: OUT/NAME.onnx (opset 18, static shapes, weights inside), OUT/NAME.inputs.npz, and an entry in
OUT/suite.json with its FLOPs, weights and operators. What is there already is kept; --force makes it again. `build(name)`
gives the torch module of the very same network.
"""

import argparse
import json
import pathlib
import sys

import numpy as np

from graph_stats import graph_stats

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OPSET = 18
CONVOLUTIONAL = ("resnet50", "mobilenetv2", "efficientnet_b0", "vgg16", "unet_256", "lenet5_b1", "lenet5_b64")
DENSE = ("mlp_b1", "mlp_b64", "lstm_2x512_s100", "gru_2x512_s100")
TRANSFORMERS = ("bert_base", "minilm_l6", "distilbert", "vit_b16", "gpt2_prefill64", "gpt2_decode", "whisper_tiny_enc")
FLOAT = (*CONVOLUTIONAL, *DENSE, *TRANSFORMERS)
INT8 = {"resnet50_int8": "resnet50", "bert_base_int8": "bert_base"}  # made from the float file


def build(name):
    """(torch module in evaluation mode, {input: tensor}), the same at every call."""
    import torch

    torch.manual_seed(1234)
    if name in TRANSFORMERS:
        import transformer_networks as networks
    else:
        import networks
    return networks.build(name)


def export(name, path):
    import torch

    model, example = build(name)
    with torch.no_grad():
        outputs = model(*example.values())
        outputs = [outputs] if isinstance(outputs, torch.Tensor) else outputs
        names = ["output"] if len(outputs) == 1 else [f"output{i}" for i in range(len(outputs))]
        options = dict(dynamo=True, opset_version=OPSET, input_names=list(example), output_names=names, verbose=False)
        torch.onnx.export(model, tuple(example.values()), **options).save(path, external_data=False)
    if not all(torch.isfinite(o).all() for o in outputs):
        raise ValueError("an output is not finite")
    np.savez(path.with_suffix(".inputs.npz"), **{key: tensor.numpy() for key, tensor in example.items()})


def quantize(source, path, name):
    """ResNet-50 statically (QDQ, int8 weights by channel, calibrated on random images), BERT dynamically."""
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    prepared = path.with_suffix(".prepared")
    quant_pre_process(source, prepared, skip_symbolic_shape=True)

    class RandomImages(quantization.CalibrationDataReader):
        def __init__(self):
            generator = np.random.default_rng(5)
            self.images = ({"input": generator.standard_normal((1, 3, 224, 224), dtype=np.float32)} for _ in range(4))

        def get_next(self):
            return next(self.images, None)

    if name == "resnet50_int8":
        types = dict(activation_type=quantization.QuantType.QUInt8, weight_type=quantization.QuantType.QInt8)
        options = dict(quant_format=quantization.QuantFormat.QDQ, per_channel=True, **types)
        quantization.quantize_static(prepared, path, RandomImages(), **options)
    else:
        quantization.quantize_dynamic(prepared, path, weight_type=quantization.QuantType.QInt8)
    prepared.unlink()
    with np.load(source.with_suffix(".inputs.npz")) as inputs:
        np.savez(path.with_suffix(".inputs.npz"), **inputs)


def make(name, out, force=False):
    """Makes one model and returns its entry in suite.json."""
    path = out / f"{name}.onnx"
    if force or not path.exists():
        part = out / f"{name}.part.onnx"  # what is interrupted leaves no half model behind
        if name in INT8:
            quantize(out / f"{INT8[name]}.onnx", part, name)
        else:
            export(name, part)
        part.with_suffix(".inputs.npz").rename(path.with_suffix(".inputs.npz"))
        part.rename(path)
    stats = graph_stats(path)
    if name in INT8:
        stats["flops"] = graph_stats(out / f"{INT8[name]}.onnx")["flops"]
    with np.load(path.with_suffix(".inputs.npz")) as inputs:
        stats["inputs"] = {key: [str(array.dtype), list(array.shape)] for key, array in inputs.items()}
    return stats


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "build/suite")
    parser.add_argument("--only", nargs="+", default=[*FLOAT, *INT8])
    parser.add_argument("--skip-int8", action="store_true")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    if options.list:
        print("\n".join((*FLOAT, *INT8)))
        return 0
    options.out.mkdir(parents=True, exist_ok=True)
    listing, failures = options.out / "suite.json", 0
    for name in options.only:
        if name in INT8 and options.skip_int8:
            continue
        try:
            stats = make(name, options.out, options.force)
        except Exception as error:
            failures += 1
            print(f"{name}: {type(error).__name__}: {str(error)[:300]}", flush=True)
            continue
        suite = json.loads(listing.read_text()) if listing.exists() else {}
        listing.write_text(json.dumps({**suite, name: stats}, indent=1))
        counts = f"{stats['flops'] / 1e9:8.3f} GFLOP  {stats['params'] / 1e6:7.2f} M weights  {stats['bytes'] / 1e6:6.1f} MB"
        print(f"{name:18s} {counts}  {sum(stats['ops'].values())} nodes", flush=True)
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
