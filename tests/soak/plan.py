"""plan.py - what happens in an epoch of the soak: which clients come, and which faults the link has meanwhile. A seed decides.

An epoch is some seconds long. Its clients start within its first half second, the faults come while they run, and it is over when the
last client has ended: then every packet is somewhere, and judge.py can ask where.
Partner: soak.py, which plays it; judge.py, which needs to know what was allowed.
"""
SERVER4, SERVER6 = "10.77.0.2", "[fd77::2]"
PORTS = {7007: 1, 7008: 2}  # and the workers of the two servers, one UDP and one TCP, on each

# Of the faults of an epoch: words for both ways of the link. {} is a number that the seed chooses from the range beside it.
SOFT = {
    "drop": (("drop={}%", 1, 12),),
    "burst": (("drop=burst:{}%:4", 1, 3),),
    "delay": (("delay={}ms+-4ms", 5, 40),),
    "reorder": (("reorder={}%", 5, 30),),
    "duplicate": (("duplicate={}%", 5, 30),),
    "checksum": (("corrupt={}% checksum=keep", 2, 12),),
    "rate": (("rate={}kbit limit=32k", 2000, 8000),),
    "drop and delay": (("drop={}%", 1, 6), ("delay={}ms", 2, 20)),
    # In this order: a drop after a duplicate takes the copy along, and is counted as one.
    "drop and duplicate": (("drop={}%", 2, 10), ("duplicate={}%", 5, 20)),
}
DAMAGE = {"corrupt": (("corrupt={}%", 3, 15),)}  # nobody but the program can tell: UDP alone
HARD = ("reject", "refuse", "unreachable", "blackhole")  # to the end of the epoch; rules of iptables
KINDS = list(SOFT) + list(DAMAGE) + list(HARD) + ["link down", "none", "none", "none", "none"]


