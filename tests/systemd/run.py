#!/usr/bin/python3
"""The Debian packages as an administrator meets them: built, looked at by lintian, installed into a
fresh root that its own systemd has booted, twelve services brought up by the commands of
docs/operations.md, word for word; then what may happen to them. Prints a line for each check,
`result TAB name TAB seconds TAB log`, which tests/run counts. What needs an earlier check that
failed is counted as failed, too. Debian 12 by packages of this host's build, Debian 13 by those
that are built in its own root (tests/debian13 --packages).
Usage: tests/systemd/run.py LOGS bookworm|trixie"""

import contextlib
import json
import os
import re
import shutil
import socket
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "process"))
os.environ.setdefault("REFERRAL_BIN", os.path.join(HERE, "../../build/release/bin"))

import agent_city  # noqa: E402
from machine import FOLDER, ROOT, WAIT, Failed, Machine, run  # noqa: E402

NAMES = ["referral-agent", "referral-broker", "referralctl"]
WARNS = (0, 5)       # exit statuses of `status`: well, or with a warning
ANSWERS = (0, 3, 5)  # and nobody to be reached
WEB_PORT = 8600

# What the administrator types into the files: a small store, an inbox for each agency.
EDITOR = r"""#!/bin/sh
for file; do
    sed -i -e 's/^store-mib: .*/store-mib: 64/' \
        -e 's/^# status-\(observers\|operators\|auditors\):/status-\1:/' "$file"
    case $file in */agent-*.yaml) echo "web: 127.0.0.1:$PORT" >>"$file" ;; esac
done
"""


def need(truth, what):
    if not truth:
        raise Failed(str(what))


def until(what, test, seconds=WAIT):
    """Waits till test() is true, and answers what it answered."""
    deadline = time.monotonic() + seconds
    while True:
        found = test()
        if found:
            return found
        need(time.monotonic() < deadline, "waited for " + what)
        time.sleep(0.2)


def book(title):
    """The commands of a chapter of the book: each indented block as one script."""
    with open(os.path.join(ROOT, "docs/operations.md"), encoding="utf-8") as file:
        found = re.search(r"^## %s\n(.*?)(?=^## )" % re.escape(title), file.read(), re.M | re.S)
    need(found, "the book has no chapter %s" % title)
    return [re.sub(r"^    ", "", block, flags=re.M)
            for block in re.findall(r"(?:^    .*\n)+", found.group(1), re.M)]


class Asking:
    """Connects again and again while something is restarted, and counts who was refused."""

    def __init__(self, connect):
        self.connect, self.ended = connect, threading.Event()
        self.served, self.refused = 0, []
        self.thread = threading.Thread(target=self.work)

    def work(self):
        while not self.ended.is_set():
            try:
                self.connect()
                self.served += 1
            except (ConnectionRefusedError, FileNotFoundError) as error:
                self.refused.append(str(error))
            except (ConnectionError, TimeoutError, socket.timeout):
                pass  # it was connected, and the answer was lost with the process
            time.sleep(0.01)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()


