"""workshop.py - a private copy of the tree, where sources are changed, built and tested; the user's own files are only read.

Teaches:  why a mutant needs one compiler call and one linker call: here every program and every test is linked
          against the shared library, and a test that starts finds the changed one there.
Partner:  run, which says what is changed; concerns.py, which says what is tested.
Leaves out: a sandbox. A changed program runs with the rights of whoever runs the tests, as the tests do; it gets a
          limit for files and for memory, and a time.
"""
import glob
import os
import re
import resource
import selectors
import shutil
import signal
import subprocess
import tempfile
import time

LIBRARY = {v: "build/%s/libecholab.so.0" % v for v in ("plain", "asan-ubsan")}
LINKER_FLAGS = r"LDFLAGS=-Wl,-rpath,\$$ORIGIN/..:\$$ORIGIN/../plain"
SKIPPED_DIRECTORIES = {"build", ".git", "work"}
HANGS = "it hangs"
LARGEST_FILE, MOST_MEMORY = 1 << 30, 4 << 30  # bytes


def synchronise(source, target):
    """Makes `target` the same as `source`, build/ aside. What is equal keeps its time, so that make leaves it alone."""
    kept = set()
    for folder, names, files in os.walk(source):
        names[:] = [n for n in names if n not in SKIPPED_DIRECTORIES]
        here = os.path.relpath(folder, source)
        os.makedirs(os.path.join(target, here), exist_ok=True)
        for name in files:
            old, new = os.path.join(folder, name), os.path.join(target, here, name)
            kept.add(os.path.normpath(os.path.join(here, name)))
            if os.path.islink(old):
                if not os.path.lexists(new):
                    os.symlink(os.readlink(old), new)
            elif not os.path.exists(new) or read(old) != read(new):
                shutil.copyfile(old, new)
                shutil.copymode(old, new)
    for folder, names, files in os.walk(target):
        names[:] = [n for n in names if n not in SKIPPED_DIRECTORIES]
        for name in files:
            path = os.path.join(folder, name)
            if os.path.normpath(os.path.relpath(path, target)) not in kept:
                os.unlink(path)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def limits(memory):
    def set_limits():
        os.setsid()
        resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
        if memory:
            resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    return set_limits


