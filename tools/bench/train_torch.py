"""train_torch.py - the training cases in PyTorch, eager and compiled."""

import torch
from torch import nn

import train_cases


def conv_norm(inputs, outputs, kernel, stride, padding):
    return [nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False), nn.BatchNorm2d(outputs)]


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.body = nn.Sequential(*conv_norm(inputs, outputs, 3, stride, 1), nn.ReLU(), *conv_norm(outputs, outputs, 3, 1, 1))
        same = stride == 1 and inputs == outputs
        self.shortcut = nn.Identity() if same else nn.Sequential(*conv_norm(inputs, outputs, 1, stride, 0))

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.cells, self.head = nn.LSTM(128, 256, 2, batch_first=True), nn.Linear(256, 10)

    def forward(self, x):
        return self.head(self.cells(x)[0][:, -1])


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(256, 4, 1024, 0.0, "gelu", batch_first=True, norm_first=True)
        self.layers, self.head = nn.TransformerEncoder(layer, 4, enable_nested_tensor=False), nn.Linear(256, 10)

    def forward(self, x):
        return self.head(self.layers(x).mean(1))


def resnet18():
    layers, inputs = [*conv_norm(3, 64, 3, 1, 1), nn.ReLU()], 64
    for outputs, stride in train_cases.RESNET18_BLOCKS:
        layers.append(Block(inputs, outputs, stride))
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


def network(case):
    import networks

    plain = {"mlp": networks.mlp, "lenet5": networks.lenet5}
    return {**plain, "resnet18": resnet18, "lstm": Lstm, "transformer": Transformer}[case]()


OPTIMISERS = {
    "adam": lambda p: torch.optim.Adam(p, 1e-3, fused=True),
    "adamw": lambda p: torch.optim.AdamW(p, 1e-3, fused=True),
    "sgd": lambda p: torch.optim.SGD(p, 0.01, fused=True),
    "momentum": lambda p: torch.optim.SGD(p, 0.01, momentum=0.9, fused=True),
}


class Eager:
    def __init__(self, case, threads):
        torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.version = torch.__version__
        self.model = network(case).train()
        self.inputs, self.labels = (torch.from_numpy(array) for array in train_cases.batch(case))
        self.optimiser = OPTIMISERS[train_cases.OPTIMISERS[case]](self.model.parameters())
        self.loss = self.prepare(lambda x, y: nn.functional.cross_entropy(self.model(x), y))

    def prepare(self, loss):
        return loss

    def step(self):
        """One step; returns the loss before it."""
        self.optimiser.zero_grad(set_to_none=True)
        loss = self.loss(self.inputs, self.labels)
        loss.backward()
        self.optimiser.step()
        return float(loss.detach())


class Compiled(Eager):
    """torch.compile of the loss, cold caches."""

    def prepare(self, loss):
        import torch._inductor.config as config

        config.force_disable_caches = True
        return torch.compile(loss)
