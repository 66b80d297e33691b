#!/usr/bin/env python3
"""documents.py - are these outputs of --json what they must be on every exit path?

usage: documents.py INDEX      each line of INDEX: exit code, program, file with the output, separated by tabs

One line of answer for each: "ok", or what is wrong. An output must be one document on one line, with format_version 1 and the exit
code that the program really had, without nan or infinity, and no number in it may be negative: counters and times only grow.
"""
import json
import sys

COUNTERS = "sent received lost late duplicates reordered corrupt wrong_source errors".split()
MAY_BE_NEGATIVE = {"nice"}


def refuse(constant):
    raise ValueError(f"{constant} is no JSON")


def numbers(value, key=""):
    """Every number of the document, with the name it has there."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from numbers(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from numbers(inner, key)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield key, value


def fault(code, program, path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    if text.count("\n") != 1 or not text.endswith("\n"):
        return f"not one line: {text[:200]!r}"
    document = json.loads(text, parse_constant=refuse)
    if document["format_version"] != 1:
        return f"format_version {document['format_version']}"
    if document["exit_code"] != int(code):
        return f"exit_code {document['exit_code']}, and the program's was {code}"
    negative = [(key, number) for key, number in numbers(document) if number < 0 and key not in MAY_BE_NEGATIVE]
    if negative:
        return f"negative: {negative}"
    if program not in ("tcp_echo", "udp_echo"):
        return None
    missing = [name for name in COUNTERS if not isinstance(document[name], int)]
    if missing:
        return f"not counted: {missing}"
    if document["received"] + document["lost"] + document["late"] + document["unanswered"] > document["sent"]:
        return "more is accounted for than was sent"
    return None


def main():
    with open(sys.argv[1], encoding="utf-8") as index:
        for line in index:
            try:
                print(fault(*line.rstrip("\n").split("\t")) or "ok")
            except (ValueError, KeyError, OSError) as error:
                print(f"{error!r}")


if __name__ == "__main__":
    main()
