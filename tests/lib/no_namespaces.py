"""no_namespaces.py - runs a command as a container does: a seccomp filter answers EPERM to unshare(2) and mount(2).

Run:      python3 tests/lib/no_namespaces.py netns/net doctor
Leaves out: clone(2) and setns(2), which nothing here uses to make namespaces; other processors than these two.
"""
import ctypes
import os
import struct
import sys

UNSHARE, MOUNT = {"x86_64": (272, 165), "aarch64": (97, 40)}[os.uname().machine]
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET (seccomp(2))
ALLOW, EPERM = 0x7FFF0000, 0x00050001
PR_SET_SECCOMP, FILTER, PR_SET_NO_NEW_PRIVS = 22, 2, 38

program = [(LOAD, 0, 0, 0), (EQUAL, 2, 0, UNSHARE), (EQUAL, 1, 0, MOUNT), (RETURN, 0, 0, ALLOW), (RETURN, 0, 0, EPERM)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in program))


class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]


libc = ctypes.CDLL(None, use_errno=True)
what = Filter(len(program), ctypes.addressof(code))
if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, FILTER, ctypes.byref(what), 0, 0):
    sys.exit(os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])
