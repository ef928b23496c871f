"""train_cases.py - the five training steps that are timed, and their data: one fixed random batch each.

    mlp          784-512-512-10, ReLU, batch 64, Adam(1e-3)
    lenet5       1x28x28, ReLU and max pooling, batch 64, SGD(0.01)
    resnet18     3x32x32, first convolution 3x3 without pooling, BatchNorm training, batch 32, SGD(0.01, momentum 0.9)
    lstm         2 layers, hidden 256, input 128, 64 steps, batch 32, linear head on the last step, Adam(1e-3)
    transformer  4 pre-norm encoder layers, width 256, 4 heads, inner 1024 (GELU), 128 steps, batch 16, mean and head, AdamW(1e-3)

A step is forward, cross-entropy, backward and update in f32, without dropout.
"""

import numpy as np

SHAPES = {  # of the whole batch
    "mlp": (64, 784),
    "lenet5": (64, 1, 28, 28),
    "resnet18": (32, 3, 32, 32),
    "lstm": (32, 64, 128),
    "transformer": (16, 128, 256),
}
OPTIMISERS = {"mlp": "adam", "lenet5": "sgd", "resnet18": "momentum", "lstm": "adam", "transformer": "adamw"}
RESNET18_BLOCKS = ((64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1))


def batch(case):
    """(inputs, labels)."""
    generator = np.random.default_rng(3)
    return generator.standard_normal(SHAPES[case], dtype=np.float32), generator.integers(0, 10, SHAPES[case][0])
