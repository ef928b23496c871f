"""gradients_torch.py - the networks of gradients.py in PyTorch; params have the paths that they have in the language.

Layers are those of the language's library; test/gradients/torch_compare.py makes its networks of them, too.
"""

import torch
import torch.nn.functional as F


class Params:
    """Params by path: drawn when they are first asked for."""

    def __init__(self, net, draw, dtype):
        self.net, self.draw, self.dtype, self.all = net, draw, dtype, {}

    def __call__(self, path, *shape):
        path = f"{self.net}.{path}"
        if path not in self.all:
            self.all[path] = torch.tensor(self.draw(path, shape), dtype=self.dtype, requires_grad=True)
        return self.all[path]

    def dense(self, x, path, out, bias=True):
        return F.linear(x, self(path + ".w", x.shape[-1], out).t(), self(path + ".b", out) if bias else None)

    def conv(self, x, path, out, k, pad=0, stride=1, groups=1, bias=True):
        w = self(path + ".w", out, x.shape[1] // groups, k, k)
        return F.conv2d(x, w, self(path + ".b", out) if bias else None, stride, pad, groups=groups)

    def norm(self, x, path):
        return F.batch_norm(x, None, None, self(path + ".scale", x.shape[1]), self(path + ".bias", x.shape[1]), training=True, eps=1e-5)

    def layernorm(self, x, path):
        return F.layer_norm(x, x.shape[-1:], self(path + ".scale", x.shape[-1]), self(path + ".bias", x.shape[-1]), 1e-5)

    def lstm(self, x, path, hidden):
        wx, wh, b = self(path + ".wx", x.shape[-1], 4 * hidden), self(path + ".wh", hidden, 4 * hidden), self(path + ".b", 4 * hidden)
        # The forget gate begins open.
        ones = x.new_zeros(4 * hidden)
        ones[hidden : 2 * hidden] = 1
        none = x.new_zeros(1, len(x), hidden)
        flat = [wx.t().contiguous(), wh.t().contiguous(), b + ones, x.new_zeros(4 * hidden)]
        return torch._VF.lstm(x, (none, none), flat, True, 1, 0.0, True, False, True)[0]

    def encoder(self, x, path, heads, wide, mask=None):
        x = x + self.attention(self.layernorm(x, path + ".layernorm"), path + ".attention", heads, mask)
        h = F.gelu(self.dense(self.layernorm(x, path + ".layernorm_2"), path + ".feed_forward.up", wide))
        return x + self.dense(h, path + ".feed_forward.down", x.shape[-1])

    def attention(self, x, path, heads, mask):
        n, t, d = x.shape
        q, k, v = (part.reshape(n, t, heads, d // heads).transpose(1, 2) for part in self.dense(x, path + ".qkv", 3 * d).split(d, -1))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.dense(y.transpose(1, 2).reshape(n, t, d), path + ".proj", d)


def mlp(p, x, label):
    return F.cross_entropy(p.dense(F.relu(p.dense(F.relu(p.dense(x, "f1", 512)), "f2", 512)), "head", 10), label)


def lenet5(p, image, label):
    x = F.max_pool2d(F.relu(p.conv(image, "c1", 6, 5, pad=2)), 2)
    x = F.max_pool2d(F.relu(p.conv(x, "c2", 16, 5)), 2).flatten(1)
    return F.cross_entropy(p.dense(F.relu(p.dense(F.relu(p.dense(x, "f1", 120)), "f2", 84)), "head", 10), label)


def lenet(p, image, label):
    x = F.avg_pool2d(F.relu(p.conv(image, "c1", 6, 5, pad=2)), 2)
    x = F.avg_pool2d(F.relu(p.conv(x, "c2", 16, 5)), 2).flatten(1)
    return F.cross_entropy(p.dense(F.relu(p.dense(F.relu(p.dense(x, "f1", 120)), "f2", 84)), "out", 10), label)


def series(p, x, label):
    return F.cross_entropy(p.dense(p.lstm(p.lstm(x, "l1", 256), "l2", 256)[:, -1], "head", 10), label)


def tagger(p, words, label):
    x = p.lstm(F.embedding(words, p("embed.table", 10_000, 128)), "lstm", 256)
    return F.cross_entropy(p.dense(x, "dense", 17).flatten(0, 1), label.flatten())


def classifier(p, x, label):
    for i in range(4):
        x = p.encoder(x, f"layers.{i}.encoder", 4, 1024)
    return F.cross_entropy(p.dense(x.mean(1), "head", 10), label)


def classify(p, words, mask, label):
    x = F.embedding(words, p("embed.table", 10_000, 384))
    for i in range(2):
        x = p.encoder(x, f"layers.{i}.encoder", 6, 1536, mask[:, None, None, :])
    weights = mask[:, :, None].to(x.dtype)
    return F.cross_entropy(p.dense((x * weights).sum(1) / weights.sum(1), "head", 3), label)


def resnet18(p, image, label):
    def conv_norm(x, path, out, k, pad=0, stride=1):
        return p.norm(p.conv(x, path, out, k, pad, stride, bias=False), path + ".norm")

    def block(x, path, out, stride=1):
        y = conv_norm(F.relu(conv_norm(x, path + ".c1", out, 3, 1, stride)), path + ".c2", out, 3, 1)
        return F.relu(y + (x if stride == 1 else conv_norm(x, path + ".shortcut", out, 1, 0, 2)))

    x = F.relu(conv_norm(image, "stem", 64, 3, 1))
    for path, out, stride in (("a1", 64, 1), ("a2", 64, 1), ("b1", 128, 2), ("b2", 128, 1), ("c1", 256, 2), ("c2", 256, 1), ("d1", 512, 2), ("d2", 512, 1)):
        x = block(x, path, out, stride)
    return F.cross_entropy(p.dense(x.mean((2, 3)), "head", 10), label)


def unet(p, image, target):
    def twice(x, path, out):
        return F.relu(p.conv(F.relu(p.conv(x, path + ".c1", out, 3, pad=1)), path + ".c2", out, 3, pad=1))

    def rise(x, path, out):
        return F.conv_transpose2d(x, p(path + ".w", x.shape[1], out, 2, 2), p(path + ".b", out), stride=2)

    a = twice(image, "down1", 32)
    b = twice(F.max_pool2d(a, 2), "down2", 64)
    c = twice(F.max_pool2d(b, 2), "down3", 128)
    d = twice(torch.cat((rise(c, "rise1", 64), b), 1), "up1", 64)
    e = twice(torch.cat((rise(d, "rise2", 32), a), 1), "up2", 32)
    return F.binary_cross_entropy_with_logits(p.conv(e, "out", 1, 1), target)


def mobile(p, image, label):
    x = F.hardswish(p.norm(p.conv(image, "expand", 72, 1), "n1"))
    x = F.hardswish(p.norm(p.conv(x, "depthwise", 72, 3, pad=1, groups=72), "n2"))
    gate = torch.sigmoid(p.dense(F.relu(p.dense(x.mean((2, 3)), "se.down", 18)), "se.up", 72))
    x = image + p.norm(p.conv(x * gate[:, :, None, None], "project", 24, 1), "n3")
    return F.cross_entropy(p.dense(x.mean((2, 3)), "out", 10), label)


def twofold(p, image, table, target):
    seen = F.avg_pool2d(F.relu(p.conv(image, "c1", 16, 3)), 2)
    seen = F.avg_pool2d(F.relu(p.conv(seen, "c2", 32, 3)), 2).flatten(1)
    seen = torch.tanh(p.dense(seen, "f1", 64))
    known = F.relu(p.dense(F.relu(p.dense(table, "t1", 64)), "t2", 32))
    y = p.dense(F.silu(p.dense(torch.cat((seen, known), 1), "join", 64)), "out", 3)
    return F.huber_loss(y, target, delta=0.5)
