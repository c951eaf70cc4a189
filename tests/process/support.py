"""What the process tests share: a city with every kind of listener, its status socket, its memory,
and the exported log as records. Beside the client of tests/client; nothing here judges."""

import json
import os
import re
import secrets
import socket
import struct
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "client"))

import run_client  # noqa: E402
from run_client import client  # noqa: E402

LONG = os.environ.get("REFERRAL_LONG") == "1"
BIN = os.environ.get("REFERRAL_BIN", "build/release/bin")
LEAF_MESSAGE, LEAF_REFUSED, LEAF_STRANGERS, LEAF_START, LEAF_STOP = 1, 2, 3, 32, 33


class Failed(Exception):
    """The broker did not do what it should, or the test not what it is for."""


def need(truth, what):
    if not truth:
        raise Failed(what)


def prefixes():
    """agency id -> prefix of its case numbers, from the registry that the city uses."""
    with open(os.path.join(client.ROOT, "config", "agencies.yaml"), encoding="utf-8") as file:
        return dict(re.findall(r"id: ([a-z-]+)\n(?:.*\n)*?\s+prefix: ([A-Z]+)", file.read()))


def lead(agency, number):
    """The payload of a new lead by this agency to the procuratorate."""
    case = "%s-%d-%04d" % (prefixes()[agency.agency], run_client.year_of(agency), number)
    header = client.m.Header(kind=2, recipient="procuratorate", case_id=secrets.token_bytes(16),
                             case_number=case, referral_id=client.uuid7(agency.now_ms()),
                             referral_number=case + "-01")
    body = client.m.Body(officer="officer 7", circumstances="c", reasons="r")
    body.persons.add(name="n")
    facts = client.m.ReferralFacts(ground=401, person_count=1, relation=1)
    return agency.make_payload(header, client.m.Facts(body_fields=1 | 2 | 4 | 256, referral=facts),
                               body)


class City(run_client.City):
    """run_client's city with an ipc listener besides, and options of a test's own."""

    options = ""

    def make_configuration(self):
        super().make_configuration()
        with open(self.path("broker.yaml"), encoding="utf-8") as file:
            text = file.read()
        text = text.replace("listen:\n", "listen:\n  - ipc://%s\n" % self.path("broker.ipc"), 1)
        self.write("broker.yaml", text + self.options)

    def url(self, kind):
        return {"ipc": "ipc://" + self.path("broker.ipc"),
                "tcp": "tcp://127.0.0.1:%d" % self.ports[0],
                "tls": "tls+tcp://127.0.0.1:%d" % self.ports[1]}[kind]

    def tls(self, agency):
        """The files of its own certificate: the broker takes no other from it."""
        if not os.path.exists(self.path(agency + ".pem")):
            self.make_certificate(agency)
        return {"ca": self.path("ca.pem"), "cert": self.path(agency + ".pem"),
                "key": self.path(agency + ".key")}

    def link(self, kind, timeout=20.0, agency="education"):
        return client.Link(self.url(kind), self.tls(agency), timeout)

    def raw(self, kind, timeout=20.0):
        """A connected socket, before anything is said."""
        if kind == "ipc":
            raw = socket.socket(socket.AF_UNIX)
            raw.connect(self.path("broker.ipc"))  # blocking: it waits for a place in the backlog
            raw.settimeout(timeout)
            return raw
        return socket.create_connection(("127.0.0.1", self.ports[kind == "tls"]), timeout)

    def speaker(self, name, kind="tcp", timeout=30.0):
        """An agency on a connection of its own."""
        agency = client.Agency(self.link(kind, timeout, name), name, client.Keys(self.keys_text),
                               self.seeds[name], self.seal[name])
        agency.streams = self.streams[name]
        return agency

    # --- the status socket ---

    def status_socket(self):
        raw = socket.socket(socket.AF_UNIX)
        raw.settimeout(20)
        raw.connect(self.path("status.sock"))
        return raw

    def command(self, cmd="status", **members):
        with self.status_socket() as raw:
            raw.sendall(json.dumps({"cmd": cmd, **members}).encode() + b"\n")
            return json.loads(read_line(raw))

    # --- the process ---

    def memory(self):
        """(RssAnon, VmPeak) of the broker in KiB; zeros when it is gone."""
        try:
            with open("/proc/%d/status" % self.process.pid, encoding="ascii") as file:
                found = dict(re.findall(r"^(\w+):\s+(\d+) kB$", file.read(), re.M))
        except FileNotFoundError:
            found = {}
        return int(found.get("RssAnon", 0)), int(found.get("VmPeak", 0))

    def stop(self):
        """SIGTERM, and the exit code."""
        self.process.terminate()
        return self.process.wait(timeout=30)

    def verify(self):
        """The verifier's report on the stopped broker's store, and all records of its log."""
        store, export = self.path("store"), self.path("log.audit")
        program = os.path.join(BIN, "referral-verify")
        written = subprocess.run([program, "--store", store, "--write-export", export],
                                 capture_output=True, text=True, check=False)
        need(written.returncode == 0, "export: %d %s" % (written.returncode, written.stderr))
        for source in (["--store", store], ["--export", export]):
            result = subprocess.run([program, *source, "--key", self.path("public-keys.yaml"),
                                     "--json"], capture_output=True, text=True, check=False)
            need(result.returncode == 0, "verifier: %d %s" % (result.returncode, result.stdout))
        with open(export, "rb") as file:
            return json.loads(result.stdout), records(file.read())


def read_line(raw):
    data = bytearray()
    while not data.endswith(b"\n"):
        piece = raw.recv(65536)
        if not piece:
            raise ConnectionError("closed before the end of a line")
        data += piece
    return bytes(data)


def records(data):
    """The LeafRecords of an export (docs/audit-export.md), in their order."""
    need(data[:8] == client.SUITE.export_magic, "not an export")
    count, = struct.unpack_from(">Q", data, 16)
    notes, origin = struct.unpack_from(">HB", data, 56)
    at = 59 + origin
    for _ in range(notes):
        at += 2 + struct.unpack_from(">H", data, at)[0]
    found = []
    for _ in range(count):
        at += 8 + 16 + 32
        length, = struct.unpack_from(">H", data, at)
        found.append(client.a.LeafRecord.FromString(data[at + 2:at + 2 + length]))
        at += 2 + length + 1
        if data[at - 1]:
            at += 2 + struct.unpack_from(">H", data, at)[0]
            at += 4 + struct.unpack_from(">I", data, at)[0] + 32
        at += 2 + struct.unpack_from(">H", data, at)[0]
    return found
