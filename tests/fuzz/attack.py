"""Damage files, have them read, and say what went wrong: ``python -m tests.fuzz.attack TARGET FILES SEED``."""

import json
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path

from tests.fuzz.mutations import mutated
from tests.fuzz.targets import ONE_FILE, TARGETS, restored

SECONDS, BYTES = 5, 2**30
FORBIDDEN = (
    "pickle.find_class",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "subprocess.Popen",
    "socket.connect",
    "ctypes.",
)
watched = {"on": False, "seen": ""}


class Slow(BaseException):
    """The reader was still at work after five seconds."""


def late(*_: object) -> None:
    raise Slow


def audit(event: str, args: tuple[object, ...]) -> None:
    if watched["on"] and event.startswith(FORBIDDEN):
        watched["seen"] = event


def out_of_memory(error: BaseException | None) -> bool:
    """Whether memory ran out somewhere on the way to an error."""
    seen = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, MemoryError):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def one(target: str, path: Path) -> tuple[str, str]:
    """Read a path; return "read", "refused" or what went wrong, and the message."""
    kind = TARGETS[target]
    watched.update(on=True, seen="")
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        kind.read(path)
        outcome, message = "read", ""
    except kind.errors as error:
        outcome, message = "refused", str(error)
        if "\n" in message:
            outcome = "more than one line"
        if out_of_memory(error):
            outcome = "memory"
    except Slow:
        outcome, message = "slow", ""
    except BaseException as error:
        outcome, message = "memory" if out_of_memory(error) else "raw error", f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        watched["on"] = False
    return (watched["seen"], message) if watched["seen"] else (outcome, message)


def main(target: str, count: int, seed: int, *, limited: bool = True) -> dict[str, object]:
    """Return how many files were read and refused, and the first of what should not have happened."""
    rng = random.Random(seed)
    counts: dict[str, int] = {}
    wrong: list[dict[str, object]] = []
    slowest = 0.0
    with tempfile.TemporaryDirectory() as base:
        good_folder, folder = Path(base) / "good", Path(base) / "bad"
        good_folder.mkdir()
        TARGETS[target].files(good_folder)
        good = {file.name: file.read_bytes() for file in sorted(good_folder.iterdir()) if not file.name.startswith(".")}
        restored(good, folder)
        for name in good:  # imports what is imported on first use
            outcome = one(target, folder / name if target in ONE_FILE else folder)
            assert outcome[0] == "read", outcome
        pages = (
            int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
            if Path("/proc/self/statm").exists()
            else 0
        )
        if pages and limited:
            limit = pages * resource.getpagesize() + BYTES
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for number in range(count):
            name = rng.choice(sorted(good))
            content = mutated(good[name], Path(name).suffix, list(good.values()), rng)
            if target not in ONE_FILE:
                restored(good, folder)
            (folder / name).write_bytes(content)
            began = time.perf_counter()
            outcome, message = one(target, folder / name if target in ONE_FILE else folder)
            slowest = max(slowest, time.perf_counter() - began)
            counts[outcome] = counts.get(outcome, 0) + 1
            if outcome not in ("read", "refused") and len(wrong) < 20:
                wrong.append({"number": number, "file": name, "what": outcome, "message": message[:300]})
                wrong[-1]["content"] = content[:200].decode("latin-1")
    return {"counts": counts, "wrong": wrong, "slowest": slowest}


if __name__ == "__main__":
    sys.addaudithook(audit)
    signal.signal(signal.SIGALRM, late)
    warnings.simplefilter("error")
    sys.stdout.write(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
