"""The network, once for training (PyTorch) and once as an ONNX graph written by hand.

A window goes through three parts that are added up before the sigmoid:

- *deep*: embeddings of token and mark, convolutions of widths 1, 3 and 5, maximum over the window, a linear layer;
- *wide*: one weight for each token id and mark, one for each hashed pair of neighbours and mark; what occurs several
  times counts once, and the sum is divided by the square root of the number of different ones;
- *size*: logarithms of the numbers of added, removed and context tokens.

Every part but the size and the bias is a sum over places, so `tokens` says exactly what each place adds: the maximum
of a feature is credited to the place where it is reached (shared evenly among equals), a pair to its first token.
"""

import numpy as np
import torch
from torch import nn

VOCABULARY = 8192
LENGTH = 256
PAIRS = 16384
EMBEDDING = 24
MARK = 8
FILTERS = 48
WIDTHS = (1, 3, 5)
# Factors of the pair hash: (first * A + second * B + mark * C) mod PAIRS.
A, B, C = 2654, 4099, 5501


def pair_keys(ids, marks):
    """Returns the hashed keys of neighbouring tokens; works on NumPy arrays and tensors of shape [n, LENGTH]."""
    following = ids * 0
    following[:, :-1] = ids[:, 1:]
    return (ids * A + following * B + marks * C) % PAIRS


def once(keys, mask):
    """Returns 1 / (number of equal keys in the window) for each place, 0 at padding."""
    same = (keys.unsqueeze(2) == keys.unsqueeze(1)).sum(2)
    return mask / same.float()


class Network(nn.Module):
    """The network as it is trained."""

    def __init__(self, deep=True, wide=True, pairs=True, size=True, dropout=0.3):
        super().__init__()
        self.parts = (deep, wide, pairs, size)
        self.embedding = nn.Embedding(VOCABULARY, EMBEDDING)
        self.mark = nn.Embedding(4, MARK)
        self.convolutions = nn.ModuleList(nn.Conv1d(EMBEDDING + MARK, FILTERS, w, padding=w // 2) for w in WIDTHS)
        self.top = nn.Linear(FILTERS * len(WIDTHS), 1)
        self.single = nn.Embedding(4 * VOCABULARY, 1)
        self.pair = nn.Embedding(PAIRS, 1)
        self.size = nn.Linear(3, 1, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.word_dropout = dropout / 3
        nn.init.normal_(self.embedding.weight, std=0.3)
        for table in (self.single, self.pair, self.size):
            nn.init.zeros_(table.weight)

    def forward(self, ids, marks):
        """Returns the scores before the sigmoid of windows of shape [n, LENGTH]."""
        deep, wide, pairs, size = self.parts
        mask = (marks > 0).float()
        score = self.top.bias.expand(len(ids))
        if deep:
            seen = ids
            if self.training:
                seen = torch.where(torch.rand_like(mask) < self.word_dropout, torch.ones_like(ids), ids)
            x = torch.cat([self.embedding(seen), self.mark(marks)], 2).transpose(1, 2)
            features = torch.cat([torch.relu(c(x)) for c in self.convolutions], 1) * mask.unsqueeze(1)
            score = score + self.dropout(features.amax(2)) @ self.top.weight[0]
        if wide:
            keys = ids + VOCABULARY * marks
            share = once(keys, mask)
            score = score + (self.single(keys).squeeze(2) * share).sum(1) / share.sum(1).clamp(min=1).sqrt()
        if pairs:
            keys = pair_keys(ids, marks)
            share = once(keys, mask)
            score = score + (self.pair(keys).squeeze(2) * share).sum(1) / share.sum(1).clamp(min=1).sqrt()
        if size:
            counts = torch.stack([(marks == m).float().sum(1) for m in (1, 2, 3)], 1)
            score = score + self.size(torch.log1p(counts)).squeeze(1)
        return score

    def arrays(self, scale=1.0, shift=0.0):
        """Returns the weights as arrays; the score becomes `scale * score + shift`."""
        array = lambda t: t.detach().numpy().astype(np.float32)
        weights = {"embedding": array(self.embedding.weight), "mark": array(self.mark.weight)}
        for width, convolution in zip(WIDTHS, self.convolutions):
            weights[f"w{width}"], weights[f"b{width}"] = array(convolution.weight), array(convolution.bias)
        deep, wide, pairs, size = self.parts
        weights["top"] = array(self.top.weight).T * scale * deep
        weights["single"] = array(self.single.weight)[:, 0] * scale * wide
        weights["pair"] = array(self.pair.weight)[:, 0] * scale * pairs
        weights["size"] = array(self.size.weight).T * scale * size
        weights["bias"] = array(self.top.bias) * scale + np.float32(shift)
        return {k: np.ascontiguousarray(v, dtype=np.float32) for k, v in weights.items()}
