"""transformer_networks.py - the transformers of the benchmark suite: configurations of Hugging Face's library, random weights.

Each is wrapped to plain tensors in and out.
"""

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")

import torch
import transformers
from torch import nn

SDPA = {"attn_implementation": "sdpa"}
PAST = 64


def token_ids(vocabulary, count):
    return torch.randint(0, vocabulary, (1, count))


class Bert(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.model = transformers.BertModel(config)

    def forward(self, input_ids, attention_mask, token_type_ids):
        out = self.model(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
        return out.last_hidden_state, out.pooler_output


def bert(**sizes):
    config = transformers.BertConfig(**sizes, **SDPA)
    return Bert(config), {
        "input_ids": token_ids(config.vocab_size, 128),
        "attention_mask": torch.ones(1, 128, dtype=torch.long),
        "token_type_ids": torch.zeros(1, 128, dtype=torch.long),
    }


class DistilBert(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.model = transformers.DistilBertModel(config)

    def forward(self, input_ids, attention_mask):
        return self.model(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state


def distilbert():
    config = transformers.DistilBertConfig(**SDPA)
    mask = torch.ones(1, 128, dtype=torch.long)
    return DistilBert(config), {"input_ids": token_ids(config.vocab_size, 128), "attention_mask": mask}


class Vit(nn.Module):
    def __init__(self):
        super().__init__()
        self.model = transformers.ViTForImageClassification(transformers.ViTConfig(num_labels=1000, **SDPA))

    def forward(self, input):
        return self.model(pixel_values=input).logits


class WhisperEncoder(nn.Module):
    """The encoder of Whisper tiny."""

    def __init__(self):
        super().__init__()
        from transformers.models.whisper.modeling_whisper import WhisperEncoder as Encoder

        sizes = dict(d_model=384, encoder_layers=4, encoder_attention_heads=6, encoder_ffn_dim=1536)
        sizes.update(decoder_layers=4, decoder_attention_heads=6, decoder_ffn_dim=1536)
        self.model = Encoder(transformers.WhisperConfig(**sizes, **SDPA))

    def forward(self, input_features):
        return self.model(input_features=input_features).last_hidden_state


def logits_and_cache(out):
    return (out.logits, *(tensor for layer in out.past_key_values.layers for tensor in (layer.keys, layer.values)))


class Gpt2Prefill(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.model = transformers.GPT2LMHeadModel(config)

    def forward(self, input_ids):
        return logits_and_cache(self.model(input_ids=input_ids, use_cache=True))


class Gpt2Decode(nn.Module):
    """One token at position PAST: two cache tensors a layer in, the logits and the grown caches out."""

    def __init__(self, config):
        super().__init__()
        self.model = transformers.GPT2LMHeadModel(config)

    def forward(self, input_ids, *past):
        cache = transformers.DynamicCache(list(zip(past[0::2], past[1::2])))
        position = torch.full((1, 1), PAST, dtype=torch.long)
        return logits_and_cache(self.model(input_ids=input_ids, past_key_values=cache, position_ids=position, use_cache=True))


def gpt2_prefill():
    config = transformers.GPT2Config(**SDPA)
    return Gpt2Prefill(config), {"input_ids": token_ids(config.vocab_size, 64)}


def gpt2_decode():
    config = transformers.GPT2Config(**SDPA)
    model = Gpt2Decode(config)
    example = {"input_ids": token_ids(config.vocab_size, 1)}
    for layer in range(config.n_layer):
        for kind in ("key", "value"):
            example[f"past_{layer}_{kind}"] = torch.randn(1, config.n_head, PAST, config.n_embd // config.n_head)
    return model, example


NETWORKS = {
    "bert_base": bert,
    "minilm_l6": lambda: bert(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536),
    "distilbert": distilbert,
    "vit_b16": lambda: (Vit(), {"input": torch.randn(1, 3, 224, 224)}),
    "gpt2_prefill64": gpt2_prefill,
    "gpt2_decode": gpt2_decode,
    "whisper_tiny_enc": lambda: (WhisperEncoder(), {"input_features": torch.randn(1, 80, 3000)}),
}


def build(name):
    """(module, {input: tensor}) of a network."""
    model, example = NETWORKS[name]()
    return model.eval(), example
