"""Trains the network and its comparators, measures them by commit, and writes weights and figures.

The wide part is fitted first. The deep part then learns from what the wide part leaves unexplained: it is given the
score that a wide part fitted on *other* projects gives, so that it cannot lean on memorised words. It has a second task,
telling fixes of weaknesses from ordinary changes, because there are few changes that brought a weakness in.

Choices (strength, share of the deep part, epoch, seed, thresholds) are made on the validation projects. The test projects
are measured once, with `--test`, after the choices are made.
"""

import argparse
import json
import os

import numpy as np
import torch
from torch.nn import functional

import comparators
from measure import by_commit, figures, interval, paired
from network import Deep
from wide import Wide

STRENGTH = 2.0
FOLDS = 5
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)


def load(path):
    return dict(np.load(path))


def wide_scores(data):
    """Fits the wide part; returns its weights, bias, all scores, and scores of train windows by folds of projects."""
    commit, n = data["commit"], len(data["names"])
    train = (data["split"][commit] == "train") & data["clean"]
    labels = data["label"][commit]
    weights = np.sqrt(1.0 / np.bincount(commit, minlength=n)[commit])
    wide = Wide(data["ids"], data["marks"], train)
    model = wide.fit(train, labels, weights, STRENGTH)
    scores = model.decision_function(wide.features)
    honest = scores.copy()
    projects = np.unique(data["project"][data["split"] == "train"])
    fold_of = dict(zip(np.random.default_rng(0).permutation(projects), np.arange(len(projects)) % FOLDS))
    folds = np.array([fold_of.get(p, -1) for p in data["project"]])[commit]
    for fold in range(FOLDS):
        part = wide.fit(train & (folds != fold), labels, weights, STRENGTH)
        honest[folds == fold] = part.decision_function(wide.features[folds == fold])
    arrays, bias = wide.arrays(model)
    return arrays, bias, scores, honest


def batches(lengths, size, rng):
    """Yields indices of windows of like length, in random order."""
    order = np.argsort(lengths + rng.random(len(lengths)) * 16)
    parts = [order[i : i + size] for i in range(0, len(order), size)]
    for i in rng.permutation(len(parts)):
        yield parts[i]


def deep_scores(net, ids, marks):
    """Returns the scores of the first head."""
    net.eval()
    lengths = (marks > 0).sum(1)
    order = np.argsort(lengths)
    scores = np.zeros(len(ids), np.float32)
    with torch.no_grad():
        for i in range(0, len(order), 256):
            part = order[i : i + 256]
            longest = max(int(lengths[part].max()), 8)
            x, m = (torch.from_numpy(a[part][:, :longest].astype(np.int64)) for a in (ids, marks))
            scores[part] = net(x, m)[:, 0].numpy()
    return scores


def train_deep(data, fixes, honest, seed, epochs):
    """Trains the deep part; yields the scores of all windows and the network after each epoch."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    commit, n = data["commit"], len(data["names"])
    chosen = np.flatnonzero((data["split"][commit] == "train") & data["clean"])
    extra = np.flatnonzero((fixes["split"][fixes["commit"]] == "train") & fixes["clean"])
    ids = np.concatenate([data["ids"][chosen], fixes["ids"][extra]])
    marks = np.concatenate([data["marks"][chosen], fixes["marks"][extra]])
    label = np.concatenate([data["label"][commit[chosen]], np.zeros(len(extra))]).astype(np.float32)
    is_fix = np.concatenate([np.zeros(len(chosen)), np.ones(len(extra))]).astype(np.float32)
    offset = np.concatenate([honest[chosen], np.zeros(len(extra))]).astype(np.float32)
    once = np.sqrt(1.0 / np.bincount(commit, minlength=n)[commit[chosen]])
    once_fix = np.sqrt(1.0 / np.bincount(fixes["commit"])[fixes["commit"][extra]])
    weight = np.concatenate([once, once_fix]).astype(np.float32)
    rare = (weight * (1 - label) * (1 - is_fix)).sum() / (weight * label).sum()
    rare_fix = (weight * (1 - label) * (1 - is_fix)).sum() / (weight * is_fix).sum()
    net = Deep()
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    lengths = (marks > 0).sum(1)
    for epoch in range(epochs):
        net.train()
        for part in batches(lengths, 128, rng):
            longest = max(int(lengths[part].max()), 8)
            x, m = (torch.from_numpy(a[part][:, :longest].astype(np.int64)) for a in (ids, marks))
            y, f, w, o = (torch.from_numpy(a[part]) for a in (label, is_fix, weight, offset))
            out = net(x, m)
            brings = functional.binary_cross_entropy_with_logits(out[:, 0] + o, y, reduction="none")
            brings = brings * w * (1 - f) * (1 + y * (rare - 1))
            fixed = functional.binary_cross_entropy_with_logits(out[:, 1], f, reduction="none")
            fixed = fixed * w * (1 - y) * (1 + f * (rare_fix - 1))
            loss = (brings.sum() + 0.5 * fixed.sum()) / w.sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        yield deep_scores(net, data["ids"], data["marks"]), net


def calibration(scores, labels):
    """Returns factor and shift that turn commit scores into probabilities, by logistic regression."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=1e6).fit(scores.reshape(-1, 1), labels)
    return float(model.coef_[0, 0]), float(model.intercept_[0])


def rows_of(named, data, split):
    """Measures named commit scores on one split."""
    here = data["split"] == split
    labels, projects = data["label"][here], data["project"][here]
    rows = {}
    for name, scores in named.items():
        values, bounds = figures(scores[here], labels), interval(scores[here], labels, projects)
        measures = ("auc", "recall_at_1", "recall_at_5", "recall_at_10")
        rows[name] = {m: [round(float(x), 3) for x in (v, lo, hi)] for m, v, lo, hi in zip(measures, values, *bounds)}
        print(f"{split:6s}{name:28s}", rows[name], flush=True)
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", required=True)
    parser.add_argument("--fixes", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=6)
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    data, fixes = load(options.windows), load(options.fixes)
    n = len(data["names"])
    valid = data["split"] == "valid"

    def commits(scores):
        return by_commit(scores, data["commit"], n)

    def score(scores):
        values = figures(commits(scores)[valid], data["label"][valid])
        # AUC, and recall where few are bothered: the product speaks only there.
        return values[0] + 0.5 * values[2], values

    arrays, wide_bias, scores, honest = wide_scores(data)
    np.savez_compressed(os.path.join(options.out, "wide.npz"), bias=wide_bias, scores=scores, honest=honest, **arrays)
    print("wide", score(scores)[1].round(3), flush=True)
    for seed in range(options.seeds):
        for epoch, (deep, net) in enumerate(train_deep(data, fixes, honest, seed, options.epochs)):
            lines = [f"{share}: {score(scores + share * deep)[1].round(3)}" for share in SHARES[1:]]
            print(f"seed {seed} epoch {epoch} deep alone {score(deep)[1].round(3)}", *lines, sep="\n  ", flush=True)
            np.save(os.path.join(options.out, f"deep-{seed}-{epoch}.npy"), deep)
            torch.save(net.state_dict(), os.path.join(options.out, f"deep-{seed}-{epoch}.pt"))


if __name__ == "__main__":
    main()
