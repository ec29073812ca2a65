"""A chip that answers SELECT as it is told: the least of UM11225 that a host needs to get there."""

import socket
import struct
import threading

import chip_client as cc


class FakeChip:
    """`select` is the whole answer to SELECT: data and status word."""

    def __init__(self, path, select):
        self.select = select
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(str(path))
        self.sock.listen(8)
        self.threads = []
        self.accepting = threading.Thread(target=self.accept, daemon=True)
        self.accepting.start()

    def accept(self):
        while True:
            try:
                line, _ = self.sock.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.serve, args=(line,), daemon=True)
            thread.start()
            self.threads.append(thread)

    def answer(self, block):
        """What is there to read after this block."""
        pcb = block[1]
        if pcb == 0xC7:
            return cc.block(0xE7, bytes.fromhex("00A0000003960403E800FE020B03E8080100000000640000" "0A4A434F5034204154504F"), nad=0xA5)
        if pcb & 0xE0 == 0xC0:
            return cc.block(pcb | 0x20, nad=0xA5)
        return cc.block(pcb & 0x40, self.select, nad=0xA5)

    def serve(self, line):
        waiting = b""
        with line:
            while True:
                head = line.recv(6, socket.MSG_WAITALL)
                if len(head) < 6:
                    return
                op, _, _, _, n = struct.unpack(">BBBBH", head)
                if op == 0x57:
                    data = line.recv(n, socket.MSG_WAITALL) if n else b""
                    waiting = self.answer(data) if len(data) >= 5 else b""
                    line.sendall(struct.pack(">BBH", 0, 0, 0))
                elif waiting:
                    piece, waiting = waiting[:n], waiting[n:]
                    line.sendall(struct.pack(">BBH", 0, 0, n) + piece.ljust(n, b"\xff"))
                else:
                    line.sendall(struct.pack(">BBH", 1, 0, 0))

    def close(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.accepting.join(10)
