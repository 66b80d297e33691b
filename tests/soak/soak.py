#!/usr/bin/env python3
"""soak.py - half an hour of everything at once: four servers, all kinds of clients, faults that come and go; and no datagram unaccounted for.

  soak.py --bin DIR --out DIR [--seed N] [--seconds S] [--variant NAME]      (tests/soak/run starts it)

Epoch after epoch (plan.py), each judged by its counters (judge.py), in a lab network of its own, as root or as anybody. At the end every
client has left, and the servers must be as they were: the same descriptors, no client, no more memory, exit 0.
The summary is written to OUT/summary.md. Exit code 1 when anything deviates; the summary says what, when and with which seed.
Partner: agent.py, its hands on the hosts. Read first: judge.py.
"""
import argparse
import json
import os
import queue
import random
import select
import signal
import subprocess
import sys
import threading
import time

from judge import Book
from plan import PORTS, SERVER4, SERVER6, Plan
from summary import Summary

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
NET = os.path.join(ROOT, "netns", "net")


def pause(seconds):
    select.select([], [], [], max(0, seconds))


class Broken(Exception):
    """The soak itself cannot go on."""


class Agent:
    """agent.py on one place, and the conversation with it."""

    def __init__(self, place, out):
        # A session of its own: Ctrl-C is for us alone.
        self.process = subprocess.Popen([NET, "run", place, "--", "python3", os.path.join(HERE, "agent.py"), out], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True, start_new_session=True)
        self.place, self.number, self.waiting, self.lock = place, 0, {}, threading.Lock()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            said = json.loads(line)
            with self.lock:
                self.waiting[said["id"]].put(said)
        with self.lock:
            for one in self.waiting.values():
                one.put({"error": "%s: its agent has ended" % self.place})

    def ask(self, do, **more):
        """Returns a queue that will hold the answer."""
        with self.lock:
            self.number += 1
            number = self.number
            self.waiting[number] = answer = queue.Queue()
        self.process.stdin.write(json.dumps(dict(more, id=number, do=do)) + "\n")
        self.process.stdin.flush()
        return answer

    def do(self, do, **more):
        answer = self.ask(do, **more).get(timeout=120)
        if "error" in answer:
            raise Broken(answer["error"])
        return answer

    def run(self, *argv):
        answer = self.do("run", argv=list(argv))
        if answer["code"] != 0:
            raise Broken("%s: %s: %s" % (self.place, " ".join(argv), answer["out"]))

    def end(self):
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


