#!/usr/bin/python3
"""The daemons under a service manager that this test plays (sd_notify(3), sd_listen_fds(3),
credentials): they say when they are ready and how they are, feed the watchdog only while they turn
and look at what is due in time, and leave their listening sockets to the next run, so that clients
who connect in between wait instead of being refused. What a real systemd does with that is
tests/systemd's matter."""

import array
import json
import os
import signal
import socket
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import agent_city  # noqa: E402
from agent_city import BIN, Failed, free_port  # noqa: E402

WATCHDOG_S = 0.5
# Puts the kept sockets at 3, 4, ... and becomes the program: LISTEN_PID must be its own.
BECOME = """
import os, sys
kept = [int(x) for x in sys.argv[1].split(",") if x]
high = [os.dup2(fd, 100 + i) for i, fd in enumerate(kept)]
for i, fd in enumerate(high):
    os.dup2(fd, 3 + i, inheritable=True)
    os.close(fd)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(kept)))
os.execv(sys.argv[2], sys.argv[2:])
"""


def need(truth, what):
    if not truth:
        raise Failed(what)


class Service:
    """One daemon, its notify socket, and the descriptors that it left here."""

    all = []

    def __init__(self, folder, program, config, credentials=None):
        self.program, self.config, self.credentials = program, config, credentials
        self.path = os.path.join(folder, program + ".notify")
        self.log_path = os.path.join(folder, program + ".log")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.path)
        self.store = {}  # name -> descriptor
        self.process, self.status = None, ""
        Service.all.append(self)

    def start(self, watchdog_s=WATCHDOG_S, **environment):
        names = sorted(self.store)
        kept = [self.store[name] for name in names]
        settings = {**os.environ, "NOTIFY_SOCKET": self.path, "LISTEN_FDNAMES": ":".join(names),
                    "WATCHDOG_USEC": str(int(watchdog_s * 1e6)), **environment}
        if self.credentials:
            settings["CREDENTIALS_DIRECTORY"] = self.credentials
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", BECOME, ",".join(map(str, kept)),
                 os.path.join(BIN, self.program), "--config", self.config],
                stderr=log, env=settings, pass_fds=kept)
        return self

    def log(self):
        with open(self.log_path, encoding="utf-8") as file:
            return file.read()

    def take(self, seconds):
        """The next message's assignments, or None when none comes in time."""
        self.notify.settimeout(max(seconds, 0.001))
        try:
            text, extra, _, _ = self.notify.recvmsg(4096, socket.CMSG_SPACE(4))
        except (TimeoutError, socket.timeout):
            return None
        message = dict(row.split("=", 1) for row in text.decode().strip().split("\n"))
        self.status = message.get("STATUS", self.status)
        if "FDSTOREREMOVE" in message and message["FDNAME"] in self.store:
            os.close(self.store.pop(message["FDNAME"]))
        for _, _, data in extra:
            need(message.get("FDSTORE") == "1", "a descriptor in %s" % message)
            self.store[message["FDNAME"]] = array.array("i", data)[0]
        return message

    def wait_for(self, name, value, seconds=20.0):
        deadline = time.monotonic() + seconds
        while True:
            message = self.take(deadline - time.monotonic())
            need(message is not None, "%s: no %s=%s; %s" % (self.program, name, value, self.log()))
            if message.get(name) == value:
                return message

    def beats(self, seconds):
        """How many WATCHDOG=1 come from now on within the time; what waited already is left out."""
        while self.take(0) is not None:
            pass
        count, deadline = 0, time.monotonic() + seconds
        while time.monotonic() < deadline:
            message = self.take(deadline - time.monotonic())
            count += message is not None and message.get("WATCHDOG") == "1"
        return count

    def end(self, number=signal.SIGTERM):
        return agent_city.stop(self.process, number)


def ask(path, seconds=10.0, **request):
    raw = socket.socket(socket.AF_UNIX)
    raw.settimeout(seconds)
    raw.connect(path)
    raw.sendall(json.dumps(request).encode() + b"\n")
    return raw


def answer(raw):
    data = b""
    while not data.endswith(b"\n"):
        more = raw.recv(1 << 16)
        need(more, "closed before the end of a line")
        data += more
    raw.close()
    return json.loads(data)


def broker_of(city):
    """The broker with its secrets as credentials."""
    config = city.path("broker", "broker.yaml")
    with open(config, encoding="utf-8") as file:
        text = file.read()
    keys = city.path("keys", "broker")
    for name in ("sign.key", "store.key", "tls.key"):
        need("%s/%s\n" % (keys, name) in text, "%s is not configured" % name)
        text = text.replace("%s/%s\n" % (keys, name), "credential:%s\n" % name)
    city.write(config, text)
    return Service(city.path(""), "referral-broker", config, credentials=keys)


def check_well(service, word):
    service.start()
    need(service.wait_for("READY", "1")["STATUS"] == "就绪", "the first line: %s" % service.status)
    need(service.beats(2 * WATCHDOG_S) >= 3, "the watchdog is fed too rarely")
    need(word in service.status, "the line of the status: %s" % service.status)


def check_stopped_by_a_signal(service):
    """A process that stands still feeds nothing, and goes on where it stood."""
    service.process.send_signal(signal.SIGSTOP)
    need(service.beats(1.5 * WATCHDOG_S) == 0, "a stopped process fed the watchdog")
    service.process.send_signal(signal.SIGCONT)
    service.wait_for("WATCHDOG", "1", 5)


