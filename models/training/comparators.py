"""What the network is held against: the size of the change, and TF-IDF with logistic regression on the same windows."""

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression

from measure import by_commit


def added_tokens(data):
    """Returns the number of added tokens of each commit, those in no window included."""
    counts = (data["marks"] == 2).sum(1) + data["truncated"]
    return np.bincount(data["commit"], counts, minlength=len(data["names"])).astype(float)


def counts_of(data, pairs=True, bits=18):
    """Returns token counts of each window: by id and mark, and by neighbouring ids and mark, hashed."""
    ids, marks = data["ids"].astype(np.int64), data["marks"].astype(np.int64)
    keys = [ids * 4 + marks]
    if pairs:
        following = np.zeros_like(ids)
        following[:, :-1] = ids[:, 1:]
        keys.append((1 << 16) + (ids * 1000003 + following * 8191 + marks * 31) % ((1 << bits) - (1 << 16)))
    mask = (marks > 0).ravel()
    rows = np.repeat(np.arange(len(ids)), ids.shape[1])[mask]
    columns = [k.ravel()[mask] for k in keys]
    width = 1 << bits
    matrix = csr_matrix((np.ones(len(rows) * len(keys), np.float32), (np.tile(rows, len(keys)), np.concatenate(columns))),
                        shape=(len(ids), width))
    matrix.sum_duplicates()
    return matrix


def linear(data, whole_commits=False, with_size=True, c=1.0, pairs=True):
    """Returns a score for each commit by logistic regression on TF-IDF, fitted on the training projects."""
    matrix = counts_of(data, pairs)
    n = len(data["names"])
    commit = data["commit"]
    sizes = np.log1p(np.stack([(data["marks"] == m).sum(1) for m in (1, 2, 3)], 1))
    if whole_commits:
        gather = csr_matrix((np.ones(len(commit), np.float32), (commit, np.arange(len(commit)))), shape=(n, len(commit)))
        matrix, target = gather @ matrix, np.arange(n)
        sizes = np.log1p(gather @ np.expm1(sizes))
    else:
        target = commit
    train = data["split"][target] == "train"
    if not whole_commits:
        train &= data["clean"]
    tfidf = TfidfTransformer(sublinear_tf=True).fit(matrix[train])
    features = tfidf.transform(matrix)
    if with_size:
        from scipy.sparse import hstack
        features = hstack([features, csr_matrix((sizes - sizes[train].mean(0)) / sizes[train].std(0) * 0.3)]).tocsr()
    weight = 1.0 / np.bincount(target, minlength=n)[target]
    model = LogisticRegression(C=c, max_iter=300, class_weight="balanced", solver="liblinear")
    model.fit(features[train], data["label"][target][train], sample_weight=weight[train] if not whole_commits else None)
    return by_commit(model.decision_function(features), target, n)
