#!/usr/bin/env python3
"""races.py - servers that are told to stop, to report or to hurry at random moments, over and over.

  races.py --bin DIR [--seed N] [--rounds N] [--only N] [--jobs N] [--keep DIR]

Each round starts one of the two echo servers with 1 to 4 workers, sends it clients, and signals: before its ready line, while it
accepts, while clients dribble, while it prints statistics, once or twice. Then it is asked what must be so whatever the moment was:

  - it ends, soon, with 0 after one stop signal, with 0 or 3 after two, and by the signal itself only before it has printed anything;
  - its pid file is gone; what it printed is a ready line, then whole lines of statistics that never go back, then the last one;
  - it took a connection in and echoed it to its end, or closed or refused it; what came back is a beginning of what was sent;
  - a connection that had its first echo before the only signal is echoed to its end (the drain);
  - the counters balance: every datagram that was answered came back, every client that was accepted is closed;
  - no sanitizer had anything to say.

The round's number and the seed choose everything that is chosen here; the kernel's timing is its own. One line a failure, then
`rounds=N failed=N ...`. Exit code 1 if one failed.
"""
import argparse
import contextlib
import json
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

PATIENCE = 30  # seconds: for a slow machine; no round waits for it to pass
REPORT = re.compile(rb"Sanitizer|runtime error")


def pause(seconds):
    select.select([], [], [], max(0, seconds))


class Failure(Exception):
    """What must be so is not."""


def check(condition, text, *args):
    if not condition:
        raise Failure(text % args if args else text)


# ---- clients: each tells how it went in a dict, and never raises -------------------------------------------------------------------


@contextlib.contextmanager
def told(result):
    """Whatever ends the client is told in `result`, and nobody waits for it any more."""
    try:
        yield
    except socket.timeout:
        result["end"] = "hangs"
    except OSError as error:
        result["end"] = error.__class__.__name__
    finally:
        result["reached"].set()


