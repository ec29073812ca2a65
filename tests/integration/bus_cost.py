"""What a stretch of traffic costs on the bus, from the file a chip keeps with --counters.

    with bus_cost.stretch(part.counters) as cost:
        ...                                      # whatever talks to the chip, in any process
    print("open+login+find+sign:", cost)

The chip rewrites the file before an answer can be read, so whoever has its answer reads what that cost. Time at another clock than the
chip's --bus-khz needs no second run: what a host waits for is the part's work, the guard times and the bits.
"""

import contextlib
import dataclasses
import json
import pathlib

from conftest import wait_for

COUNTED = ("writes", "reads", "bus_bytes", "bus_bits", "computing_us", "guard_us", "commands", "private_key_operations")


@dataclasses.dataclass
class Cost:
    writes: int = 0
    reads: int = 0
    bus_bytes: int = 0
    bus_bits: int = 0
    computing_us: int = 0
    guard_us: int = 0
    commands: int = 0
    private_key_operations: int = 0

    def ms(self, khz):
        """Modelled milliseconds on a bus of that clock, as docs/chip.md, "Time", counts them."""
        return (self.computing_us + self.guard_us + self.bus_bits * 1000 / khz) / 1000

    def __str__(self):
        return (f"{self.writes} writes, {self.reads} reads, {self.bus_bytes} bytes, {self.bus_bits} bits, {self.commands} commands, "
                f"{self.ms(400):.1f} ms at 400 kHz, {self.ms(1000):.1f} ms at 1 MHz")


def read(counters):
    # a chip that just starts has not made it, or is rewriting it: empty for a moment
    path = pathlib.Path(counters)
    told = json.loads(wait_for(lambda: path.exists() and path.read_text(), 5, f"{path} is not written"))
    return Cost(**{name: told[name] for name in COUNTED})


@contextlib.contextmanager
def stretch(counters):
    """Yields a Cost that is filled in at the end."""
    before, cost = read(counters), Cost()
    yield cost
    after = read(counters)
    for name in COUNTED:
        setattr(cost, name, getattr(after, name) - getattr(before, name))
