"""The way to the function's log: a pipe for each level; the core adds the time and the level to each line.

Nothing is buffered here: whatever happens next, a hang or a kill, what was printed has been written.
"""

import io
import logging
import os
import select
import sys
import threading

_USUAL = {"TRACE": 1, "DEBUG": 1, "INFO": 1, "WARN": 2, "ERROR": 2, "FATAL": 2}
_NUMBERS = {"TRACE": 5, "DEBUG": logging.DEBUG, "INFO": logging.INFO, "WARN": logging.WARNING, "ERROR": logging.ERROR, "FATAL": logging.CRITICAL}


class LevelPipe(io.RawIOBase):
    """The pipe of one level."""

    def __init__(self, level):
        super().__init__()
        said = os.environ.get("_GG_LOG_FD_" + level, "")
        self._fd = int(said) if said.isdigit() else _USUAL[level]
        self._lock = threading.RLock()
        self._midline = False

    def fileno(self):
        return self._fd

    def writable(self):
        return True

    def close(self):
        """The pipe stays: a function may close its standard output, its log goes on."""

    def write(self, data):
        data = bytes(data)
        with self._lock:
            self._write_all(data)
            if data:
                self._midline = not data.endswith(b"\n")
        return len(data)

    def line(self, text):
        """A line of its own, also behind text that was printed without a newline."""
        with self._lock:
            self.end_line()
            self.write(text.encode("utf-8", "backslashreplace") + b"\n")

    def end_line(self):
        with self._lock:
            if self._midline:
                self.write(b"\n")

    def _write_all(self, data):
        while data:
            try:
                data = data[os.write(self._fd, data):]
            except BlockingIOError:
                select.select([], [self._fd], [])
            except OSError:
                return  # nobody reads any more: a function does not end for its log


PIPES = {level: LevelPipe(level) for level in _USUAL}


def _level_of(number):
    """The highest level that is not above this number of the logging module."""
    return next((level for level in ("FATAL", "ERROR", "WARN", "INFO", "DEBUG") if number >= _NUMBERS[level]), "TRACE")


class _Handler(logging.Handler):
    def emit(self, record):
        try:
            PIPES[_level_of(record.levelno)].line(self.format(record))
        except Exception:  # as every handler of the logging module does
            self.handleError(record)


def _text(level):
    stream = io.TextIOWrapper(PIPES[level], encoding="utf-8", errors="backslashreplace", line_buffering=False, write_through=True)
    stream.mode = "w"
    return stream


def redirect():
    """Standard output is INFO, standard error ERROR, the logging module writes to the level of each record."""
    sys.stdout, sys.stderr = _text("INFO"), _text("ERROR")
    logging.addLevelName(_NUMBERS["TRACE"], "TRACE")
    handler = _Handler()
    handler.setFormatter(logging.Formatter("%(filename)s:%(lineno)d,%(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(_NUMBERS.get(os.environ.get("LOG_LEVEL", ""), 1))  # NOTSET, or not said: all


def end_lines():
    for pipe in PIPES.values():
        pipe.end_line()
