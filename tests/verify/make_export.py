#!/usr/bin/python3
"""Makes audit logs and exports from docs/audit-export.md alone, honest ones and spoilt ones.

A second implementation: it shares nothing with the programs, so that a log which both agree on
is right, and a spoilt log that the verifier passes is a fault of the verifier. Used by
test_verify.py; run by hand it writes one honest export and its key file. Nothing here is durable.
"""
import base64
import copy
import hashlib
import struct
import sys

import nacl.signing

MAGIC = b"RBAUDIT1"


def sha256(*pieces):
    return hashlib.sha256(b"".join(pieces)).digest()


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(out) + bytes([value])


def message(fields):
    """Protobuf bytes of {number: int, bytes, str or dict}; zero and empty values are left out."""
    out = b""
    for number, value in sorted(fields.items()):
        if isinstance(value, dict):
            value = message(value)
        if isinstance(value, str):
            value = value.encode()
        if isinstance(value, int):
            out += varint(number << 3) + varint(value) if value else b""
        elif value:
            out += varint(number << 3 | 2) + varint(len(value)) + value
    return out


def root_of(leaves):
    """RFC 6962 section 2.1, as it is written there."""
    if not leaves:
        return sha256()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha256(b"\x01", root_of(leaves[:k]), root_of(leaves[k:]))


class Item:
    """One record of the export."""

    def __init__(self, index, salt, record, shown=None):
        self.index, self.salt, self.record, self.shown = index, salt, record, shown
        self.hash = sha256(b"\x00", salt, record)
        self.note = b""

    def encode(self):
        out = struct.pack(">Q", self.index) + self.salt + self.hash
        out += struct.pack(">H", len(self.record)) + self.record
        if self.shown is None:
            out += b"\x00"
        else:
            header, facts, body = self.shown
            out += b"\x01" + struct.pack(">H", len(header)) + header
            out += struct.pack(">I", len(facts)) + facts + body
        return out + struct.pack(">H", len(self.note)) + self.note


