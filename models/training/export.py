"""Chooses a trained network on the validation projects, writes it as `models/attention`, and measures it.

Writes model.onnx, model.yml and parity.json. Figures on the test projects are worked out here and nowhere else.
"""

import argparse
import datetime
import glob
import hashlib
import json
import os
import re

import numpy as np
import onnx
import onnxruntime
import torch
import yaml

import comparators
from graph import build
from measure import by_commit, figures, paired
from mine import manifest_rows
from network import LENGTH, VOCABULARY, Deep
from train import SHARES, calibration, load, rows_of

# Shares of harmless validation changes that may reach a band.
BANDS = (("suspicious", 0.01), ("unusual", 0.05))
PARITY = 24


def choose(runs, data, wide):
    """Returns run, seed, epoch, share of the deep part, and all seeds, by AUC plus half the recall at 5 % on valid.

    Run, epoch and share are chosen by the mean over seeds, the seed by its own figure.
    """
    valid = data["split"] == "valid"
    points = {}
    for run in runs:
        for path in glob.glob(os.path.join(run, "deep-*-*.npy")):
            seed, epoch = map(int, re.findall(r"deep-(\d+)-(\d+)\.npy", path)[0])
            deep = np.load(path)
            for share in SHARES[1:]:
                scores = by_commit(wide + share * deep, data["commit"], len(data["names"]))
                values = figures(scores[valid], data["label"][valid])
                points.setdefault((run, epoch, share), {})[seed] = values[0] + 0.5 * values[2]
    seeds = max(len(p) for p in points.values())
    whole = {k: p for k, p in points.items() if len(p) == seeds}
    for key in sorted(whole, key=lambda k: -np.mean(list(whole[k].values())))[:5]:
        print(key, round(float(np.mean(list(whole[key].values()))), 4))
    run, epoch, share = max(whole, key=lambda k: np.mean(list(whole[k].values())))
    point = whole[run, epoch, share]
    return run, max(point, key=point.get), epoch, share, sorted(point)


def network_arrays(run, seed, epoch, share, factor, shift):
    """Returns the weights of the whole network, calibrated."""
    net = Deep()
    net.load_state_dict(torch.load(os.path.join(run, f"deep-{seed}-{epoch}.pt")))
    weights, deep_bias = net.arrays(share * factor)
    wide = load(os.path.join(run, "wide.npz"))
    for name in ("single", "pair", "size"):
        weights[name] = np.ascontiguousarray(wide[name] * factor, dtype=np.float32)
    weights["bias"] = np.array([float(wide["bias"]) * factor + deep_bias + shift], np.float32)
    return weights


def bands_of(probability, data):
    """Returns the bands with what they mean on the validation and on the test projects."""
    bands = []
    for name, share in BANDS:
        here = data["split"] == "valid"
        harmless = np.sort(probability[here & (data["label"] == 0)])[::-1]
        start = float(np.ceil(harmless[int(share * len(harmless))] * 1e4 + 1) / 1e4)
        band = {"name": name, "from": round(start, 4)}
        for split, suffix in (("valid", ""), ("test", "_test")):
            here = data["split"] == split
            labels, reached = data["label"][here], probability[here] >= band["from"]
            band["precision" + suffix] = round(float(labels[reached].mean()), 3)
            band["false_alarms" + suffix] = round(float(reached[labels == 0].mean()), 4)
            band["recall" + suffix] = round(float(reached[labels == 1].mean()), 3)
            band["base_rate" + suffix] = round(float(labels.mean()), 3)
        bands.append(band)
    return bands