def tcp_client(port, data, pieces, gap, half_close, result, go):
    """Sends `data` in pieces; keeps what comes back. Ends when the other side does."""
    result.update(got=0, whole=False, end="none", early=False)
    with told(result), socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as s:
        size = max(1, len(data) // pieces)
        received = b""
        for at in range(0, len(data), size):
            s.sendall(data[at:at + size])
            if at == 0:
                received += s.recv(65536)
                result["early"] = received != b"" and not go.is_set()
                result["reached"].set()
            pause(gap)
        if half_close:
            s.shutdown(socket.SHUT_WR)
        while half_close or len(received) < len(data):
            more = s.recv(1 << 18)
            if not more:
                result["end"] = "closed"
                break
            received += more
        result["got"] = len(received)
        result["prefix"] = data.startswith(received)
        result["whole"] = received == data


def udp_client(port, rng, result, stop, gap):
    """Sends numbered datagrams until told to stop or refused; counts the echoes, and those that are none of its own."""
    result.update(sent=0, got=0, strange=0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        s.connect(("127.0.0.1", port))
        mark = rng.getrandbits(64).to_bytes(8, "big")
        sizes = [rng.choice((16, 64, 512, 1400)) for _ in range(16)]

        def take():
            while True:
                try:
                    data = s.recv(70000, socket.MSG_DONTWAIT)
                except OSError as error:
                    return error
                good = data.startswith(mark) and len(data) == sizes[int.from_bytes(data[8:16], "big") % 16]
                result["got"] += good
                result["strange"] += not good

        while not stop.is_set():
            try:
                s.send((mark + result["sent"].to_bytes(8, "big")).ljust(sizes[result["sent"] % 16], b"x"))
                result["sent"] += 1
            except OSError:  # the server has gone, and its machine says so
                pass
            take()
            if result["got"]:
                result["reached"].set()
            select.select([s], [], [], gap)
        while not isinstance(take(), BlockingIOError):
            pass  # one ECONNREFUSED may stand before the echoes
        result["reached"].set()


# ---- a round ------------------------------------------------------------------------------------------------------------------------


class Round:
    """One life of a server: everything that is chosen is chosen when it is made."""

    def __init__(self, args, number):
        self.rng = random.Random(args.seed * 1000003 + number)
        self.args, self.number = args, number
        self.tcp = number % 2 == 0
        self.early = self.rng.random() < 0.25
        self.workers = self.rng.randint(1, 4)
        self.signals = self.rng.choice(([signal.SIGTERM], [signal.SIGINT], [signal.SIGTERM] * 2, [signal.SIGTERM, signal.SIGINT]))
        self.gap = self.rng.choice((0, 0, 0.001, 0.02, 0.3))
        self.reports = self.rng.choice((0, 0, 1, 20))
        self.clients = self.rng.choice(("burst", "dribble", "silent", "none") if self.tcp else ("flood", "pace", "none"))
        self.drain = self.rng.choice(("5s", "5s", "150ms", "0"))
        self.threads, self.results = [], []
        self.go, self.stop = threading.Event(), threading.Event()

    def describe(self):
        return "round %d: %s workers=%d %s signals=%s gap=%sms reports=%d clients=%s drain=%s" % (
            self.number, "tcp" if self.tcp else "udp", self.workers, "early" if self.early else "serving",
            "+".join(s.name for s in self.signals), round(self.gap * 1000), self.reports, self.clients, self.drain)

    def start(self, directory):
        self.out, self.err = os.path.join(directory, "out"), os.path.join(directory, "err")
        self.pidfile = os.path.join(directory, "pid")
        command = [os.path.join(self.args.bin, "tcp_echo_server" if self.tcp else "udp_echo_server"), "--listen", "127.0.0.1:0",
                   "--workers", str(self.workers), "--pidfile", self.pidfile, "--drain-timeout", self.drain]
        if self.rng.random() < 0.3:
            command += ["--stats-interval", "10ms"]
        if self.rng.random() < 0.15:
            command += ["--explain"]
        if os.geteuid() == 0:
            command += ["--no-sandbox"]  # nobody could not remove the pid file
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        self.born = time.monotonic()

    def lines(self):
        with open(self.out, "rb") as file:
            return file.read().decode("utf-8", "replace").splitlines()

    def wait_ready(self):
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.server.poll() is None:
            lines = self.lines()
            if lines and lines[0].startswith("ready "):
                return int(re.search(r"listen=127\.0\.0\.1:(\d+) ", lines[0] + " ").group(1))
            pause(0.001)
        raise Failure("no ready line; exit code %s" % self.server.poll())

    def thread(self, target, *arguments):
        result = {"reached": threading.Event()}
        self.results.append(result)
        self.threads.append(threading.Thread(target=target, args=(*arguments, result), daemon=True))
        self.threads[-1].start()

    def start_clients(self, port):
        rng = self.rng

        def tcp(size, pieces, gap, half_close):
            self.thread(lambda result: tcp_client(port, rng.randbytes(size), pieces, gap, half_close, result, self.go))

        def udp(gap):
            seed = random.Random(rng.random())
            self.thread(lambda result: udp_client(port, seed, result, self.stop, gap))

        if self.clients == "burst":
            for _ in range(rng.randint(2, 8)):
                tcp(rng.choice((1, 1000, 100000)), 1, 0, True)
        elif self.clients == "dribble":
            for _ in range(rng.randint(1, 4)):
                tcp(rng.randint(5, 20), 20, rng.choice((0.002, 0.01)), True)
        elif self.clients == "silent":  # sends, takes its echo, and stays until it is closed
            for _ in range(rng.randint(1, 3)):
                self.thread(lambda result: self.stay(port, result))
        elif self.clients in ("flood", "pace"):
            for _ in range(rng.randint(1, 3)):
                udp(0 if self.clients == "flood" else 0.003)

    @staticmethod
    def stay(port, result):
        result.update(end="none", prefix=True, early=False)
        with told(result), socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as s:
            s.sendall(b"x")
            s.recv(1)
            result["reached"].set()
            while s.recv(100):
                pass
            result["end"] = "closed"

    def knock(self, port):
        """A client that comes in the very moment of the signal."""
        if self.tcp:
            data = os.urandom(500)
            self.thread(lambda result: tcp_client(port, data, 1, 0, True, result, self.go))

    def send(self, what):
        if self.server.poll() is None:
            self.server.send_signal(what)

    def signal_all(self):
        for i, what in enumerate(self.signals):
            if i > 0:
                pause(self.gap * self.rng.random())
            self.send(what)
            self.signalled = time.monotonic()

    def play(self):
        rng = self.rng
        if self.early:
            pause(rng.random() * self.args.startup * 1.3)
            self.signal_all()
            return
        port = self.wait_ready()
        self.start_clients(port)
        moment = rng.choice(("at once", "reached", "later"))
        if moment != "at once":
            for result in self.results:
                result["reached"].wait(PATIENCE)
        if moment == "later":
            pause(rng.random() * 0.03)
        for _ in range(self.reports):
            self.send(signal.SIGUSR1)
            pause(rng.choice((0, 0, 0.001)))
        if rng.random() < 0.5:
            self.knock(port)
            pause(rng.choice((0, 0.0005)) * rng.random())
        self.go.set()
        self.signal_all()
        if rng.random() < 0.3:
            self.send(signal.SIGUSR1)

    # ---- what must be so --------------------------------------------------------------------------------------------------------

    def judge_exit(self):
        try:
            code = self.server.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failure("it hangs: %s" % self.where()) from None
        took = time.monotonic() - self.signalled
        with open(self.err, "rb") as file:
            said = file.read()
        check(not REPORT.search(said), "a sanitizer reports: %s", said.decode("utf-8", "replace")[:3000])
        allowed = {0} if len(self.signals) == 1 else {0, 3}
        if self.early:  # a signal that comes before it is asked for ends any program
            allowed |= {-what for what in self.signals}
        check(code in allowed, "exit code %s, wanted one of %s; it said: %s", code, sorted(allowed), said.decode()[-500:])
        check(code != 3 or took < 1 + 5, "the second signal took %.1f s", took)
        check(not os.path.exists(self.pidfile), "the pid file is still there")
        return code

    def where(self):
        text = []
        for task in sorted(os.listdir("/proc/%d/task" % self.server.pid)):
            try:
                with open("/proc/%d/task/%s/wchan" % (self.server.pid, task)) as file:
                    text.append(file.read())
            except OSError:
                text.append("?")
        self.server.kill()
        self.server.wait()
        return " ".join(text)

    def judge_output(self, code):
        """The last statistics, or None when there is no ready line."""
        lines = self.lines()
        if not lines:
            check(self.early, "nothing on stdout")
            return None
        check(lines[0].startswith("ready "), "the first line is %r", lines[0])
        check(code >= 0, "it said ready and was ended by signal %d all the same", -code)
        before = {}
        for line in lines[1:]:
            try:
                now = json.loads(line)
            except ValueError:
                raise Failure("not JSON: %r" % line) from None
            for key, value in now.items():
                check(key in ("active", "uptime_s", "stats") or isinstance(value, str) or value >= before.get(key, 0),
                      "%s went from %s to %s", key, before.get(key), value)
            before = now
        if before.get("stats") != "exit":
            check(code == 3, "the last line is not the statistics at exit: %r", lines[-1])
            return None
        return before

    def judge_tcp(self, code, last):
        for result in self.results:
            check(result["end"] != "hangs", "a connection hangs")
            check(result.get("prefix", True), "what came back is not what was sent")
            if result["early"] and code == 0 and len(self.signals) == 1 and self.drain == "5s":
                check(result["whole"], "a client that was being served was cut off: %s after %d bytes", result["end"], result["got"])
        if last:
            check(last["accepted"] == last["closed"] + last["active"], "accepted %d, closed %d, active %d", last["accepted"],
                  last["closed"], last["active"])
            check(last["bytes_out"] <= last["bytes_in"], "more was written than read")
            check(last["active"] == 0 or code == 3 or self.drain != "5s", "active %d at exit", last["active"])

    def judge_udp(self, last):
        got = sum(r["got"] for r in self.results if "got" in r)
        strange = sum(r["strange"] for r in self.results if "got" in r)
        check(strange == 0, "%d datagrams came back that were not sent", strange)
        if last:
            drops = sum(v for k, v in last.items() if k.startswith("dropped_") and k != "dropped_kernel_queue")
            check(last["received"] == last["replied"] + drops + last["errors"], "received %d, replied %d, dropped %d, errors %d",
                  last["received"], last["replied"], drops, last["errors"])
            check(got == last["replied"], "%d datagrams were answered, %d came back", last["replied"], got)

    def run(self):
        with tempfile.TemporaryDirectory(prefix="races-", dir=self.args.keep) as directory:
            self.start(directory)
            try:
                self.play()
                code = self.judge_exit()
                self.stop.set()
                for thread in self.threads:
                    thread.join(PATIENCE)
                    check(not thread.is_alive(), "a client hangs")
                last = self.judge_output(code)
                if self.tcp:
                    self.judge_tcp(code, last)
                else:
                    self.judge_udp(last)
                return code if code >= 0 else "signal"
            finally:
                self.stop.set()
                if self.server.poll() is None:
                    self.server.kill()
                    self.server.wait()


def measure_startup(args):
    """How long it is from the start to the ready line, so that early signals come at every moment of it."""
    times = []
    for number in range(4):
        with tempfile.TemporaryDirectory(prefix="races-") as directory:
            one = Round(args, -1 - number)
            one.start(directory)
            try:
                one.wait_ready()
                times.append(time.monotonic() - one.born)
            finally:
                one.server.kill()
                one.server.wait()
    return sorted(times)[len(times) // 2]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--only", type=int, help="this round alone")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--keep", help="where the directories of the rounds are made (they are removed)")
    args = parser.parse_args()
    args.startup = measure_startup(args)
    ended, failed = {}, 0
    print("seed=%d startup_ms=%.1f" % (args.seed, args.startup * 1000), flush=True)

    def play(number):
        one = Round(args, number)
        try:
            return one.describe(), one.run()
        except Failure as failure:
            return one.describe(), str(failure)

    numbers = range(args.rounds) if args.only is None else [args.only]
    with ThreadPoolExecutor(args.jobs) as pool:
        for what, result in pool.map(play, numbers):
            if result in (0, 3, "signal"):
                ended[result] = ended.get(result, 0) + 1
            else:
                failed += 1
                print("seed=%d %s: %s" % (args.seed, what, result), flush=True)
    print("rounds=%d failed=%d exit_0=%d exit_3=%d before_ready=%d" % (len(numbers), failed, ended.get(0, 0), ended.get(3, 0),
                                                                      ended.get("signal", 0)))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