class Test:
    def __init__(self, release, logs):
        self.release, self.logs = release, logs
        self.packages = {}  # revision -> folder
        self.machine, self.broken, self.agencies, self.sent = None, None, [], 0

    # --- packages ---

    def build(self, revision):
        if self.release == "trixie":
            run(os.path.join(ROOT, "tests/debian13"), "--packages", str(revision))
            return os.path.join(ROOT, "build", "debian13", "root", "src/build/release/packages")
        release = os.path.join(ROOT, "build/release")
        shutil.rmtree(os.path.join(release, "packages"), ignore_errors=True)
        try:
            run("cmake", "-DREFERRAL_PACKAGE_REVISION=%d" % revision, release)
            run("cmake", "--build", release, "--target", "packaged")
            run("cpack", cwd=release)
        finally:
            run("cmake", "-DREFERRAL_PACKAGE_REVISION=1", release)
        return os.path.join(release, "packages")

    def packages_are_built(self):
        for revision in (2, 1):
            source = self.build(revision)
            kept = os.path.join(FOLDER, self.release, "packages-%d" % revision)
            shutil.rmtree(kept, ignore_errors=True)
            os.makedirs(kept)
            for name in os.listdir(source):
                if name.endswith(".deb"):
                    shutil.copy(os.path.join(source, name), kept)
            found = sorted(name.split("_")[0] for name in os.listdir(kept))
            need(found == NAMES, found)
            self.packages[revision] = kept

    def lintian_is_content(self):
        files = [os.path.join(self.packages[1], name) for name in os.listdir(self.packages[1])]
        print(run("lintian", "--allow-root", "--display-info", "--pedantic",
                  "--fail-on=error,warning,info,pedantic", *sorted(files)))

    def dependencies(self):
        """What must lie in the root beforehand, since the machine has no network."""
        names = {"openssl"}
        for file in os.listdir(self.packages[1]):
            fields = run("dpkg-deb", "-f", os.path.join(self.packages[1], file), "Depends")
            names |= {row.split()[0] for row in fields.split(",") if row.split()}
        return sorted(names - set(NAMES))

    def bring(self, revision):
        folder = self.machine.path("/srv/packages")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.packages[revision], folder)

    # --- the book, from the fresh root to twelve services ---

    def fresh_root_boots(self):
        self.machine = Machine(self.release, self.dependencies())
        state = self.machine.boot()
        print(self.machine.sh("systemctl --version | head -n 1; systemctl --failed --no-legend"))
        need(state == "running", state)

    def install_starts_nothing(self):
        self.bring(1)
        self.machine.write("/usr/local/bin/editor-of-the-test", EDITOR)
        self.machine.sh("chmod 755 /usr/local/bin/editor-of-the-test")
        self.machine.write("/etc/apt/apt.conf.d/yes", 'APT::Get::Assume-Yes "true";\n')
        print(self.book_in("/srv/packages", book("Install")[0]))
        need(self.machine.show("referral-broker", "ActiveState") == "inactive", "it runs")
        need(self.machine.show("referral-broker", "NRestarts") == "0", "it was tried")
        need(self.machine.sh("systemctl --failed --no-legend").strip() == "", "something failed")
        self.agencies = re.findall(r"^  - id: (\S+)", self.read("/etc/referral/agencies.yaml"),
                                   re.M)
        need(len(self.agencies) == 11, self.agencies)

    def read(self, path):
        with open(self.machine.path(path), encoding="utf-8") as file:
            return file.read()

    def book_in(self, folder, script, ok=(0,), **environment):
        return self.machine.sh("cd %s\n%s" % (folder, script), ok=ok,
                               EDITOR="editor-of-the-test", **environment)

    def keys_by_the_ceremony(self):
        own, authority, collect = book("The key ceremony")
        once, sign = re.match(r"((?:.*\\\n)*.*\n)((?:.*\n)+)$", authority).groups()
        self.machine.sh("mkdir /srv/authority")
        self.book_in("/srv/authority", once)
        for agency in ["broker", *self.agencies]:
            self.book_in("/srv/authority", own + sign, ID=agency)
            self.machine.sh("cp /srv/authority/%s.crt /etc/referral/keys/%s/tls.crt"
                            % (agency, agency))
        self.machine.sh("cp /srv/authority/ca.crt /etc/referral/keys/ca.crt")
        self.book_in("/etc/referral/keys", collect)
        self.root = json.loads(self.machine.sh(
            "referralctl registry verify /etc/referral/registry.signed --json", ok=(5,)))["root"]
        print(self.machine.sh("ls -lR /etc/referral"))

    def twelve_services_up(self):
        print(self.book_in("/", book("Install")[1], WARNS, ROOT=self.root))
        for number, agency in enumerate(self.agencies, 1):
            print(self.book_in("/srv/packages", book("Install")[2], WARNS, ID=agency,
                               ROOT=self.root, PORT=str(WEB_PORT + number)))
        self.all_connected()
        for unit in self.units():
            need(self.machine.show(unit, "ActiveState") == "active", unit)
            print(self.machine.show(unit, "StatusText"))

    def units(self):
        return ["referral-broker"] + ["referral-agent@" + agency for agency in self.agencies]

    def ctl(self, *words):
        """A command of the broker with --json."""
        return json.loads(self.machine.sh("referralctl %s --json 2>/dev/null" % " ".join(words),
                                          ok=ANSWERS))

    def agent(self, agency, *words):
        return json.loads(self.machine.sh(
            "referralctl agent %s --socket /run/referral-agent/%s/agent.sock --json 2>/dev/null"
            % (" ".join(words), agency), ok=ANSWERS))

    def all_connected(self):
        """Every agent says that it has the broker of now, and the broker that it heard them all."""
        def connected():
            heard = [row["heard_ms"] for row in self.ctl("agency ls").get("agencies", ())]
            return len(heard) == len(self.agencies) and all(heard) and all(
                self.agent(agency, "status").get("connected") for agency in self.agencies)
        until("twelve services that know each other", connected)

    # --- what they are for ---

    def send(self, count, receiver="education"):
        """New referrals of the procuratorate; their numbers."""
        numbers = []
        for _ in range(count):
            self.sent += 1
            self.machine.write("/srv/referral.json", json.dumps(agent_city.outbound(receiver)))
            answer = self.agent("procuratorate", "send", "/srv/referral.json")
            numbers.append(answer["messages"][0]["referral"])
        return numbers

    def arrived(self, agency="education"):
        rows = self.agent(agency, "inbox")["rows"]
        return [row["referral"] for row in rows if row["kind"] == "outbound-referral"]

    def referral_travels(self):
        number, = self.send(1)
        until("the referral", lambda: number in self.arrived())
        self.agent("education", "sign-for", number)
        until("its clock", lambda: number in [row.get("referral") for row in
                                              self.ctl("due", "--within", "400")["due"]])

    # --- what may happen ---

    def sandbox_holds(self):
        """What the units promise, asked of the running processes."""
        for unit, writable in (("referral-broker", "/var/lib/referral-broker"),
                               ("referral-agent@education", "/var/lib/referral-agent/education")):
            pid = self.machine.show(unit, "MainPID")
            status = dict(re.findall(r"^(\w+):\s+(.*)$",
                                     self.machine.sh("cat /proc/%s/status" % pid), re.M))
            need(status["CapEff"].strip("0") == "" and status["Seccomp"] == "2" and
                 status["NoNewPrivs"] == "1", "%s: %s" % (unit, status))
            need(status["Uid"].split()[0] != "0", "it runs as root")
            inside = "nsenter --target %s --mount --root setpriv --reuid %s --clear-groups " \
                     "bash -c '%%s'" % (pid, status["Uid"].split()[0])
            self.machine.sh(inside % ("touch %s/probe && rm %s/probe" % (writable, writable)))
            for path in ("/etc/referral/probe", "/usr/probe", "/var/lib/probe", "/srv/probe"):
                self.machine.sh(inside % ("! touch " + path))
            self.machine.sh(inside % "! cat /etc/referral/keys/broker/sign.key")

    def status_connect(self):
        raw = socket.socket(socket.AF_UNIX)
        raw.settimeout(30)
        raw.connect(os.path.join("/proc", str(self.machine.leader()), "root",
                                 "run/referral-broker/status.sock"))
        raw.sendall(b'{"cmd":"clock-show"}\n')
        need(raw.recv(65536), "closed")
        raw.close()

    def killed_broker_comes_again(self):
        before = self.machine.show("referral-broker", "MainPID")
        with Asking(self.status_connect) as asking:
            until("the first answer", lambda: asking.served)
            self.machine.sh("systemctl kill --kill-whom=main --signal=KILL referral-broker")
            until("another process", lambda: self.machine.show("referral-broker", "MainPID")
                  not in ("0", before))
            until("it to be ready",
                  lambda: self.machine.show("referral-broker", "ActiveState") == "active")
            served = asking.served
            until("an answer of the new one", lambda: asking.served > served)
        need(self.machine.show("referral-broker", "NRestarts") == "1", "not restarted once")
        need(not asking.refused, "refused meanwhile: %s" % asking.refused)
        self.all_connected()
        number, = self.send(1)
        until("the next referral", lambda: number in self.arrived())

    def watchdog_ends_what_hangs(self):
        self.machine.write("/etc/systemd/system/referral-broker.service.d/fast.conf",
                           "[Service]\nWatchdogSec=4\n")
        self.machine.sh("systemctl daemon-reload && systemctl restart referral-broker")
        before = self.machine.show("referral-broker", "MainPID")
        self.machine.sh("kill -STOP " + before)
        until("another process", lambda: self.machine.show("referral-broker", "MainPID")
              not in ("0", before))
        need("watchdog" in self.machine.sh("journalctl -b -u referral-broker").lower(),
             "it was not the watchdog")
        self.machine.sh("rm -r /etc/systemd/system/referral-broker.service.d && "
                        "systemctl daemon-reload && systemctl restart referral-broker")
        self.all_connected()

    def web_connect(self):
        """Over the machine's own loopback: by curl's place, python of this host in its network."""
        raw = self.in_network(socket.socket, socket.AF_INET)
        raw.settimeout(30)
        raw.connect(("127.0.0.1", WEB_PORT + 1 + self.agencies.index("education")))
        raw.sendall(b"GET /login HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        need(raw.recv(100), "closed")
        raw.close()

    def in_network(self, make, *arguments):
        """A socket made by this thread in the machine's network, to which it then belongs."""
        if not hasattr(os, "setns"):  # before Python 3.12
            import ctypes
            libc = ctypes.CDLL(None, use_errno=True)
            with open("/proc/%d/ns/net" % self.machine.leader(), "rb") as file:
                need(libc.setns(file.fileno(), 0) == 0, "setns: %d" % ctypes.get_errno())
        else:
            with open("/proc/%d/ns/net" % self.machine.leader(), "rb") as file:
                os.setns(file.fileno(), 0)
        return make(*arguments)

    def inbox_outlives_a_restart(self):
        with Asking(self.web_connect) as asking:
            until("the first page", lambda: asking.served)
            for _ in range(3):
                self.machine.sh("systemctl restart referral-agent@education")
                served = asking.served
                until("a page of the new one", lambda: asking.served > served)
        need(not asking.refused, "refused meanwhile: %s" % asking.refused)
        self.machine.sh("systemctl stop referral-agent@education")
        time.sleep(1)
        need(self.machine.show("referral-agent@education", "ActiveState") == "inactive",
             "a stopped agent runs")
        self.machine.sh("systemctl start referral-agent@education")

    def reboot_keeps_everything(self):
        size, arrived = self.ctl("status")["log"]["size"], self.arrived()
        need(self.machine.reboot() == "running", "degraded")
        self.all_connected()
        need(self.ctl("status")["log"]["size"] > size, "the log is shorter")
        need(self.arrived() == arrived, "another inbox")

    def upgrade_with_a_queue(self):
        """One receiver is away: its messages wait at the broker; then the broker's sender waits."""
        self.machine.sh("systemctl stop referral-agent@health")
        queued = self.send(10, "health")
        until("ten that wait", lambda: [row["waiting"] for row in self.ctl("agency ls")["agencies"]
                                        if row["id"] == "health"][0] >= 10)
        before = {unit: self.machine.show(unit, "MainPID") for unit in self.units()}
        self.bring(2)
        self.machine.sh("systemctl stop referral-broker")
        queued += self.send(5, "health")  # these wait in the agent's store
        self.machine.sh("systemctl start referral-broker")
        self.machine.sh("cd /srv/packages && apt-get install --yes ./*.deb")
        version = self.machine.sh("dpkg-query -W -f='${Version}' referral-broker")
        need(version.endswith("-2"), version)
        for unit, pid in before.items():
            if unit != "referral-agent@health":
                need(self.machine.show(unit, "MainPID") != pid, unit + " was not restarted")
                need(self.machine.show(unit, "ActiveState") == "active", unit)
        need(self.machine.show("referral-agent@health", "ActiveState") == "inactive",
             "the upgrade started what was stopped")
        self.machine.sh("systemctl start referral-agent@health")
        until("all that waited", lambda: len(self.arrived("health")) >= len(queued))
        need(self.arrived("health") == queued, "another order, or twice")

    def roles_are_groups(self):
        """An observer may look and change nothing; who has no role is told so. Of several agents
        referralctl asks none by guess."""
        self.machine.sh("useradd --groups referral-observers watcher; useradd stranger")
        reason = "echo compared >/srv/reason && chmod 644 /srv/reason"
        self.machine.sh("runuser -u watcher -- referralctl status", ok=WARNS)
        self.machine.sh("referralctl agent status", ok=(2,))  # which of the eleven?
        self.machine.sh(reason + " && runuser -u watcher -- referralctl clock confirm "
                        "--reason-file /srv/reason", ok=(4,))
        self.machine.sh("runuser -u stranger -- referralctl status", ok=(4,))
        self.machine.sh("runuser -u watcher -- referralctl agent status "
                        "--socket /run/referral-agent/education/agent.sock", ok=(3, 4))

    def journal_is_explained(self):
        """Each event of the daemons has its text; the Chinese one needs a locale of its own."""
        text = self.machine.sh("journalctl -b -x --no-pager -u referral-broker")
        need("Subject: The daemon is ready" in text and "Nothing is to be done" in text, text[:999])
        self.machine.sh("grep --text --quiet 服务已就绪 /var/lib/systemd/catalog/database")

    def doctor_finds_what_is_wrong(self):
        """On the host of the packages: nothing but the calendar and the backup, then what is
        planted: a certificate that ends, a secret that others may read, a broker that is down."""
        def lights(words):
            answer = json.loads(self.machine.sh("referralctl %s --json 2>/dev/null" % words,
                                                ok=ANSWERS))
            return {row["name"]: row["light"] for row in answer["checks"]}

        agent = "agent doctor --config /etc/referral/agent-education.yaml"
        keys = "/etc/referral/keys/"
        for words in ("doctor", agent):
            bad = [name for name, light in lights(words).items() if light in ("warn", "bad")]
            need(set(bad) <= {"calendar", "backup", "clock"}, bad)
        self.machine.sh("cd /srv/authority && cp -a %seducation/tls.crt kept.crt && "
                        "openssl x509 -req -in education.csr -CA ca.crt -CAkey ca.key -days 1 "
                        "-copy_extensions copy -out %seducation/tls.crt && "
                        "chmod 644 %sbroker/store.key" % (keys, keys, keys))
        need(lights(agent)["certificates"] == "bad", "a certificate that ends tomorrow")
        need(lights("doctor")["rights"] == "bad", "a secret that all may read")
        self.machine.sh("cp -a /srv/authority/kept.crt %seducation/tls.crt && "
                        "chmod 600 %sbroker/store.key && systemctl stop referral-broker"
                        % (keys, keys))
        down = lights("doctor")
        need(down["reach"] == "bad" and down["configuration"] == "ok", down)
        self.machine.sh("systemctl start referral-broker")
        self.all_connected()

    def timers_do_their_work(self):
        """Verification and backup of the running broker, each in its sandbox."""
        need(self.machine.show("referral-backup.timer", "ActiveState") == "inactive",
             "backups run without a recovery key")
        need(self.machine.show("referral-verify.timer", "ActiveState") == "active",
             "no verification")
        self.machine.sh("systemctl start referral-verify.service")
        print(self.machine.sh("journalctl -b -u referral-verify.service -o cat"))
        self.machine.sh("referralctl keys recovery --out /srv/recovery && "
                        "cp /srv/recovery/recovery.pub /etc/referral/ && sed -i "
                        "'s/^# \\(backup-folder\\|recovery-key\\|backup-keep\\):/\\1:/' "
                        "/etc/referral/broker.yaml && systemctl restart referral-broker")
        print(self.machine.sh("referral-broker-once --check && "
                              "! ls -d /run/referral-broker-once.*"))
        self.machine.sh("systemctl start referral-backup.service referral-backup.timer")
        print(self.machine.sh("ls -l /var/backups/referral && "
                              "referralctl backup verify /var/backups/referral/*.backup "
                              "--key /etc/referral/keys/public-keys.yaml "
                              "--recovery-key /srv/recovery/recovery.key"))
        self.all_connected()

    def lost_broker_is_restored_by_the_book(self):
        """Its disk is gone, and its backup older than what agencies hold: the commands of the book,
        and every agency has what it had; what it had acknowledged is in the new log."""
        number, = self.send(1)
        until("what the backup lacks", lambda: number in self.arrived())
        arrived, size = self.arrived(), self.ctl("status")["log"]["size"]
        self.machine.sh("systemctl kill --signal=KILL referral-broker; "
                        "systemctl stop referral-broker; mv /var/lib/referral-broker /srv/lost; "
                        "systemd-tmpfiles --create referral-broker.conf; "
                        "cp /srv/recovery/recovery.key /etc/referral/keys/")
        restore, anew = book("The broker is lost")[:2]
        newest = self.machine.sh("ls /var/backups/referral/*.backup").split()[-1]
        restore = restore.replace("FILE", newest).replace("size N\n", "size %d\n" % size)
        for line in restore.splitlines():  # an older backup is restored with a warning
            print(self.book_in("/etc/referral/keys", line, WARNS))
        for line in anew.splitlines():  # what it would do is said first, as misuse
            allowed = (0,) if "--yes" in line else (0, 2)
            print(self.book_in("/", line, WARNS if "recovery show" in line else allowed))
        self.all_connected()
        until("the end of the gap", lambda: "the gap of the lost log is closed" in
              self.machine.sh("journalctl -b -u referral-broker -o cat"))
        need(self.arrived() == arrived, "another inbox")
        number, = self.send(1)
        until("the next referral", lambda: number in self.arrived())

    def remove_keeps_data(self):
        arrived = self.arrived()
        self.machine.sh("apt-get remove --yes referral-broker referral-agent")
        running = self.machine.sh("ls -l /proc/[0-9]*/exe | grep /usr/bin/referral", ok=(1, 0))
        need(running == "", running)
        self.machine.sh("test -d /var/lib/referral-broker/store")
        self.machine.sh("test -s /etc/referral/broker.yaml")
        self.machine.sh("cd /srv/packages && apt-get install --yes ./*.deb")
        self.machine.sh("systemctl start " + " ".join(self.units()))
        self.all_connected()
        need(self.arrived() == arrived, "another inbox")

    def purge_keeps_data_unless_told(self):
        self.machine.sh("apt-get purge --yes referral-agent")
        self.machine.sh("test -d /var/lib/referral-agent/education/store")
        self.machine.sh("touch /var/lib/referral-broker/delete-on-purge && "
                        "apt-get purge --yes referral-broker referralctl")
        self.machine.sh("test ! -e /var/lib/referral-broker && "
                        "test -s /etc/referral/keys/broker/sign.key")
        need(self.machine.sh("systemctl --failed --no-legend").strip() == "", "something failed")

    CHECKS = [packages_are_built, lintian_is_content, fresh_root_boots, install_starts_nothing,
              keys_by_the_ceremony, twelve_services_up, referral_travels, sandbox_holds,
              roles_are_groups, journal_is_explained, doctor_finds_what_is_wrong,
              killed_broker_comes_again, watchdog_ends_what_hangs, inbox_outlives_a_restart,
              reboot_keeps_everything, upgrade_with_a_queue, timers_do_their_work,
              lost_broker_is_restored_by_the_book, remove_keeps_data, purge_keeps_data_unless_told]
    ALONE = (lintian_is_content,)  # its failure breaks nothing that follows

    def check(self, function):
        name = "%s: %s" % (self.release, function.__name__.replace("_", " "))
        log = os.path.join(self.logs, re.sub(r"[ :]+", "-", name) + ".log")
        begun, result = time.monotonic(), "ok"
        with open(log, "w", encoding="utf-8") as file, contextlib.redirect_stdout(file):
            try:
                need(self.broken is None, "not reached: %s" % self.broken)
                function(self)
            except Exception as error:  # pylint: disable=broad-except
                result = "FAILED"
                print("%s: %s" % (type(error).__name__, error))
                if self.broken is None:
                    print(self.journal())
                if function not in self.ALONE:
                    self.broken = self.broken or name
        print("\t".join((result, name, "%.2f" % (time.monotonic() - begun), log)), flush=True)

    def journal(self):
        if self.machine is None or self.machine.nspawn is None:
            return ""
        return self.machine.sh("journalctl -b --no-pager -n 200", check=False)

    def play(self):
        try:
            for function in self.CHECKS:
                self.check(function)
        finally:
            if self.machine is not None:
                self.machine.power_off()


def main():
    if len(sys.argv) != 3 or sys.argv[2] not in ("bookworm", "trixie"):
        print(__doc__, file=sys.stderr)
        return 2
    os.makedirs(FOLDER, exist_ok=True)
    Test(sys.argv[2], sys.argv[1]).play()
    return 0


if __name__ == "__main__":
    sys.exit(main())
