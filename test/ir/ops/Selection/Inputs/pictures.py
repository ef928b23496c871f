"""pictures.py - compares ImageDecoder with Pillow, byte by byte; what is damaged shall give a picture or none, and end the run in order.

    pictures.py FOLDER
"""

import io
import pathlib
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

folder = pathlib.Path(sys.argv[1])
numbers = np.random.default_rng(3)


def program(name, **attributes):
    node = helper.make_node("ImageDecoder", ["bytes"], ["image"], **attributes)
    infos = [helper.make_tensor_value_info("bytes", TensorProto.UINT8, ["n"])], [helper.make_tensor_value_info("image", TensorProto.UINT8, None)]
    model = helper.make_model(helper.make_graph([node], "g", *infos), opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    onnx.save(model, folder / f"{name}.onnx")
    subprocess.run(["burnish", folder / f"{name}.onnx", "-o", folder / name], check=True)
    return folder / name


def decoded(path, data):
    np.savez(folder / "in.npz", bytes=np.frombuffer(data, np.uint8))
    subprocess.run([path, folder / "in.npz", "-o", folder / "out.npz"], check=True)
    return np.load(folder / "out.npz")["image"]


def smooth(height, width):
    """Something like a photograph: JPEG keeps little of noise."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / (3 + c) + c) + np.cos(y / (5 - c)) for c in range(3)]
    return np.uint8(127 + 60 * np.stack(waves, -1) + numbers.integers(-7, 7, (height, width, 3)))


def files():
    picture = Image.fromarray(smooth(37, 21))
    noise = Image.fromarray(numbers.integers(0, 256, (9, 35, 3), np.uint8))
    for image, format, options in (
        (picture, "PNG", {}), (picture.convert("L"), "PNG", {}), (picture.convert("P"), "PNG", {}), (picture.convert("RGBA"), "PNG", {}),
        (noise, "PNG", {}), (picture, "BMP", {}), (noise, "BMP", {}), (picture, "PPM", {}), (picture.convert("L"), "PPM", {}),
        (picture, "JPEG", {"quality": 90}), (noise, "JPEG", {"quality": 40}), (picture, "JPEG", {"subsampling": 0}),
        (picture.convert("L"), "JPEG", {}), (picture, "JPEG", {"progressive": True}), (Image.fromarray(smooth(64, 48)), "JPEG", {"quality": 30}),
    ):  # fmt: skip
        data = io.BytesIO()
        image.save(data, format, **options)
        yield f"{format} {image.mode} {options}", data.getvalue()


folder.mkdir(parents=True, exist_ok=True)
programs = {"RGB": program("rgb"), "BGR": program("bgr", pixel_format="BGR"), "Grayscale": program("grey", pixel_format="Grayscale")}
count = wrong = 0
for what, data in files():
    image = Image.open(io.BytesIO(data)).convert("RGB")
    wanted = {"RGB": np.asarray(image), "BGR": np.asarray(image)[..., ::-1], "Grayscale": np.asarray(image.convert("L"))[..., None]}
    for form, path in programs.items():
        count += 1
        found = decoded(path, data)
        if found.shape != wanted[form].shape or (found != wanted[form]).any():
            wrong += 1
            print(what, form, found.shape, wanted[form].shape)
    # Cut off, and with bytes that are others.
    for cut in (0, 1, 7, len(data) // 2, len(data) - 30):
        if decoded(programs["RGB"], data[:cut]).size and not what.startswith("JPEG"):
            wrong += 1
            print(what, "is a picture though it ends at", cut)
    for _ in range(12):
        bad = bytearray(data)
        for place in numbers.integers(0, len(bad) if numbers.random() < 0.5 else 64, numbers.integers(1, 5)):
            bad[place] = numbers.integers(0, 256)
        decoded(programs["RGB"], bytes(bad))
print(f"{count - wrong} of {count} right")
sys.exit(wrong != 0)
