#!/usr/bin/env python3
"""agent.py - the soak's hand in one place of the lab network: it starts servers and clients there, and reads the kernel's counters.

Started by soak.py with `net run PLACE -- python3 agent.py DIRECTORY`. A line of JSON in, {"id": N, "do": WORD, ...}, is answered by a
line out, {"id": N, ...}; clients run in the background and their answer comes when the last one has ended. When its standard input
ends, so does everything that it started.
Partner: soak.py. Leaves out: any judgement; that is soak.py's and judge.py's.
"""
import json
import os
import random
import re
import select
import signal
import subprocess
import sys
import threading
import time

COUNTERS = "sent received lost late unanswered duplicates reordered corrupt wrong_source errors".split()


def pause(seconds):
    select.select([], [], [], max(0, seconds))


# ---- what the kernel has counted ---------------------------------------------------------------------------------------------------


def snmp():
    """Udp and Ip of both families, added up under the names of IPv4's."""
    total = {}
    with open("/proc/net/snmp") as file:
        lines = file.read().splitlines()
    for names, values in zip(lines[::2], lines[1::2]):
        kind = names.partition(":")[0]
        if kind in ("Udp", "Ip"):
            for name, value in zip(names.split()[1:], values.split()[1:]):
                total[kind + name] = int(value)
    with open("/proc/net/snmp6") as file:
        for line in file:
            name, value = line.split()
            match = re.match(r"(Udp|Ip)6(\w+)$", name)
            if match:
                key = match.group(1) + match.group(2)
                total[key] = total.get(key, 0) + int(value)
    return total


def arrivals():
    """UDP datagrams that reached this host whole, of both families: the rules that soak.py put first in mangle INPUT."""
    count = 0
    for command in ("iptables", "ip6tables"):
        for line in subprocess.run([command, "-w", "-t", "mangle", "-L", "INPUT", "-vxn"], stdout=subprocess.PIPE, text=True).stdout.splitlines():
            if "soak-arrivals" in line:
                count += int(line.split()[0])
    return count


def softnet():
    """Packets that a CPU's queue had no place for, all CPUs together."""
    with open("/proc/net/softnet_stat") as file:
        return sum(int(line.split()[1], 16) for line in file)


def interface_drops():
    with open("/proc/net/dev") as file:
        return sum(int(f[4]) + int(f[12]) for f in (line.partition(":")[2].split() for line in file if ":" in line))


def counts(_):
    return dict(snmp(), arrivals=arrivals(), softnet=softnet(), interface=interface_drops())


def memory(pid):
    """kB: resident, its share of it, and what it has written to; its open descriptors; its threads."""
    found = {}
    with open("/proc/%d/smaps_rollup" % pid) as file:
        for line in file:
            name, _, value = line.partition(":")
            if name in ("Rss", "Pss", "Anonymous"):
                found[name.lower()] = int(value.split()[0])
    found["fds"] = len(os.listdir("/proc/%d/fd" % pid))
    found["threads"] = len(os.listdir("/proc/%d/task" % pid))
    return found


# ---- servers -----------------------------------------------------------------------------------------------------------------------

servers = {}  # name: Popen


def path(name, end):
    return os.path.join(sys.argv[1], name + end)


