"""CBOR (RFC 8949) for tests, written without a look at src/base/cbor.c: maps, texts, integers, booleans, null."""

import struct


def head(major, n):
    for limit, code, form in ((24, None, ">B"), (1 << 8, 24, ">B"), (1 << 16, 25, ">H"), (1 << 32, 26, ">I"), (1 << 64, 27, ">Q")):
        if n < limit:
            return bytes([major << 5 | n]) if code is None else bytes([major << 5 | code]) + struct.pack(form, n)
    raise ValueError(n)


def dumps(value):
    if value is None or isinstance(value, bool):
        return bytes([{False: 0xf4, True: 0xf5, None: 0xf6}[value]])
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(dumps, value))
    return head(5, len(value)) + b"".join(dumps(k) + dumps(v) for k, v in value.items())


def loads(data):
    value, rest = take(data)
    assert not rest, rest
    return value


def take(data):
    major, low = data[0] >> 5, data[0] & 31
    if major == 7:
        return {20: False, 21: True, 22: None}[low], data[1:]
    size = {24: 1, 25: 2, 26: 4, 27: 8}.get(low, 0)
    assert low < 24 or size, f"head {data[0]:#x}"
    n, data = (int.from_bytes(data[1:1 + size], "big") if size else low), data[1 + size:]
    if major in (0, 1):
        return (n if major == 0 else -1 - n), data
    if major in (2, 3):
        assert len(data) >= n
        return (data[:n] if major == 2 else data[:n].decode()), data[n:]
    out = []
    for _ in range(n if major == 4 else 2 * n):
        value, data = take(data)
        out.append(value)
    return (out if major == 4 else dict(zip(out[::2], out[1::2]))), data
