#!/usr/bin/python3
"""Peers that mean harm, on every listener of a real broker at once with an honest client.

Garbage, truncated, oversize, deep and amplifying input, forged requests, refusals without end,
connections without end, held requests, answers that nobody reads, resets within a handshake, and
the same on the status socket. All the while an honest agency is answered within a second (p99), the
broker's memory stays within bounds, and its log grows by what the domain says only. In the end it
stops with 0, the verifier passes, and the log is counted record by record. Prints its seed and its
counts, and asserts that each attack did happen. Longer with REFERRAL_LONG=1."""

import multiprocessing
import os
import random
import socket
import ssl
import struct
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import support  # noqa: E402
from support import need, run_client  # noqa: E402
from run_client import client  # noqa: E402
from referral_client import Refused, m, r  # noqa: E402

KINDS = ("tcp", "tls", "ipc")
FOLD = 8 if support.LONG else 1
REQUEST_MAX = 1114112   # docs/protocol.md section 14
CONNECTIONS_MAX = 64
REFUSALS_MINUTE = 600
LINE_MAX = 1 << 16
HONEST_LEAST = 200 if client.SUITE.name == "intl" else 80  # this client's SM2 is slow
# Held requests of all connections, those that wait for a context and those in one, and the rest.
RSS_GROWTH_MAX = 192 * 1024
PEAK_GROWTH_MAX = 384 * 1024
HELLO = b"\0SP\0\0\x30\0\0"
run_client.AGENCIES = ("procuratorate", "education", "justice", "health")
support.City.options = "connections-max: %d\n" % CONNECTIONS_MAX


# --- the honest agency, a process of its own so that the attackers' Python does not delay it ---


def honest_run(city, stop, answer):
    waits, number, error = [], 0, None
    try:
        agency = city.speaker("procuratorate", "tls")
        agency.hello()
        answer.send("ready")
        while not stop.is_set():
            number += 1
            payload = run_client.referral(agency, number)
            begun = time.monotonic()
            (record, receipt), = agency.submit([payload])
            waits.append(time.monotonic() - begun)
            need(record is not None and record.refusal == 0, "refused: %s" % receipt)
            stop.wait(0.02)
    except Exception as failure:  # whatever it is, the parent must hear of it
        error = "%s: %s after %d answers" % (type(failure).__name__, failure, len(waits))
    answer.send((waits, error))


class Honest:
    def __init__(self, city):
        context = multiprocessing.get_context("fork")
        self.stop = context.Event()
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=honest_run, args=(city, self.stop, theirs),
                                       daemon=True)
        self.process.start()
        need(self.pipe.poll(30) and self.pipe.recv() == "ready", "the honest agency did not start")

    def end(self):
        self.stop.set()
        need(self.pipe.poll(60), "the honest agency got no answer within a minute")
        waits, error = self.pipe.recv()
        self.process.join(30)
        need(error is None, "the honest agency: %s" % error)
        return sorted(waits)


class Sampler(threading.Thread):
    """The most that the broker's memory was."""

    def __init__(self, city):
        super().__init__(daemon=True)
        self.city = city
        self.done = threading.Event()
        self.rss, self.peak = city.memory()
        self.base = (self.rss, self.peak)
        self.start()

    def run(self):
        while not self.done.wait(0.02):
            rss, peak = self.city.memory()
            self.rss, self.peak = max(self.rss, rss), max(self.peak, peak)

    def grown(self):
        self.done.set()
        self.join()
        return self.rss - self.base[0], self.peak - self.base[1]


# --- small parts ---


def reset(raw):
    """Ends a connection with FIN and then RST."""
    try:
        raw.shutdown(socket.SHUT_WR)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    except OSError:
        pass
    raw.close()


def closed(raw, wait=10.0):
    """Does the other side end it? What it sends before does not matter."""
    raw.settimeout(wait)
    try:
        while raw.recv(65536):
            pass
        return True
    except TimeoutError:
        return False
    except OSError:
        return True


def send_some(raw, data):
    """Sends as much as the other side takes within a moment; how much that was."""
    raw.settimeout(0.2)
    view, sent = memoryview(data), 0
    try:
        while sent < len(view):
            sent += raw.send(view[sent:sent + 65536])
    except OSError:
        pass
    return sent