class Log:
    """A broker's log. Everything may be changed before encode()."""

    def __init__(self, origin="broker.example/1", seed=b"\x01" * 32):
        self.origin = origin
        self.key = nacl.signing.SigningKey(seed)
        self.items, self.witnesses, self.streams = [], [], {}
        self.time_ms = 1_790_000_000_000

    @property
    def public_key(self):
        return bytes(self.key.verify_key)

    def leaves(self):
        return [item.hash for item in self.items]

    def add(self, kind, fields, shown=None):
        """Adds a leaf; at_ms is the log's time unless the fields say otherwise."""
        record = {1: 1, 2: kind, 3: self.time_ms, 4: "broker"}
        record.update(fields)
        index = len(self.items)
        salt = sha256(b"salt", struct.pack(">Q", index))[:16]
        item = Item(index, salt, message(record), shown)
        self.items.append(item)
        return item

    def add_message(self, number, recipient, lane=3, shown=True, **extra):
        """An accepted message that was queued, with header and facts shown; `to` is whom its header
        names where that is another one, `facts` are more facts."""
        ident = sha256(b"id", bytes([number]))[:16]
        case, referral = sha256(b"case")[:16], sha256(b"referral", bytes([number]))[:16]
        header = message({1: 1, 2: 1, 3: ident, 4: 1, 5: "procuratorate",
                          6: extra.get("to", recipient),
                          7: b"\x07" * 8, 8: self.time_ms, 9: case, 10: "JZ-2026-0031",
                          11: referral, 12: "JZ-2026-0031-%02d" % number})
        facts = message({1: 1, 2: {1: 401, 13: 1}, **extra.get("facts", {})})
        body = sha256(b"sealed body %d" % number)
        digest = sha256(b"referral.v1.message\0", sha256(header), sha256(facts), body)
        seq, previous = self.streams.get((recipient, lane), (0, bytes(32)))
        fields = {4: "procuratorate", 5: ident, 6: digest, 7: case, 8: referral, 9: 1,
                  10: recipient, 11: {1: lane, 2: seq + 1, 3: previous},
                  20: "JZ-2026-0031-%02d" % number}
        fields.update(extra.get("fields", {}))
        item = self.add(1, fields, (header, facts, body) if shown else None)
        self.streams[(recipient, lane)] = (seq + 1, item.hash)
        return item

    def note(self, size=None, root=None, time_ms=None, origin=None):
        size = len(self.items) if size is None else size
        origin = origin or self.origin
        text = "%s\n%d\n%s\ntime %d\n" % (
            origin, size, base64.b64encode(root or root_of(self.leaves()[:size])).decode(),
            self.time_ms if time_ms is None else time_ms)
        key_hash = sha256(origin.encode(), b"\n\x01", self.public_key)[:4]
        signature = self.key.sign(text.encode()).signature
        return ("%s\n\u2014 %s %s\n" % (text, origin,
                base64.b64encode(key_hash + signature).decode())).encode()

    def commit(self, **changes):
        self.items[-1].note = self.note(**changes)
        self.time_ms += 1000

    def witness(self, agency, size=None, root=None, seed=b"\x09" * 32):
        key = nacl.signing.SigningKey(seed)
        size = len(self.items) if size is None else size
        root = root or root_of(self.leaves()[:size])
        signature = key.sign(b"referral.v1.witness\0" + sha256(self.origin.encode())
                             + struct.pack(">Q", size) + root).signature
        mark = sha256(bytes(key.verify_key))[:8] + signature
        self.witnesses.append(("%s\n%d\n%s\n\n\u2014 %s %s\n" % (
            self.origin, size, base64.b64encode(root).decode(), agency,
            base64.b64encode(mark).decode())).encode())
        return bytes(key.verify_key)

    def encode(self, magic=MAGIC, count=None, stated=None, tail=b""):
        origin = self.origin.encode()
        body = struct.pack(">Q", len(self.items) if count is None else count) + self.public_key
        body += struct.pack(">H", len(self.witnesses)) + bytes([len(origin)]) + origin
        for note in self.witnesses:
            body += struct.pack(">H", len(note)) + note
        for item in self.items:
            body += item.encode()
        body += tail
        total = len(magic) + 8 + len(body) + 32
        whole = magic + struct.pack(">Q", total if stated is None else stated) + body
        return whole + sha256(whole)

    def key_line(self):
        return ("referral-broker-key-1 %s %s\n"
                % (self.origin, base64.b64encode(self.public_key).decode())).encode()

    def copy(self):
        twin = copy.copy(self)
        twin.items, twin.witnesses = copy.deepcopy(self.items), list(self.witnesses)
        twin.streams = dict(self.streams)
        return twin


CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def letter_code(message_id, digest):
    """The code of a paper letter, as docs/audit-export.md has it."""
    plain = message_id + digest[:12]
    bits = int.from_bytes(plain + sha256(plain)[:2], "big")
    text = "".join(CROCKFORD[bits >> 5 * i & 31] for i in range(47, -1, -1))
    return "-".join(text[i:i + 4] for i in range(0, 48, 4))


def honest(messages=3):
    """A start, two receivers, a window with a rung, a refusal, a clock reset; three commits."""
    log = Log()
    log.add(32, {18: {6: "referral-broker 0.1.0"}})
    log.commit()
    for number in range(1, messages + 1):
        log.add_message(number, "education" if number % 2 else "civil-affairs")
    referral = sha256(b"referral", b"\x01")[:16]
    log.add(10, {8: referral, 15: {2: 1, 3: "education", 4: log.time_ms, 5: 20}})
    log.commit()
    log.add(20, {8: referral, 16: {2: 1, 3: "due-1", 4: log.time_ms, 6: "education"}})
    log.add(2, {4: "education", 5: sha256(b"bad")[:16], 6: sha256(b"bad digest"), 12: 45})
    log.time_ms -= 100_000
    log.add(30, {17: {1: 3, 2: log.time_ms}})
    log.commit()
    return log


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: make_export.py EXPORT KEY-FILE")
    log = honest()
    log.witness("education")
    with open(sys.argv[1], "wb") as out:
        out.write(log.encode())
    with open(sys.argv[2], "wb") as out:
        out.write(log.key_line())


if __name__ == "__main__":
    main()