def check_stuck(service, point):
    """A loop that is stuck in a turn feeds nothing."""
    service.start(REFERRAL_FAULT=point + ":3:hang")
    service.wait_for("READY", "1")
    service.beats(2 * WATCHDOG_S)  # each brings a turn: the third is behind us
    need(service.beats(1.5 * WATCHDOG_S) == 0, "%s: a stuck loop fed the watchdog" % point)
    need(service.process.poll() is None, "%s: it ended by itself" % point)
    need(service.end(signal.SIGKILL) == -signal.SIGKILL, "it ended by itself")


def check_late(service, path):
    """The loop turns and answers, but nobody looks at what is due: that, too, must be noticed."""
    service.start(REFERRAL_FAULT="broker.scan:1:omit")
    service.wait_for("READY", "1")
    service.beats(1.5 * WATCHDOG_S)
    need(service.beats(1.5 * WATCHDOG_S) == 0, "a late scan fed the watchdog")
    need(answer(ask(path, cmd="status"))["ok"], "the loop does not turn")
    need("期限检查迟" in service.status, "the line does not say so: %s" % service.status)
    need("was last looked at" in service.log(), "the log does not say so")
    need(service.end() == 0, "it does not end")


def check_restart(service, names, connect, finish):
    """What connects while nobody runs is answered by the next run."""
    service.start()
    service.wait_for("READY", "1")
    service.beats(0.2)
    need(set(names) <= set(service.store), "left to the manager: %s" % sorted(service.store))
    need(service.end() == 0, "it does not end")
    waiting = connect()
    service.start()
    service.wait_for("READY", "1")
    finish(waiting)
    finish(connect())


def check_damaged(service, store):
    """A daemon that stays only to say that its store is damaged is well: it must not be killed."""
    with open(os.path.join(store, "data.mdb"), "r+b") as file:
        data = bytearray(file.read())
        at = data.find(b"timekeeper")
        need(at > 0, "nothing to damage")
        while at > 0:  # in each page that has it: a bit of the row that the start reads
            data[at + 14] ^= 1
            at = data.find(b"timekeeper", at + 1)
        file.seek(0)
        file.write(data)
    service.start()
    need("存储损坏" in service.wait_for("READY", "1")["STATUS"], "the line: %s" % service.status)
    need(service.beats(2 * WATCHDOG_S) >= 3, "a daemon that says what is damaged is not fed")
    need(service.end() == 1, "it does not end")


def check_refusal(service, config_text, write):
    """A credential without a manager, or with a path for a name, is refused with its place."""
    bare = {k: v for k, v in os.environ.items() if k != "CREDENTIALS_DIRECTORY"}
    given = {**bare, "CREDENTIALS_DIRECTORY": service.credentials}
    command = [os.path.join(BIN, service.program), "--config", service.config, "--check"]
    upwards = config_text.replace("credential:sign.key", "credential:../broker/sign.key")
    for text, environment, status, said in (
            (config_text, bare, 78, "broker.yaml:3:10: tls-key: a credential comes from"),
            (upwards, given, 78, "a name without"),
            (config_text, {**bare, "CREDENTIALS_DIRECTORY": "/" + "x" * 600}, 78, "at most 511"),
            (config_text, given, 0, "")):
        write(service.config, text)
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        need(done.returncode == status and said in done.stderr,
             "%d %s" % (done.returncode, done.stderr))


def http_get(port):
    raw = socket.create_connection(("127.0.0.1", port), 10)
    raw.sendall(b"GET /login HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n" % port)
    return raw


def http_answered(raw):
    head = raw.recv(4096)
    raw.close()
    need(head.startswith(b"HTTP/1.1 "), "the inbox says %s" % head[:80])


def play(city):
    broker = broker_of(city)
    status = city.path("broker", "s")
    with open(broker.config, encoding="utf-8") as file:
        check_refusal(broker, file.read(), city.write)
    check_well(broker, "在线 0/11 家 · 队列 0")
    check_stopped_by_a_signal(broker)
    need(broker.end() == 0, "the broker does not end")
    check_stuck(broker, "broker.turn")
    check_late(broker, status)
    check_restart(broker, ["status"], lambda: ask(status, cmd="status"),
                  lambda raw: need(answer(raw)["ok"], "no status"))

    port = free_port()
    files = agent_city.Agent(city, "education", "web: 127.0.0.1:%d" % port)
    agent = Service(files.folder, "referral-agent", files.config)
    check_well(agent, "中枢已连接 · 待发 0")
    check_stopped_by_a_signal(agent)
    need(agent.end() == 0, "the agent does not end")
    check_stuck(agent, "agent.turn")
    check_restart(agent, ["agent", "web"], lambda: (ask(files.path, cmd="status"), http_get(port)),
                  lambda raws: (need(answer(raws[0])["ok"], "no status"), http_answered(raws[1])))
    need(agent.end() == 0 and broker.end() == 0, "they do not end")
    check_damaged(broker, city.path("broker", "store"))


def main():
    city = agent_city.City()
    try:
        play(city)
    finally:
        for service in Service.all:
            if service.process is not None and service.process.poll() is None:
                service.process.kill()
                service.process.wait()
        city.temporary.cleanup()
    print("service manager: well, stopped, stuck, late, restarted: broker and agent")


if __name__ == "__main__":
    main()
