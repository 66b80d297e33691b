"""summary.py - what the soak has seen, as a page: figures of servers, clients and faults, memory over time, and every deviation.

The bounds on memory are here. Judged is what a server has written to ("anonymous"): what it shares with the other programs comes and goes
with them. A UDP worker reserves --batch times --max-datagram bytes and touches them as datagrams fill them, so it may grow that
far, slowly; nothing else may grow.
Partner: soak.py.
"""
import os
import platform
import subprocess
import time

# kB, from the second quarter of the run to the last, medians. A lost connection would be some hundred bytes, of ten thousand.
GROWTH = {"tcp": 512, "udp": 2048}
INSTRUMENTED = 64 * 1024  # a sanitizer keeps what was freed for a while, to know it again
UDP_RESERVED = {"udp1": 64 * 64, "udp2": 2 * 16 * 64}  # kB: workers times --batch times 64 KiB, as soak.py starts them
SMALL = 512
FEW = 12  # samples: a shorter run has no quarters


def median(values):
    return sorted(values)[len(values) // 2] if values else 0


def slope(points):
    """Least squares, in kB an hour."""
    if len(points) < 3:
        return 0.0
    n = len(points)
    x0, y0 = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    square = sum((x - x0) ** 2 for x, _ in points)
    return 3600 * sum((x - x0) * (y - y0) for x, y in points) / square if square else 0.0


class Summary:
    """Gathers while the soak goes on; text() is the page."""

    def __init__(self, args, root):
        self.args, self.root = args, root
        self.date = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        self.load = [os.getloadavg()[0]]
        self.commit = self.head()  # of now: somebody may commit meanwhile
        self.samples, self.servers = [], {}
        self.kinds, self.clients, self.faults, self.lost = {}, {}, {}, {}
        self.epochs, self.deviations = [], []
        self.net = {"softnet": 0, "interface": 0, "rcvbuf": 0}

    # ---- gathering -----------------------------------------------------------------------------------------------------------------

    def sample(self, at, found):
        self.samples.append((at, {name: one["memory"] for name, one in found.items()}))

    def deviation(self, at, text):
        self.deviations.append((at, text))

    def server(self, name, first, last):
        self.servers[name] = (first, last)

    def client(self, r):
        one = self.clients.setdefault(r["kind"], dict.fromkeys(("runs", "bad", "sent", "received", "lost", "late", "corrupt", "unanswered"), 0))
        one["runs"] += 1
        one["bad"] += r["code"] != 0
        for key in ("sent", "received", "lost", "late", "corrupt", "unanswered"):
            one[key] += r.get(key, 0)

    def resident(self, results):
        for r in results:
            self.client(r)

    def epoch(self, number, started, plan, book, results, faults, after, before):
        self.kinds[plan["kind"]] = self.kinds.get(plan["kind"], 0) + 1
        self.epochs.append((number, started, plan["kind"], book.missing, sum(book.lost.values())))
        for r in results:
            self.client(r)
        for where, n in book.lost.items():
            self.lost[where] = self.lost.get(where, 0) + n
        for fault in faults:
            word = fault["words"].split("=")[0].split()[0]
            one = self.faults.setdefault(word, dict.fromkeys(("times", "matched", "dropped", "corrupted", "duplicated", "delayed", "reordered"), 0))
            one["times"] += 1
            for key in one:
                if key == "dropped":
                    one[key] += fault["dropped"] + fault["rate_dropped"]
                elif key != "times":
                    one[key] += fault[key]
        if plan["link"]:
            self.faults.setdefault("link down", dict.fromkeys(("times", "matched", "dropped", "corrupted", "duplicated", "delayed", "reordered"), 0))["times"] += 1
        for i in (0, 1):
            self.net["softnet"] += i * (after[i]["softnet"] - before[i]["softnet"])
            self.net["interface"] += after[i]["interface"] - before[i]["interface"]
            self.net["rcvbuf"] += after[i]["UdpRcvbufErrors"] - before[i]["UdpRcvbufErrors"]

    # ---- memory --------------------------------------------------------------------------------------------------------------------

    def series(self, name, what="anonymous"):
        return [(at, memory[name][what]) for at, memory in self.samples if name in memory]

    def quarters(self, name, what="anonymous"):
        """Medians of the four quarters of the run."""
        points = self.series(name, what)
        end = points[-1][0] if points else 0
        return [median([y for x, y in points if end * i / 4 <= x <= end * (i + 1) / 4]) for i in range(4)]

    def bound(self, name):
        return GROWTH[name[:3]] if self.args.variant == "plain" else INSTRUMENTED

    def judge_memory(self):
        """Yields what has grown beyond its bound."""
        for name in self.servers:
            points = self.series(name)
            second, last = self.quarters(name)[1], self.quarters(name)[3]
            if len(points) >= FEW and last - second > self.bound(name):
                yield "%s has grown by %d kB from the second quarter to the last (at most %d)" % (name, last - second, self.bound(name))
            most = UDP_RESERVED.get(name, 0) + SMALL if self.args.variant == "plain" else INSTRUMENTED
            if points[-1][1] - points[0][1] > most:
                yield "%s has grown by %d kB from beginning to end (at most %d)" % (name, points[-1][1] - points[0][1], most)

    # ---- the page ------------------------------------------------------------------------------------------------------------------

    def machine(self):
        cpu = ""
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    cpu = line.partition(":")[2].strip()
                    break
        self.load.append(os.getloadavg()[0])
        return "Linux %s, %s, %d cores, load average %.1f at the beginning, %.1f at the end; %s" % (
            platform.release(), cpu or platform.machine(), os.cpu_count(), self.load[0], self.load[-1], "root" if os.geteuid() == 0 else "an ordinary user")

    def head(self):
        def git(*words):
            done = subprocess.run(["git", "-C", self.root, *words], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            return done.stdout.strip() if done.returncode == 0 else None
        head = git("rev-parse", "--short", "HEAD")
        if head is None:
            return "unknown"
        return head + (" and changes" if git("status", "--porcelain", "--untracked-files=no") else "")

    @staticmethod
    def table(head, rows):
        yield "| " + " | ".join(head) + " |"
        yield "|" + "|".join("---" if i == 0 else "--:" for i in range(len(head))) + "|"
        for row in rows:
            yield "| " + " | ".join(f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row) + " |"

    def text(self, elapsed, stopped):
        return "\n".join(self.page(elapsed, stopped)) + "\n"

    def page(self, elapsed, stopped):
        verdict = "%d deviations" % len(self.deviations) if self.deviations else "nothing unexplained"
        yield "# Soak: %s" % verdict
        yield ""
        yield "`make soak SEED=%d DURATION=%ds%s`, commit %s, %s." % (
            self.args.seed, self.args.seconds, "" if self.args.variant == "plain" else " VARIANT=" + self.args.variant, self.commit, self.date)
        yield "%.0f s, %d epochs%s. %s." % (elapsed, len(self.epochs), ", ended early by " + stopped if stopped else "", self.machine())
        yield ""
        if self.deviations:
            yield "## Deviations"
            yield ""
            for at, text in self.deviations[:50]:
                yield "- at %.0f s: %s" % (at, text)
            yield ""
        yield from self.page_datagrams()
        yield from self.page_servers()
        yield "## Clients"
        yield ""
        keys = ("runs", "sent", "received", "lost", "late", "corrupt", "unanswered")
        yield from self.table(("kind", "runs", "sent", "echoed", "lost", "late", "corrupt", "unanswered", "runs with exit not 0"),
                              [(kind, *(one[k] for k in keys), one["bad"]) for kind, one in sorted(self.clients.items())])
        yield ""
        yield "## Faults"
        yield ""
        yield from self.table(("fault", "times", "packets matched", "dropped", "corrupted", "duplicated", "delayed", "reordered"),
                              [(word, *one.values()) for word, one in sorted(self.faults.items())])
        yield ""
        yield "Epochs: " + ", ".join("%s %d" % (kind, n) for kind, n in sorted(self.kinds.items())) + "."

    def page_datagrams(self):
        udp = [one for kind, one in self.clients.items() if kind.startswith("udp")]
        total = {key: sum(one[key] for one in udp) for key in ("sent", "received", "lost", "late", "corrupt", "unanswered")}
        quiet = sum(missing for _, _, kind, missing, _ in self.epochs if kind == "none")
        yield "## Where the datagrams went"
        yield ""
        yield "The clients sent {sent:,}; {received:,} came back in time, {late:,} late, {corrupt:,} damaged; {lost:,} were lost, {unanswered:,} were open at the end.".format(**total)
        yield "In the %d epochs without a fault %d were lost." % (self.kinds.get("none", 0), quiet)
        yield "Of what went out or came back (copies too), was lost, by who counted it:"
        yield ""
        yield from self.table(("where", "datagrams or fragments"), sorted(self.lost.items()) or [("nowhere", 0)])
        yield ""
        yield "Full socket buffers %d, interfaces %d, the machine's packet queues (softnet) %d." % (self.net["rcvbuf"], self.net["interface"], self.net["softnet"])
        yield ""

    def page_servers(self):
        yield "## Servers"
        yield ""
        rows = []
        for name, (first, last) in self.servers.items():
            q = self.quarters(name)
            rest = [p for p in self.series(name) if p[0] >= self.series(name)[-1][0] / 4]
            did = "%s of %s answered" % (format(last["replied"], ","), format(last["received"], ",")) if name.startswith("udp") else \
                  "%s clients, %s bytes" % (format(last["accepted"], ","), format(last["bytes_out"], ","))
            memory = [first["memory"]["anonymous"], *(one or "-" for one in q), last["memory"]["anonymous"]]
            rows.append((name[:3] + ", %s workers" % name[-1] if name[-1] != "1" else name[:3] + ", 1 worker", did, *memory, "%+.0f" % slope(rest) if self.args.seconds >= 600 else "-",
                         last["memory"]["rss"], "%d, %d" % (first["memory"]["fds"], last["memory"]["fds"]), last.get("active", 0)))
        yield from self.table(("server", "did", "memory at the start", "quarter 1", "2", "3", "4", "at the end", "slope, kB/h", "resident", "descriptors: start, end",
                               "clients left"), rows)
        yield ""
        yield "Memory is what the process has written to, in kB: medians of the quarters, of %d samples." % len(self.samples)
        if self.args.variant == "plain":
            yield "It may grow by %d kB (TCP) or %d kB (UDP) from quarter 2 to 4, and in all by %d kB, UDP also by the %s kB that it reserves at its start." % (
                GROWTH["tcp"], GROWTH["udp"], SMALL, " and ".join(format(one, ",") for one in UDP_RESERVED.values()))
        else:
            yield "Under a sanitizer it may grow by %d kB." % INSTRUMENTED
        yield ""
