#!/usr/bin/env python3
"""cases.py - holds tests/cases.tsv, the list of what must be tested, against the tests that there are.

    tests/lib/cases.py              every case has a test, and the table in tests/README.md is today's; else exit 1
    tests/lib/cases.py --write      make that table anew
    tests/lib/cases.py --ran DIR    every case has passed, not been skipped, in the run whose TAP is in DIR

A test is a case's when it bears its name: a TAP description that begins with it, or a Check test that is called so, each
run of other characters than letters and digits being one underscore. The cases whose injection is "fix taken out" have
a patch that takes a fix out of the source, and names the test that must then fail: see tests/mutants/run.
"""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
README = "tests/README.md"
BEGIN, END = "<!-- made by tests/lib/cases.py --write -->", "<!-- end of what is made -->"
TAKEN_OUT = "fix taken out"


def slug(name, joint):
    return re.sub(r"[^a-z0-9]+", joint, name.lower()).strip(joint)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def cases():
    """Yields (group, name, injection, expected)."""
    for number, line in enumerate(read("tests/cases.tsv").splitlines(), 1):
        if line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != 4 or not all(fields[:3]):
            sys.exit(f"cases.py: tests/cases.tsv:{number}: four fields are needed: group, name, injection, expected")
        yield fields


def sources():
    paths = glob.glob("tests/*/*.t") + glob.glob("tests/unit/test_*.c")
    return {path: read(path) for path in sorted(paths)}


def by_name(name, texts):
    """The files with a test of that name."""
    tap = re.compile(r"""["']""" + re.escape(name) + r"(?![A-Za-z0-9])")
    check = f"START_TEST({slug(name, '_')})"
    return [path for path, text in texts.items() if (check in text if path.endswith(".c") else tap.search(text))]


def by_patch(name, texts):
    """The file with the test that the patch of this case names, if both are there."""
    path = f"tests/mutants/taken_out/{slug(name, '-')}.patch"
    if not os.path.exists(path):
        return []
    named = re.search(r'^Killed-by: (\S+) "?(.*?)"?$', read(path), re.M)
    if named is None or named[2] not in texts.get(named[1], ""):
        return []
    return [named[1]]


def tests_of(case, texts):
    return by_patch(case[1], texts) if case[2] == TAKEN_OUT else by_name(case[1], texts)


def table(texts):
    lines = []
    group = None
    for case in cases():
        if case[0] != group:
            group = case[0]
            lines += ["", f"**{group}**", "", "| case | expected | injected by | test |", "|---|---|---|---|"]
        where = ", ".join(f"[{os.path.basename(path)}]({os.path.relpath(path, 'tests')})" for path in tests_of(case, texts))
        lines.append("| " + " | ".join([case[1], case[3], case[2].replace("|", "\\|"), where]) + " |")
    return "\n".join(lines[1:]) + "\n"


def with_table(page, made):
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{made}\n{END}{after}"


def check(write):
    texts = sources()
    bad = 0
    names = [case[1] for case in cases()]
    for name in sorted({name for name in names if names.count(name) > 1}):
        print(f"tests/cases.tsv: {name}: stands twice", file=sys.stderr)
        bad += 1
    for case in cases():
        if not tests_of(case, texts):
            print(f"tests/cases.tsv: {case[0]}: {case[1]}: no test bears this name", file=sys.stderr)
            bad += 1
    page = read(README)
    wanted = with_table(page, table(texts))
    if write:
        with open(README, "w", encoding="utf-8") as file:
            file.write(wanted)
    elif page != wanted:
        print(f"{README}: the table is not today's (tests/lib/cases.py --write)", file=sys.stderr)
        bad += 1
    return bad


def ran(directory):
    """What passed is `ok N - DESCRIPTION` in TAP, and `ok N - FILE:SUITE:TEST: Passed` in Check's."""
    passed = []
    for path in glob.glob(os.path.join(directory, "*.tap")):
        with open(path, encoding="utf-8", errors="replace") as file:
            passed += [line for line in file if line.startswith("ok ") and "# SKIP" not in line]
    tap = "".join(passed)
    bad = 0
    for group, name, injection, _ in cases():
        pattern = rf"^ok \d+ - (?:{re.escape(name)}(?![A-Za-z0-9])|\S+:{slug(name, '_')}: Passed$)"
        if injection != TAKEN_OUT and not re.search(pattern, tap, re.M):
            print(f"{group}: {name}: did not pass in this run (or was skipped)", file=sys.stderr)
            bad += 1
    return bad


def main():
    arguments = sys.argv[1:]
    directory = os.path.abspath(arguments[1]) if arguments[:1] == ["--ran"] and len(arguments) == 2 else None
    os.chdir(ROOT)
    if directory is not None:
        bad = ran(directory)
    elif arguments in ([], ["--write"]):
        bad = check(write=arguments != [])
    else:
        sys.exit("usage: tests/lib/cases.py [--write | --ran DIR]")
    if bad == 0 and directory is not None:
        print(f"every case of tests/cases.tsv passed in {os.path.relpath(directory)}")
    sys.exit(1 if bad else 0)


main()
