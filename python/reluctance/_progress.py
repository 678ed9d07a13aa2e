"""What a person sees while a call runs."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Any, Callable, Iterator, Optional, Union

Progress = Union[bool, Callable[[str, int, int], Any], None]


class Bar:
    """One line on standard error that is drawn over itself, as terminals and notebooks show it."""

    width = 30

    def __init__(self) -> None:
        self._part = ""
        self._begin = self._drawn = time.monotonic()
        self._visible = False

    def __call__(self, part: str, done: int, total: int) -> None:
        now = time.monotonic()
        if part != self._part:
            self.close()
            self._part, self._begin = part, now
        if total <= 0 or now - self._begin < 1 or now - self._drawn < 0.1:
            return
        share = min(done / total, 1.0)
        left = f"{(now - self._begin) * (1 - share) / share:.0f} s left" if share > 0.02 else "starting"
        bar = ("=" * int(share * self.width)).ljust(self.width)
        print(f"\r{part} [{bar}] {100 * share:.0f}%, {left}   ", end="", file=sys.stderr, flush=True)
        self._drawn, self._visible = now, True

    def close(self) -> None:
        if self._visible:
            print(file=sys.stderr, flush=True)
        self._visible = False


@contextlib.contextmanager
def receiver(progress: Progress) -> Iterator[Optional[Callable[[str, int, int], Any]]]:
    """What the library tells of its progress: a bar for True, nothing for None and False."""
    if not isinstance(progress, bool) and progress is not None:
        yield progress
        return
    bar = Bar() if progress else None
    try:
        yield bar
    finally:
        if bar is not None:
            bar.close()
