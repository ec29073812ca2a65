"""What a program still has in its memory when it ends: run it under ptrace, stop it in exit, read all of it.

Only for tests; needs to be root when the program has made itself undumpable, as ours with keys do.
"""

import ctypes
import os
import signal

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long
TRACEME, CONT, SETOPTIONS = 0, 7, 0x4200
TRACEEXIT, EXITKILL, EVENT_EXIT = 0x40, 0x100000, 6


def _ptrace(request, pid, data=0):
    if _libc.ptrace(request, pid, None, data) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")


def _memory(pid):
    out = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            span, mode = line.split()[:2]
            if "r" not in mode or "[v" in line:
                continue
            first, last = (int(x, 16) for x in span.split("-"))
            mem.seek(first)
            out.append(mem.read(last - first))
    return b"\0".join(out)


def at_exit(argv, env, cwd):
    """(exit status, every readable byte of the process at the moment it ends)"""
    pid = os.fork()
    if pid == 0:
        try:
            os.chdir(cwd)
            null = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1, 2):
                os.dup2(null, fd)
            _ptrace(TRACEME, 0)
            os.execve(argv[0], argv, env)
        finally:
            os._exit(127)
    image = b""
    _, status = os.waitpid(pid, 0)
    _ptrace(SETOPTIONS, pid, TRACEEXIT | EXITKILL)
    deliver = 0
    while True:
        _ptrace(CONT, pid, deliver)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSTOPPED(status):
            return os.waitstatus_to_exitcode(status), image
        deliver = 0
        if status >> 8 == signal.SIGTRAP | EVENT_EXIT << 8:
            image = _memory(pid)
        elif os.WSTOPSIG(status) != signal.SIGTRAP:
            deliver = os.WSTOPSIG(status)
