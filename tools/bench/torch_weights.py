"""torch_weights.py - the weights of PyTorch's modules in the layout of Burnish's layers, as `--init` of a training reads them.

A dense layer is [in, out] here and [out, in] there. A long short-term memory has one bias here and two there, of which the
second is set to zero and not trained, and forgetting begins at sigmoid(1), which is no part of the bias.
"""

import torch
from safetensors.torch import save_file
from torch import nn


def bind_lstm(module):
    """Makes the module one that Burnish's `lstm` can be: its biases are added, and that of forgetting is set to 1."""
    for layer in range(module.num_layers):
        first, second = getattr(module, f"bias_ih_l{layer}"), getattr(module, f"bias_hh_l{layer}")
        with torch.no_grad():
            first += second
            first[module.hidden_size : 2 * module.hidden_size] += 1
            second.zero_()
        second.requires_grad_(False)


def lstm_layer(module, layer):
    bias = getattr(module, f"bias_ih_l{layer}").clone()
    bias[module.hidden_size : 2 * module.hidden_size] -= 1
    return {"wx": getattr(module, f"weight_ih_l{layer}").T, "wh": getattr(module, f"weight_hh_l{layer}").T, "b": bias}


def layers(module):
    """What a module is in Burnish, name by name; None where it is made of other modules."""
    if isinstance(module, nn.Linear):
        return {"w": module.weight.T, "b": module.bias}
    if isinstance(module, nn.Conv2d):
        return {"w": module.weight} if module.bias is None else {"w": module.weight, "b": module.bias}
    if isinstance(module, nn.BatchNorm2d):
        return {"scale": module.weight, "bias": module.bias, "mean": module.running_mean, "var": module.running_var}
    if isinstance(module, nn.LayerNorm):
        return {"scale": module.weight, "bias": module.bias}
    if isinstance(module, nn.Embedding):
        return {"table": module.weight}
    if isinstance(module, nn.LSTM) and module.num_layers == 1:
        return lstm_layer(module, 0)
    return None


def weights(module, prefix):
    """{path: tensor} of a module whose parts are called as in the network `prefix`."""
    found = {}
    for name, part in module.named_modules():
        for leaf, tensor in (layers(part) or {}).items():
            found[".".join(word for word in (prefix, name, leaf) if word)] = tensor.detach().clone().contiguous()
    return found


def save(tensors, path):
    save_file(tensors, path)


def load(module, tensors, prefix):
    """Gives a module the weights of `weights`, as numpy has them."""
    for name, part in module.named_modules():
        for leaf, tensor in (layers(part) or {}).items():
            value = torch.tensor(tensors[".".join(word for word in (prefix, name, leaf) if word)])
            with torch.no_grad():
                tensor.copy_(value)