class Workshop:
    def __init__(self, root, folder, compiler_flags="-O1 -g0"):
        self.flags = ["CFLAGS=" + compiler_flags, LINKER_FLAGS]
        self.root, self.tree = root, os.path.join(folder, "tree")
        self.tmp = tempfile.mkdtemp(prefix="echolab-mutants.")
        os.chmod(self.tmp, 0o755)
        self.running = set()
        self.closing = False  # then nothing is waited for any more
        os.makedirs(folder, exist_ok=True)
        synchronise(root, self.tree)

    def close(self):
        for process in list(self.running):
            self.stop(process)
        shutil.rmtree(self.tmp, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.tree, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)

    def text(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def keep(self, names):
        """What these files hold, and since when, for put_back: then make finds nothing to do, where nothing has changed."""
        return {name: (read(self.path(name)), os.stat(self.path(name)).st_mtime_ns)
                for name in names if os.path.exists(self.path(name))}

    def put_back(self, kept):
        for name, (content, changed) in kept.items():
            path = self.path(name)
            if read(path) != content:
                new = path + ".new"  # under another inode: a process that is still ending may have the old one mapped
                with open(new, "wb") as file:
                    file.write(content)
                shutil.copymode(path, new)
                os.replace(new, path)
            os.utime(path, ns=(changed, changed))

    # ---- building -----------------------------------------------------------------------------

    def make(self, variant, *goals):
        """Builds; returns whether that went well, and what was said. The library's own rule stands in for the archive's."""
        command = ["make", "--no-print-directory", "-s", "VARIANT=" + variant, "STATIC=" + LIBRARY[variant], "LIB_OBJ="]
        made = subprocess.run(command + self.flags + list(goals), cwd=self.tree, stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", errors="replace")
        return made.returncode == 0, made.stdout

    def products(self, name, variant):
        """What is built of a source."""
        pic = "pic/" if name.startswith("lib/") else ""
        return ["build/%s/%s%s.o" % (variant, pic, name[:-2])] + self.goals_for(name, variant)

    def goals_for(self, name, variant):
        if name.startswith("lib/"):
            return [LIBRARY[variant]]
        folder = "build/bin/" if variant == "plain" else "build/%s/bin/" % variant
        return [folder + os.path.basename(name)[:-2]]

    def objects(self, pattern):
        """{module name: its object}, of the plain variant"""
        found = glob.glob(self.path("build/plain/" + pattern))
        return {os.path.basename(path)[:-2]: path for path in sorted(found)}

    def needs(self, tests):
        """Who calls whom: ({module: modules}, {unit test: modules}), by what each object leaves undefined."""
        parts = {**self.objects("netns/*.o"), **self.objects("tests/lib/*.o"), **self.objects("pic/lib/*.o")}
        units = {t: o for t, o in self.objects("tests/unit/*.o").items() if t in tests}
        names = {path: name for name, path in [*parts.items(), *units.items()]}
        said = subprocess.run(["nm", "-A", "-P", *names], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              encoding="utf-8", check=False).stdout
        owner, wanted = {}, {name: set() for name in names.values()}
        for path, symbol, kind in re.findall(r"^(.*?): (\S+) (\w)", said, flags=re.M):
            if kind == "U":
                wanted[names[path]].add(symbol)
            elif kind in "TDBRVW" and names[path] in parts:
                owner[symbol] = names[path]
        modules = {name: {owner[s] for s in symbols if s in owner} - {name} for name, symbols in wanted.items()}
        return {n: modules[n] for n in parts}, {n: modules[n] for n in units}

    # ---- testing ------------------------------------------------------------------------------

    def run_test(self, test, variant, seconds, is_failure=lambda line: True, stop=None, case=None):
        """Runs a unit test or a script until the first failure that `is_failure` takes. Returns why it failed, or None.

        `test` is test_x, or tests/netns/x.t and what it is to be given. `stop`, an event, ends it without a verdict. `case`: only
        that part of a unit test, as its tcase_create() calls it.
        """
        name, *operands = test.split()
        binaries = "build/bin" if variant == "plain" else "build/%s/bin" % variant
        program = self.path(name if name.endswith(".t") else "build/%s/tests/%s" % (variant, name))
        environment = dict(os.environ, ECHOLAB_BIN=self.path(binaries), ECHOLAB_VARIANT=variant, TMPDIR=self.tmp,
                           CK_TAP_LOG_FILE_NAME="-", CK_VERBOSITY="silent")
        for variable in ("ECHOLAB_WORLD", "ECHOLAB_NO_SKIP", "MAKEFLAGS", "MAKELEVEL", "MFLAGS"):
            environment.pop(variable, None)
        if case is not None:
            environment["CK_RUN_CASE"] = case
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen([program] + operands, cwd=self.tree, env=environment, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.PIPE, stderr=errors, preexec_fn=limits(variant == "plain"))
            self.running.add(process)
            try:
                return judge(process, time.monotonic() + seconds, is_failure,
                             lambda: self.closing or (stop is not None and stop.is_set()))
            finally:
                self.stop(process)

    def stop(self, process):
        """TERM, so that a script undoes what it made, and after a while KILL, to everything in its session's group."""
        self.running.discard(process)
        cut_short = process.poll() is None
        if cut_short:
            signal_group(process.pid, signal.SIGTERM)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                pass
        signal_group(process.pid, signal.SIGKILL)
        process.stdout.close()
        process.wait()
        if cut_short or process.returncode < 0:
            self.take_down_worlds(process.pid)

    def take_down_worlds(self, pid):
        """A script that could not clean up leaves its lab network, which tap.sh named after its process."""
        net = self.path("netns/net")
        if not os.path.exists(net):
            return
        said = subprocess.run([net, "status"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, encoding="utf-8", errors="replace", check=False).stdout
        for world in re.findall(r"^(t%d-\d+):" % pid, said, flags=re.M):
            subprocess.run([net, "--world", world, "down"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, check=False)


def judge(process, end, is_failure, stopped):
    left = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while True:
            if stopped():
                return None
            if time.monotonic() > end:
                return HANGS
            if not selector.select(0.2):
                continue
            data = os.read(process.stdout.fileno(), 65536)
            left += data
            *whole, left = left.split(b"\n")
            for line in whole:
                line = line.decode("utf-8", "replace")
                if line.startswith(("not ok", "Bail out!")) and is_failure(line):
                    return line
            if not data:
                break
    try:
        status = process.wait(max(1, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        return HANGS
    return None if status == 0 else "exit status %d" % status


def signal_group(group, number):
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        pass
