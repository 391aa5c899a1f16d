"""Reads the files of labelled commits out of local clones and writes them as JSON lines.

One line a changed source file: {"id": "<owner/name> <commit>", "path", "before": text or null, "after": text or null}.
That is what `portcullis tokens` reads. Needs git and the manifest (see README.md); the clones are bare directories
`<clones>/<owner>+<name>/**`, made beforehand with `git clone --bare`.
"""

import argparse
import csv
import io
import json
import os
import subprocess
import sys

SOURCE = (".py", ".pyw", ".js", ".jsx", ".mjs", ".cjs", ".ts", ".mts", ".cts", ".tsx", ".rs")
LARGEST = 512 * 1024


def git_dir(clones, project):
    """Returns the git directory of a project's clone, or None where there is none."""
    top = os.path.join(clones, project.replace("/", "+"))
    for name in ("", "repo", "repo/.git", ".git"):
        path = os.path.join(top, name)
        if os.path.isfile(os.path.join(path, "HEAD")) and os.path.isdir(os.path.join(path, "objects")):
            return path
    return None


class Blobs:
    """One `git cat-file --batch` for all blobs of a clone."""

    def __init__(self, directory):
        self.process = subprocess.Popen(
            ["git", "--git-dir", directory, "cat-file", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def text(self, name):
        """Returns a blob as text, or None where it is absent, too large or not UTF-8."""
        if set(name) == {"0"}:
            return None
        self.process.stdin.write(name.encode() + b"\n")
        self.process.stdin.flush()
        head = self.process.stdout.readline().split()
        if len(head) != 3:
            return None
        data = self.process.stdout.read(int(head[2]) + 1)[:-1]
        if len(data) > LARGEST or b"\0" in data:
            return None
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            return None


def changed(directory, commit):
    """Yields (path, blob before, blob after) of the source files that a commit changes against its first parent."""
    command = ["git", "--git-dir", directory, "diff-tree", "-r", "-z", "-M", "--root", "--no-commit-id", commit]
    result = subprocess.run(command, capture_output=True, check=False)
    if result.returncode != 0:
        return
    fields = iter(result.stdout.decode("utf-8", "replace").split("\0"))
    for field in fields:
        if not field.startswith(":"):
            continue
        _, _, before, after, status = field[1:].split(" ")
        path = next(fields)
        if status[0] in "RC":
            path = next(fields)
        if path.lower().endswith(SOURCE) and not path.endswith((".min.js", ".d.ts")):
            yield path, before, after


def manifest_rows(path):
    """Reads the manifest, compressed or not."""
    if path.endswith(".zst"):
        data = subprocess.run(["zstd", "-dc", path], capture_output=True, check=True).stdout.decode()
    else:
        data = open(path, encoding="utf-8").read()
    return list(csv.DictReader(io.StringIO(data)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--manifest", required=True)
    parser.add_argument("--clones", required=True)
    parser.add_argument("--kinds", default="contributing,ordinary")
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    kinds = options.kinds.split(",")
    rows = {}
    for row in manifest_rows(options.manifest):
        if row["kind"] in kinds:
            # A commit can be blamed for several fixes: it counts once, and a positive label wins.
            key = (row["project"], row["commit"])
            if key not in rows or row["kind"] != "ordinary":
                rows[key] = row
    projects = {}
    for (project, commit), row in rows.items():
        projects.setdefault(project, []).append(commit)
    written = missing = 0
    with open(options.out, "w", encoding="utf-8") as out:
        for project in sorted(projects):
            directory = git_dir(options.clones, project)
            if directory is None:
                continue
            blobs = Blobs(directory)
            for commit in projects[project]:
                found = False
                for path, before, after in changed(directory, commit):
                    texts = blobs.text(before), blobs.text(after)
                    if texts[1] is None:
                        continue
                    found = True
                    line = {"id": f"{project} {commit}", "path": path, "before": texts[0], "after": texts[1]}
                    out.write(json.dumps(line, ensure_ascii=False) + "\n")
                    written += 1
                missing += not found
            blobs.process.stdin.close()
            blobs.process.wait()
            print(project, len(projects[project]), file=sys.stderr)
    print(f"{written} files written, {missing} commits without a readable source file", file=sys.stderr)


if __name__ == "__main__":
    main()
