#!/usr/bin/env python3
"""timeline_order.py FILE... - is the order of these timelines (net why --format=json) one that can have happened?

It does not believe the timeline's own list of causes: it follows bytes, packets and calls through the events as they
are given, and prints what comes before its cause. Exit 0: nothing does."""
import json
import re
import sys

READS = ("read", "recvfrom", "recvmsg", "recv")


def connection(arguments):
    """The two ends in the first argument of a call, as strace -yy writes it; None for other descriptors."""
    found = re.match(r"\d+<TCP(?:v6)?:\[(.+?)->(.+?)\]>", arguments or "")
    return found.groups() if found else None


def check(document):
    events, packets = document["events"], {p["id"]: p for p in document["packets"]}
    place = {event["id"]: index for index, event in enumerate(events)}
    wrong = []
    if document["contradictions"]:
        wrong.append(f'{document["contradictions"]} contradictions')

    def before(cause, effect, what):
        if place[cause] >= place[effect]:
            wrong.append(f"{what}: event {effect} stands before {cause}")

    for one, other in zip(events, events[1:]):
        if one["t_ms"] > other["t_ms"]:
            wrong.append(f'time runs back at event {other["id"]}')
    for event in events:
        for cause in event["after"]:
            before(cause, event["id"], "a stated cause")
    for packet in packets.values():
        for arrival in packet["arrive"]:
            if packet["leave"] is not None:
                before(packet["leave"], arrival, "a packet arrives before it was sent")
        for fate in packet["fates"]:
            if packet["leave"] is not None:
                before(packet["leave"], fate, "a fault before its packet")

    arrived, taken, greeted, arguments = {}, {}, set(), {}
    for event in events:
        if event["kind"] == "call":
            arguments[event["call"]] = event["arguments"]
        elif event["kind"] == "arrive":
            packet = packets[event["packet"]]
            if packet["protocol"] != "tcp":
                continue
            flow = (event["host"], packet["source"], packet["destination"])
            if packet["flags"] & 2:
                greeted.add(flow)
            elif packet["payload"]:
                arrived[flow] = max(arrived.get(flow, 0), packet["seq"] + packet["payload"] - 1)
        elif event["kind"] == "return" and event["error"] is None:
            ends = connection(arguments.get(event["call"]))
            if ends and event["name"] in READS and event["result"] and event["result"] > 0:
                flow = (event["host"], ends[1], ends[0])
                taken[flow] = taken.get(flow, 0) + event["result"]
                if taken[flow] > arrived.get(flow, 0):
                    wrong.append(f'event {event["id"]}: {event["name"]} gave byte {taken[flow]} of {flow}, '
                                 f"and {arrived.get(flow, 0)} had arrived")
                if flow not in greeted:
                    wrong.append(f'event {event["id"]}: bytes without a handshake')
    if not arrived and not any(p["protocol"] == "udp" for p in packets.values()):
        wrong.append("no data in it: nothing was checked")
    return wrong


def main():
    bad = 0
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8") as file:
            for line in check(json.load(file)):
                print(f"{name}: {line}")
                bad = 1
    sys.exit(bad)


main()
