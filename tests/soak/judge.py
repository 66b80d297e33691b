"""judge.py - the soak's book-keeping: where every datagram of an epoch went, and what may not be.

Datagrams are counted at six places, by six parties that know nothing of each other:

  client's kernel, sent (C) -> cable, faults (F) -> server's kernel, arrived (A) -> its socket -> server, received, replied (R)
                                                                                                      |
  client program, echoed   <-   client's kernel, arrived (B)   <-   cable, faults (G)   <-------------'

So C + copies - drops of F = A; A = received + refused by a rule + wrong checksum + full buffer; received = replied + what the server says it
dropped; R + copies - drops of G = B. When all clients have ended these must be exact. Where a cable was down, what was sent
meanwhile may be missing; where datagrams were in fragments, as many as fragments were dropped.
The machine's own queues, which it shares with all that runs on it, may have dropped as many as it says (softnet).
And what the clients miss may not be more than all of that: in an epoch without faults, nothing.

(What arrived and nobody read came when its client had gone: an explanation only where faults make echoes late.)

TCP loses nothing that is not a fault's: every byte is compared by the clients, and none may be damaged, whatever the link does,
since the checksum catches it (what repairs the checksum is done to UDP alone).
"""
import errno
import os

ROUTES = {("client", "server"): "forward", ("server", "client"): "back"}
DROPS = ("dropped_truncated", "dropped_unsafe_source", "dropped_rate", "dropped_would_block", "dropped_no_buffer", "errors")
SERVERS = ("udp1", "udp2")
GONE = "came when its client had gone"
BENCH, BENCH_WINDOW = {"udp open loop", "udp bursts"}, 64  # echo_bench's, and how many it may have under way: plan.py
PYTHON = {"tcp reconnect", "tcp reset", "tcp half-close", "tcp together", "tcp dribble", "tcp deaf"}  # they print no JSON
# What a client may be told, by the fault that was on: the names of udp_echo and tcp_echo. "deadline" is always a possible one.
TOLD = {
    "reject": {"administratively-prohibited", "EHOSTUNREACH", "EACCES"},
    "refuse": {"refused", "port-unreachable", "ECONNREFUSED"},
    "unreachable": {"host-unreachable", "address-unreachable", "no-route", "EHOSTUNREACH", "ENETUNREACH"},
    "link down": {"host-unreachable", "ENETUNREACH", "EHOSTUNREACH", "ENETDOWN"},
}


ERRORS = {os.strerror(number): name for number, name in errno.errorcode.items()}


def reason_name(told):
    """echo_bench tells a person: "send: No route to host", "refused (nobody listens there)". The other clients have a name for it."""
    return ERRORS.get(told.rpartition(": ")[2], told.partition(" (")[0])


def grown(before, after):
    return {key: after[key] - before[key] for key in after if isinstance(after[key], int) and key in before}


