"""A Debian root with its own systemd, booted by systemd-nspawn: made once with debootstrap, copied
for each run, without a network but its own loopback. Needs root. Where this host's first process is
no systemd (a container, a build machine), nspawn gets a cgroup of its own below the unified
hierarchy, registers nowhere, and its left-overs in /run stay in a mount namespace."""

import contextlib
import os
import shutil
import signal
import subprocess
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FOLDER = os.path.join(ROOT, "build", "systemd")
CGROUPS = "/sys/fs/cgroup/unified"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
INSIDE = {"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/srv", "DEBIAN_FRONTEND": "noninteractive"}
REBOOTED = 133  # how nspawn says that it is to be started again
WAIT = 120.0


class Failed(AssertionError):
    """The machine, or what runs in it, did not do what it should."""


def run(*command, **options):
    """A command of this host; its output, or Failed."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False, **options)
    if done.returncode != 0:
        raise Failed("%s: exit status %d\n%s" % (" ".join(command), done.returncode, done.stdout))
    return done.stdout


def mirror():
    """The first apt source of this machine's own release, as tests/debian13 finds it."""
    found = run("bash", "-c", 'source <(sed -n "/^mirror()/,/^}/p" tests/debian13); mirror',
                cwd=ROOT).strip()
    if not found:
        raise Failed("no apt source of this machine's own release found in /etc/apt")
    return found


def base(release, packages):
    """The folder of a root of that release with these packages; kept for the next run."""
    folder = os.path.join(FOLDER, release, "base")
    mark = folder + ".packages"
    wanted = " ".join(sorted(packages))
    if os.path.exists(mark) and open(mark, encoding="ascii").read() == wanted:
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    run("debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv", release, folder,
        mirror())
    shutil.copy("/etc/resolv.conf", os.path.join(folder, "etc/resolv.conf"))
    command = ("apt-get", "install", "--yes", "--no-install-recommends", *packages)
    run("unshare", "--mount", "--pid", "--fork", "--mount-proc=" + os.path.join(folder, "proc"),
        "chroot", folder, "/usr/bin/env", "-i", *("%s=%s" % row for row in INSIDE.items()),
        *command)
    with open(mark, "w", encoding="ascii") as file:
        file.write(wanted)
    return folder


class Machine:
    def __init__(self, release, packages):
        self.release = release
        self.folder = os.path.join(FOLDER, release, "root")
        self.console = os.path.join(FOLDER, release, "console.log")
        source = base(release, packages)
        shutil.rmtree(self.folder, ignore_errors=True)
        run("cp", "--archive", "--reflink=auto", source, self.folder)
        open(self.console, "w", encoding="ascii").close()
        self.nspawn, self.cgroup = None, ""

    def path(self, inside):
        return os.path.join(self.folder, inside.lstrip("/"))

    def write(self, inside, text):
        os.makedirs(os.path.dirname(self.path(inside)), exist_ok=True)
        with open(self.path(inside), "w", encoding="utf-8") as file:
            file.write(text)

    # --- life ---

    def command(self):
        command = ["systemd-nspawn", "--quiet", "--boot", "--directory", self.folder, "--machine",
                   "referral-%d" % os.getpid(), "--hostname=referral", "--private-network",
                   "--resolv-conf=off", "--timezone=off", "--register=no", "--console=pipe",
                   "--kill-signal=SIGRTMIN+3"]
        if os.path.isdir("/run/systemd/system"):
            return command
        quiet = "mkdir -p /run/systemd/nspawn && " \
                "mount -t tmpfs tmpfs /run/systemd/nspawn && exec \"$@\""
        if os.path.isdir(CGROUPS):
            self.cgroup = os.path.join(CGROUPS, "referral-%d" % os.getpid())
            os.makedirs(self.cgroup, exist_ok=True)
            quiet = "echo $$ >%s/cgroup.procs && %s" % (self.cgroup, quiet)
        return ["unshare", "--mount", "sh", "-c", quiet, "sh", *command, "--keep-unit"]

    def boot(self):
        with open(self.console, "ab") as console:
            self.nspawn = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"}, start_new_session=True)
        deadline = time.monotonic() + WAIT
        while True:
            state = self.sh("systemctl is-system-running --wait", check=False).strip()
            if state in ("running", "degraded"):
                return state
            if self.nspawn.poll() is not None or time.monotonic() > deadline:
                with open(self.console, encoding="utf-8", errors="replace") as file:
                    raise Failed("no boot (%s):\n%s" % (state, file.read()[-4000:]))
            time.sleep(0.1)

    def leader(self):
        """The machine's first process, as this host numbers it; 0: none."""
        try:
            with open("/proc/%d/task/%d/children" % (self.nspawn.pid, self.nspawn.pid),
                      encoding="ascii") as file:
                children = file.read().split()
        except FileNotFoundError:
            return 0
        return int(children[0]) if children else 0

    def reboot(self):
        self.sh("systemctl reboot", check=False)
        status = self.nspawn.wait(timeout=WAIT)
        if status != REBOOTED:
            raise Failed("the reboot ended with %d" % status)
        return self.boot()

    def power_off(self):
        if self.nspawn is None or self.nspawn.poll() is not None:
            return
        self.sh("systemctl poweroff", check=False)
        try:
            self.nspawn.wait(timeout=WAIT)
        except subprocess.TimeoutExpired:
            os.killpg(self.nspawn.pid, signal.SIGKILL)
            self.nspawn.wait()
        for folder, _, _ in os.walk(self.cgroup, topdown=False):
            with contextlib.suppress(OSError):  # something in it ends a moment later
                os.rmdir(folder)

    # --- inside ---

    def sh(self, script, check=True, ok=(0,), **environment):
        """Runs a shell script in the machine; its output. Failed: an end that is not `ok`."""
        leader = self.leader()
        if leader == 0:
            if check:
                raise Failed("%s\nthere is no machine" % script)
            return ""
        settings = ["%s=%s" % row for row in {**INSIDE, **environment}.items()]
        done = subprocess.run(
            ["nsenter", "--target", str(leader), "--mount", "--uts", "--ipc", "--pid", "--net",
             "--cgroup", "/usr/bin/env", "-i", *settings, "/bin/bash", "-e", "-u", "-o", "pipefail",
             "-c", script],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            check=False)
        if check and done.returncode not in ok:
            raise Failed("%s\nexit status %d\n%s" % (script, done.returncode, done.stdout))
        return done.stdout

    def show(self, unit, name):
        return self.sh("systemctl show --value --property=%s %s" % (name, unit)).strip()
