"""The wide part: logistic regression on averaged tokens, pairs of tokens, and the size of the change."""

import numpy as np
from scipy.sparse import csr_matrix, diags, hstack
from sklearn.linear_model import LogisticRegression

from network import PAIRS, VOCABULARY, pair_keys, single_keys, sizes

SIZE_SCALE = 0.1
RAREST = 4


class Wide:
    """Features of all windows, and weights fitted on some of them."""

    def __init__(self, ids, marks, train):
        mask = (marks > 0).ravel()
        rows = np.repeat(np.arange(len(ids)), ids.shape[1])[mask]
        parts = []
        for keys, width in ((single_keys(ids, marks), 4 * VOCABULARY), (pair_keys(ids, marks), PAIRS)):
            matrix = csr_matrix((np.ones(len(rows), np.float32), (rows, keys.ravel()[mask])), shape=(len(ids), width))
            matrix.sum_duplicates()
            parts.append(matrix)
        counts = hstack(parts).tocsr()
        places = np.maximum((marks > 0).sum(1), 1)
        frequency = np.asarray((counts[train] > 0).sum(0)).ravel()
        # Rare tokens weigh more, as in TF-IDF; what hardly any training window holds weighs nothing.
        self.rarity = np.where(frequency >= RAREST, np.log((1 + train.sum()) / (1 + frequency)) + 1, 0).astype(np.float32)
        bag = diags((1 / places).astype(np.float32)) @ counts @ diags(self.rarity)
        self.sizes = sizes(marks)
        self.features = hstack([bag, csr_matrix(self.sizes * SIZE_SCALE)]).tocsr().astype(np.float32)

    def fit(self, chosen, labels, weights, strength):
        """Fits on the chosen windows; returns the model."""
        model = LogisticRegression(C=strength, max_iter=200, class_weight="balanced", solver="liblinear")
        return model.fit(self.features[chosen], labels[chosen], sample_weight=weights[chosen])

    def arrays(self, model):
        """Returns the weights of a fitted model for the graph, and its bias."""
        weights = model.coef_[0]
        bag = (weights[:-3] * self.rarity).astype(np.float32)
        size = (weights[-3:] * SIZE_SCALE).astype(np.float32).reshape(3, 1)
        return {"single": bag[: 4 * VOCABULARY], "pair": bag[4 * VOCABULARY :], "size": size}, float(model.intercept_[0])
