"""Packs the windows written by `portcullis tokens` into one NumPy file, with the labels of the manifest.

Test code is left out. Windows that occur in several splits or under both labels (copied code) are left out of
training and kept where figures are measured; how many is printed.
"""

import argparse
import collections
import hashlib
import json

import numpy as np

from mine import manifest_rows


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifest", required=True)
    parser.add_argument("--windows", required=True, nargs="+")
    parser.add_argument("--fixes", action="store_true", help="the windows are those of fixes, all labelled 1")
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    kinds, splits = {}, {}
    wanted = ("fix", "advisory") if options.fixes else ("contributing", "ordinary")
    for row in manifest_rows(options.manifest):
        key = f"{row['project']} {row['commit']}"
        if row["kind"] in wanted:
            kinds[key] = max(kinds.get(key, 0), int(row["kind"] != "ordinary"))
            splits[key] = row["split"]
    ids, marks, commits, truncated = [], [], [], []
    left_out = 0
    for path in options.windows:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                window = json.loads(line)
                if window["contract"] != 1:
                    raise SystemExit(f"{path}: token contract {window['contract']}, not 1")
                if window["in_tests"]:
                    left_out += 1
                    continue
                ids.append(np.array(window["ids"], np.int16))
                marks.append(np.array(window["marks"], np.int8))
                commits.append(window["id"])
                truncated.append(window["truncated"])
    names = sorted(set(commits))
    number = {name: i for i, name in enumerate(names)}
    commit = np.array([number[c] for c in commits])
    label = np.array([kinds[n] for n in names], np.int8)
    split = np.array([splits[n] for n in names])
    seen = collections.defaultdict(set)
    digests = [hashlib.sha256(i.tobytes() + m.tobytes()).digest() for i, m in zip(ids, marks)]
    for digest, c in zip(digests, commit):
        seen[digest].add((split[c], label[c]))
    clean = np.array([len(seen[d]) == 1 for d in digests])
    np.savez_compressed(
        options.out, ids=np.stack(ids), marks=np.stack(marks), commit=commit, truncated=np.array(truncated), clean=clean,
        names=np.array(names), label=label, split=split, project=np.array([n.split(" ")[0] for n in names]),
    )
    print(f"{len(ids)} windows of {len(names)} commits; {left_out} windows of test code left out, {(~clean).sum()} copies")
    print(f"{(np.array(truncated) > 0).sum()} functions with tokens in no window, {sum(truncated)} such tokens")
    for part in ("train", "valid", "test"):
        here = split == part
        projects = len({n.split(' ')[0] for n, h in zip(names, here) if h})
        print(part, "commits", here.sum(), "positive", label[here].sum(), "projects", projects)


if __name__ == "__main__":
    main()
