"""stopped.py - holds a server still, so that what is sent meanwhile lies there as a whole when it looks again."""
import os
import signal


def stop(pid):
    """SIGSTOP, and every thread of it has heard of it."""
    os.kill(pid, signal.SIGSTOP)
    for task in os.listdir(f"/proc/{pid}/task"):
        state = ""
        while state != "T":
            os.sched_yield()
            with open(f"/proc/{pid}/task/{task}/stat") as stat:
                state = stat.read().rpartition(")")[2].split()[0]