def frame(link, body, identifier=b"\x80\0\0\1"):
    lead = b"\1" if link.ipc else b""
    return lead + struct.pack(">Q", len(identifier) + len(body)) + identifier + body


def varint(number):
    data = bytearray()
    while number > 0x7F:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(data) + bytes([number])


def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data


def nested(number, depth):
    data = b""
    while depth > 0:
        data = field(number, data)
        depth -= 1
    return data


class Attack:
    def __init__(self, city, seed):
        self.city = city
        self.random = random.Random(seed)
        self.strangers = 0  # requests that were answered unsigned
        self.counts = {}

    def count(self, name, number=1):
        self.counts[name] = self.counts.get(name, 0) + number

    def serves(self, kind):
        """A new honest connection is answered soon, whatever came before."""
        deadline = time.monotonic() + 10
        while True:
            try:
                agency = self.city.speaker("health", kind, 5)
                agency.ping()
                agency.link.close()
                return
            except (OSError, ConnectionError, Refused):
                need(time.monotonic() < deadline, "%s serves nobody any more" % kind)
                time.sleep(0.05)

    # --- before the negotiation ---

    def garbage(self):
        rows = (b"", b"GET / HTTP/1.1\r\n\r\n", HELLO[:4], b"\0SP\0\0\x50\0\0", b"\0SP\1\0\x30\0\0",
                b"\x16\3\1\xff\xff\1\0\0\1\0\0\0", b"\x15\3\3\0\2\1\0", b"\x16\3\1\0\5\1\0\0\1")
        for kind in KINDS:
            for index in range(40 * FOLD):
                row = rows[index % len(rows)] if index % 2 else self.random.randbytes(
                    self.random.randint(1, 4096))
                with self.city.raw(kind) as raw:
                    send_some(raw, row)
                    if self.random.random() < 0.5:
                        reset(raw)
                self.count("garbage")
            self.serves(kind)

    def resets(self):
        """FIN and RST within the negotiation, which nng 1.5 alone does not survive."""
        hello = client_hello()
        for kind, number in (("tcp", 300), ("ipc", 300), ("tls", 400)):
            for _ in range(number * FOLD):
                raw = self.city.raw(kind)
                if kind == "tls":
                    raw.sendall(hello)
                reset(raw)
                self.count("resets " + kind)
            self.serves(kind)

    # --- frames ---

    def frames(self):
        lengths = (REQUEST_MAX + 1, 1 << 31, 1 << 32, (1 << 63) - 1, (1 << 64) - 1, 0, 1, 3)
        for kind in KINDS:
            for index in range(24 * FOLD):
                length = lengths[index % len(lengths)]
                link = self.city.link(kind)
                lead = b"\1" if link.ipc else b""
                link.socket.sendall(lead + struct.pack(">Q", length) + b"\0" * min(length, 64))
                need(closed(link.socket), "%s: a frame of %d bytes is borne" % (kind, length))
                link.close()
                self.count("frames refused")
            # nng 1.5 keeps what was cut off on TLS until it has been idle for long.
            for index in range(24 * FOLD if kind != "tls" else 8):
                link = self.city.link(kind)
                body = self.random.randbytes(self.random.randint(1, 5000))
                send_some(link.socket, frame(link, body)[:self.random.randint(1, len(body))])
                if index % 2:
                    reset(link.socket)
                link.close()
                self.count("frames cut off")
            self.serves(kind)

    # --- requests that nobody can have signed ---

    def ask_unsigned(self, link, body, code=None):
        """The answer is a refusal without a proof, and says next to nothing."""
        data = link.call(body)
        reply = r.Reply.FromString(data)
        head = r.ReplyHead.FromString(reply.head)
        need(not reply.HasField("proof") and len(data) < 512, "a stranger got a signed answer")
        need(1 <= head.code <= 7 and code in (None, head.code),
             "a stranger was refused with %d, not %s" % (head.code, code))
        need(not head.checkpoint and not head.HasField("submit"), "a stranger learns something")
        self.strangers += 1
        self.count("strangers' requests")

    def bodies(self):
        agency = self.city.speaker("justice", "ipc")
        ping = self.request(agency, "ping", r.Ping())
        agency.link.close()
        full = REQUEST_MAX - 4
        big = (field(1, nested(1, 15000)), nested(2, 15000), nested(10, 200),
               (b"\x12\0" * (full // 2)), (b"\x0a\0" * (full // 2)), (b"\x7a\0" * (full // 2)),
               field(1, field(13, b"\x12\0" * 500000)), field(1, b"\x58\1" * 500000),
               (b"\xff" * full), bytes(full), field(2, b"\x1a\0" * 500000),
               field(1, field(13, field(2, b"\x08\1" * 200000) * 2)), self.random.randbytes(full),
               b"\x0b" * 100000, b"\x08" + b"\x80" * 100000)
        for kind in KINDS:
            link = self.city.link(kind)
            for body in big * FOLD:
                self.ask_unsigned(link, body, 1)
            for _ in range(100 * FOLD):
                self.ask_unsigned(link, self.random.randbytes(self.random.randint(0, 300)))
                self.ask_unsigned(link, ping[:self.random.randrange(len(ping))])
                flipped = bytearray(ping)
                flipped[self.random.randrange(len(ping))] ^= 1 << self.random.randrange(8)
                self.ask_unsigned(link, bytes(flipped))
            link.close()
            self.serves(kind)

    def request(self, speaker, kind, value, **changes):
        """A request's bytes, not sent; `changes` to its head."""
        head = r.RequestHead(version=1, agency=speaker.agency, broker=speaker.keys.origin,
                             time_ms=speaker.now_ms())
        if kind not in ("hello", "ping"):
            speaker.counter += 1
            head.session, head.counter = speaker.session, speaker.counter - 1
        for name, change in changes.items():
            setattr(head, name, change)
        getattr(head, kind).CopyFrom(value)
        head = head.SerializeToString(deterministic=True)
        return client.build_request(speaker.sign_seed, head, ())

    def forged(self):
        """One of each code for those whom the broker cannot attribute."""
        for kind in KINDS:
            agency = self.city.speaker("justice", kind)
            for _ in range(20 * FOLD):
                for code, changes in ((2, {"version": 2}), (4, {"agency": "court"}),
                                      (5, {"agency": "education"})):
                    self.ask_unsigned(agency.link, self.request(agency, "ping", r.Ping(),
                                                                **changes), code)
                sent = r.Request.FromString(self.request(agency, "ping", r.Ping()))
                sent.suite = 3 - client.SUITE.number
                self.ask_unsigned(agency.link, sent.SerializeToString(), 3)
                sent.suite = client.SUITE.number
                sent.signature = self.random.randbytes(64)
                self.ask_unsigned(agency.link, sent.SerializeToString(), 6)
            agency.link.close()

    # --- a verified signer that goes wrong ---

    def refusals(self):
        """Its refusals are leaves, but only so many a minute; then it must wait."""
        agency = self.city.speaker("justice")
        agency.hello()
        recorded = later = 0
        for _ in range(6):
            payloads = [m.Payload(header=self.random.randbytes(40)).SerializeToString()
                        for _ in range(256)]
            head = agency.ask("submit", r.Submit(count=256), payloads)
            for shared in head.submit.receipts:
                need(shared.code in (0, 22), "refused with %d" % shared.code)
                recorded += shared.code == 0
                later += shared.code == 22
                need(shared.code == 0 or shared.retry_after_ms > 0, "busy without a time")
        agency.link.close()
        need(recorded <= 2 * REFUSALS_MINUTE and later > 0,
             "%d refusals were recorded, %d were not" % (recorded, later))
        self.count("refusals recorded", recorded)
        self.count("refusals not recorded", later)

    # --- too many, too slow ---

    def connections(self):
        """The excess is closed, the honest connection stays."""
        before = self.city.command()["link"]
        held, refused = [], 0
        for index in range(2 * CONNECTIONS_MAX + 32):
            try:
                held.append(self.city.link(KINDS[index % 3], 10))
            except (OSError, ConnectionError, ValueError):
                refused += 1
        now = self.city.command()["link"]
        need(now["connections"] <= CONNECTIONS_MAX, "%(connections)d connections" % now)
        for link in held:
            link.socket.settimeout(0.02)
            try:
                refused += link.socket.recv(1) == b""
            except TimeoutError:
                pass
            except OSError:
                refused += 1
        need(refused >= CONNECTIONS_MAX + 32 - now["connections"], "only %d refused" % refused)
        need(now["connections_refused"] - before["connections_refused"] >= CONNECTIONS_MAX,
             "the cap was not met")
        for link in held:
            link.close()
        self.count("connections refused", refused)
        for kind in KINDS:
            self.serves(kind)

    def held_requests(self):
        """Requests of the largest size that never end."""
        held = []
        for index in range(48):
            link = self.city.link(KINDS[index % 3])
            data = frame(link, bytes(REQUEST_MAX - 4))
            if send_some(link.socket, data[:-1]) == len(data) - 1:
                self.count("requests held")
            held.append(link)
        self.serves("tcp")
        for link in held:
            link.close()

    def deaf(self):
        """Peers that ask and never read: they must not take the contexts from the others."""
        small = struct.pack(">Q", 5) + b"\x80\0\0\1\xff"
        links = []
        for index in range(12):
            raw = self.city.raw(("tcp", "ipc")[index % 2])
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            raw.sendall(HELLO)
            row = small if index % 2 == 0 else b"\1" + small
            sent = send_some(raw, row * 20000)
            self.count("questions by the deaf", sent // len(row))
            links.append(raw)
        agency = self.city.speaker("justice", "ipc")
        agency.hello()
        rows = [frame(agency.link, self.request(agency, "registry", r.RegistryQuery()))
                for _ in range(600)]
        sent = send_some(agency.link.socket, b"".join(rows))
        self.count("registries for the deaf", sent // len(rows[0]))
        links.append(agency.link)
        time.sleep(2.0 if not support.LONG else 10.0)  # the honest agency is asked meanwhile
        for kind in KINDS:
            self.serves(kind)
        for link in links:
            link.close()

    # --- the status socket ---

    def status(self):
        """An administrator's own tools may go wrong, too; another one is answered all the while."""
        watcher = self.city.status_socket()
        rows = ((b"\xff\xfe{}", False), (b"{}", False), (b"[" * 60000, False),
                (b'{"cmd":"status","a":' + b"[" * 5000 + b"]" * 5000 + b"}", None),
                (b'{"cmd":"nothing"}', False), (b'{"cmd":"case","id":"' + b"x" * 50000 + b'"}',
                                               False),
                (b'{"cmd":"lab-clock","both_ms":99999999999999999999}', False),
                (b'{"cmd":"why","referral":"\xff"}', False), (b'"' + b"a" * (LINE_MAX - 2) + b'"',
                                                            False))
        for line, verdict in rows * FOLD:
            with self.city.status_socket() as raw:
                raw.sendall(line + b"\n")
                answer = client.json.loads(support.read_line(raw))
                need(verdict in (None, answer["ok"]), "%r: %s" % (line[:60], answer))
                need(answer["ok"] or (answer["code"] and answer["message"]), "no reason")
            self.count("wrong commands")
        with self.city.status_socket() as raw:
            send_some(raw, b"x" * (2 * LINE_MAX))
            need(closed(raw), "a line without end is borne")
        self.hold_status(watcher)
        watcher.close()

    def hold_status(self, watcher):
        """Lines that do not end, and answers that nobody reads, of more than one user may have."""
        held = []
        for index in range(80):
            raw = self.city.status_socket()
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            data = b'"' + b"x" * 60000 if index % 4 else b'{"cmd":"agencies"}\n' * 3000
            self.count("status held", send_some(raw, data) > 0)
            held.append(raw)
            begun = time.monotonic()
            watcher.sendall(b'{"cmd":"clock-show"}\n')
            need(client.json.loads(support.read_line(watcher))["ok"], "the watcher")
            need(time.monotonic() - begun < 1.0, "the watcher waits")
        for raw in held:
            raw.close()

    def play(self):
        steps = (self.garbage, self.frames, self.bodies, self.forged, self.refusals,
                 self.connections, self.held_requests, self.deaf, self.resets, self.status)
        for step in steps:
            begun = time.monotonic()
            rss, _ = self.city.memory()
            step()
            print("%-14s %5.2f s, RssAnon %+d KiB" % (step.__name__, time.monotonic() - begun,
                                                      self.city.memory()[0] - rss), flush=True)



def client_hello():
    """The first flight of a TLS client."""
    context = ssl.create_default_context()
    out = ssl.MemoryBIO()
    half = context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost")
    try:
        half.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def judge_log(attack, log, answered):
    """The log says what happened, each thing once, and no more."""
    kinds = {}
    for record in log:
        kinds[record.kind] = kinds.get(record.kind, 0) + 1
    need(kinds.get(support.LEAF_MESSAGE, 0) == answered, "messages in the log: %s" % kinds)
    need(kinds.get(support.LEAF_REFUSED, 0) == attack.counts["refusals recorded"],
         "refusals in the log: %s" % kinds)
    minutes = {}
    for record in log:
        if record.kind == support.LEAF_REFUSED:
            minute = record.at_ms // 60000
            minutes[minute] = minutes.get(minute, 0) + 1
    need(max(minutes.values()) <= REFUSALS_MINUTE, "too many in a minute: %s" % minutes)
    summaries = [record for record in log if record.kind == support.LEAF_STRANGERS]
    span = (log[-1].at_ms - log[0].at_ms) // 60000 + 2
    need(1 <= len(summaries) <= span, "%d summaries" % len(summaries))
    told = sum(record.count for record in summaries)
    need(told >= attack.strangers, "%d strangers told of, %d asked" % (told, attack.strangers))
    need(len(log) == answered + attack.counts["refusals recorded"] + len(summaries)
         + sum(number for kind, number in kinds.items() if kind >= 30), "more leaves: %s" % kinds)
    return told


def main():
    seed = int(os.environ.get("REFERRAL_SEED", time.time_ns() % 1000000))
    print("seed %d" % seed, flush=True)
    support.City.stderr = tempfile.TemporaryFile()
    city = support.City()
    try:
        play(city, seed)
    finally:
        city.kill()
        city.folder.cleanup()


def play(city, seed):
    attack = Attack(city, seed)
    honest = Honest(city)
    attack.serves("tcp")
    sampler = Sampler(city)
    attack.play()
    waits = honest.end()
    rss, peak = sampler.grown()
    size = city.command()["log"]["size"]
    status = city.stop()
    need(status == 0, "the broker ended with %d" % status)
    _, log = city.verify()
    need(size <= len(log) <= size + 4, "the log grew from %d to %d" % (size, len(log)))
    city.stderr.seek(0)
    lines = city.stderr.readlines()  # of an event 20 a minute, and how many were left out
    need(len(lines) < 60, "%d lines were logged, such as %r" % (len(lines), lines[-1]))
    told = judge_log(attack, log, len(waits))
    p99 = waits[len(waits) * 99 // 100]
    print("honest: %d answers, p50 %.0f ms, p99 %.0f ms, worst %.0f ms; RssAnon +%d KiB, VmPeak "
          "+%d KiB; %d strangers told of; %s" % (
              len(waits), waits[len(waits) // 2] * 1000, p99 * 1000, waits[-1] * 1000, rss, peak,
              told, attack.counts))
    need(len(waits) >= HONEST_LEAST, "the honest agency was hardly there")
    need(p99 < 1.0, "p99 %.3f s" % p99)
    need(rss < RSS_GROWTH_MAX, "RssAnon grew by %d KiB" % rss)
    need(peak < PEAK_GROWTH_MAX, "VmPeak grew by %d KiB" % peak)
    least = {"garbage": 120, "resets tcp": 300, "resets ipc": 300, "resets tls": 400,
             "frames refused": 72, "frames cut off": 56, "strangers' requests": 1200,
             "refusals not recorded": 1, "connections refused": CONNECTIONS_MAX,
             "requests held": 40, "questions by the deaf": 5000, "registries for the deaf": 50,
             "wrong commands": 9, "status held": 15}
    for name, number in least.items():
        need(attack.counts.get(name, 0) >= number, "too few: %s" % name)


if __name__ == "__main__":
    main()