class Soak:
    """The whole of it: begin, epoch after epoch, finish."""

    def __init__(self, args):
        self.args = args
        self.plan = Plan(random.Random(args.seed), args.bin, ROOT, min(3.0, max(1.0, args.seconds / 20)))
        self.began = time.monotonic()
        self.stopping = None
        self.summary = Summary(args, ROOT)
        self.agents = {}
        self.residents = {}
        self.epochs = self.last_hurt = 0

    def net(self, *words, check=True):
        done = subprocess.run([NET, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              start_new_session=True)
        if check and done.returncode != 0:
            raise Broken("net %s: %s" % (" ".join(words), done.stderr.strip()))
        return done.stdout

    def elapsed(self):
        return time.monotonic() - self.began

    # ---- begin -------------------------------------------------------------------------------------------------------------------

    def begin(self):
        os.environ["ECHOLAB_WORLD"] = "soak-%d" % os.getpid()
        os.environ["ECHOLAB_BIN"] = self.args.bin
        self.net("up")
        for place in ("client", "server", "sw0"):
            self.agents[place] = Agent(place, self.args.out)
        self.client, self.server = self.agents["client"], self.agents["server"]
        for agent in (self.client, self.server):
            for command in ("iptables", "ip6tables"):  # the judge's own count of what arrived; no target: a packet goes on
                agent.run(command, "-w", "-t", "mangle", "-I", "INPUT", "-p", "udp", "-m", "comment", "--comment", "soak-arrivals")
        for port, workers in PORTS.items():
            for proto in ("udp", "tcp"):
                argv = ["%s/%s_echo_server" % (self.args.bin, proto), "--workers", str(workers), "--listen", "%s:%d" % (SERVER4, port),
                        "--listen", "%s:%d" % (SERVER6, port)]
                if proto == "tcp":  # whoever was cut off by a fault is gone in time for the end
                    argv += ["--idle-timeout", "20s", "--write-timeout", "10s"]
                elif workers > 1:  # one with the default, one whose reserve is small: see summary.py
                    argv += ["--batch", "16"]
                self.server.do("start", name="%s%d" % (proto, workers), argv=argv)
        self.names = ["udp1", "tcp1", "udp2", "tcp2"]
        self.statistics = self.look()
        self.first = self.statistics
        for port in PORTS:
            self.start_resident(port)

    def start_resident(self, port):
        self.residents[port] = self.client.ask("clients", list=[self.plan.resident(port)])

    def look(self):
        found = self.server.do("statistics", names=self.names)["statistics"]
        if len(found) < len(self.names):
            raise Broken("no statistics from: %s" % (set(self.names) - set(found)))
        self.summary.sample(self.elapsed(), found)
        return found

    # ---- an epoch ----------------------------------------------------------------------------------------------------------------

    def quiet(self):
        """Until nothing moves any more: no packet is held, and two looks see the same. Returns both hosts' counters."""
        before = None
        for _ in range(300):
            held = json.loads(self.net("fault", "show", "--json"))
            now = self.client.do("counts"), self.server.do("counts")
            udp = [{key: value for key, value in one.items() if key.startswith("Udp") or key == "arrivals"} for one in now]
            if udp == before and held.get("held_packets", 0) == 0:
                return now, held
            before = udp
            pause(0.03)
        raise Broken("the network does not become quiet")

    def play(self, plan):
        """The clients, and the faults at their times. Returns the clients' results and what was sent while the link was down."""
        down = None
        answer = self.client.ask("clients", list=plan["clients"])
        begin = time.monotonic()
        for at, link, words, protocol in sorted(plan["faults"]):
            pause(begin + at - time.monotonic())
            self.net("fault", link, *words.split(), "protocol=" + protocol)
        if plan["link"]:
            at, time_down = plan["link"]
            pause(begin + at - time.monotonic())
            before = self.sent_so_far()
            self.agents["sw0"].run("ip", "link", "set", "server", "down")
            pause(time_down)
            self.agents["sw0"].run("ip", "link", "set", "server", "up")
            down = {key: value - before[key] for key, value in self.sent_so_far().items()}
        hurried = False
        while True:
            try:
                results = answer.get(timeout=0.2)
                break
            except queue.Empty:
                if self.stopping and not hurried:
                    hurried = True
                    self.client.do("hurry")
                if time.monotonic() - begin > 300:
                    raise Broken("the clients of an epoch do not end") from None
        if "error" in results:
            raise Broken(results["error"])
        return results["results"], down, hurried

    def sent_so_far(self):
        found = self.look()
        return {"sent": self.client.do("counts")["UdpOutDatagrams"], "replied": found["udp1"]["replied"] + found["udp2"]["replied"]}

    def epoch(self):
        """Counts, plays, counts again, and lets judge.py say what became of it."""
        plan = self.plan.epoch()
        started = self.elapsed()
        before, engine = self.quiet()
        statistics = self.look()
        results, down, hurried = self.play(plan)
        after, show = self.quiet()
        now = self.look()
        overflowed = sum(show.get(k, 0) for k in ("overflowed", "no_buffer", "not_copied"))
        overflowed += sum(q["kernel_dropped"] + q["user_dropped"] for q in show.get("queues", []))
        soft = bool(plan["faults"] or plan["link"])
        book = Book({
            "plan": plan, "results": results, "down": down, "hurried": hurried, "faults": show["faults"], "overflowed": overflowed,
            "client": (before[0], after[0]), "server": (before[1], after[1]), "statistics": {n: (statistics[n], now[n]) for n in self.names},
            "aftermath": not soft and self.elapsed() - self.last_hurt < 60,  # a connection that a fault has hurt may end later
        })
        if soft:
            self.last_hurt = self.elapsed()
        self.summary.epoch(self.epochs, started, plan, book, results, show["faults"], after, before)
        for text in book.wrong:
            self.deviate("epoch %d (%s): %s" % (self.epochs, plan["kind"], text))
        self.judge_descriptors(now, "epoch %d" % self.epochs)
        self.net("fault", "clear")
        self.judge_residents(book)
        self.epochs += 1

    def deviate(self, text):
        self.summary.deviation(self.elapsed(), text)
        print("soak: at %.0f s, seed %d: %s" % (self.elapsed(), self.args.seed, text), file=sys.stderr, flush=True)

    def judge_descriptors(self, now, when):
        """Each connection is one descriptor, and nothing else may be one."""
        for name in self.names:
            expected = self.first[name]["memory"]["fds"] + now[name].get("active", 0)
            if now[name]["memory"]["fds"] != expected:
                again = self.look()[name]  # one may have come or gone between the line and the look
                expected = self.first[name]["memory"]["fds"] + again.get("active", 0)
                if again["memory"]["fds"] != expected:
                    self.deviate("%s: %s has %d descriptors, expected %d" % (when, name, again["memory"]["fds"], expected))

    def judge_residents(self, book):
        for port, answer in list(self.residents.items()):
            if answer.empty():
                continue
            result = answer.get()
            self.summary.resident(result.get("results", []))
            if book.tcp_hurt == 0 and book.record["plan"]["link"] is None:
                self.deviate("the client that stays was cut off, and nothing was done to TCP: %s" % result)
            self.start_resident(port)

    # ---- end ---------------------------------------------------------------------------------------------------------------------

    def finish(self):
        """All clients leave; the servers must be as at the beginning, and end."""
        self.net("fault", "clear")
        self.client.do("hurry")
        for answer in self.residents.values():
            results = answer.get(timeout=60).get("results", [])
            self.summary.resident(results)
            for r in results:
                if r["code"] not in (0, 1) or r.get("corrupt"):
                    self.deviate("the client that stays: exit %s, %s" % (r["code"], r))
        end = time.monotonic() + 60  # the idle limit is 20 s
        while True:
            last = self.look()
            if sum(last[name]["active"] for name in ("tcp1", "tcp2")) == 0 or time.monotonic() > end:
                break
            pause(0.1)
        for name in self.names:
            if last[name].get("active", 0) != 0:
                self.deviate("at the end %s still has %d clients" % (name, last[name]["active"]))
            if last[name]["memory"]["fds"] != self.first[name]["memory"]["fds"]:
                self.deviate("at the end %s has %d descriptors, at the beginning %d" % (name, last[name]["memory"]["fds"], self.first[name]["memory"]["fds"]))
            self.summary.server(name, self.first[name], last[name])
        for name in self.names:
            ended = self.server.do("stop", name=name)
            final = json.loads(ended["last"])
            if ended["code"] != 0 or final.get("stats") != "exit":
                self.deviate("%s: exit code %s; its last line: %s" % (name, ended["code"], ended["last"].strip()))
            elif "accepted" in final and (final["accepted"] != final["closed"] or final["active"] != 0):
                self.deviate("%s: accepted %d, closed %d, active %d" % (name, final["accepted"], final["closed"], final["active"]))
            if "Sanitizer" in ended["said"] or "runtime error" in ended["said"]:
                self.deviate("%s: a sanitizer reports: %s" % (name, ended["said"][:4000]))
        for text in self.summary.judge_memory():
            self.deviate(text)

    def stop(self, number, _):
        self.stopping = signal.Signals(number).name

    def main(self):
        for what in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(what, self.stop)
        try:
            self.begin()
            while self.elapsed() < self.args.seconds and not self.stopping:
                self.epoch()
            self.finish()
        except (Broken, OSError, queue.Empty, KeyError, ValueError) as error:
            self.deviate("the soak cannot go on: %r" % error)
        finally:
            for agent in self.agents.values():
                agent.end()
            self.net("down", check=False)
        text = self.summary.text(self.elapsed(), self.stopping)
        with open(os.path.join(self.args.out, "summary.md"), "w") as file:
            file.write(text)
        print(text, end="")
        return 1 if self.summary.deviations else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--variant", default="plain")
    return Soak(parser.parse_args()).main()


if __name__ == "__main__":
    sys.exit(main())
