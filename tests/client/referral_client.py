#!/usr/bin/python3
"""A second implementation of docs/protocol.md, written from that page and proto/ alone: a library
and a small command line. For tests: it shows that the page is complete, and judges the broker
from outside. Not for use: keys lie in memory unprotected, and one connection carries one request
at a time. Needs protoc, python3-protobuf, and what crypto_suite.py needs.

    referral_client.py --url tcp://127.0.0.1:7300 --agency education --dir KEYS hello
    ... submit MESSAGE.json          facts, body and header in protobuf's JSON names
    ... fetch [--wait-ms N] [--ack]  prints what waits, checks all of it, acknowledges
    ... receipt FILE                 checks a receipt that submit kept
"""

import argparse
import base64
import importlib
import json
import os
import re
import secrets
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
from urllib.parse import urlparse

from crypto_suite import SUITE
from google.protobuf import json_format

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CLASSES = (1024, 4096, 16384, 65536, 212992)
FACTS = {1: "referral", 2: "referral", 3: "sign_for", 4: "feedback", 5: "feedback", 6: "informed",
         7: "papers", 8: "withdrawal", 9: "delivery", 10: "rejection", 11: "information",
         12: "information_reply", 13: "assistance", 14: "escalation_reply", 15: "archive",
         16: "reopen", 17: "follow_up_plan", 18: "follow_up_report", 19: "consultation",
         20: "conference", 21: "promise_report", 22: "meeting", 23: "attendance", 24: "hearing",
         25: "attendance", 26: "hearing_opinion", 27: "roster_change", 28: "roster",
         29: "fund_plan", 30: "fund_payment", 31: "letter", 32: "letter_answer", 33: "correction"}
ZERO = bytes(32)
LOG_OTHER = 13  # request.log-other


class Refused(Exception):
    """The broker understood and said no."""

    def __init__(self, code, detail, signed):
        super().__init__("refused with %d (%s)%s" % (code, detail, "" if signed else ", unsigned"))
        self.code = code
        self.signed = signed
        self.recoveries = ()  # of a broker whose log goes on under another origin


class Forged(Exception):
    """Something does not verify."""


def expect(truth, what):
    if not truth:
        raise Forged(what)


# --- the schema, generated when it is needed ---


def load_schema():
    with tempfile.TemporaryDirectory() as folder:
        proto = os.path.join(ROOT, "proto")
        files = [os.path.join(proto, name + ".proto") for name in ("message", "request", "audit")]
        subprocess.run(["protoc", "--proto_path=" + proto, "--python_out=" + folder] + files,
                       check=True)
        sys.path.insert(0, folder)
        try:
            return [importlib.import_module(name + "_pb2")
                    for name in ("message", "request", "audit")]
        finally:
            sys.path.pop(0)


m, r, a = load_schema()


# --- several addressees: section 8 ---


