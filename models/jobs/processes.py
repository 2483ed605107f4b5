"""Small parts that the supervisor and its processes share: starting, ending and talking to each other."""

import ctypes
import json
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
NICE = 5  # runs yield to the page server
OOM_SCORE = 500  # and die before it when memory runs out
MUCH = 2**32  # bytes


def cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def keeping_memory() -> dict[str, str]:
    """This process's environment, for one in which glibc keeps a step's memory for the next one, in large pages.

    As it is, glibc hands it back: a step on CIFAR-10 took 3,000 page faults and 7 % more time. Other systems do not
    read the variable.
    """
    keep = f"mmap_threshold={MUCH}", f"trim_threshold={MUCH}", f"top_pad={2**28}", "hugetlb=1"
    return {"GLIBC_TUNABLES": ":".join(f"glibc.malloc.{k}" for k in keep), **os.environ}


def step_back(nice: int = NICE) -> None:
    """Let this process, and what it starts, give way to the page server in time and in memory."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, max(nice, os.getpriority(os.PRIO_PROCESS, 0)))
    with suppress(OSError), open("/proc/self/oom_score_adj", "r+") as f:
        if int(f.read()) < OOM_SCORE:
            f.seek(0)
            f.write(str(OOM_SCORE))


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose parent dies, and so learn how they end. Only on Linux."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_with(other: socket.socket, read: bool = True) -> None:
    """Have this process end when the one at the other end of the socket is gone, whatever it is at.

    On Linux the kernel sees to that. Elsewhere a thread does, which has to wait until compiled code lets Python go on.
    Had it gone before that, whoever reads from the socket sees it at once; where nobody does (not `read`), the thread.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if read:
            return
    threading.Thread(target=wait_for_end, args=[other], name="watches the other end", daemon=True).start()


def wait_for_end(other: socket.socket) -> None:
    """Wait until the other end is gone, whatever it sent before and nobody has read; then end this process."""
    poll = select.poll()
    poll.register(other, 0)  # a hang-up is always told
    poll.poll()
    os._exit(0)


def kill_group(pid: int) -> None:
    """Kill a run and all that it started; or the run alone, if it has no group of its own (yet)."""
    for kill in (os.killpg, os.kill):
        with suppress(ProcessLookupError, PermissionError):
            return kill(pid, signal.SIGKILL)
    return None


def reap() -> Iterator[tuple[int, int]]:
    """(pid, code) of every child that ended, its group swept; the code is the exit status, or minus the signal."""
    while True:
        try:
            if hasattr(os, "waitid"):
                # A zombie keeps its id, so the group can be swept before the id may belong to somebody else.
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
                if ended is None:
                    return
                pid = ended.si_pid
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
                _, status = os.waitpid(pid, 0)
            else:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(pid, signal.SIGKILL)
        except ChildProcessError:
            return
        yield pid, os.waitstatus_to_exitcode(status)


def wake_on(*signals: signal.Signals) -> socket.socket:
    """A socket that becomes readable whenever one of `signals` arrives, to wait on beside others."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.setblocking(False)
    for s in signals:
        signal.signal(s, lambda *_: None)
    signal.set_wakeup_fd(theirs.detach(), warn_on_full_buffer=False)
    return ours


def drain(sock: socket.socket) -> bytes:
    """What was received; nothing is lost by not looking at it when only the waking matters."""
    with suppress(BlockingIOError):
        return sock.recv(65536)
    return b""


class Lines:
    """JSON messages, one a line, over a socket that does not block."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._rest = b""
        sock.setblocking(False)

    def send(self, message: dict) -> bool:
        """False if the other end is gone."""
        try:
            self.sock.setblocking(True)  # messages are short and the other end reads: this never waits for long
            self.sock.sendall(json.dumps(message).encode() + b"\n")
        except OSError:
            return False
        finally:
            self.sock.setblocking(False)
        return True

    def receive(self) -> tuple[list[dict], bool]:
        """The messages that have arrived, and whether the other end is still there."""
        there = True
        while True:
            try:
                data = self.sock.recv(65536)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                there = False
                break
            self._rest += data
        *lines, self._rest = self._rest.split(b"\n")
        return [json.loads(line) for line in lines if line], there


class Helper(Lines):
    """A module of ours running as a process of its own at the other end of a socket. When that closes, it leaves."""

    def __init__(self, module: str, env: Mapping[str, str], *args: str) -> None:
        ours, theirs = socket.socketpair()
        theirs.set_inheritable(True)
        self.pid = spawn(module, str(theirs.fileno()), *args, env=env)
        theirs.close()
        super().__init__(ours)

    def close(self) -> None:
        """Let it leave as soon as it has nothing in hand."""
        self.sock.close()

    def kill(self) -> None:
        """End it, whatever it is at."""
        self.close()
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)


def spawn(module: str, *args: str, env: Mapping[str, str]) -> int:
    """Start `python -m module args` with nothing of ours but its environment, standard output and folder."""
    quiet = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
    return os.posix_spawn(sys.executable, [sys.executable, "-m", module, *args], dict(env), file_actions=quiet)
