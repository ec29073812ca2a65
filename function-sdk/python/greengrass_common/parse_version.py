"""MAJOR.MINOR of an interface version, as the published SDKs compare them."""

import re


def parse_version(text):
    """(major, minor) as texts; ValueError when it is neither."""
    found = re.fullmatch(r"([0-9]+)\.([0-9]+)(?:\..*)?", text or "")
    if not found:
        raise ValueError("%r is not an interface version: 1.5 is" % (text,))
    return found.groups()
