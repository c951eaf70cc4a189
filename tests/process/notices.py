#!/usr/bin/python3
"""Notices of a real agent, taken by servers that are strict: an SMTP server that the test commands
(aiosmtpd, with STARTTLS, a verified certificate and AUTH) and one that is in use (Exim, likewise,
delivering into a maildir), robots of WeCom and DingTalk that check every byte of
the form, the signature and the rate, and block whoever is too fast; a gateway of short messages.
Nothing personal and no secret leaves in them, in the log, or in the status."""

import base64
import email
import email.policy
import hashlib
import hmac
import http.server
import json
import logging
import os
import pwd
import re
import select
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "client"))

from agent_city import BIN, City, outbound  # noqa: E402

LOGIN, PASSWORD = b"notice", b"pass word-5e1f"
TOKEN, SECRET = "tok+en/5e1f", "SEC5e1f5e1f"
HOURS = "office-hours: []"
PERSONAL = ("小甲", "检察官甲", "抚养人", "就学急需", "祖父乙")
EVERY = {"mail": "liaison@city.example"}
GRANTED = {"facts": {"outcome": "granted", "measures": [
    {"measure": "student-aid", "shape": "money", "amount_fen": 120000, "unit": "term"}]},
    "body": {"officer": "经办人"}}
AGENCIES = ("education", "civil-affairs", "justice", "human-resources", "health",
            "rural-revitalization", "veterans-affairs", "youth-league", "womens-federation",
            "disabled-federation")

logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # what it refuses, the test sees