def copies_of(numbers):
    """Facts.copies of the agencies with these numbers."""
    bits = bytearray(128)
    for number in numbers:
        bits[number // 8] |= 1 << number % 8
    return bytes(bits) if any(bits) else b""


def copy_numbers(copies):
    expect(len(copies) in (0, 128), "copies")
    return [number for number in range(8 * len(copies)) if copies[number // 8] >> number % 8 & 1]


# --- digests, trees, signatures: sections 4, 5, 10 ---


def digest_of(*parts):
    return SUITE.digest(b"".join(parts))


def key_id(public_key):
    return digest_of(public_key)[:8]


def message_digest(payload):
    return digest_of(b"referral.v1.message\0", digest_of(payload.header), digest_of(payload.facts),
                  digest_of(payload.body))


def request_digest(head):
    return digest_of(b"referral.v1.request\0", head)


def reply_digest(head):
    return digest_of(b"referral.v1.reply\0", head)


def split(width):
    middle = 1
    while middle * 2 < width:
        middle *= 2
    return middle


def tree_root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    middle = split(len(leaves))
    return digest_of(b"\1", tree_root(leaves[:middle]), tree_root(leaves[middle:]))


def tree_path(index, leaves):
    if len(leaves) == 1:
        return []
    middle = split(len(leaves))
    if index < middle:
        return tree_path(index, leaves[:middle]) + [tree_root(leaves[middle:])]
    return tree_path(index - middle, leaves[middle:]) + [tree_root(leaves[:middle])]


def path_root(leaf, index, size, path):
    """The root that a path leads to; the path is used up from its end, the root's side."""
    expect(index < size, "no such leaf")
    if size == 1:
        expect(not path, "path too long")
        return leaf
    expect(path, "path too short")
    middle = split(size)
    if index < middle:
        return digest_of(b"\1", path_root(leaf, index, middle, path[:-1]), path[-1])
    return digest_of(b"\1", path[-1], path_root(leaf, index - middle, size - middle, path[:-1]))


def consistency_proof(old, leaves, whole=True):
    if old == len(leaves):
        return [] if whole else [tree_root(leaves)]
    middle = split(len(leaves))
    if old <= middle:
        return consistency_proof(old, leaves[:middle], whole) + [tree_root(leaves[middle:])]
    return (consistency_proof(old - middle, leaves[middle:], False)
            + [tree_root(leaves[:middle])])


def consistency_roots(old, new, proof, old_root, whole=True):
    """(root of the old tree, root of the new one) as a proof tells them."""
    if old == new:
        if whole:
            expect(not proof, "proof too long")
            return old_root, old_root
        expect(len(proof) == 1, "proof of the wrong length")
        return proof[0], proof[0]
    expect(proof, "proof too short")
    middle = split(new)
    if old <= middle:
        first, second = consistency_roots(old, middle, proof[:-1], old_root, whole)
        return first, digest_of(b"\1", second, proof[-1])
    first, second = consistency_roots(old - middle, new - middle, proof[:-1], old_root, False)
    return digest_of(b"\1", proof[-1], first), digest_of(b"\1", proof[-1], second)


def check_consistency(old_size, old_root, new_size, new_root, proof):
    expect(old_size <= new_size, "the log became shorter")
    if old_size == 0:
        expect(not proof, "proof of nothing")
        return
    expect(consistency_roots(old_size, new_size, proof, old_root) == (old_root, new_root),
           "the log is not an extension of the one seen before")


def verify(public_key, text, signature):
    expect(SUITE.verifies(public_key, text, signature), "signature")


def batch_text(size, root):
    return b"referral.v1.batch\0" + bytes([SUITE.number]) + struct.pack(">Q", size) + root


def batch_leaf(digest):
    return digest_of(b"\0", digest)


def check_proof(proof, digest, public_key):
    expect((proof.suite, proof.key_id) == (SUITE.number, key_id(public_key)),
           "proof by another key")
    root = path_root(batch_leaf(digest), proof.index, proof.size, list(proof.path))
    verify(public_key, batch_text(proof.size, root), proof.signature)


def make_proof(seed, digests, index):
    leaves = [batch_leaf(digest) for digest in digests]
    signature = SUITE.sign(seed, batch_text(len(leaves), tree_root(leaves)))
    return r.BatchProof(suite=SUITE.number, key_id=key_id(SUITE.sign_public(seed)), index=index,
                        size=len(leaves), path=tree_path(index, leaves), signature=signature)


def build_request(seed, head, payloads):
    digests = [request_digest(head)]
    for payload in payloads:
        digests.append(message_digest(m.Payload.FromString(payload)))
    proof = make_proof(seed, digests, 0)
    return r.Request(head=head, payloads=payloads, suite=SUITE.number, key_id=proof.key_id,
                     signature=proof.signature).SerializeToString(deterministic=True)


# --- checkpoints, witnesses, receipts: sections 10, 11 ---


def note_key_hash(origin, public_key):
    return digest_of(origin.encode(), b"\n\1", public_key)[:4]


def make_checkpoint(seed, origin, size, root, time_ms):
    text = "%s\n%d\n%s\ntime %d\n" % (origin, size, base64.b64encode(root).decode(), time_ms)
    signature = (note_key_hash(origin, SUITE.sign_public(seed))
                 + SUITE.sign(seed, text.encode()))
    return (text + "\n\u2014 %s %s\n" % (origin, base64.b64encode(signature).decode())).encode()


NOTE = re.compile(r"(([!-*,-~]{1,127})\n(0|[1-9][0-9]{0,19})\n([A-Za-z0-9+/]{43}=)\n"
                  r"time (0|[1-9][0-9]{0,19})\n)\n\u2014 ([!-*,-~]{1,127}) ([A-Za-z0-9+/]{91}=)\n")


class Checkpoint:
    """A note that verifies."""

    def __init__(self, note, origin, broker_keys):
        found = NOTE.fullmatch(note.decode("utf-8", "replace"))
        expect(found is not None, "not a checkpoint")
        text, name, size, root, time_ms, signer, signature = found.groups()
        expect(name == origin and signer == origin, "checkpoint of another broker")
        signature = base64.b64decode(signature)
        keys = [key for key in broker_keys if note_key_hash(origin, key) == signature[:4]]
        expect(keys, "checkpoint by an unknown key")
        verify(keys[0], text.encode(), signature[4:])
        self.note = note
        self.size = int(size)
        self.root = base64.b64decode(root)
        self.time_ms = int(time_ms)


def witness_text(origin, size, root):
    return (b"referral.v1.witness\0" + digest_of(origin.encode()) + struct.pack(">Q", size) + root)


def leaf_hash(salt, record):
    return digest_of(b"\0", salt, record)


def expand(shared, nodes, checkpoint):
    expect(all(index < len(nodes) for index in shared.path), "path beyond the nodes")
    return r.Receipt(message_id=shared.message_id, leaf_index=shared.leaf_index,
                     record=shared.record, salt=shared.salt,
                     path=[nodes[index] for index in shared.path],
                     checkpoint=shared.checkpoint or checkpoint)


def check_receipt(receipt, origin, broker_keys, digest=None, sender=None):
    """The record, when the receipt proves it."""
    checkpoint = Checkpoint(receipt.checkpoint, origin, broker_keys)
    root = path_root(leaf_hash(receipt.salt, receipt.record), receipt.leaf_index, checkpoint.size,
                     list(receipt.path))
    expect(root == checkpoint.root, "the path does not lead to the checkpoint")
    record = a.LeafRecord.FromString(receipt.record)
    expect(record.message_id == receipt.message_id, "record of another message")
    expect(digest is None or record.message_digest == digest, "record of another digest")
    expect(sender is None or record.actor == sender, "record of another sender")
    return record


CONFIGURATION = 31  # kind of leaf


def check_registry(registry, size, root):
    """The registry leaf proves the version that the statement names, in a log of that size and
    root; (version, leaf), or None of one that is not signed. Whose signature it is, is asked
    elsewhere."""
    if not registry.statement:
        return None
    lines = registry.statement.split(b"signature ")[0]
    version = int(re.search(rb"(?m)^version ([0-9]+)$", lines)[1])
    expect(registry.HasField("leaf"), "a registry without its leaf")
    leaf = registry.leaf
    expect(path_root(leaf_hash(leaf.salt, leaf.record), leaf.leaf_index, size,
                     list(leaf.path)) == root, "the registry is not in the log")
    record = a.LeafRecord.FromString(leaf.record)
    expect(record.kind == CONFIGURATION and record.actor == "broker" and
           record.configuration.registry_version == version and
           record.configuration.registry_document == digest_of(lines),
           "the leaf names another registry")
    return version, leaf.leaf_index


# --- sealed bodies: section 9 ---


derive = SUITE.derive


def wrap_context(ephemeral, reader, header):
    return b"referral.v1.wrap\0" + ephemeral + reader + digest_of(header)


def seal(header, plain, readers, entropy=None):
    """`readers`: (agency, public key) each. `entropy`: content key, nonce, ephemeral secrets."""
    content_key, nonce, ephemerals = entropy or (
        secrets.token_bytes(32), secrets.token_bytes(24),
        [secrets.token_bytes(32) for _ in readers])
    number = next(i for i, size in enumerate(CLASSES, 1) if len(plain) < size)
    padded = (plain + b"\x80").ljust(CLASSES[number - 1], b"\0")
    sealed = m.SealedBody(suite=SUITE.number, padding_class=number, nonce=nonce)
    sealed.key_commitment = derive(content_key, b"referral.v1.key-commitment")
    sealed.ciphertext = SUITE.encrypt(
        padded, header, nonce, derive(content_key, b"referral.v1.body-key"))
    for (agency, public_key), secret in zip(readers, ephemerals):
        ephemeral = SUITE.seal_public(secret)
        shared = SUITE.exchange(secret, public_key)
        key = derive(shared, wrap_context(ephemeral, public_key, header))
        sealed.readers.add(
            agency=agency, key_id=key_id(public_key), ephemeral=ephemeral,
            wrapped_key=SUITE.encrypt(
                content_key, digest_of(header), bytes(24), key))
    return sealed.SerializeToString(deterministic=True)


def unseal(header_bytes, sealed_bytes, secret):
    header = m.Header.FromString(header_bytes)
    sealed = m.SealedBody.FromString(sealed_bytes)
    public_key = SUITE.seal_public(secret)
    reader = next((x for x in sealed.readers if x.key_id == key_id(public_key)), None)
    expect(reader is not None, "not sealed to this key")
    expect(1 <= sealed.padding_class <= 5, "padding class")
    shared = SUITE.exchange(secret, reader.ephemeral)
    expect(shared is not None, "no such ephemeral key")
    key = derive(shared, wrap_context(reader.ephemeral, public_key, header_bytes))
    content_key = SUITE.decrypt(reader.wrapped_key, digest_of(header_bytes), bytes(24), key)
    expect(content_key is not None, "the key does not open")
    expect(derive(content_key, b"referral.v1.key-commitment") == sealed.key_commitment,
           "key commitment")
    padded = SUITE.decrypt(sealed.ciphertext, header_bytes, sealed.nonce,
                           derive(content_key, b"referral.v1.body-key"))
    expect(padded is not None, "the body does not open")
    plain = padded.rstrip(b"\0")
    expect(plain[-1:] == b"\x80" and len(padded) == CLASSES[sealed.padding_class - 1], "padding")
    plain = plain[:-1]
    expect(next(i for i, x in enumerate(CLASSES, 1) if len(plain) < x) == sealed.padding_class,
           "padding is not the smallest")
    body = m.Body.FromString(plain)
    expect((body.sender, body.recipient, body.message_id, body.case_id)
           == (header.sender, header.recipient, header.message_id, header.case_id),
           "body of another header")
    return body


# --- attachments: section 9 ---

CHUNK, FILL, PIECE = 65536, 4096, 512 * 1024


def attachment_chunks(key, plain_bytes):
    """(key of the chunks, commitment, associated data, size with what fills up)"""
    commitment = derive(key, b"referral.v1.attachment-commitment")
    return (derive(key, b"referral.v1.attachment-key"), commitment,
            commitment + struct.pack(">Q", plain_bytes), -(-plain_bytes // FILL) * FILL)


def attachment_nonce(index, last):
    return bytes(15) + bytes([last]) + struct.pack(">Q", index)


def attachment_seal(plain, key=None):
    """(key, sealed bytes)"""
    key = key or secrets.token_bytes(32)
    chunk_key, commitment, associated, filled = attachment_chunks(key, len(plain))
    plain = plain.ljust(filled, b"\0")
    sealed = [commitment]
    for index, at in enumerate(range(0, filled, CHUNK)):
        sealed.append(SUITE.encrypt(
            plain[at:at + CHUNK], associated, attachment_nonce(index, at + CHUNK >= filled),
            chunk_key))
    return key, b"".join(sealed)


def attachment_open(sealed, key, plain_bytes):
    chunk_key, commitment, associated, filled = attachment_chunks(key, plain_bytes)
    count = -(-filled // CHUNK)
    expect(sealed[:32] == commitment and len(sealed) == 32 + filled + 16 * count, "attachment")
    plain = b""
    for index in range(count):
        at = 32 + index * (CHUNK + 16)
        chunk = SUITE.decrypt(sealed[at:at + CHUNK + 16], associated,
                              attachment_nonce(index, index + 1 == count), chunk_key)
        expect(chunk is not None, "the attachment does not open")
        plain += chunk
    expect(not any(plain[plain_bytes:]), "what fills up is not zeros")
    return plain[:plain_bytes]


# --- keys: section 3 ---


class Keys:
    """public-keys.yaml, in the form that `referralctl keys` writes."""

    def __init__(self, text):
        self.origin = re.search(r"^origin: (\S+)$", text, re.M).group(1)
        self.rows = []
        for block in re.split(r"^  - ", text, flags=re.M)[1:]:
            row = dict(re.findall(r"^\s*([a-z-]+): \"?([^\"\n]+?)\"?\s*(?:#.*)?$", block, re.M))
            row["key"] = bytes.fromhex(row["key"])
            self.rows.append(row)

    def all(self, owner, use):
        return [row["key"] for row in self.rows if row["owner"] == owner and row["use"] == use]

    def current(self, owner, use):
        today = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 8 * 3600))
        valid = [row for row in self.rows if row["owner"] == owner and row["use"] == use
                 and row.get("retired") != "true"
                 and row.get("valid-from", "0") <= today <= row.get("valid-to", "9")]
        return max(valid, key=lambda row: row.get("valid-from", "0"))["key"]

    def by_id(self, owner, wanted):
        found = [key for key in self.all(owner, "sign") if key_id(key) == wanted]
        expect(found, "unknown key of " + owner)
        return found[0]


def read_secret(path, label):
    """A secret key file: one line, its kind, the suite unless it is the first one, and base64."""
    with open(path, encoding="ascii") as file:
        words = file.read().split()
    if words[:-1] != [label, *SUITE.key_words]:
        raise ValueError("%s: expected %s of suite %s" % (path, label, SUITE.name))
    return base64.b64decode(words[-1])


def secret_text(label, secret):
    """What such a file has."""
    return " ".join((label, *SUITE.key_words, base64.b64encode(secret).decode())) + "\n"


# --- the connection: section 1 ---


class Link:
    """One connection: SP by hand over TCP, TLS or a unix socket."""

    def __init__(self, url, tls=None, timeout=45.0):
        parts = urlparse(url)
        self.ipc = parts.scheme == "ipc"
        if self.ipc:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(url[len("ipc://"):])
        else:
            self.socket = socket.create_connection((parts.hostname, parts.port), timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if parts.scheme == "tls+tcp":
            context = ssl.create_default_context(cafile=tls["ca"])
            context.load_cert_chain(tls["cert"], tls["key"])
            self.socket = context.wrap_socket(self.socket,
                                              server_hostname=tls.get("name", parts.hostname))
        self.socket.sendall(b"\0SP\0\0\x30\0\0")
        expect(self.read(8) == b"\0SP\0\0\x31\0\0", "the other side is no REP")
        self.next_id = secrets.randbits(31)

    def read(self, length):
        data = bytearray()
        while len(data) < length:
            piece = self.socket.recv(min(length - len(data), 1 << 16))
            if not piece:
                raise ConnectionError("closed by the broker")
            data += piece
        return bytes(data)

    def call(self, body):
        self.next_id = (self.next_id + 1) & 0x7FFFFFFF
        head = struct.pack(">I", self.next_id | 0x80000000)
        lead = b"\1" if self.ipc else b""
        self.socket.sendall(lead + struct.pack(">Q", len(head) + len(body)) + head + body)
        while True:
            if self.ipc:
                expect(self.read(1) == b"\1", "ipc framing")
            reply = self.read(struct.unpack(">Q", self.read(8))[0])
            if reply[:4] == head:
                return reply[4:]

    def close(self):
        self.socket.close()


# --- an agency: sections 6 to 8, 12 ---


def uuid7(now_ms):
    value = bytearray(struct.pack(">Q", now_ms)[2:] + secrets.token_bytes(10))
    value[6] = 0x70 | value[6] & 0x0F
    value[8] = 0x80 | value[8] & 0x3F
    return bytes(value)


class Agency:
    """Speaks for one agency and believes nothing that does not verify."""

    def __init__(self, link, agency, keys, sign_seed, seal_secret):
        self.link = link
        self.agency = agency
        self.keys = keys
        self.sign_seed = sign_seed
        self.seal_secret = seal_secret
        self.session = b""
        self.counter = 0
        self.size = 0
        self.root = b""
        self.origin = keys.origin  # of the log that is followed
        self.known = {}    # size -> root of each checkpoint of that log
        self.past = {}     # origin -> anchor of the logs before it
        self.streams = {}  # lane -> (number, leaf hash) of the newest message seen
        self.seen = {}     # lane -> {number: leaf hash} of all of them
        self.held = {}     # (lane, number) -> leaf hash of what is held
        self.numbers = {}  # agency id -> number of the registry; asked for when it is needed
        self.offset_ms = 0

    def now_ms(self):
        return int(time.time() * 1000) + self.offset_ms

    def check_checkpoint(self, head):
        """Extends what is known, or raises."""
        if not head.checkpoint:
            expect(self.size == 0, "the log is gone")
            return
        new = Checkpoint(head.checkpoint, self.origin, self.keys.all("broker", "sign"))
        check_consistency(self.size, self.root, new.size, new.root, list(head.consistency))
        self.size = new.size
        self.root = new.root
        self.known[new.size] = new.root

    def ask(self, kind, value, payloads=()):
        """One request: the reply's head, checked."""
        head = r.RequestHead(version=1, agency=self.agency, broker=self.origin,
                             session=self.session, counter=self.counter, time_ms=self.now_ms(),
                             known_size=self.size)
        if kind in ("hello", "ping"):
            head.session = b""
            head.counter = 0
        else:
            self.counter += 1
        getattr(head, kind).CopyFrom(value)
        head = head.SerializeToString(deterministic=True)
        sent = build_request(self.sign_seed, head, payloads)
        return self.check_reply(self.link.call(sent), request_digest(head))

    def check_reply(self, data, digest):
        reply = r.Reply.FromString(data)
        head = r.ReplyHead.FromString(reply.head)
        if not reply.HasField("proof"):
            expect(1 <= head.code <= 7, "an unsigned reply that is no refusal")
            raise Refused(head.code, head.detail, False)
        check_proof(reply.proof, reply_digest(reply.head),
                    self.keys.by_id("broker", reply.proof.key_id))
        expect(head.request_digest == digest, "the answer to another request")
        if head.code == LOG_OTHER:  # of such a reply nothing else is used
            refused = Refused(head.code, head.detail, True)
            refused.recoveries = list(head.recoveries)
            raise refused
        self.check_checkpoint(head)
        self.offset_ms = head.laboratory_offset_ms
        if head.code:
            raise Refused(head.code, head.detail, True)
        return head

    def hello(self, streams=False):
        head = self.ask("hello", r.Hello(software="referral_client.py", streams=streams))
        self.session = head.hello.session
        self.counter = head.hello.next_counter
        return head

    def ping(self, word=b""):
        return self.ask("ping", r.Ping(word=word))

    def registry(self):
        answer = self.ask("registry", r.RegistryQuery()).registry
        check_registry(answer, self.size, self.root)
        return answer

    def number_of(self, agency):
        if not self.numbers:
            text = self.registry().registry.decode()
            self.numbers = {name: int(number) for name, number in
                            re.findall(r"^  - id: (\S+)$\s+number: (\d+)$", text, re.M)}
        return self.numbers[agency]

    def names_of(self, copies):
        wanted = copy_numbers(copies)
        self.number_of(self.agency)
        return [name for name, number in self.numbers.items() if number in wanted]

    def make_payload(self, header, facts, body=None):
        """Encoded Payload: header and facts completed, the body sealed to the sender and to all
        who get it."""
        header.version = 1
        header.suite = SUITE.number
        header.sender = self.agency
        header.sender_key = key_id(SUITE.sign_public(self.sign_seed))
        header.created_ms = header.created_ms or self.now_ms()
        header.message_id = header.message_id or uuid7(self.now_ms())
        header_bytes = header.SerializeToString(deterministic=True)
        sealed = b""
        if body is not None:
            body.sender = header.sender
            body.recipient = header.recipient
            body.message_id = header.message_id
            body.case_id = header.case_id
            names = [header.recipient, header.sender]
            names += self.names_of(facts.copies) if facts.copies else []
            readers = [(name, self.keys.current(name, "seal")) for name in names]
            sealed = seal(header_bytes, body.SerializeToString(deterministic=True), readers)
        return m.Payload(header=header_bytes, facts=facts.SerializeToString(deterministic=True),
                         body=sealed).SerializeToString(deterministic=True)

    def origin_of(self, receipt):
        """Of this log, or of one before it, up to where the two part."""
        name, size = receipt.checkpoint.decode("utf-8", "replace").split("\n")[:2]
        return name if name in self.past and int(size) <= self.past[name] else self.origin

    def receipts(self, head, payloads):
        """(record, Receipt) for each payload; (None, SharedReceipt) where it must be sent again."""
        expect(len(head.submit.receipts) == len(payloads), "a receipt for each message")
        results = []
        for shared, payload in zip(head.submit.receipts, payloads):
            if shared.code:
                results.append((None, shared))
                continue
            payload = m.Payload.FromString(payload)
            header = m.Header.FromString(payload.header)
            expect(shared.message_id == header.message_id, "receipts out of order")
            receipt = expand(shared, head.submit.nodes, head.checkpoint)
            record = check_receipt(receipt, self.origin_of(receipt),
                                   self.keys.all("broker", "sign"),
                                   message_digest(payload), self.agency)
            results.append((record, receipt))
        return results

    def submit(self, payloads):
        head = self.ask("submit", r.Submit(count=len(payloads)), payloads)
        return self.receipts(head, payloads)

    def check_delivery(self, delivery, head):
        """(header, facts, payload, record) of one delivery."""
        payload = m.Payload.FromString(delivery.payload)
        header = m.Header.FromString(payload.header)
        digest = message_digest(payload)
        owner = "broker" if header.kind >= 40 else header.sender
        check_proof(delivery.proof, digest, self.keys.by_id(owner, delivery.proof.key_id))
        receipt = r.Receipt(message_id=header.message_id, leaf_index=delivery.leaf_index,
                            record=delivery.record, salt=delivery.salt,
                            path=[head.fetch.nodes[index] for index in delivery.path],
                            checkpoint=head.checkpoint)
        record = check_receipt(receipt, self.origin, self.keys.all("broker", "sign"), digest)
        facts = m.Facts.FromString(payload.facts)
        addressed = header.recipient == self.agency or (
            facts.copies and self.number_of(self.agency) in copy_numbers(facts.copies))
        expect(addressed and record.recipient == self.agency, "a message to somebody else")
        return header, facts, payload, record

    def check_stream(self, delivery, record):
        """True for a message not seen before; raises when one was left out. The reason for
        a hold is not judged: this client has no list of revoked keys."""
        number, previous = self.streams.get(record.stream.lane, (0, ZERO))
        place = (record.stream.lane, record.stream.seq)
        if delivery.hold != 1 and place in self.held:
            expect(self.held.pop(place) == leaf_hash(delivery.salt, delivery.record),
                   "another message was held there")
            return True
        if record.stream.seq <= number:
            return False
        seen = self.seen.setdefault(record.stream.lane, {})
        # Behind a recovery what was acknowledged before the copy was made is not in it.
        jumped = self.origin != self.keys.origin and record.stream.previous in seen.values()
        expect(jumped or record.stream.seq == number + 1, "a message was left out")
        expect(jumped or record.stream.previous == previous, "the stream was changed")
        leaf = leaf_hash(delivery.salt, delivery.record)
        self.streams[record.stream.lane] = (record.stream.seq, leaf)
        if delivery.hold == 1:
            self.held[place] = leaf
        seen[record.stream.seq] = leaf
        return True

    def fetch(self, wait_ms=0, max_count=0):
        head = self.ask("fetch", r.Fetch(max_count=max_count, wait_ms=wait_ms))
        if head.fetch.ping:
            self.ping(head.fetch.ping)
        found = []
        for delivery in head.fetch.deliveries:
            header, facts, payload, record = self.check_delivery(delivery, head)
            self.check_stream(delivery, record)
            body = None
            if payload.body:
                body = unseal(payload.header, payload.body, self.seal_secret)
            found.append((delivery, header, facts, body, record))
        return found

    def acknowledge(self, found, recorded=()):
        """Signed receipts for the agencies' messages, positions for the broker's, and for those
        whose receipt the log has already: they came once more behind a recovery."""
        payloads = []
        plain = []
        for delivery, header, _, _, record in found:
            if header.kind >= 40 or header.message_id in recorded or delivery.hold == 1:
                plain.append(r.Position(lane=record.stream.lane, stream_seq=record.stream.seq,
                                        held=delivery.hold == 1))
                continue
            answer = m.Header(kind=9, recipient=header.sender, case_id=header.case_id,
                              case_number=header.case_number, referral_id=header.referral_id,
                              referral_number=header.referral_number,
                              refers_to=header.message_id)
            facts = m.Facts(delivery=m.DeliveryFacts(
                lane=record.stream.lane, stream_seq=record.stream.seq,
                leaf_index=delivery.leaf_index,
                leaf_hash=leaf_hash(delivery.salt, delivery.record), received_ms=self.now_ms()))
            payloads.append(self.make_payload(answer, facts))
        head = self.ask("ack", r.Ack(count=len(payloads), plain=plain), payloads)
        return self.receipts(head, payloads)

    def put(self, digest, size, offset, data):
        """(bytes that the broker has, complete)"""
        head = self.ask("blob_put", r.BlobPut(digest=digest, size=size, offset=offset, data=data))
        return head.blob_put.have, head.blob_put.complete

    def upload(self, sealed):
        """All that is not there yet; the digest."""
        digest = digest_of(sealed)
        have, complete = self.put(digest, len(sealed), 0, b"")
        while not complete:
            have, complete = self.put(digest, len(sealed), have, sealed[have:have + PIECE])
        return digest

    def download(self, digest):
        sealed = b""
        while True:
            reply = self.ask("blob_get", r.BlobGet(digest=digest, offset=len(sealed))).blob_get
            sealed += reply.data
            expect(reply.data or len(sealed) == reply.size, "an attachment without an end")
            if len(sealed) >= reply.size:
                expect(digest_of(sealed) == digest, "another attachment")
                return sealed

    def witness(self):
        text = witness_text(self.origin, self.size, self.root)
        head = self.ask("witness", r.Witness(
            size=self.size, root=self.root, signature=SUITE.sign(self.sign_seed, text),
            key_id=key_id(SUITE.sign_public(self.sign_seed))))
        shown = Checkpoint(head.checkpoint, self.origin, self.keys.all("broker", "sign"))
        for seen in head.witness.cosignatures:
            verify(self.keys.by_id(seen.agency, seen.key_id),
                   witness_text(self.origin, seen.size, seen.root), seen.signature)
            check_consistency(seen.size, seen.root, shown.size, shown.root, list(seen.consistency))
        return {seen.agency: seen.size for seen in head.witness.cosignatures}


# --- the command line ---


def load_agency(arguments):
    with open(os.path.join(arguments.dir, "public-keys.yaml"), encoding="utf-8") as file:
        keys = Keys(file.read())
    tls = None
    if arguments.tls:
        tls = dict(zip(("ca", "cert", "key"), arguments.tls))
    agency = Agency(Link(arguments.url, tls), arguments.agency, keys,
                    read_secret(arguments.sign_key, "referral-sign-key-1"),
                    read_secret(arguments.seal_key, "referral-seal-key-1"))
    if arguments.state and os.path.exists(arguments.state):
        with open(arguments.state, encoding="ascii") as file:
            state = json.load(file)
        agency.size = state["size"]
        agency.root = bytes.fromhex(state["root"])
        agency.streams = {int(lane): (number, bytes.fromhex(previous))
                          for lane, (number, previous) in state["streams"].items()}
    return agency


def save_state(agency, path):
    if path:
        with open(path, "w", encoding="ascii") as file:
            json.dump({"size": agency.size, "root": agency.root.hex(),
                       "streams": {lane: (number, previous.hex())
                                   for lane, (number, previous) in agency.streams.items()}}, file)


def submit_file(agency, path):
    with open(path, encoding="utf-8") as file:
        form = json.load(file)
    header = json_format.ParseDict(form["header"], m.Header())
    facts = json_format.ParseDict(form["facts"], m.Facts())
    body = json_format.ParseDict(form["body"], m.Body()) if "body" in form else None
    for record, receipt in agency.submit([agency.make_payload(header, facts, body)]):
        if record is None:
            raise Refused(receipt.code, receipt.detail, True)
        print(json.dumps({"refusal": record.refusal, "detail": record.detail,
                          "leaf": receipt.leaf_index,
                          "receipt": receipt.SerializeToString(deterministic=True).hex()}))


def run(arguments):
    if arguments.command == "receipt":
        with open(os.path.join(arguments.dir, "public-keys.yaml"), encoding="utf-8") as file:
            keys = Keys(file.read())
        with open(arguments.file, encoding="ascii") as file:
            receipt = r.Receipt.FromString(bytes.fromhex(file.read().strip()))
        print(check_receipt(receipt, keys.origin, keys.all("broker", "sign")))
        return
    agency = load_agency(arguments)
    agency.hello()
    if arguments.command == "submit":
        submit_file(agency, arguments.file)
    elif arguments.command == "fetch":
        found = agency.fetch(arguments.wait_ms)
        for _, header, facts, body, record in found:
            print(json.dumps([json_format.MessageToDict(part) for part in
                              (header, facts, body or m.Body(), record)], ensure_ascii=False))
        if arguments.ack and found:
            agency.acknowledge(found)
    save_state(agency, arguments.state)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="tcp://127.0.0.1:7300")
    parser.add_argument("--agency", default="education")
    parser.add_argument("--dir", default=".", help="folder of public-keys.yaml")
    parser.add_argument("--sign-key", default="sign.key")
    parser.add_argument("--seal-key", default="seal.key")
    parser.add_argument("--tls", nargs=3, metavar=("CA", "CERT", "KEY"))
    parser.add_argument("--state", help="file that remembers checkpoint and streams")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("hello")
    commands.add_parser("submit").add_argument("file")
    commands.add_parser("receipt").add_argument("file")
    fetch = commands.add_parser("fetch")
    fetch.add_argument("--wait-ms", type=int, default=0)
    fetch.add_argument("--ack", action="store_true")
    try:
        run(parser.parse_args())
    except Refused as error:
        print(error, file=sys.stderr)
        return 4
    except OSError as error:
        print(error, file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main())
