"""What the tests of sedge-keyd begin with."""

import pathlib
import tempfile

import pytest

from conftest import MESON
from keyd import Keyd
from p11_walk import EC_ID, Token, keys  # noqa: F401 (a fixture)

needs_root = pytest.mark.skipif("os.getuid() != 0", reason="takes on another user: needs root")


@pytest.fixture
def shared(procs, tmp_path, keys):  # noqa: F811
    """A chip with two keys, and a keyd before it that allows root everything."""
    token = Token(procs, tmp_path)
    token.rsa, token.ec = keys
    token.rsa_pub, token.ec_pub = token.put(token.rsa, 0x20181001), token.put(token.ec, EC_ID)
    token.keyd = Keyd(procs, tmp_path, f"vse:{token.part.socket}").start()
    token.env.update(token.keyd.env)
    return token


@pytest.fixture
def private():
    """A folder for secrets; those below /tmp are refused."""
    with tempfile.TemporaryDirectory(prefix="keyd-", dir=MESON) as folder:
        yield pathlib.Path(folder)