def start(order):
    """A server, and until its ready line is there."""
    with open(path(order["name"], ".out"), "wb") as out, open(path(order["name"], ".err"), "wb") as err:
        servers[order["name"]] = process = subprocess.Popen(order["argv"], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        if lines(order["name"])[:1]:
            return {"pid": process.pid}
        pause(0.02)
    return {"error": "%s: no ready line" % order["name"]}


def lines(name):
    """What it has printed, whole lines only."""
    with open(path(name, ".out"), "rb") as file:
        return [line for line in file.read().decode().splitlines(True) if line.endswith("\n")]


def statistics(order):
    """SIGUSR1 to all, and the line that each prints."""
    before = {name: len(lines(name)) for name in order["names"]}
    found = {}
    for name in order["names"]:
        if servers[name].poll() is not None:
            return {"error": "%s has ended with %s" % (name, servers[name].returncode)}
        servers[name].send_signal(signal.SIGUSR1)
    end = time.monotonic() + 60
    while len(found) < len(before) and time.monotonic() < end:
        for name, number in before.items():
            now = lines(name)
            if len(now) > number:
                found[name] = json.loads(now[-1])
        pause(0.01)
    for name in found:
        found[name]["memory"] = memory(servers[name].pid)
    return {"statistics": found}


def stop(order):
    """SIGTERM; its exit code, its last line, and all that it has said on stderr."""
    process = servers[order["name"]]
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(60)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        code = "it does not end"
    with open(path(order["name"], ".err"), "rb") as file:
        said = file.read().decode("utf-8", "replace")
    return {"code": code, "last": lines(order["name"])[-1], "said": said}


# ---- clients -----------------------------------------------------------------------------------------------------------------------

running, running_lock = {}, threading.Lock()
hurried = threading.Event()


def read_output(out, err, data):
    """What a client's JSON says of it: counters, and how often each reason was given. With --stdin it is on stderr; stdout is the echo."""
    result, document = {}, None
    text = err if data is not None else out
    at = text.rfind(b'{"format_version"')
    if at >= 0:
        try:
            document = json.loads(text[at:].splitlines()[0])
        except ValueError:
            result["bad_json"] = text[at:at + 200].decode("utf-8", "replace")
    if document is None:
        return result
    if "probes" in document:
        result.update({name: document[name] for name in COUNTERS})
        result["outcome"] = document["outcome"]
        reasons = {}
        for probe in document["probes"]:
            if probe["status"] not in ("echoed", "late"):
                why = probe["reason"] or probe["status"]
                reasons[why] = reasons.get(why, 0) + 1
        result["reasons"] = reasons
        if data is not None:
            result["same"] = out == data
    elif "results" in document:  # echo_bench
        repetitions = [r for one in document["results"] for r in one["repetitions"]]
        result.update({name: sum(r.get(name) or 0 for r in repetitions) for name in COUNTERS})
        result["reasons"] = {r["failure"]: 1 for r in repetitions if r["failure"]}
    return result


def run_client(client, results, number):
    """One client to its end; it is killed long after it should have ended."""
    pause(client.get("after", 0))
    if hurried.is_set():
        return
    data = random.Random(client["seed"]).randbytes(client["stdin"]) if "stdin" in client else None
    began = time.monotonic()
    process = subprocess.Popen(client["argv"], stdin=subprocess.PIPE if data is not None else subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with running_lock:
        running[number] = process
    try:
        out, err = process.communicate(data, timeout=client.get("limit", 120))
        result = read_output(out, err, data)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        result = {"hangs": True}
    with running_lock:
        running.pop(number, None)
    result.update(kind=client["kind"], code=process.returncode, took=round(time.monotonic() - began, 2), number=number,
                  said="" if data is not None and "sent" in result else err.decode("utf-8", "replace")[-2000:])
    if "sent" not in result:
        result["out"] = ascii(out[-300:])
    results.append(result)


def run_clients(order):
    """All of an order at once; the answer comes when the last one has ended."""
    results, threads = [], []
    for number, client in enumerate(order["list"]):
        threads.append(threading.Thread(target=run_client, args=(client, results, "%d.%d" % (order["id"], number))))
        threads[-1].start()
    for thread in threads:
        thread.join()
    answer(order, {"results": results})


def hurry(_):
    """The user wants to go home: clients end with their summaries."""
    hurried.set()
    with running_lock:
        for process in running.values():
            process.send_signal(signal.SIGINT)
    return {}


# ---- lines in, lines out -----------------------------------------------------------------------------------------------------------

answer_lock = threading.Lock()


def answer(order, what):
    with answer_lock:
        print(json.dumps(dict(what, id=order["id"])), flush=True)


def run(order):
    done = subprocess.run(order["argv"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
    return {"code": done.returncode, "out": done.stdout}


def quit_all():
    for process in list(servers.values()) + list(running.values()):
        if process.poll() is None:
            process.kill()


WORDS = {"start": start, "statistics": statistics, "stop": stop, "counts": counts, "run": run, "hurry": hurry}


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.pop("LD_PRELOAD", None)
    try:
        for line in sys.stdin:
            order = json.loads(line)
            if order["do"] == "clients":
                threading.Thread(target=run_clients, args=(order,), daemon=True).start()
                continue
            try:
                answer(order, WORDS[order["do"]](order))
            except Exception as error:  # soak.py says it and ends
                answer(order, {"error": "%s: %r" % (order["do"], error)})
    finally:
        quit_all()


main()