def wait_for(what, test, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not test():
        if time.monotonic() > deadline:
            raise AssertionError("waited for " + what)
        select.select([], [], [], 0.02)


class Mailbox:
    """What the SMTP server took, and what it refused."""

    def __init__(self):
        self.mails, self.refused, self.down = [], 0, False

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            self.refused += 1
            return "550 5.1.1 no such user"
        if self.down:
            return "451 4.3.0 try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        assert session.ssl is not None and session.authenticated
        self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        return "250 OK"


def authenticate(server, session, envelope, mechanism, auth):
    good = (auth.login, auth.password) == (LOGIN, PASSWORD)
    return AuthResult(success=good, handled=False, message=None if good else "535 5.7.8 no")


EXIM = "/usr/sbin/exim4"
EXIM_RULES = """
spool_directory = {folder}/spool
log_file_path = {folder}/log-%s
primary_hostname = city.example
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
pid_file_path = {folder}/pid
keep_environment =
never_users =
deliver_drop_privilege = true
tls_advertise_hosts = *
tls_certificate = {certificate}
tls_privatekey = {key}
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
acl_smtp_rcpt = rcpt
begin acl
rcpt:
  deny  message = no such user
        local_parts = nobody
  accept authenticated = *
         encrypted = *
  deny
begin routers
all:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  directory = {folder}/box
  maildir_format
  return_path_add
  user = {user}
  group = {group}
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{login}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
"""


def exim_account():
    """The user that it is built to be: another may not even spool. None: it cannot be run here."""
    try:
        account = pwd.getpwnam("Debian-exim")
    except KeyError:
        return None
    return account if os.access(EXIM, os.X_OK) and os.geteuid() == 0 else None


class Exim:
    """Debian's mail server in a folder of its own."""

    def __init__(self, folder, port, certificate, key):
        self.folder, self.port = folder, port
        account = exim_account()
        user, group = account.pw_uid, account.pw_gid
        for name in ("", "spool", "box"):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        for name, source in (("crt", certificate), ("key", key)):
            shutil.copyfile(source, os.path.join(folder, name))
            os.chmod(os.path.join(folder, name), 0o600)
        rules = os.path.join(folder, "rules")
        with open(rules, "w", encoding="utf-8") as file:
            file.write(EXIM_RULES.format(
                folder=folder, port=port, user=user, group=group, login=LOGIN.decode(),
                password=PASSWORD.decode(), certificate=os.path.join(folder, "crt"),
                key=os.path.join(folder, "key")))
        for at, _, files in os.walk(folder):
            for name in (at, *(os.path.join(at, name) for name in files)):
                os.chown(name, user, group)
        self.process = subprocess.Popen(
            ["setpriv", "--no-new-privs", "--reuid=%d" % user, "--regid=%d" % group,
             "--clear-groups", EXIM, "-C", rules, "-bdf", "-odi"],
            stderr=subprocess.DEVNULL)  # what it refuses, the test sees
        wait_for("exim", self.answers)

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def mails(self):
        folder = os.path.join(self.folder, "box", "new")
        return sorted(os.path.join(folder, name) for name in os.listdir(folder)
                      ) if os.path.isdir(folder) else []

    def stop(self):
        self.process.terminate()
        self.process.wait(20)


class Robot(http.server.BaseHTTPRequestHandler):
    """One handler for all: the path chooses. Whatever is not exactly the vendor's form is an error
    of the test, not only of the request."""
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        size = int(self.headers["Content-Length"])
        body = self.rfile.read(size)
        path, _, query = self.path.partition("?")
        try:
            status, answer = getattr(self, "robot" + path.replace("/", "_").replace("-", "_"))(
                dict(urllib.parse.parse_qsl(query, strict_parsing=True)) if query else {}, body)
        except Exception as error:  # what the form lacked
            self.server.wrong.append(repr(error))
            status, answer = 400, {"errcode": 40000, "errmsg": repr(error)}
        text = json.dumps(answer).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/cgi-bin/webhook/send?key=x")
        self.send_header("Content-Length", str(len(text)))
        try:
            self.end_headers()
            self.wfile.write(text)
        except OSError:
            pass  # the agent has ended meanwhile

    def too_fast(self):
        """20 a minute; then blocked."""
        times = self.server.times
        times.append(time.monotonic())
        return len([at for at in times if times[-1] - at < 60]) > 20 or self.server.blocked

    def robot_cgi_bin_webhook_send(self, query, body):
        assert query == {"key": TOKEN}, query
        assert self.headers["Content-Type"] == "application/json"
        message = json.loads(body.decode("utf-8"))
        assert set(message) == {"msgtype", "text"} and message["msgtype"] == "text"
        assert set(message["text"]) == {"content", "mentioned_mobile_list"}
        assert message["text"]["mentioned_mobile_list"] == ["13800000001"]
        assert 0 < len(message["text"]["content"].encode()) <= 2048
        if self.too_fast():
            return 200, {"errcode": 45009, "errmsg": "api freq out of limit"}
        self.server.taken.append(message["text"]["content"])
        return 200, {"errcode": 0, "errmsg": "ok"}

    def robot_robot_send(self, query, body):
        assert set(query) == {"access_token", "timestamp", "sign"}, query
        assert query["access_token"] == TOKEN
        stamp = query["timestamp"]
        assert len(stamp) == 13 and stamp.isdigit()
        mac = hmac.new(SECRET.encode(), (stamp + "\n" + SECRET).encode(), hashlib.sha256).digest()
        if query["sign"] != base64.b64encode(mac).decode():
            return 200, {"errcode": 310000, "errmsg": "sign not match"}
        message = json.loads(body.decode("utf-8"))
        assert set(message) == {"msgtype", "text", "at"} and message["msgtype"] == "text"
        assert message["at"] == {"atMobiles": ["13800000001"], "isAtAll": False}
        assert "@13800000001" in message["text"]["content"]
        assert len(message["text"]["content"].encode()) <= 2200
        if self.too_fast():
            self.server.blocked = True
            return 200, {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"}
        self.server.taken.append(message["text"]["content"])
        return 200, {"errcode": 0, "errmsg": "ok"}

    def robot_sms(self, query, body):
        message = json.loads(base64.b64decode(body))
        mac = hashlib.md5(("13800000001" + message["content"] + SECRET).encode()).hexdigest()
        assert message["mac"] == mac, message
        assert self.headers["X-User"] == "office"
        assert len(message["content"]) <= 70, message["content"]
        self.server.taken.append(message["content"])
        return 200, {"success": True}

    def robot_elsewhere(self, query, body):
        return 302, {}

    def robot_slow(self, query, body):
        self.server.release.wait(30)
        return 200, {"errcode": 0}

    def log_message(self, *args):
        pass


class WithServers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.city = City()
        cls.city.start_broker()
        cls.one = cls.city.agent("procuratorate")
        cls.agencies = list(AGENCIES)
        cls.make_certificate()
        for name, text in (("password", PASSWORD.decode()), ("token", TOKEN), ("secret", SECRET),
                           ("wrong", "nope")):
            cls.city.write(cls.city.path(name), text + "\n")
            os.chmod(cls.city.path(name), 0o600)

    @classmethod
    def tearDownClass(cls):
        cls.city.close()

    @classmethod
    def make_certificate(cls):
        cls.ca, key = cls.city.path("mail.crt"), cls.city.path("mail.key")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", cls.ca,
                        "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        cls.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        cls.context.load_cert_chain(cls.ca, key)

    def setUp(self):
        self.agency = self.agencies.pop()  # a store of its own: nothing of other tests
        self.mailbox = Mailbox()
        self.smtp = Controller(self.mailbox, hostname="127.0.0.1", port=0,
                               tls_context=self.context, require_starttls=True,
                               auth_required=True, authenticator=authenticate)
        self.smtp.port = self.free_port()
        self.smtp.start()
        self.web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Robot)
        self.web.taken, self.web.wrong, self.web.times = [], [], []
        self.web.blocked, self.web.release = False, threading.Event()
        self.web.daemon_threads = True
        threading.Thread(target=self.web.serve_forever, args=(0.02,), daemon=True).start()
        self.two = None

    def tearDown(self):
        self.web.release.set()
        if self.two is not None:
            log = self.two.log()
            if self.two.process.poll() is None:
                self.assertEqual(self.two.stop(), 0)
            for secret in (PASSWORD.decode(), TOKEN, SECRET, *PERSONAL):
                self.assertNotIn(secret, log)
            self.city.agents.pop(self.agency, None)
        self.smtp.stop()
        self.web.shutdown()
        self.web.server_close()
        self.assertEqual(self.web.wrong, [], "a form was not the vendor's")

    @staticmethod
    def free_port():
        from agent_city import free_port
        return free_port()

    def url(self, path):
        return "http://127.0.0.1:%d%s" % (self.web.server_port, path)

    def mail(self, **changed):
        channel = {"name": "mail", "kind": "smtp", "url": "smtp://127.0.0.1:%d" % self.smtp.port,
                   "from": "jz@city.example", "user": LOGIN.decode(), "timeout": "5s",
                   "password-file": self.city.path("password"), "tls-authority": self.ca}
        channel.update(changed)
        return {name: value for name, value in channel.items() if value is not None}

    def start(self, channels, to, role="liaison", hours=HOURS, more=()):
        """The agent of an agency with these channels and one officer, or more."""
        officers = [{"id": "o1", "role": role, "messages": True, "to": to}, *more]
        if self.two is not None and self.two.process.poll() is None:
            self.assertEqual(self.two.stop(), 0)
        self.two = self.city.agent(self.agency, "\n".join((
            "channels: " + json.dumps(channels), "officers: " + json.dumps(officers), hours)))
        return self.two

    def channel(self, name):
        for channel in self.two.status()["channels"]:
            if channel["channel"] == name:
                return channel
        raise AssertionError("no channel " + name)

    def refer(self):
        return self.one.must("send", message=outbound(self.agency))["messages"][0]["referral"]

    def ctl(self, *words):
        return subprocess.run([os.path.join(BIN, "referralctl"), "agent", "--socket",
                               self.two.path, *words], capture_output=True, text=True,
                              check=False)

    def clean(self, text):
        for secret in PERSONAL:
            self.assertNotIn(secret, text)


class Mail(WithServers):
    def test_a_mail_arrives(self):
        self.start([self.mail()], EVERY)
        number = self.refer()
        wait_for("a mail", lambda: self.mailbox.mails)
        sender, recipients, content = self.mailbox.mails[0]
        self.assertEqual((sender, recipients), ("jz@city.example", ["liaison@city.example"]))
        mail = email.message_from_bytes(content, policy=email.policy.default)
        self.assertEqual(mail.defects, [])
        self.assertIn(number, mail["Subject"])
        self.assertIn("救助衔接", mail["Subject"])
        self.assertEqual(mail["Auto-Submitted"], "auto-generated")
        self.assertRegex(mail["Message-ID"], r"^<[0-9a-f-]{36}\.o1@city\.example>$")
        self.assertLess(abs(mail["Date"].datetime.timestamp() - time.time()), 300)
        text = mail.get_content()
        self.assertIn("【救助衔接】收到新的社会救助线索 " + number, text)
        self.clean(content.decode() + text)
        wait_for("the row to leave", lambda: self.channel("mail")["waiting"] == 0)
        self.assertIn("last_ok", self.channel("mail"))

    def test_what_keeps_a_mail_from_going(self):
        """Each is said by `notify test`, nothing is sent, and no secret is printed."""
        for name, change, reason in (
                ("password", {"password-file": self.city.path("wrong")}, "([Ll]ogin|denied|auth)"),
                ("authority", {"tls-authority": self.city.path("keys", "ca.crt")},
                 "certificate"),
                ("name", {"url": "smtp://localhost:%d" % self.smtp.port},
                 "([Cc]ertificate|match|connect)")):
            with self.subTest(name):
                self.start([self.mail(**change)], EVERY)
                run = self.ctl("notify", "test", "mail")
                self.assertEqual(run.returncode, 5, run)
                self.assertRegex(run.stdout, "o1: not sent: .*" + reason)
                self.assertNotIn(PASSWORD.decode(), run.stdout)
                self.assertEqual(self.mailbox.mails, [])
                self.assertEqual(self.two.stop(), 0)

    def test_dead_letters(self):
        more = [{"id": "o2", "role": "liaison", "to": {"mail": "nobody@city.example"}}]
        self.start([self.mail()], EVERY, more=more)
        run = self.ctl("notify", "test", "mail")
        self.assertEqual((run.returncode, run.stdout.splitlines()[-1]), (5, "1 of 2 sent"), run)
        self.assertEqual(len(self.mailbox.mails), 1)
        run = self.ctl("notify", "dead", "--json")
        row, = json.loads(run.stdout)["rows"]
        self.assertEqual((row["officer"], row["channel"], row["tries"]), ("o2", "mail", 1))
        self.assertIn("550", row["reason"])
        self.assertIn("550", self.ctl("notify", "dead").stdout)
        self.assertEqual(self.ctl("status").returncode, 5)
        run = self.ctl("notify", "retry", str(row["id"]))
        self.assertEqual(run.returncode, 0, run)
        wait_for("another refusal", lambda: self.mailbox.refused == 2)
        wait_for("it is dead again", lambda: self.channel("mail")["dead"] == 1)
        self.assertNotEqual(self.ctl("notify", "retry", "999").returncode, 0)
        self.assertEqual(self.ctl("notify", "retry", "x1").returncode, 2)

    def test_kill_9_while_the_server_is_away(self):
        self.mailbox.down = True
        self.start([self.mail()], EVERY)
        number = self.refer()
        wait_for("a failure", lambda: self.channel("mail")["failures"] == 1)
        self.assertIn("451", self.channel("mail")["reason"])
        self.two.kill()
        self.mailbox.down = False
        self.two.start()
        self.assertTrue(self.two.ask("lab-clock", wall_ms=60000)["ok"])  # its wait is over
        wait_for("the mail", lambda: self.mailbox.mails)
        self.assertEqual(len(self.mailbox.mails), 1)
        self.assertIn(number.encode(), base64.b64decode(
            self.mailbox.mails[0][2].split(b"\r\n\r\n", 1)[1]))


@unittest.skipUnless(exim_account(), "exim4 is not there, or this is not root, who may run it")
class MailServer(WithServers):
    def test_a_mail_lies_in_the_box_of_a_real_server(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o711)
            exim = Exim(os.path.join(folder, "exim"), self.free_port(), self.ca,
                        self.city.path("mail.key"))
            try:
                self.deliver(exim)
            finally:
                exim.stop()

    def deliver(self, exim):
        more = [{"id": "o2", "role": "liaison", "to": {"mail": "nobody@city.example"}}]
        self.start([self.mail(url="smtp://127.0.0.1:%d" % exim.port)], EVERY, more=more)
        number = self.refer()
        wait_for("a mail in the box", exim.mails)
        with open(exim.mails()[0], "rb") as file:
            content = file.read()
        mail = email.message_from_bytes(content, policy=email.policy.default)
        self.assertEqual(mail.defects, [])
        self.assertEqual(mail["Return-path"], "<jz@city.example>")
        self.assertRegex(mail["Received"], r"with esmtpsa +\(TLS1\.[23]\)")
        self.assertIn(number, mail["Subject"])
        self.assertIn("【救助衔接】收到新的社会救助线索 " + number, mail.get_content())
        self.clean(content.decode() + mail.get_content())
        run = self.ctl("notify", "test", "mail")
        self.assertEqual((run.returncode, run.stdout.splitlines()[-1]), (5, "1 of 2 sent"), run)
        self.assertIn("RCPT failed: 550", self.ctl("notify", "dead").stdout)
        self.assertEqual(len(exim.mails()), 2)
        self.start([self.mail(url="smtp://127.0.0.1:%d" % exim.port,
                              **{"password-file": self.city.path("wrong")})], EVERY)
        run = self.ctl("notify", "test", "mail")
        self.assertEqual(run.returncode, 5, run)
        self.assertRegex(run.stdout, "o1: not sent: .*([Ll]ogin|denied|auth)")


class Robots(WithServers):
    def wecom(self, **changed):
        return {"name": "robot", "kind": "wecom", "url": self.url("/cgi-bin/webhook/send"),
                "token-file": self.city.path("token"), "timeout": "5s", **changed}

    def dingtalk(self, **changed):
        return {"name": "robot", "kind": "dingtalk", "url": self.url("/robot/send"),
                "token-file": self.city.path("token"), "key-file": self.city.path("secret"),
                "timeout": "5s", **changed}

    TO = {"robot": "13800000001"}

    def test_each_robot_takes_a_notice(self):
        for make in (self.wecom, self.dingtalk):
            with self.subTest(make.__name__):
                self.start([make()], self.TO)
                number = self.refer()
                wait_for("a message", lambda: self.web.taken)
                self.assertIn(number, self.web.taken[0])
                self.clean(self.web.taken[0])
                run = self.ctl("notify", "test", "robot")
                self.assertEqual((run.returncode, run.stdout), (0, "1 of 1 sent\n"), run)
                self.assertEqual(self.two.stop(), 0)
                self.web.taken.clear()

    def test_more_than_the_rate_is_a_digest(self):
        self.start([self.wecom()], self.TO)
        numbers = [self.refer() for _ in range(30)]
        self.two.wait_row("inbox", "the last", lambda row: row.get("referral") == numbers[-1])
        wait_for("all are told, or the rate is used up", lambda: self.channel("robot")
                 ["waiting"] == 0 or len(self.web.taken) == 15)
        text = "".join(self.web.taken)
        told = sum(number in text for number in numbers)
        told += sum(map(int, re.findall("今日另有 ([0-9]+) 件", text)))
        self.assertGreaterEqual(told + self.channel("robot")["waiting"], 30)
        self.assertEqual(self.channel("robot")["failures"], 0)
        self.assertLessEqual(len(self.web.times), 15)

    def test_a_block_is_kept_to(self):
        self.web.blocked = True
        self.start([self.dingtalk()], self.TO)
        self.refer()
        wait_for("the block", lambda: "muted_until" in self.channel("robot"))
        self.refer()
        state = self.channel("robot")
        self.assertIn("130101", state["reason"])
        self.assertEqual((state["dead"], state["failures"]), (0, 0))
        asked = len(self.web.times)
        self.two.kill()  # nor is it forgotten
        self.web.blocked = False
        self.two.start()
        self.two.wait_row("inbox", "both", lambda row: row["seq"] >= 2)
        self.assertIn("muted_until", self.channel("robot"))
        self.assertEqual(len(self.web.times), asked)

    def test_no_redirect_is_followed_and_a_wrong_signature_is_told(self):
        self.start([self.wecom(url=self.url("/elsewhere"))], self.TO)
        run = self.ctl("notify", "test", "robot")
        self.assertIn("HTTP 302", run.stdout)
        self.assertEqual(self.two.stop(), 0)
        self.start([self.dingtalk(**{"key-file": self.city.path("wrong")})], self.TO)
        run = self.ctl("notify", "test", "robot")
        self.assertIn("errcode 310000: sign not match", run.stdout)
        self.assertEqual(self.web.taken, [])

    def test_a_gateway_by_template(self):
        body = ('{"to":"{{address}}","content":"{{text}}","mac":"{{address text key | md5 | hex}}"'
                ',"at":{{timestamp-ms}}}')
        self.start([{"name": "sms", "kind": "http", "url": self.url("/sms"), "body": body,
                     "encode": "base64", "headers": ["X-User: {{user}}"], "user": "office",
                     "accept": '"success": true', "key-file": self.city.path("secret")}],
                   {"sms": "13800000001"})
        number = self.refer()
        wait_for("a short message", lambda: self.web.taken)
        self.assertIn(number, self.web.taken[0])
        self.clean(self.web.taken[0])

    def test_a_program_is_a_channel(self):
        program, out = self.city.path("bridge"), self.city.path("bridge.out")
        self.city.write(program, "#!/bin/sh\ncat >>%s\necho >>%s\n" % (out, out))
        os.chmod(program, 0o755)
        self.start([{"name": "bridge", "kind": "hook", "program": program}], {})
        run = self.ctl("notify", "test", "bridge")
        self.assertEqual((run.returncode, run.stdout), (0, "1 of 1 sent\n"), run)
        number = self.refer()
        self.two.wait_row("inbox", "the referral", lambda row: row["referral"] == number)
        wait_for("both are told", lambda: self.channel("bridge")["waiting"] == 0)
        with open(out, encoding="utf-8") as file:
            lines = [json.loads(line) for line in file]
        self.assertEqual([line["event"] for line in lines], ["test", "received"])
        self.assertEqual(lines[1]["referral"], number)
        self.city.write(program, "#!/bin/sh\nexit 3\n")
        self.assertIn("the program ended with status 3", self.ctl("notify", "test",
                                                                  "bridge").stdout)

    def test_slow_servers_keep_nothing_up(self):
        """Two hang: the loop answers, mail goes on, and the end of the agent waits for none."""
        hanging = [{**self.wecom(url=self.url("/slow"), timeout="60s"), "name": "slow%d" % i}
                   for i in range(2)]
        self.start(hanging, {"slow0": "13800000001", "slow1": "13800000001"})
        self.refer()
        wait_for("both wait", lambda: all(c["waiting"] == 1 for c in self.two.status()["channels"]))
        begun = time.monotonic()
        self.two.status()
        self.assertLess(time.monotonic() - begun, 1)
        self.assertEqual(self.two.stop(), 0)
        self.assertLess(time.monotonic() - begun, 5)


    def test_z_whoever_is_told_of_a_rung_is_told_of_its_end(self):
        """The last one: it moves the clocks of all."""
        self.start([self.wecom()], self.TO, role="duty-contact")
        number = self.one.must("send", message=outbound(self.agency, life_danger=True))
        number = number["messages"][0]["referral"]
        self.one.wait_row("inbox", "the delivery", lambda row: row["kind"] == "delivery-notice"
                          and row["referral"] == number)
        confirmed = self.city.status.ask(cmd="clock-confirm", reason="the clock was compared")
        self.assertTrue(confirmed["ok"], confirmed)
        self.assertTrue(self.city.status.ask(cmd="lab-clock", both_ms=3 * 3600 * 1000)["ok"])
        wait_for("the rung", lambda: any(number + " 红灯·紧急催办：" in text
                                         for text in self.web.taken))
        self.two.kill()  # who was told is a row
        self.two.start()
        self.two.must("send", kind="feedback", referral=number, message=GRANTED)
        wait_for("its end", lambda: number + " 红灯·紧急催办：已解除" in self.web.taken[-1])


class Configuration(WithServers):
    """Wrong files are refused with the place."""

    def check(self, channels, officers, more=""):
        folder = self.city.path("agents", "procuratorate")
        with open(os.path.join(folder, "agent.yaml"), encoding="utf-8") as file:
            text = file.read()
        path = os.path.join(folder, "wrong.yaml")
        self.city.write(path, text + "channels: %s\nofficers: %s\n%s\n" % (
            json.dumps(channels), json.dumps(officers), more))
        return subprocess.run([os.path.join(BIN, "referral-agent"), "--config", path, "--check"],
                              capture_output=True, text=True, check=False)

    def test_what_is_wrong_is_named(self):
        good = {"id": "o1", "role": "liaison", "to": EVERY}
        loose = self.city.path("loose")
        self.city.write(loose, "x")
        os.chmod(loose, 0o644)
        run = self.check([self.mail()], [good])
        self.assertEqual(run.returncode, 0, run)
        for channel, officer, more, word in (
                ({"url": "smtp://u:p@h:25"}, {}, "", "password"),
                ({"url": "http://h/"}, {}, "", "smtp://"),
                ({"from": None}, {}, "", '"from"'),
                ({"from": "jz city"}, {}, "", "mail address"),
                ({"token-file": loose}, {}, "", 'no "token-file"'),
                ({"password-file": loose}, {}, "", "loose"),
                ({"name": "Mail"}, {}, "", "lower-case"),
                ({"kind": "smpt"}, {}, "", 'did you mean "smtp"'),
                ({"rate": 0}, {}, "", "between 1 and"),
                ({}, {"role": "boss"}, "", "liaison, leader"),
                ({}, {"rungs": ["due-9"]}, "", "expected a rung"),
                ({}, {"rungs": ["due-3.1"]}, "", "expected a rung"),
                ({}, {"to": {"post": "x@y"}}, "", 'no channel "post"'),
                ({}, {"to": {"hook": "x"}}, "notice-hook: /bin/true", "gets every notice"),
                ({}, {"to": {"mail": "x"}}, "", "mail address"),
                ({}, {"to": {"mail": "x@y>\r\nBcc: z"}}, "", "mail address"),
                ({}, {}, 'office-hours: ["12:00-08:00"]', "HH:MM"),
                ({}, {}, "notice-hook: /no/such/hook", "not an executable")):
            with self.subTest(word=word, channel=channel, officer=officer):
                run = self.check([self.mail(**channel)], [{**good, **officer}], more)
                self.assertEqual(run.returncode, 78, run)
                self.assertIn(word, run.stderr)
                if "hook" not in more and "loose" not in word:
                    self.assertRegex(run.stderr, r"wrong\.yaml:\d+:\d+")

    def test_templates_are_checked(self):
        for body, word in (("{{name}}", "no value name"), ("{{text | sha1}}", "not sha1"),
                           ("{{text", "}}")):
            channel = {"name": "sms", "kind": "http", "url": "http://h/", "body": body}
            run = self.check([channel], [])
            self.assertEqual(run.returncode, 78, run)
            self.assertIn(word, run.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