def parity(model, data):
    """Returns windows spread over the scores, with what ONNX Runtime computes for them."""
    session = onnxruntime.InferenceSession(model.SerializeToString())
    chosen = np.flatnonzero(data["split"][data["commit"]] == "valid")
    chosen = np.random.default_rng(0).choice(chosen, 400, replace=False)
    found = []
    for i in chosen:
        ids, marks = data["ids"][i].astype(np.int64), data["marks"][i].astype(np.int64)
        probability, tokens, rest = session.run(["probability", "tokens", "rest"], {"ids": ids[None], "marks": marks[None]})
        score = float(tokens.sum() + rest[0, 0])
        assert abs(1 / (1 + np.exp(-score)) - probability[0, 0]) < 1e-5, "shares of tokens do not sum up to the score"
        length = int((marks > 0).sum())
        strongest = int(tokens[0].argmax())
        found.append({"ids": ids[:length].tolist(), "marks": marks[:length].tolist(),
                      "probability": float(probability[0, 0]), "rest": float(rest[0, 0]),
                      "strongest": strongest, "weight": float(tokens[0, strongest])})
    found.sort(key=lambda w: w["probability"])
    return [found[i] for i in np.linspace(0, len(found) - 1, PARITY).astype(int)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", required=True)
    parser.add_argument("--run", required=True, nargs="+", help="folders of train.py, among which the best is chosen")
    parser.add_argument("--manifest", required=True)
    parser.add_argument("--commit", required=True, help="commit of the training code")
    parser.add_argument("--version", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--only-choose", action="store_true", help="stop before anything is measured on test")
    options = parser.parse_args()
    data = load(options.windows)
    n, commit = len(data["names"]), data["commit"]
    wide = load(os.path.join(options.run[0], "wide.npz"))["scores"]
    run, seed, epoch, share, seeds = choose(options.run, data, wide)
    print("chosen:", run, "seed", seed, "epoch", epoch, "share", share)
    if options.only_choose:
        return
    deep = {s: np.load(os.path.join(run, f"deep-{s}-{epoch}.npy")) for s in seeds}
    network = by_commit(wide + share * deep[seed], commit, n)
    valid = data["split"] == "valid"
    factor, shift = calibration(network[valid], data["label"][valid])

    named = {
        "added-tokens": comparators.added_tokens(data),
        "tfidf-logistic-windows": comparators.linear(data, c=3.0),
        "tfidf-logistic-commits": comparators.linear(data, c=3.0, whole_commits=True),
        "wide-part-alone": by_commit(wide, commit, n),
        "deep-part-alone": by_commit(deep[seed], commit, n),
        "network": network,
    }
    named.update({f"network-seed-{s}": by_commit(wide + share * deep[s], commit, n) for s in seeds})
    metrics = {split: rows_of(named, data, split) for split in ("valid", "test")}
    for split in ("valid", "test"):
        here = data["split"] == split
        labels, projects = data["label"][here], data["project"][here]
        for other in ("added-tokens", "tfidf-logistic-windows", "tfidf-logistic-commits", "wide-part-alone"):
            row = [round(float(x), 3) for x in paired(network[here], named[other][here], labels, projects)]
            metrics[split][f"network-minus-{other}"] = {"auc": row}
        metrics[split]["commits"], metrics[split]["contributing"] = int(here.sum()), int(labels.sum())
        metrics[split]["projects"] = len(set(projects))

    model = build(network_arrays(run, seed, epoch, share, factor, shift))
    os.makedirs(options.out, exist_ok=True)
    path = os.path.join(options.out, "model.onnx")
    onnx.save(model, path)
    probability = 1 / (1 + np.exp(-(factor * network + shift)))
    bands = bands_of(probability, data)
    metrics["bands"] = {b["name"]: {k: b.pop(k) for k in list(b) if k.endswith("_test") or k == "recall"} for b in bands}
    until = max(int(r["time"]) for r in manifest_rows(options.manifest) if r["split"] == "train")
    card = {
        "name": "attention",
        "version": options.version,
        "sha256": hashlib.sha256(open(path, "rb").read()).hexdigest(),
        "inputs": {"contract": 1, "length": LENGTH, "vocabulary": VOCABULARY},
        "label": "the change brings in a weakness that is fixed later",
        "bands": bands,
        "advisory": True,
        "training_commit": options.commit,
        "data_until": datetime.datetime.fromtimestamp(until, datetime.timezone.utc).date().isoformat(),
        "licence": "MIT OR Apache-2.0",
        "metrics": metrics,
    }
    with open(os.path.join(options.out, "model.yml"), "w", encoding="utf-8") as out:
        out.write("# Written by models/training/export.py.\n")
        yaml.safe_dump(card, out, sort_keys=False, width=120, default_flow_style=None)
    with open(os.path.join(options.out, "parity.json"), "w", encoding="utf-8") as out:
        windows = ",\n".join(json.dumps(w, separators=(",", ":")) for w in parity(model, data))
        out.write(f'{{"contract":1,"windows":[\n{windows}\n]}}\n')
    print(os.path.getsize(path), "bytes", json.dumps(bands), json.dumps(metrics["bands"]))


if __name__ == "__main__":
    main()
