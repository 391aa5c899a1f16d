"""Figures: AUC, recall at a fixed share of false alarms, both by commit, with bootstrap intervals over projects."""

import numpy as np


def by_commit(scores, commit, n):
    """Returns the highest score of each commit's windows."""
    best = np.full(n, -np.inf)
    np.maximum.at(best, commit, scores)
    return best


def auc(scores, labels):
    """Returns the area under the ROC curve, ties counted half."""
    order = np.argsort(scores, kind="stable")
    ranks = np.empty(len(scores))
    ranks[order] = np.arange(1, len(scores) + 1)
    values, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.bincount(inverse, ranks) / counts)[inverse]
    positive = labels == 1
    p, n = positive.sum(), (~positive).sum()
    return (ranks[positive].sum() - p * (p + 1) / 2) / (p * n)


def recall_at(scores, labels, share):
    """Returns the recall where at most `share` of the harmless reach the threshold."""
    harmless = np.sort(scores[labels == 0])[::-1]
    threshold = harmless[int(share * len(harmless))]
    return float((scores[labels == 1] > threshold).mean())


def figures(scores, labels):
    """Returns AUC and recalls at 1 %, 5 % and 10 % false alarms."""
    return np.array([auc(scores, labels)] + [recall_at(scores, labels, s) for s in (0.01, 0.05, 0.10)])


def interval(scores, labels, projects, rounds=500, seed=0):
    """Returns 95 % intervals of the figures; projects are drawn with replacement, then commits inside them."""
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(projects == p) for p in np.unique(projects)]
    drawn = []
    while len(drawn) < rounds:
        chosen = np.concatenate([rng.choice(groups[i], len(groups[i])) for i in rng.integers(0, len(groups), len(groups))])
        if 0 < labels[chosen].sum() < len(chosen):
            drawn.append(figures(scores[chosen], labels[chosen]))
    return np.percentile(np.array(drawn), [2.5, 97.5], axis=0)


def paired(first, second, labels, projects, rounds=500, seed=0):
    """Returns the difference in AUC, first minus second, with its 95 % interval over the same draws."""
    rng = np.random.default_rng(seed)
    groups = [np.flatnonzero(projects == p) for p in np.unique(projects)]
    drawn = []
    while len(drawn) < rounds:
        chosen = np.concatenate([rng.choice(groups[i], len(groups[i])) for i in rng.integers(0, len(groups), len(groups))])
        if 0 < labels[chosen].sum() < len(chosen):
            drawn.append(auc(first[chosen], labels[chosen]) - auc(second[chosen], labels[chosen]))
    return auc(first, labels) - auc(second, labels), np.percentile(drawn, 2.5), np.percentile(drawn, 97.5)