class Book:
    """One epoch, judged. `wrong` are the deviations, `lost` the missing datagrams by where they went."""

    def __init__(self, record):
        self.record = record
        self.kind = record["plan"]["kind"]
        self.wrong, self.lost = [], {}
        self.client = grown(*record["client"])
        self.server = grown(*record["server"])
        self.statistics = {name: grown(*both) for name, both in record["statistics"].items()}
        self.udp = [r for r in record["results"] if r["kind"].startswith("udp")]
        self.tcp = [r for r in record["results"] if r["kind"].startswith("tcp")]
        self.faults = {"forward": {"drop": 0, "copy": 0, "damage": 0, "rule": 0}, "back": {"drop": 0, "copy": 0, "damage": 0, "rule": 0}}
        self.tcp_hurt = 0
        self.engine = record["overflowed"]
        for fault in record["faults"]:
            self.add_fault(fault)
        self.judge_servers()
        self.judge_datagrams()
        self.judge_udp_clients()
        self.judge_tcp_clients()

    def fail(self, text, *args):
        self.wrong.append(text % args if args else text)

    def lose(self, where, number):
        """So many are missing, and it is known where they went."""
        if number > 0:
            self.lost[where] = self.lost.get(where, 0) + number

    def add_fault(self, fault):
        """What the link says that it has done, by the way that it was done on."""
        way = self.faults[ROUTES[fault["from"], fault["to"]]]
        if "protocol=tcp" in fault["words"]:
            self.tcp_hurt += fault["dropped"] + fault["rate_dropped"] + fault["corrupted"]
            return
        word = fault["words"].split()[0]
        if word in ("reject", "refuse", "unreachable"):  # in INPUT: behind the place where arrivals are counted
            way["rule"] += fault["dropped"]
        else:
            way["drop"] += fault["dropped"] + fault["rate_dropped"]
            self.lose("dropped by a rule (blackhole)" if word == "blackhole" else "dropped on the cable (fault)",
                      fault["dropped"] + fault["rate_dropped"])
        way["copy"] += fault["duplicated"]
        way["damage"] += fault["corrupted"]
        self.lose("refused by a rule (reject, refuse, unreachable)", fault["dropped"] if word in ("reject", "refuse", "unreachable") else 0)

    # ---- places --------------------------------------------------------------------------------------------------------------------

    def judge_servers(self):
        """Each server by its own statistics."""
        for name in SERVERS:
            s = self.statistics[name]
            drops = sum(s[key] for key in DROPS)
            if s["received"] != s["replied"] + drops:
                self.fail("%s: received %d, but replied %d and dropped %d", name, s["received"], s["replied"], drops)
            for key in DROPS:
                self.lose("server: " + key, s[key])
        for name in ("tcp1", "tcp2"):
            s = self.statistics[name]
            whole = not (s["resets"] or s["errors"] or s["timed_out_idle"] or s["timed_out_write"])
            if whole and s["closed"] == s["accepted"] and self.kind == "none" and not self.record["aftermath"] and s["bytes_out"] != s["bytes_in"]:
                self.fail("%s: nothing was cut off, but %d bytes came in and %d went out", name, s["bytes_in"], s["bytes_out"])
            for key in ("timed_out_lifetime", "rejected_full", "rejected_source", "rejected_descriptors", "accept_paused"):
                if s[key]:
                    self.fail("%s: %s rose by %d", name, key, s[key])
            if self.kind == "none" and (s["errors"] or s["timed_out_idle"] or s["timed_out_write"]) and not self.record["aftermath"]:
                self.fail("%s: without a fault errors rose by %d, timeouts by %d", name, s["errors"], s["timed_out_idle"] + s["timed_out_write"])

    def total(self, counter):
        return sum(self.statistics[name][counter] for name in SERVERS)

    def cable(self, way, sent, arrived, sent_while_down):
        """One way of the link: what is missing must be what the faults say."""
        faults = self.faults[way]
        missing = sent + faults["copy"] - arrived
        # softnet: the queue of each CPU between one end of a cable and the other. All networks of the machine share it.
        least, most = faults["drop"], faults["drop"] + sent_while_down + self.engine + self.client["softnet"]
        fragments = self.client["IpReasmReqds"] + self.server["IpReasmReqds"] > 0 and self.kind not in ("none", "link down")
        if fragments:
            least, missing = -faults["copy"], sent - arrived
        if not least <= missing <= most:
            self.fail("%s: %d datagrams sent, %d copies, %d arrived; the faults dropped %d, while down %d, the engine %d, softnet %d%s", way, sent,
                      faults["copy"], arrived, faults["drop"], sent_while_down, self.engine, self.client["softnet"], ", fragments" if fragments else "")
        where = "sent while the link was down" if sent_while_down else "dropped by the machine's own queues (softnet)"
        self.lose(where, missing - least if not fragments else 0)

    def judge_datagrams(self):
        """All datagrams, from place to place."""
        client, server, down = self.client, self.server, self.record["down"] or {"sent": 0, "replied": 0}
        self.cable("forward", client["UdpOutDatagrams"], server["arrivals"], down["sent"])
        self.cable("back", self.total("replied"), client["arrivals"], down["replied"])
        refused = self.faults["forward"]["rule"]
        if server["arrivals"] != server["UdpInDatagrams"] + server["UdpInErrors"] + server["UdpNoPorts"] + refused:
            self.fail("server's kernel: %d arrived, %d were read, %d were errors, %d refused by a rule", server["arrivals"], server["UdpInDatagrams"],
                      server["UdpInErrors"], refused)
        if server["UdpInDatagrams"] != self.total("received"):
            self.fail("the server's kernel says that %d were read, the servers %d", server["UdpInDatagrams"], self.total("received"))
        # Of up to 76 bytes the kernel sees the checksum before it looks for the socket; else the socket counts it as one more drop.
        if not 0 <= self.total("dropped_kernel_queue") - server["UdpRcvbufErrors"] <= server["UdpInCsumErrors"]:
            self.fail("the server's kernel dropped %d for a full buffer, %d for a checksum; the servers say %d", server["UdpRcvbufErrors"],
                      server["UdpInCsumErrors"], self.total("dropped_kernel_queue"))
        damaged = self.faults["forward"]["damage"] + self.faults["back"]["damage"]
        checksums = client["UdpInCsumErrors"] + server["UdpInCsumErrors"]
        if checksums > damaged:
            self.fail("%d wrong checksums, but %d datagrams were damaged", checksums, damaged)
        self.lose("wrong checksum (fault)", checksums)
        self.lose("server: full receive buffer", server["UdpRcvbufErrors"])
        self.lose("client: full receive buffer", client["UdpRcvbufErrors"])
        self.lose(GONE, client["arrivals"] - client["UdpInDatagrams"] - client["UdpInErrors"])

    # ---- clients -------------------------------------------------------------------------------------------------------------------

    def judge_any(self, r):
        """What no client may do, whatever the link does."""
        if r.get("hangs"):
            self.fail("%s: it hangs", r["kind"])
        if "bad_json" in r or (("sent" not in r) and "tcp_client" not in r.get("out", "") and r["kind"] not in PYTHON):
            self.fail("%s: no JSON: %s %s", r["kind"], r.get("bad_json", r.get("out")), r["said"][-300:])
        if "Sanitizer" in r["said"] or "runtime error" in r["said"]:
            self.fail("%s: %s", r["kind"], r["said"])
        if r["code"] is not None and r["code"] < 0:
            self.fail("%s: killed by signal %d", r["kind"], -r["code"])
        if r.get("reasons"):
            allowed = {"deadline", "corrupt", "interrupted", "changed"} | TOLD.get(self.kind, set())
            strange = {why: n for why, n in r["reasons"].items() if reason_name(why) not in allowed and not (self.tcp_hurt and r["kind"].startswith("tcp"))}
            if strange and not self.record["aftermath"]:
                self.fail("%s: told %s, and the link had: %s", r["kind"], strange, self.kind)

    def judge_udp_clients(self):
        missing = damaged = 0
        uncounted = False
        for r in self.udp:
            self.judge_any(r)
            if "sent" not in r:
                continue
            if r["kind"] in BENCH:
                # It counts what happens between a beginning and an end, and both ways some are under way then. Late and corrupt ones
                # are lost to it.
                open_then = r["sent"] - r["received"] - r["lost"]
                if abs(open_then) > BENCH_WINDOW:
                    self.fail("%s: sent %d, received %d, lost %d, and no more than %d can be under way", r["kind"], r["sent"], r["received"], r["lost"],
                              BENCH_WINDOW)
                missing += r["lost"]
                damaged += r["corrupt"] + r["wrong_source"]
                uncounted = True
                r["unanswered"] = max(0, open_then)
                continue
            if not 0 <= r["sent"] - (r["received"] + r["lost"] + r["late"] + r["unanswered"]) <= r["corrupt"]:
                self.fail("%s: sent %d is not received %d + lost %d + late %d + corrupt %d + unanswered %d", r["kind"], r["sent"], r["received"], r["lost"],
                          r["late"], r["corrupt"], r["unanswered"])
            if r.get("same") is False and r["lost"] + r["late"] + r["corrupt"] + r["unanswered"] == 0:
                self.fail("%s: what was written is not what was read", r["kind"])
            missing += r["lost"] + r["unanswered"]
            damaged += r["corrupt"] + r["wrong_source"]
        changed = self.faults["forward"]["damage"] + self.faults["back"]["damage"] if self.kind == "corrupt" else 0
        if damaged > changed:
            self.fail("%d datagrams came back damaged, the faults changed %d", damaged, changed)
        explained = sum(self.lost.values()) + changed
        if self.kind == "none":  # nobody leaves before his last echo but echo_bench, which does not count those as lost
            explained -= self.lost.get(GONE, 0)
        interrupted = sum((r.get("reasons") or {}).get("interrupted", 0) for r in self.udp)
        if interrupted and (self.kind != "none" or self.record["hurried"]):
            explained += interrupted
        if missing > explained:
            self.fail("the clients miss %d datagrams, %d are explained: %s", missing, explained, self.lost or "nothing was lost anywhere")
        if self.kind == "none" and not self.record["hurried"]:
            sent = sum(r.get("sent", 0) for r in self.udp)
            more = self.client["UdpOutDatagrams"] - sent
            if more < 0 or (more > 0 and not uncounted):
                self.fail("the clients say that they sent %d datagrams, their kernel %d", sent, self.client["UdpOutDatagrams"])
        self.missing = missing

    def judge_tcp_clients(self):
        for r in self.tcp:
            self.judge_any(r)
            if r.get("corrupt"):
                self.fail("%s: %d probes came back damaged", r["kind"], r["corrupt"])
            if r.get("same") is False and r["code"] == 0:
                self.fail("%s: what was written is not what was read", r["kind"])
            if r["code"] == 0 or self.record["hurried"]:
                continue
            if self.tcp_hurt == 0 and self.record["plan"]["link"] is None:
                self.fail("%s: exit %s, and nothing was done to TCP: %s %s", r["kind"], r["code"], r.get("out", r.get("reasons")), r["said"][-500:])