class Plan:
    """Draws one epoch after the other."""

    def __init__(self, rng, programs, root, seconds):
        self.rng, self.programs, self.root, self.seconds = rng, programs, root, seconds
        self.deck = []
        self.number = 0

    def kind(self):
        """Every kind once before one comes again; the first epoch has no fault, to see that all is well."""
        self.number += 1
        if self.number == 1:
            return "none"
        if not self.deck:
            self.deck = list(KINDS)
            self.rng.shuffle(self.deck)
        return self.deck.pop()

    def epoch(self):
        kind = self.kind()
        plan = {"kind": kind, "faults": [], "link": None, "large": kind == "none" or self.rng.random() < 0.3}
        if kind in SOFT:
            for protocol in self.rng.choice((("udp",), ("tcp",), ("udp", "tcp"), ("udp", "tcp"))):
                self.add_soft(plan, SOFT[kind], protocol)
        elif kind in DAMAGE:
            self.add_soft(plan, DAMAGE[kind], "udp")
        elif kind in HARD:
            protocol = self.rng.choice(("udp", "tcp"))
            plan["faults"].append((self.rng.uniform(0.2, 0.8), "client:server", kind, protocol))
        elif kind == "link down":
            plan["link"] = (self.rng.uniform(0.3, 0.8), self.rng.uniform(0.5, 1.2))
        plan["clients"] = self.clients(plan)
        return plan

    def add_soft(self, plan, faults, protocol):
        for link in self.rng.choice((("client:server",), ("server:client",), ("client:server", "server:client"))):
            at = self.rng.uniform(0.1, 1.0)
            for order, (words, low, high) in enumerate(faults):
                word = words.format(self.rng.randint(low, high))
                plan["faults"].append((at + order / 1000, link, "%s seed=%d" % (word, self.rng.randrange(1 << 31)), protocol))

    # ---- clients ----------------------------------------------------------------------------------------------------------------

    def clients(self, plan):
        """Half of all kinds, at each epoch others; never fewer than six."""
        makers = list(self.udp_kinds(plan)) + list(self.tcp_kinds(plan))
        self.rng.shuffle(makers)
        chosen = []
        for kind, words, more in makers[:self.rng.randint(6, max(7, len(makers) // 2))]:
            client = {"kind": kind, "argv": words, "after": round(self.rng.random() * 0.5, 3), "seed": self.rng.randrange(1 << 31)}
            client.update(more)
            chosen.append(client)
        return chosen

    def patience(self, plan):
        """How long an echo is waited for: long where nothing is lost, for this machine may be busy; short where much is."""
        return "30s" if plan["kind"] == "none" else "1s"

    def udp(self, plan, kind, port, *words, host=SERVER4, data=0):
        argv = [self.programs + "/udp_echo", "--json", "-W", self.patience(plan), *map(str, words), "%s:%d" % (host, port)]
        if plan["kind"] != "none":
            argv[1:1] = ["-w", "15s"]
        return kind, argv, {"stdin": data} if data else {}

    def udp_kinds(self, plan):
        rng, ms = self.rng, max(1, int(self.seconds * 1000 / 50))

        def small(*least):  # below 16 bytes there is no number in them
            return rng.choice((*least, 16, 64, 512, 1400))

        for port in PORTS:
            yield self.udp(plan, "udp paced", port, "-c", 50, "-i", "%dms" % ms, "-s", small())
            yield self.udp(plan, "udp IPv6", port, "-6", "-c", 50, "-i", "%dms" % ms, "-s", small(), host=SERVER6)
            yield self.udp(plan, "udp not connected", port, "--no-connect", "-c", 40, "-i", "%dms" % ms, "-s", small())
            quick = 400 if plan["kind"] == "none" else 8
            yield self.udp(plan, "udp one by one", port, "-c", quick, "-i", 0, "-s", small(0, 1))
            yield self.udp(plan, "udp --stdin", port, "--stdin", "-s", 1000, data=1000 * (60 if plan["kind"] == "none" else 8))
            if plan["large"]:
                yield self.udp(plan, "udp large", port, "-c", 10, "-i", "%dms" % (5 * ms), "-s", rng.choice((3000, 9000, 65507)))
            bench = ["-q", "--repeat", 1, "--duration", "%gs" % self.seconds, "--warmup", 0, "-W", self.patience(plan), "--json", "-"]
            yield self.bench("udp open loop", port, "udp", "--rate", rng.choice((100, 300)), "--connections", 4, *bench)
            if plan["kind"] in ("none", "delay", "reorder", "duplicate"):
                yield self.bench("udp bursts", port, "udp", "--connections", 2, "--window", 32, "--rate", 2000, *bench)

    def bench(self, kind, port, *words):
        return kind, [self.programs + "/echo_bench", *map(str, words), "%s:%d" % (SERVER4, port)], {}

    def tcp(self, plan, kind, port, *words, host=SERVER4, data=0):
        hard = plan["kind"] in HARD
        limits = ["-W", "2s", "--connect-timeout", "2s", "-w", "10s"] if hard else ["-W", "60s", "--connect-timeout", "60s", "--write-timeout", "60s"]
        argv = [self.programs + "/tcp_echo", "--json", *limits, *map(str, words), "%s:%d" % (host, port)]
        return kind, argv, {"stdin": data} if data else {}

    def tcp_kinds(self, plan):
        rng, ms = self.rng, max(1, int(self.seconds * 1000 / 40))
        for port in PORTS:
            yield self.tcp(plan, "tcp paced", port, "-c", 40, "-i", "%dms" % ms, "-s", rng.choice((1, 64, 1400, 5000)))
            yield self.tcp(plan, "tcp IPv6", port, "-6", "-c", 40, "-i", "%dms" % ms, "-s", 64, host=SERVER6)
            yield self.tcp(plan, "tcp large", port, "-c", 2, "-i", 0, "-s", rng.choice((70000, 300000)))
            yield self.tcp(plan, "tcp --stdin and half-close", port, "--stdin", data=rng.choice((1, 20000, 200000)))
            if plan["kind"] in HARD:
                continue  # these wait for half a minute
            for command, number in (("reconnect", 15), ("reset", 3000), ("half_close", 50000), ("together", 30), ("dribble", 40), ("deaf", 0)):
                words = ["python3", self.root + "/tests/lib/tcp_client.py", str(port), "%s:%d" % (command, number), "--host", SERVER4]
                yield "tcp " + command.replace("_", "-"), words, {}
            if plan["kind"] in ("none", "delay"):
                bench = ("-q", "--repeat", 1, "--duration", "%gs" % self.seconds, "--warmup", 0, "-W", "30s", "--json", "-")
                yield self.bench("tcp open loop", port, "tcp", "--rate", 200, "--connections", 4, *bench)
                yield self.bench("tcp churn", port, "connect", "--rate", 100, *bench)

    def resident(self, port):
        """A client that stays all the time, through all faults."""
        return {"kind": "tcp resident", "seed": 0, "limit": 1e6,
                "argv": [self.programs + "/tcp_echo", "--json", "-c", "0", "-i", "250ms", "-W", "10m", "--write-timeout", "10m", "%s:%d" % (SERVER4, port)]}
