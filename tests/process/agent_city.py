"""A small city of real programs for the process tests: referral-broker and some referral-agents
with keys of `referralctl keys init`, mutual TLS on a free loopback port, laboratory clocks, in a
temporary folder. Nothing is faked: what it knows it asks sockets, and it waits for events."""

import json
import os
import select
import signal
import socket
import subprocess
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ["REFERRAL_BIN"]
CONFIG = os.path.join(ROOT, "config")
SUITE = os.environ.get("REFERRAL_SUITE", "intl")  # of the whole city
WAIT = 30.0


class Failed(AssertionError):
    """A wait or a check that did not come true."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stop(process, number=signal.SIGTERM):
    """Ends a process and answers its exit status."""
    if process.poll() is None:
        process.send_signal(number)
    return process.wait(timeout=WAIT)


def wait_for(what, test, seconds=WAIT):
    """For what no event tells."""
    deadline = time.monotonic() + seconds
    while not test():
        if time.monotonic() > deadline:
            raise Failed("waited for " + what)
        select.select([], [], [], 0.005)


class Socket:
    """A JSON-lines unix socket; connects as soon as somebody listens."""

    def __init__(self, path, process):
        deadline = time.monotonic() + WAIT
        while True:
            self.socket = socket.socket(socket.AF_UNIX)
            try:
                self.socket.connect(path)
                break
            except OSError:
                self.socket.close()
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Failed("nobody listens on %s" % path) from None
                select.select([], [], [], 0.01)
        self.buffer = b""

    def line(self, seconds=WAIT):
        deadline = time.monotonic() + seconds
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.socket], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise Failed("no line within %g s" % seconds)
            more = self.socket.recv(1 << 20)
            if not more:
                raise ConnectionError("the socket was closed")
            self.buffer += more
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def ask(self, **request):
        self.socket.sendall(json.dumps(request, ensure_ascii=False).encode() + b"\n")
        return self.line()

    def close(self):
        self.socket.close()


class Agent:
    """One agency's daemon, its socket, and the events that it told since it was started."""

    def __init__(self, city, name, extra=""):
        self.city, self.name = city, name
        self.folder = city.path("agents", name)
        os.makedirs(self.folder, exist_ok=True)
        self.store = os.path.join(self.folder, "store")
        self.config = os.path.join(self.folder, "agent.yaml")
        self.path = os.path.join(self.folder, "s")
        keys = city.path("keys", name)
        city.write(self.config, "\n".join((
            "agency: " + name,
            "broker: tls+tcp://127.0.0.1:%d" % city.port,
            "tls-certificate: %s/tls.crt" % keys, "tls-key: %s/tls.key" % keys,
            "tls-authority: " + city.path("keys", "ca.crt"),
            "sign-key: %s/sign.key" % keys, "seal-key: %s/seal.key" % keys,
            "store-key: %s/store.key" % keys,
            "public-keys: " + city.path("keys", "public-keys.yaml"),
            "registry: " + city.registry,
            "policy: " + os.path.join(CONFIG, "policy.yaml"),
            "calendars: " + os.path.join(CONFIG, "calendars"),
            "store: store", "store-mib: 256", "socket: s", "laboratory: true",
            "witness-every: 1s", "suite: " + SUITE, extra, "")))
        self.process = self.socket = self.events = None

    def start(self, **environment):
        log = open(os.path.join(self.folder, "log"), "ab")
        with log:
            self.process = subprocess.Popen(
                [os.path.join(BIN, "referral-agent"), "--config", self.config], stderr=log,
                env={**os.environ, **environment})
        self.socket = Socket(self.path, self.process)
        self.events = Socket(self.path, self.process)
        self.events.ask(cmd="watch")
        return self

    def close_sockets(self):
        for each in (self.socket, self.events):
            if each is not None:
                each.close()
        self.socket = self.events = None

    def kill(self):
        self.close_sockets()
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.close_sockets()
        return stop(self.process)

    def log(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as file:
            return file.read()

    def ask(self, cmd, **members):
        return self.socket.ask(cmd=cmd, **members)

    def status(self):
        return self.ask("status")

    def must(self, cmd, **members):
        answer = self.ask(cmd, **members)
        if not answer["ok"]:
            raise Failed("%s of %s: %s" % (cmd, self.name, answer))
        return answer

    def wait(self, what, test, seconds=WAIT):
        """The next event for which test(event) is true."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                event = self.events.line(max(0.01, deadline - time.monotonic()))
            except Failed:
                raise Failed("%s: waited for %s" % (self.name, what)) from None
            if test(event):
                return event

    def reached(self):
        """The broker, at last; the event of it may have come before anybody listened."""
        wait_for("a connection of " + self.name, lambda: self.status()["connected"])

    def wait_row(self, list_name, what, test, seconds=WAIT):
        """A row of inbox or outbox: one that is there, or the event of one that comes."""
        deadline = time.monotonic() + seconds
        while True:
            for row in self.rows(list_name):
                if test(row):
                    return row
            try:
                self.events.line(max(0.01, deadline - time.monotonic()))
            except Failed:
                raise Failed("%s: waited for %s" % (self.name, what)) from None

    def rows(self, list_name):
        rows, after = [], 0
        while True:
            answer = self.must(list_name, after=after, count=500)
            rows += answer["rows"]
            if not answer["more"] or not answer["rows"]:
                return rows
            after = answer["rows"][-1]["seq"]


class City:
    def __init__(self, behind_ms=0, registry=None):
        """`registry`: the text of another one than the shipped."""
        self.temporary = tempfile.TemporaryDirectory(prefix="referral-agents-")
        self.port = free_port()
        self.behind_ms = behind_ms
        self.agents = {}
        self.broker = self.status = None
        self.registry = os.path.join(CONFIG, "agencies.yaml")
        if registry is not None:
            self.registry = self.path("agencies.yaml")
            self.write(self.registry, registry)
        made = subprocess.run([os.path.join(BIN, "referralctl"), "keys", "init", "--registry",
                               self.registry, "--out", self.path("keys"), "--suite", SUITE,
                               "--origin", "agents-test.example/broker"],
                              capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise Failed("keys init: %s" % made.stderr)
        os.makedirs(self.path("broker"))
        keys = self.path("keys", "broker")
        self.write(self.path("broker", "broker.yaml"), "\n".join((
            "listen: [\"tls+tcp://127.0.0.1:%d\"]" % self.port,
            "tls-certificate: %s/tls.crt" % keys, "tls-key: %s/tls.key" % keys,
            "tls-authority: " + self.path("keys", "ca.crt"),
            "sign-key: %s/sign.key" % keys, "store-key: %s/store.key" % keys,
            "public-keys: " + self.path("keys", "public-keys.yaml"),
            "registry: " + self.registry,
            "policy: " + os.path.join(CONFIG, "policy.yaml"),
            "calendars: " + os.path.join(CONFIG, "calendars"),
            "store: store", "store-mib: 256", "status-socket: s", "laboratory: true",
            "suite: " + SUITE, "")))

    def path(self, *parts):
        return os.path.join(self.temporary.name, *parts)

    @staticmethod
    def write(path, text):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def start_broker(self, **environment):
        with open(self.path("broker", "log"), "ab") as log:
            self.broker = subprocess.Popen(
                [os.path.join(BIN, "referral-broker"), "--config",
                 self.path("broker", "broker.yaml")], stderr=log,
                env={**os.environ, **environment})
        self.status = Socket(self.path("broker", "s"), self.broker)
        self.status.ask(cmd="status")  # answered once it also listens for agents

    def kill_broker(self):
        self.status.close()
        self.broker.kill()
        self.broker.wait()

    def stop_broker(self):
        self.status.close()
        return stop(self.broker)

    def agent(self, name, extra="", **environment):
        agent = Agent(self, name, extra).start(**environment)
        self.agents[name] = agent
        return agent

    def close(self):
        statuses = {}
        for name, agent in self.agents.items():
            if agent.process.poll() is None:
                statuses[name] = agent.stop()
        if self.broker is not None and self.broker.poll() is None:
            statuses["broker"] = self.stop_broker()
        self.temporary.cleanup()
        return statuses


def person(name="小甲"):
    return {"name": name, "relation": "self", "minor": True, "guardian": "祖父乙",
            "may_be_told": "yes"}


MATERIALS = [{"kind": kind, "missing": "not-issued-yet"} for kind in
             ("transfer-letter", "application-approval", "identity-household", "hardship-proof",
              "investigation-record")]


def outbound(*recipients, **facts):
    return {"kind": "outbound-referral", "recipients": list(recipients),
            "facts": {"ground": "art-18-3", "priority_groups": ["minor"], "needs": ["student-aid"],
                      "materials": MATERIALS, "minor_marks": ["minor"], **facts},
            "body": {"officer": "检察官甲", "persons": [person()], "circumstances": "抚养人死亡。",
                     "reasons": "就学急需帮助。"}}


def inbound():
    return {"kind": "inbound-referral", "recipients": ["procuratorate"],
            "facts": {"ground": "art-4-1", "relation": "self"},
            "body": {"officer": "联络员丙", "persons": [{"name": "丁某"}],
                     "circumstances": "受伤。", "reasons": "可能符合条件。"}}
