#!/usr/bin/env python3
"""peer.py - an echo server that misbehaves as told.

usage: peer.py udp|tcp ADDRESS[:PORT] ACTION...

UDP: the n-th ACTION is what happens to the n-th datagram; the last one repeats.
  echo  drop  dup  corrupt  short  late:SECONDS  swap (answered after the next one)
  foreign (an echo with another nonce before the true one)  stray (a copy from another port before the true one)
  other:ADDRESS (answered from that address instead)
TCP: the n-th ACTION is what every connection to the n-th address gets.
  echo  dribble (a byte at a time)  late:SECONDS (only the first piece)  corrupt:N (byte N changed)  reset:N  close:N (after N bytes)
  extra (a byte too many)  silent (reads, never answers)  deaf (never reads)  drip:SECONDS (an echo, a byte every so often)
  banner (8 MiB before it reads anything)  endless (no end of bytes, unasked)  shut (FIN at once, then it reads)
  fin:reset  fin:more  fin:endless  fin:hold (an echo; what follows the client's FIN)
  full (nobody accepts, and the queue of those who wait is full)
The first line on stdout says where it listens, as our servers do.
"""
import socket
import struct
import sys
import threading
import time


def endpoint(text):
    host, _, port = text.rpartition(":") if text.count(":") == 1 else (text, "", "0")
    return host, int(port or 0)


def family(host):
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def ready(proto, *socks):
    listen = ["%s:%d" % sock.getsockname()[:2] for sock in socks]
    print(f"ready proto={proto} listen={','.join(listen)}", flush=True)


def udp(host, port, actions):
    sock = socket.socket(family(host), socket.SOCK_DGRAM)
    sock.bind((host, port))
    ready("udp", sock)
    held = None
    for n in range(1 << 30):
        data, who = sock.recvfrom(70000)
        action, _, value = actions[min(n, len(actions) - 1)].partition(":")
        if action == "swap":
            held = (data, who)
            continue
        if action == "late":
            threading.Timer(float(value), sock.sendto, (data, who)).start()
        elif action == "dup":
            sock.sendto(data, who)
            sock.sendto(data, who)
        elif action == "corrupt":
            sock.sendto(data[:-1] + bytes([data[-1] ^ 1]), who)
        elif action == "short":
            sock.sendto(data[:-1], who)
        elif action == "foreign":
            sock.sendto(bytes(8) + data[8:], who)
            sock.sendto(data, who)
        elif action in ("stray", "other"):
            other = socket.socket(family(host), socket.SOCK_DGRAM)
            other.bind((value or host, 0))
            other.sendto(data, who)
            if action == "stray":
                sock.sendto(data, who)
        elif action == "echo":
            sock.sendto(data, who)
        if held is not None:
            sock.sendto(*held)
            held = None


def serve(conn, action, value):
    seen = 0
    while True:
        data = conn.recv(65536)
        if not data:
            break
        limit = int(value) - seen if action in ("reset", "close") else None
        if limit is not None and len(data) >= limit:
            conn.sendall(data[:limit])
            if action == "reset":  # it throws away what is queued: a test has earlier echoes read before
                conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            break
        if action == "late" and seen == 0:
            time.sleep(float(value))
        if action == "corrupt" and seen <= int(value) < seen + len(data):
            at = int(value) - seen
            data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]
        seen += len(data)
        if action == "dribble":
            for i in range(len(data)):
                conn.sendall(data[i:i + 1])
        elif action == "extra":
            conn.sendall(data + b"x")
        elif action != "silent":
            conn.sendall(data)
    conn.close()


def send_without_end(conn):
    while True:
        conn.sendall(bytes(65536))


def drip(conn, seconds):
    while data := conn.recv(65536):
        for i in range(len(data)):
            conn.sendall(data[i:i + 1])
            time.sleep(seconds)
    conn.close()


def echo_until_fin(conn, then):
    while data := conn.recv(65536):
        conn.sendall(data)
    if then == "reset":
        conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif then == "more":
        conn.sendall(b"and one thing more")
    elif then == "endless":
        send_without_end(conn)
    elif then == "hold":
        time.sleep(600)
    conn.close()


def unasked(conn, action):
    """What does not wait for a question. False: the action is another."""
    if action == "banner":
        conn.sendall(bytes(8 << 20))
    elif action == "endless":
        send_without_end(conn)
    elif action == "shut":
        conn.shutdown(socket.SHUT_WR)
    else:
        return False
    while conn.recv(65536):
        pass
    conn.close()
    return True


def guarded(conn, action, value):
    try:
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if unasked(conn, action):
            return
        if action == "drip":
            drip(conn, float(value))
            return
        if action == "fin":
            echo_until_fin(conn, value)
            return
        if action == "deaf":
            time.sleep(600)
        serve(conn, action, value)
    except OSError:
        conn.close()


def fill(sock):
    """Linux queues one more than the backlog; further SYNs are dropped, and the client hears nothing (listen(2))."""
    waiting = []
    for _ in range(3):
        client = socket.socket(sock.family, socket.SOCK_STREAM)
        client.setblocking(False)
        client.connect_ex(sock.getsockname())
        waiting.append(client)
    return waiting


def accept_all(sock, action, value):
    while True:
        conn, _ = sock.accept()
        threading.Thread(target=guarded, args=(conn, action, value), daemon=True).start()


def tcp(host, port, actions):
    listeners, waiting = [], []
    for number, action in enumerate(actions):
        sock = socket.socket(family(host), socket.SOCK_STREAM)
        if action == "deaf":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.bind((host, port if number == 0 else 0))
        sock.listen(0 if action == "full" else 128)
        if action == "full":
            waiting += fill(sock)
        else:
            threading.Thread(target=accept_all, args=(sock, *action.partition(":")[::2]), daemon=True).start()
        listeners.append(sock)
    ready("tcp", *listeners)
    threading.Event().wait()


if __name__ == "__main__":
    {"udp": udp, "tcp": tcp}[sys.argv[1]](*endpoint(sys.argv[2]), sys.argv[3:] or ["echo"])
