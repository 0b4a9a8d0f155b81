"""Transformers for text, written in torch.nn: an encoder, decoders with past keys and values, an encoder with a decoder."""

import torch
from torch import nn

from torch_export import export, integers, random

WORDS, WIDTH, HEADS, LAYERS = 500, 128, 4, 3


def live(model, seed):
    """Draws all weights; matrices keep the scale of what they map."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in model.named_parameters():
            noise = torch.randn(value.shape, generator=generator)
            if value.dim() > 1:
                value.copy_(noise * (1.0 if "embed" in name else 1.2 * value.shape[-1] ** -0.5))
            else:
                value.copy_(noise * 0.1 + (1.0 if name.endswith("weight") else 0.0))
    return model.eval()


def heads(x, count):
    return x.reshape(x.shape[0], x.shape[1], count, -1).transpose(1, 2)


def merge(x):
    return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], -1)


def twice(x):
    """Each head of keys or values, for two heads of queries."""
    shared = x[:, :, None].expand(x.shape[0], x.shape[1], 2, x.shape[2], x.shape[3])
    return shared.reshape(x.shape[0], -1, x.shape[2], x.shape[3])


def attend(q, k, v, mask):
    scores = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5 + mask
    return merge(scores.softmax(-1) @ v)


def causal(length, total, like):
    """[length, total]: -1e4 where a query would see a later key; the queries are the last of the keys."""
    rows = torch.arange(total - length, total, device=like.device)[:, None]
    return (torch.arange(total, device=like.device)[None] > rows).to(like.dtype) * -1e4


class RMSNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight


class Block(nn.Module):
    """BERT's and GPT's block: layer norms, GELU, biases; before or after the residual."""

    def __init__(self, first):
        super().__init__()
        self.first = first
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)

    def forward(self, x, mask, past=None):
        q, k, v = (heads(part, HEADS) for part in self.qkv(self.norm1(x) if self.first else x).chunk(3, -1))
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        x = x + self.out(attend(q, k, v, mask))
        x = x if self.first else self.norm1(x)
        x = x + self.down(nn.functional.gelu(self.up(self.norm2(x) if self.first else x)))
        return (x if self.first else self.norm2(x)), torch.stack([k, v])


class Bert(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.embed_place, self.embed_kind = (nn.Embedding(n, WIDTH) for n in (WORDS, 64, 2))
        self.norm = nn.LayerNorm(WIDTH)
        self.blocks = nn.ModuleList(Block(False) for _ in range(LAYERS))
        self.pool, self.classify = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 7)

    def forward(self, input_ids, attention_mask, token_type_ids):
        places = torch.arange(input_ids.shape[1], device=input_ids.device)
        x = self.norm(self.embed(input_ids) + self.embed_place(places) + self.embed_kind(token_type_ids))
        mask = (1.0 - attention_mask[:, None, None, :].to(x.dtype)) * -1e4
        for block in self.blocks:
            x, _ = block(x, mask)
        return x, self.classify(torch.tanh(self.pool(x[:, 0])))


class GPT(nn.Module):
    """Takes and returns all keys and values: [layers, 2, batch, heads, past, width]."""

    def __init__(self):
        super().__init__()
        self.embed, self.embed_place = nn.Embedding(WORDS, WIDTH), nn.Embedding(128, WIDTH)
        self.blocks = nn.ModuleList(Block(True) for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, input_ids, past):
        length, total = input_ids.shape[1], input_ids.shape[1] + past.shape[4]
        x = self.embed(input_ids) + self.embed_place(torch.arange(past.shape[4], total, device=past.device))
        mask, present = causal(length, total, past), []
        for index, block in enumerate(self.blocks):
            x, kept = block(x, mask, past[index])
            present.append(kept)
        return self.norm(x) @ self.embed.weight.t() * WIDTH ** -0.5, torch.stack(present)


class LlamaBlock(nn.Module):
    """Llama's block: RMS norms, rotary positions, half as many heads for keys, gated SiLU."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(WIDTH, n, bias=False) for n in (WIDTH, WIDTH // 2, WIDTH // 2))
        self.out = nn.Linear(WIDTH, WIDTH, bias=False)
        self.gate, self.up = nn.Linear(WIDTH, 2 * WIDTH, bias=False), nn.Linear(WIDTH, 2 * WIDTH, bias=False)
        self.down = nn.Linear(2 * WIDTH, WIDTH, bias=False)
        self.norm1, self.norm2 = RMSNorm(WIDTH), RMSNorm(WIDTH)

    def forward(self, x, cosine, sine, mask, past_k, past_v):
        def turn(t):
            a, b = t.chunk(2, -1)
            return t * cosine + torch.cat([-b, a], -1) * sine

        y = self.norm1(x)
        k = torch.cat([past_k, turn(heads(self.k(y), HEADS // 2))], 2)
        v = torch.cat([past_v, heads(self.v(y), HEADS // 2)], 2)
        x = x + self.out(attend(turn(heads(self.q(y), HEADS)), twice(k), twice(v), mask))
        y = self.norm2(x)
        return x + self.down(nn.functional.silu(self.gate(y)) * self.up(y)), k, v


class Llama(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(WORDS, WIDTH)
        self.first, self.second = LlamaBlock(), LlamaBlock()
        self.norm, self.head = RMSNorm(WIDTH), nn.Linear(WIDTH, WORDS, bias=False)

    def forward(self, input_ids, position_ids, past_k0, past_v0, past_k1, past_v1):
        half = WIDTH // HEADS // 2
        rates = 10000.0 ** (-torch.arange(half, device=input_ids.device) / half)
        angles = (position_ids[:, None, :, None].to(rates.dtype) * rates).repeat(1, 1, 1, 2)
        length, total = input_ids.shape[1], input_ids.shape[1] + past_k0.shape[2]
        x, mask = self.embed(input_ids), causal(length, total, past_k0)
        x, k0, v0 = self.first(x, angles.cos(), angles.sin(), mask, past_k0, past_v0)
        x, k1, v1 = self.second(x, angles.cos(), angles.sin(), mask, past_k1, past_v1)
        return self.head(self.norm(x)), k0, v0, k1, v1


class T5(nn.Module):
    """T5: an encoder and a decoder with biases by relative position, RMS norms, ReLU, and no scale of scores."""

    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(WORDS, WIDTH)
        self.near = nn.Embedding(32, HEADS)
        self.sides = nn.ModuleList(self.side(n) for n in (1, 2))
        self.final = nn.ModuleList([RMSNorm(WIDTH), RMSNorm(WIDTH)])

    def side(self, attentions):
        maps = [nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4 * attentions)]
        norms = [RMSNorm(WIDTH) for _ in range(attentions + 1)]
        return nn.ModuleDict({
            "maps": nn.ModuleList(maps), "norms": nn.ModuleList(norms),
            "up": nn.Linear(WIDTH, 2 * WIDTH, bias=False), "down": nn.Linear(2 * WIDTH, WIDTH, bias=False)})

    def bias(self, rows, columns, like):
        distance = torch.arange(columns, device=like.device)[None] - torch.arange(rows, device=like.device)[:, None]
        size = distance.abs()
        far = 8 + (torch.log(size.clamp(min=8).to(like.dtype) / 8) / 2.5 * 8).to(torch.int64)
        bucket = torch.where(size < 8, size, far.clamp(max=15)) + (distance > 0).to(torch.int64) * 16
        return self.near(bucket).permute(2, 0, 1)[None]

    def attention(self, maps, x, memory, mask):
        q, k, v = (heads(layer(value), HEADS) for layer, value in zip(maps, (x, memory, memory)))
        return maps[3](merge((q @ k.transpose(-2, -1) * 0.2 + mask).softmax(-1) @ v))

    def forward(self, input_ids, decoder_input_ids):
        memory = None
        for index, (side, ids) in enumerate(zip(self.sides, (input_ids, decoder_input_ids))):
            x, length = self.embed(ids), ids.shape[1]
            mask = self.bias(length, length, x) + (causal(length, length, x) if index else 0.0)
            y = side["norms"][0](x)
            x = x + self.attention(side["maps"][:4], y, y, mask)
            if index:
                x = x + self.attention(side["maps"][4:], side["norms"][1](x), memory, 0.0)
            x = x + side["down"](torch.relu(side["up"](side["norms"][-1](x))))
            memory = self.final[index](x)
        return memory @ self.embed.weight.t() * WIDTH ** -0.5


def make():
    def bert(batch, length, seed):
        mask = torch.ones(batch, length, dtype=torch.int64)
        mask[-1, length - 3:] = 0
        return {
            "input_ids": integers(WORDS, batch, length, seed=seed), "attention_mask": mask,
            "token_type_ids": integers(2, batch, length, seed=seed + 1)}

    axes = {0: "batch", 1: "length"}
    export(
        "bert", "text", live(Bert(), 1), [bert(2, 16, 1), bert(3, 29, 3)], ["hidden", "scores"],
        {"input_ids": axes, "attention_mask": axes, "token_type_ids": axes, "hidden": axes, "scores": {0: "batch"}}, 18
        if torch.__version__ >= "2" else 14, axis=-1)

    def gpt(batch, length, past, seed):
        return {
            "input_ids": integers(WORDS, batch, length, seed=seed),
            "past": random(LAYERS, 2, batch, HEADS, past, WIDTH // HEADS, seed=seed)}

    export(
        "gpt-past", "text", live(GPT(), 2), [gpt(2, 3, 9, 1), gpt(1, 2, 21, 2)], ["logits", "present"],
        {"input_ids": axes, "past": {2: "batch", 4: "past"}, "logits": axes}, 18 if torch.__version__ >= "2" else 13, axis=-1)

    def llama(batch, length, past, seed):
        kept = {
            name: random(batch, HEADS // 2, past, WIDTH // HEADS, seed=seed + index)
            for index, name in enumerate(("past_k0", "past_v0", "past_k1", "past_v1"))}
        places = torch.arange(past, past + length)[None].repeat(batch, 1)
        return {"input_ids": integers(WORDS, batch, length, seed=seed), "position_ids": places} | kept

    past = {0: "batch", 2: "past"}
    export(
        "llama-past", "text", live(Llama(), 3), [llama(2, 3, 7, 1), llama(1, 4, 30, 2)],
        ["logits", "k0", "v0", "k1", "v1"],
        {"input_ids": axes, "position_ids": axes, "past_k0": past, "past_v0": past, "past_k1": past, "past_v1": past,
         "logits": axes}, 18 if torch.__version__ >= "2" else 17, axis=-1)

    def t5(batch, length, target, seed):
        return {
            "input_ids": integers(WORDS, batch, length, seed=seed),
            "decoder_input_ids": integers(WORDS, batch, target, seed=seed + 1)}

    export(
        "t5", "text", live(T5(), 4), [t5(2, 12, 5, 1), t5(1, 37, 9, 2)], ["logits"],
        {"input_ids": axes, "decoder_input_ids": {0: "batch", 1: "target"}, "logits": {0: "batch", 1: "target"}},
        18 if torch.__version__ >= "2" else 12, axis=-1)
