"""networks.py - the convolutional, recurrent and dense networks of the benchmark suite, as torch modules.

Their weights are random, but sane: He initialisation, and BatchNorm statistics from a few passes in training mode, so that
nothing computed on them is denormal, infinite or NaN.
"""

import torch
from torch import nn


def conv_norm(inputs, outputs, kernel=3, stride=1, groups=1, activation=nn.ReLU):
    layers = [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([activation()] if activation else []))


def classifier(features):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, 1000))


class Whole(nn.Module):
    """A sequence of layers whose one argument is called `input`, as it then is in the ONNX file."""

    def __init__(self, *layers):
        super().__init__()
        self.body = nn.Sequential(*layers)

    def forward(self, input):
        return self.body(input)


class Bottleneck(nn.Module):
    def __init__(self, inputs, width, stride):
        super().__init__()
        outputs = 4 * width
        self.body = nn.Sequential(conv_norm(inputs, width, 1), conv_norm(width, width, 3, stride), conv_norm(width, outputs, 1, activation=None))
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else conv_norm(inputs, outputs, 1, stride, activation=None)

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


def resnet50():
    layers, inputs = [conv_norm(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
    for width, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for block in range(count):
            layers.append(Bottleneck(inputs, width, stride if block == 0 else 1))
            inputs = 4 * width
    return Whole(*layers, *classifier(2048))


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduced):
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, reduced, 1), nn.SiLU(), nn.Conv2d(reduced, channels, 1), nn.Sigmoid()
        )

    def forward(self, x):
        return x * self.gate(x)


class InvertedResidual(nn.Module):
    """Expand, depthwise, project; with squeeze and excitation in EfficientNet."""

    def __init__(self, inputs, outputs, kernel, stride, expansion, activation, squeeze):
        super().__init__()
        hidden = inputs * expansion
        layers = [conv_norm(inputs, hidden, 1, activation=activation)] if expansion != 1 else []
        layers.append(conv_norm(hidden, hidden, kernel, stride, hidden, activation))
        if squeeze:
            layers.append(SqueezeExcite(hidden, max(1, inputs // 4)))
        self.body = nn.Sequential(*layers, conv_norm(hidden, outputs, 1, activation=None))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


def inverted_residuals(rows, activation, squeeze):
    """MobileNetV2 and EfficientNet-B0: rows of (expansion, channels, count, stride, kernel)."""
    layers, inputs = [conv_norm(3, 32, 3, 2, activation=activation)], 32
    for expansion, channels, count, stride, kernel in rows:
        for block in range(count):
            layers.append(InvertedResidual(inputs, channels, kernel, stride if block == 0 else 1, expansion, activation, squeeze))
            inputs = channels
    return Whole(*layers, conv_norm(320, 1280, 1, activation=activation), *classifier(1280))


def mobilenetv2():
    rows = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    return inverted_residuals([(*row, 3) for row in rows], nn.ReLU6, squeeze=False)


def efficientnet_b0():
    rows = (
        (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3),
        (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3),
    )  # fmt: skip
    return inverted_residuals(rows, nn.SiLU, squeeze=True)


def vgg16():
    layers, inputs = [], 3
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(inputs, width, 3, padding=1), nn.ReLU()]
            inputs = width
        layers.append(nn.MaxPool2d(2))
    dense = [nn.Linear(25088, 4096), nn.ReLU(), nn.Linear(4096, 4096), nn.ReLU(), nn.Linear(4096, 1000)]
    return Whole(*layers, nn.Flatten(), *dense)


def lenet5():
    features = [nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2)]
    dense = [nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)]
    return Whole(*features, nn.Flatten(), *dense)


def mlp():
    return Whole(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))


class UNet(nn.Module):
    """Three levels, base width 32, transposed convolutions on the way up."""

    def __init__(self, base=32, levels=3, classes=2):
        super().__init__()
        double = lambda inputs, outputs: nn.Sequential(conv_norm(inputs, outputs), conv_norm(outputs, outputs))
        widths = [base << level for level in range(levels + 1)]
        self.first = double(3, widths[0])
        self.down = nn.ModuleList(double(a, b) for a, b in zip(widths, widths[1:]))
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in reversed(list(zip(widths, widths[1:]))))
        self.merge = nn.ModuleList(double(2 * a, a) for a in reversed(widths[:-1]))
        self.pool, self.last = nn.MaxPool2d(2), nn.Conv2d(widths[0], classes, 1)

    def forward(self, input):
        x, skips = self.first(input), []
        for layer in self.down:
            skips.append(x)
            x = layer(self.pool(x))
        for up, merge in zip(self.up, self.merge):
            x = merge(torch.cat([skips.pop(), up(x)], 1))
        return self.last(x)


class Recurrent(nn.Module):
    def __init__(self, cell):
        super().__init__()
        self.cells, self.head = cell(512, 512, 2), nn.Linear(512, 512)

    def forward(self, input):
        return self.head(self.cells(input)[0])


def initialise(model, shape):
    """He initialisation, then BatchNorm statistics from three passes."""
    norms = False
    for layer in model.modules():
        if isinstance(layer, (nn.Conv2d, nn.Linear, nn.ConvTranspose2d)):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.normal_(layer.bias, std=0.05)
        elif isinstance(layer, nn.BatchNorm2d):
            norms = True
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias, std=0.1)
            layer.momentum = None
    if norms:
        model.train()
        with torch.no_grad():
            for _ in range(3):
                model(torch.randn(2, *shape[1:]))
    return model


NETWORKS = {  # name: (constructor, shape of the input)
    "mlp_b1": (mlp, (1, 784)),
    "mlp_b64": (mlp, (64, 784)),
    "lenet5_b1": (lenet5, (1, 1, 28, 28)),
    "lenet5_b64": (lenet5, (64, 1, 28, 28)),
    "lstm_2x512_s100": (lambda: Recurrent(nn.LSTM), (100, 1, 512)),
    "gru_2x512_s100": (lambda: Recurrent(nn.GRU), (100, 1, 512)),
    "resnet50": (resnet50, (1, 3, 224, 224)),
    "mobilenetv2": (mobilenetv2, (1, 3, 224, 224)),
    "efficientnet_b0": (efficientnet_b0, (1, 3, 224, 224)),
    "vgg16": (vgg16, (1, 3, 224, 224)),
    "unet_256": (UNet, (1, 3, 256, 256)),
}


def build(name):
    """(module, {input: tensor}) of a network."""
    constructor, shape = NETWORKS[name]
    model, example = constructor(), torch.randn(*shape)
    if not isinstance(model, Recurrent):
        initialise(model, shape)
    return model.eval(), {"input": example}
