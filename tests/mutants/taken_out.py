"""taken_out.py - the fix of each pitfall and defect taken out in turn: the test that is named for it must fail.

Teaches:  a test for a defect is only believed once it has been seen to fail; here that is seen again whenever one likes.
Partner:  run (--taken-out, --check), taken_out/*.patch: a unified diff with these lines before it,

    Case: the row's name in tests/cases.tsv
    Killed-by: tests/unit/test_x.c the_test_name       or: tests/netns/x.t "the first words of the assertion"
    Why: one sentence
    Variant: asan-ubsan                                (when only a sanitizer sees it)

A patch that takes several things out has a line Killed-by for each, and each of these tests must fail.

Leaves out: the tests that fail as well; that the named one does is the point.
"""
import glob
import os
import re
import subprocess
from typing import NamedTuple

from workshop import Workshop

LONGEST = 180  # seconds
GROUPS = ("c-ares", "defect")


class Patch(NamedTuple):
    path: str
    case: str
    tests: list  # of (file, name of the Check test or first words of an assertion)
    variant: str
    text: str


def slug(name):
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def read_patch(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    lines = re.findall(r"^([A-Z][a-z-]+): (.+)$", text.split("\n--- ", 1)[0], flags=re.M)
    fields = dict(lines)
    tests = [value.partition(" ")[::2] for key, value in lines if key == "Killed-by"]
    tests = [(test, name.strip().strip('"')) for test, name in tests]
    return Patch(path, fields.get("Case", ""), tests, fields.get("Variant", "plain"), text)


def rows(root):
    """The names of the cases that need a patch."""
    with open(os.path.join(root, "tests/cases.tsv"), encoding="utf-8") as file:
        fields = [line.rstrip("\n").split("\t") for line in file if not line.startswith("#")]
    return [f[1] for f in fields if f[0] in GROUPS]


def patches(root, names):
    found = sorted(glob.glob(os.path.join(root, "tests/mutants/taken_out/*.patch")))
    return [read_patch(p) for p in found if not names or os.path.basename(p)[:-len(".patch")] in names]


def patch_command(tree, patch, *options):
    return subprocess.run(["patch", "-p1", "--silent", "--force", "--reject-file=-", "--no-backup-if-mismatch", *options], cwd=tree,
                          input=patch.text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", check=False)


def has_test(root, test, name):
    path = os.path.join(root, test)
    if not name or not os.path.isfile(path):
        return False
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if test.endswith(".c"):
        return "START_TEST(%s)" % name in text and re.search(r"tcase_add\w*\(\s*\w+, %s\b" % name, text) is not None
    return '"%s' % name in text


def check(args):
    """Every row has a patch, every patch a row, a test that is there, and applies to the tree. Prints what is wrong."""
    wrong = []
    wanted = {slug(name): name for name in rows(args.root)}
    found = patches(args.root, [])
    for name in sorted(set(wanted) - {os.path.basename(p.path)[:-len(".patch")] for p in found}):
        wrong.append("%s: no patch takes it out" % name)
    for patch in found:
        name = os.path.basename(patch.path)
        if wanted.get(name[:-len(".patch")]) != patch.case:
            wrong.append("%s: no case of that name: %s" % (name, patch.case))
        missing = [t for t in patch.tests or [("", "")] if not has_test(args.root, *t)]
        wrong += ["%s: no such test: %s %s" % (name, *test) for test in missing]
        applied = patch_command(args.root, patch, "--dry-run")
        if applied.returncode != 0:
            wrong.append("%s: does not apply: %s" % (name, " ".join(applied.stdout.split())))
    for line in wrong:
        print(line)
    print("%d patches, %d wrong" % (len(found), len(wrong)))
    return 1 if wrong else 0


def is_the_test(test, name):
    """Does this `not ok` line speak of the named test? Check writes file:suite:name: message, a script its assertion."""
    if test.endswith(".c"):
        return lambda line: ":%s:" % name in line
    return lambda line: re.match(r"not ok \d+ - ", line) is not None and line.split(" - ", 1)[1].startswith(name)


def case_of(root, test, name):
    """The tcase that the Check test belongs to, or None if the source does not say it plainly: then the whole file is run."""
    with open(os.path.join(root, test), encoding="utf-8") as file:
        text = file.read()
    add = re.search(r"tcase_add\w*\(\s*(\w+), %s\b" % name, text)
    creations = re.findall(r"\b%s = \w+\((?:\w+, )*\"([^\"]+)\"[,)]" % add.group(1), text[:add.start()]) if add else []
    return creations[-1] if creations else None


def try_patch(shop, patch):
    """Takes the fix out, builds, runs the tests. Returns (whether every named test failed, what was seen)."""
    scripts = [t for t, _ in patch.tests if t.endswith(".t")]
    units = {os.path.basename(t)[:-2] for t, _ in patch.tests if t.endswith(".c")}
    goals = ["build/%s/tests/%s" % (patch.variant, unit) for unit in sorted(units)] + (["all"] if scripts else [])
    good, said = shop.make(patch.variant, *goals)
    if not good:
        return False, "does not build: " + said
    why = "names no test"
    for test, name in patch.tests:
        wanted = is_the_test(test, name)
        what = test if test.endswith(".t") else os.path.basename(test)[:-2]
        case = None if test.endswith(".t") else case_of(shop.tree, test, name)
        why = shop.run_test(what, patch.variant, LONGEST, wanted, case=case) or "%s: %s passes" % (test, name)
        if not (why.startswith("not ok") and wanted(why)):
            return False, why
    return bool(patch.tests), why


def main(args):
    if args.check:
        return check(args)
    shop, bad = Workshop(args.root, os.path.join(args.out, "taken-out"), "-O1 -g0 -w"), 0
    try:
        chosen = patches(args.root, args.names)
        for patch in chosen:
            name = os.path.basename(patch.path)[:-len(".patch")]
            if patch_command(shop.tree, patch).returncode != 0:
                good, why = False, "does not apply"
            else:
                try:
                    good, why = try_patch(shop, patch)
                finally:
                    patch_command(shop.tree, patch, "--reverse")
            bad += not good
            print("%-9s %s  [%s]" % ("fails" if good else "NOT SEEN", name, why.strip()), flush=True)
        print("%d taken out, %d seen by the test that is named" % (len(chosen), len(chosen) - bad))
        return 1 if bad else 0
    finally:
        shop.close()
