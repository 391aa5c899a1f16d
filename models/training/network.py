"""The network: three parts that are added up before the sigmoid.

- *wide*: one weight for each token id and mark and one for each hashed pair of neighbours and mark, averaged over the
  window (a bag of words, fitted by logistic regression);
- *deep*: embeddings of token and mark, convolutions of widths 1, 3 and 5, maximum over the window, a linear layer
  (fitted by gradient descent on what the wide part leaves unexplained);
- *size*: logarithms of the numbers of context, added and removed tokens.

Wide and deep are sums over places, so the output `tokens` says exactly what each place adds: a pair is credited to its
first token, the maximum of a feature to the place where it is reached, shared evenly among equals. The bias and the
size are the output `rest`. `graph.py` writes the same as ONNX.
"""

import numpy as np
import torch
from torch import nn

VOCABULARY = 8192
LENGTH = 256
PAIRS = 65536
EMBEDDING = 16
MARK = 8
FILTERS = 32
WIDTHS = (1, 3, 5)
# Factors of the pair hash: (first * A + second * B + mark * C) mod PAIRS.
A, B, C = 2654, 4099, 5501


def single_keys(ids, marks):
    """Returns the key of each token for the wide part, from arrays of shape [n, LENGTH]."""
    return ids.astype(np.int64) + VOCABULARY * marks.astype(np.int64)


def pair_keys(ids, marks):
    """Returns the hashed key of each token and the one after it."""
    ids = ids.astype(np.int64)
    following = np.zeros_like(ids)
    following[:, :-1] = ids[:, 1:]
    return (ids * A + following * B + marks.astype(np.int64) * C) % PAIRS


def sizes(marks):
    """Returns the logarithms of the numbers of context, added and removed tokens of each window."""
    return np.log1p(np.stack([(marks == m).sum(1) for m in (1, 2, 3)], 1)).astype(np.float32)


class Deep(nn.Module):
    """The deep part. A second head, used in training only, tells fixes of weaknesses from ordinary changes."""

    def __init__(self, dropout=0.3, word_dropout=0.1):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, EMBEDDING)
        self.mark = nn.Embedding(4, MARK)
        self.convolutions = nn.ModuleList(nn.Conv1d(EMBEDDING + MARK, FILTERS, w, padding=w // 2) for w in WIDTHS)
        self.top = nn.Linear(FILTERS * len(WIDTHS), 2)
        self.dropout = nn.Dropout(dropout)
        self.word_dropout = word_dropout
        nn.init.normal_(self.embedding.weight, std=0.3)

    def forward(self, ids, marks):
        """Returns two scores for each window: brings a weakness in, fixes one."""
        mask = (marks > 0).float()
        if self.training:
            ids = torch.where(torch.rand_like(mask) < self.word_dropout, torch.ones_like(ids), ids)
        x = torch.cat([self.embedding(ids), self.mark(marks)], 2).transpose(1, 2)
        features = torch.cat([torch.relu(c(x)) for c in self.convolutions], 1) * mask.unsqueeze(1)
        return self.top(self.dropout(features.amax(2)))

    def arrays(self, factor):
        """Returns the weights of the first head as arrays, its score multiplied by `factor`."""
        def array(tensor):
            return np.ascontiguousarray(tensor.detach().numpy(), dtype=np.float32)

        weights = {"embedding": array(self.embedding.weight), "mark": array(self.mark.weight)}
        for width, convolution in zip(WIDTHS, self.convolutions):
            weights[f"w{width}"], weights[f"b{width}"] = array(convolution.weight), array(convolution.bias)
        weights["top"] = array(self.top.weight[:1] * factor).reshape(1, -1, 1)
        return weights, float(self.top.bias[0].detach()) * factor
