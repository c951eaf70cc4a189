#!/usr/bin/python3
"""The Python client against the real broker, over tcp and over mutual TLS: everything of
docs/protocol.md that an agency does, and what must be refused. Starts $REFERRAL_BIN/referral-broker
in a temporary folder with keys and certificates of its own, kills it once, and leaves nothing."""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.dont_write_bytecode = True

import referral_client as client  # noqa: E402
from referral_client import m, r  # noqa: E402

AGENCIES = ("procuratorate", "education", "civil-affairs")
ORIGIN = "client-test.example/broker"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_openssl(*arguments):
    subprocess.run(("openssl",) + arguments, check=True, capture_output=True)


class City:
    """Keys, certificates, configuration and the running broker."""

    stderr = None  # where the broker logs; a test may take a file
    wrapper = ()   # a command that runs the broker

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="referral-client-")
        self.ports = (free_port(), free_port())
        self.seeds = {name: secrets.token_bytes(32) for name in AGENCIES + ("broker",)}
        self.seal = {name: secrets.token_bytes(32) for name in AGENCIES}
        self.streams = {name: {} for name in AGENCIES}  # what each has seen of its streams
        self.make_certificates()
        self.make_keys()
        self.make_configuration()
        self.process = None
        self.start()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8",
                  opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(text)

    def make_certificates(self):
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
        run_openssl("req", "-x509", *curve, "-subj", "/CN=test authority",
                    "-keyout", self.path("ca.key"), "-out", self.path("ca.pem"))
        self.write("names", "subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        for name in ("server", "education"):
            self.make_certificate(name)

    def make_certificate(self, name):
        run_openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=" + name, "-keyout", self.path(name + ".key"), "-out",
                    self.path(name + ".csr"))
        run_openssl("x509", "-req", "-in", self.path(name + ".csr"), "-CA", self.path("ca.pem"),
                    "-CAkey", self.path("ca.key"), "-CAcreateserial", "-days", "2", "-extfile",
                    self.path("names"), "-out", self.path(name + ".pem"))

    def make_keys(self):
        rows = [(name, "sign", client.SUITE.sign_public(seed))
                for name, seed in self.seeds.items()]
        rows += [(name, "seal", client.SUITE.seal_public(secret))
                 for name, secret in self.seal.items()]
        head = "origin: %s\n%skeys:\n" % (ORIGIN, client.SUITE.keys_lead)
        self.keys_text = head + "".join(
            "  - owner: %s\n    use: %s\n    key: \"%s\"\n" % (name, use, key.hex())
            for name, use, key in rows)
        self.write("public-keys.yaml", self.keys_text)
        for name, label, secret in (("sign.key", "sign", self.seeds["broker"]),
                                    ("store.key", "store", secrets.token_bytes(32))):
            self.write(name, client.secret_text("referral-%s-key-1" % label, secret))

    def make_configuration(self):
        config = os.path.join(client.ROOT, "config")
        self.write("broker.yaml", "\n".join((
            "listen:",
            "  - tcp://127.0.0.1:%d" % self.ports[0],
            "  - tls+tcp://127.0.0.1:%d" % self.ports[1],
            "tls-certificate: server.pem", "tls-key: server.key", "tls-authority: ca.pem",
            "sign-key: sign.key", "store-key: store.key", "public-keys: public-keys.yaml",
            "registry: " + os.path.join(config, "agencies.yaml"),
            "policy: " + os.path.join(config, "policy.yaml"),
            "calendars: " + os.path.join(config, "calendars"),
            "suite: " + client.SUITE.name, "store: store", "store-mib: 64",
            "status-socket: status.sock", "laboratory: true", "")))

    def start(self):
        program = os.path.join(os.environ["REFERRAL_BIN"], "referral-broker")
        self.process = subprocess.Popen([*self.wrapper, program, "--config",
                                         self.path("broker.yaml")],
                                        stderr=self.stderr)
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.ports[0]), 1).close()
                return
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def close(self):
        self.process.terminate()
        status = self.process.wait(timeout=20)
        self.folder.cleanup()
        return status

    def agency(self, name, tls=False):
        if tls:
            link = client.Link("tls+tcp://127.0.0.1:%d" % self.ports[1],
                               {"ca": self.path("ca.pem"), "cert": self.path("education.pem"),
                                "key": self.path("education.key")})
        else:
            link = client.Link("tcp://127.0.0.1:%d" % self.ports[0])
        agency = client.Agency(link, name, client.Keys(self.keys_text), self.seeds[name],
                               self.seal[name])
        agency.streams = self.streams[name]
        return agency


def year_of(agency):
    return time.gmtime(agency.now_ms() / 1000 + 8 * 3600).tm_year


def referral(agency, number, text="\u60c5\u51b5"):
    """The payload of a new referral by the procuratorate to education."""
    case = "JZ-%d-%04d" % (year_of(agency), number)
    header = m.Header(kind=1, recipient="education", case_id=secrets.token_bytes(16),
                      case_number=case, referral_id=client.uuid7(agency.now_ms()),
                      referral_number=case + "-01")
    facts = m.ReferralFacts(ground=401, needs=2, person_count=1)
    for kind in range(1, 6):
        facts.materials.add(kind=kind, missing_reason=1)
    body = m.Body(officer="officer 7", circumstances=text, reasons=text)
    body.persons.add(name="\u5f20\u4e09")
    return agency.make_payload(header, m.Facts(body_fields=1 | 2 | 4 | 256, referral=facts), body)


class Conversation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.city = City()

    @classmethod
    def tearDownClass(cls):
        if cls.city.close() != 0:
            raise AssertionError("the broker did not stop well")

    def greeted(self, name, tls=False):
        agency = self.city.agency(name, tls)
        agency.hello()
        self.addCleanup(agency.link.close)
        return agency

    def refused(self, code, signed, call, *arguments):
        with self.assertRaises(client.Refused) as caught:
            call(*arguments)
        self.assertEqual((caught.exception.code, caught.exception.signed), (code, signed))

    def drain(self, agency):
        found = agency.fetch()
        while found:
            agency.acknowledge(found)
            found = agency.fetch()

    def test_strangers(self):
        agency = self.city.agency("education")
        self.addCleanup(agency.link.close)
        reply = r.Reply.FromString(agency.link.call(b"\xff\xff"))
        self.assertFalse(reply.HasField("proof"))
        self.assertEqual(r.ReplyHead.FromString(reply.head).code, 1)
        right = agency.sign_seed
        agency.sign_seed = self.city.seeds["procuratorate"]  # a known key, another's
        self.refused(5, False, agency.ping)
        agency.sign_seed = right
        agency.agency = "court"
        self.refused(4, False, agency.ping)
        agency.agency = "education"
        head = r.RequestHead(version=1, agency="education", broker=ORIGIN, ping=r.Ping())
        head = head.SerializeToString(deterministic=True)
        sent = r.Request.FromString(client.build_request(right, head, []))
        sent.signature = sent.signature[:-1] + bytes([sent.signature[-1] ^ 1])
        with self.assertRaises(client.Refused) as caught:
            agency.check_reply(agency.link.call(sent.SerializeToString()),
                               client.request_digest(head))
        self.assertEqual((caught.exception.code, caught.exception.signed), (6, False))

    def test_sessions(self):
        agency = self.greeted("civil-affairs")
        agency.fetch()
        agency.counter -= 1
        self.refused(9, True, agency.fetch)
        agency.session = bytes(16)[:-1] + b"\1"
        self.refused(8, True, agency.fetch)
        agency.hello()
        agency.fetch()
        agency.keys.origin = "another.example/broker"
        agency.size = 0
        head = r.RequestHead(version=1, agency="civil-affairs", broker="another.example/broker",
                             ping=r.Ping()).SerializeToString(deterministic=True)
        reply = r.Reply.FromString(
            agency.link.call(client.build_request(agency.sign_seed, head, [])))
        self.assertEqual(r.ReplyHead.FromString(reply.head).code, 7)

    def test_a_referral(self):
        """Submit, receipt, delivery, window, notice with evidence, over tcp and TLS."""
        sender = self.greeted("procuratorate")
        receiver = self.greeted("education", tls=True)
        payload = referral(sender, 1)
        (record, receipt), = sender.submit([payload])
        self.assertEqual((record.kind, record.refusal), (1, 0))
        (_, again), = sender.submit([payload])
        self.assertEqual(again.SerializeToString(deterministic=True),
                         receipt.SerializeToString(deterministic=True))
        found = [item for item in receiver.fetch() if item[1].kind == 1]
        self.assertEqual([item[3].circumstances for item in found], ["\u60c5\u51b5"])
        self.assertEqual(found[0][3].persons[0].name, "\u5f20\u4e09")
        before = receiver.streams.copy()
        self.assertEqual(len(receiver.fetch()), 1)  # not acknowledged: it comes again
        self.assertEqual(receiver.streams, before)
        (record, _), = receiver.acknowledge(found)
        self.assertEqual((record.kind, record.refusal), (1, 0))
        notices = [item for item in sender.fetch() if item[1].kind == 40]
        notice = notices[0][2].notice
        self.assertEqual((notice.working_days, notice.responsible), (20, "education"))
        self.check_evidence(notice.evidence, sender, found[0])
        self.drain(sender)
        self.drain(receiver)
        sender.witness()
        seen = receiver.witness()  # verified by the client: the other's, not its own
        self.assertIn("procuratorate", seen)
        self.assertNotIn("education", seen)
        self.refused(52, True, sender.ask, "witness", r.Witness(
            size=sender.size, root=bytes(32), signature=bytes(64), key_id=bytes(8)))

    def check_evidence(self, evidence, agency, delivered):
        envelope = r.Envelope.FromString(evidence)
        payload = m.Payload.FromString(envelope.payload)
        header = m.Header.FromString(payload.header)
        self.assertEqual((header.kind, header.sender, header.refers_to),
                         (9, "education", delivered[1].message_id))
        client.check_proof(envelope.proof, client.message_digest(payload),
                           agency.keys.by_id("education", envelope.proof.key_id))

    def with_attachment(self, sender, number, digest, size, key, plain_bytes):
        """A referral with one material that is there."""
        payload = m.Payload.FromString(referral(sender, number))
        header = m.Header.FromString(payload.header)
        facts = m.Facts.FromString(payload.facts)
        body = client.unseal(payload.header, payload.body, sender.seal_secret)
        facts.body_fields |= 512
        facts.referral.materials[2].CopyFrom(m.Material(kind=3, digest=digest, sealed_bytes=size))
        body.attachments.add(material=2, name="\u8bc1\u660e.pdf", type=1, plain_bytes=plain_bytes,
                             key=key)
        return sender.make_payload(header, facts, body)

    def test_an_attachment(self):
        """Uploaded in pieces over a kill, referred to, fetched by the receiver and nobody else."""
        plain = b"%PDF-1.7\n" + bytes(range(256)) * 5000
        key, sealed = client.attachment_seal(plain)
        digest = client.digest_of(sealed)
        sender, receiver = self.greeted("procuratorate"), self.greeted("education")
        stranger = self.greeted("civil-affairs")
        self.drain(receiver)

        def outcome(number, size=len(sealed)):
            payload = self.with_attachment(sender, number, digest, size, key, len(plain))
            record, _ = sender.submit([payload])[0]
            return record.kind, record.refusal

        self.assertEqual(outcome(70), (2, 77))
        self.refused(10, True, sender.put, digest, 22 << 20, 0, sealed[:9])
        self.assertEqual(sender.put(digest, len(sealed), 0, sealed[:500000]), (500000, False))
        self.assertEqual(sender.put(digest, len(sealed), 9, sealed[9:99]), (500000, False))
        self.refused(10, True, sender.put, digest, len(sealed) + 1, 0, b"")
        self.assertEqual(outcome(71), (2, 77))
        self.city.kill()
        self.city.start()
        sender, receiver = self.greeted("procuratorate"), self.greeted("education")
        stranger = self.greeted("civil-affairs")
        self.assertEqual(sender.put(digest, len(sealed), 0, b""), (500000, False))
        self.assertEqual(sender.upload(sealed), digest)
        self.assertEqual(outcome(72, len(sealed) - 1), (2, 77))
        self.refused(12, True, receiver.download, digest)
        self.assertEqual(outcome(73), (1, 0))
        found, = [item for item in receiver.fetch() if item[1].kind == 1]
        opened = found[3].attachments[0]
        named = found[2].referral.materials[opened.material].digest
        self.assertEqual(client.attachment_open(receiver.download(named), opened.key,
                                                opened.plain_bytes), plain)
        self.refused(12, True, stranger.download, digest)
        self.refused(12, True, sender.download, bytes(32))
        wrong = client.digest_of(b"other bytes")
        sender.put(wrong, 1000, 0, sealed[:600])
        self.refused(11, True, sender.put, wrong, 1000, 600, sealed[600:1000])
        self.drain(receiver)

    def test_a_file_with_an_answer(self):
        """A sign-for names a file of its sender's: uploaded before, opened by who referred."""
        sender, receiver = self.greeted("procuratorate"), self.greeted("education")
        self.drain(sender)
        self.drain(receiver)
        self.assertEqual(sender.submit([referral(sender, 80)])[0][0].kind, 1)
        found = receiver.fetch()
        receiver.acknowledge(found)
        about = found[0][1]
        plain = b"%PDF-1.7 \u7b7e\u6536"
        key, sealed = client.attachment_seal(plain)
        header = m.Header(kind=3, recipient="procuratorate", case_id=about.case_id,
                          case_number=about.case_number, referral_id=about.referral_id,
                          referral_number=about.referral_number, refers_to=about.message_id)
        facts = m.Facts(body_fields=256 | 512, sign_for=m.SignForFacts(
            register_number="JY-DJ-%d-0080" % year_of(receiver)))
        facts.attachments.add(digest=client.digest_of(sealed), sealed_bytes=len(sealed))
        body = m.Body(officer="officer 8")
        body.attachments.add(material=0, name="a.pdf", type=1, plain_bytes=len(plain), key=key)
        payload = receiver.make_payload(header, facts, body)
        record, _ = receiver.submit([payload])[0]
        self.assertEqual((record.kind, record.refusal), (2, 77))
        receiver.upload(sealed)
        header.message_id = client.uuid7(receiver.now_ms())
        record, _ = receiver.submit([receiver.make_payload(header, facts, body)])[0]
        self.assertEqual((record.kind, record.refusal), (1, 0))
        got, = [item for item in sender.fetch() if item[1].kind == 3]
        opened = got[3].attachments[0]
        named = got[2].attachments[opened.material].digest
        self.assertEqual(client.attachment_open(sender.download(named), opened.key,
                                                opened.plain_bytes), plain)
        self.refused(12, True, self.greeted("civil-affairs").download, named)
        self.drain(sender)

    def test_id_reused_and_refusals(self):
        sender = self.greeted("procuratorate")
        payload = m.Payload.FromString(referral(sender, 2))
        sender.submit([payload.SerializeToString(deterministic=True)])
        facts = m.Facts.FromString(payload.facts)
        facts.referral.person_count = 2
        payload.facts = facts.SerializeToString(deterministic=True)
        other = payload.SerializeToString(deterministic=True)
        (record, receipt), = sender.submit([other])
        self.assertEqual((record.kind, record.refusal), (2, 45))
        (_, again), = sender.submit([other])
        self.assertEqual(again, receipt)
        header = m.Header.FromString(payload.header)
        header.message_id = client.uuid7(sender.now_ms())
        header.sender = "education"
        payload.header = header.SerializeToString(deterministic=True)
        (record, _), = sender.submit([payload.SerializeToString(deterministic=True)])
        self.assertEqual((record.kind, record.refusal), (2, 41))

    def test_sealed_to_others(self):
        """One reader too many, one too few, one twice: refused for good, and nothing is queued."""
        sender = self.greeted("procuratorate")
        seal = client.seal
        stranger = ("health", client.SUITE.seal_public(bytes([8]) * 32))
        wrong = (lambda rows: rows + [stranger],
                 lambda rows: rows[:1], lambda rows: rows[1:], lambda rows: rows + rows[:1])
        for number, change in enumerate(wrong, 50):
            client.seal = lambda header, plain, rows: seal(header, plain, change(rows))
            try:
                payload = referral(sender, number)
            finally:
                client.seal = seal
            record, _ = sender.submit([payload])[0]
            self.assertEqual((record.kind, record.refusal), (2, 59))

    def test_copies_are_judged(self):
        """A referral goes to one agency; copies that are no agencies, and lengths, are refused."""
        sender = self.greeted("procuratorate")
        for number, (copies, refusal) in enumerate((
                (client.copies_of([3]), 42), (client.copies_of([1000]), 59), (b"abc", 40)), 60):
            payload = m.Payload.FromString(referral(sender, number))
            facts = m.Facts.FromString(payload.facts)
            facts.copies = copies
            header = m.Header.FromString(payload.header)
            body = client.unseal(payload.header, payload.body, sender.seal_secret)
            names = sender.names_of(copies) if len(copies) == 128 else []
            readers = [(name, sender.keys.current(name, "seal"))
                       for name in [header.recipient, header.sender]]
            readers += [(name, client.SUITE.seal_public(bytes([8]) * 32))
                        for name in names]
            payload.facts = facts.SerializeToString(deterministic=True)
            payload.body = client.seal(payload.header,
                                       body.SerializeToString(deterministic=True), readers)
            record, _ = sender.submit([payload.SerializeToString(deterministic=True)])[0]
            self.assertEqual((record.kind, record.refusal), (2, refusal))

    def test_receipt_of_another_referral_takes_nothing(self):
        """A receipt under one referral's header must not take another's message off the queue:
        its window would never open."""
        sender = self.greeted("procuratorate")
        receiver = self.greeted("education")
        self.drain(receiver)
        sender.submit([referral(sender, 900), referral(sender, 901)])
        first, second = receiver.fetch()
        delivery, header, facts, body, record = second
        mixed = m.Header(case_id=first[1].case_id, case_number=first[1].case_number,
                         referral_id=first[1].referral_id, sender=header.sender,
                         referral_number=first[1].referral_number,
                         message_id=header.message_id, kind=header.kind)
        (answer, _), = receiver.acknowledge([(delivery, mixed, facts, body, record)])
        self.assertEqual((answer.kind, answer.refusal), (2, 58))
        self.assertEqual(len(receiver.fetch()), 2)
        answers = receiver.acknowledge([first, second])
        self.assertEqual([answer.refusal for answer, _ in answers], [0, 0])

    def test_referral_id_of_another_case_is_refused(self):
        """One referral id names one referral, whoever made it first."""
        sender = self.greeted("procuratorate")
        payloads = [m.Payload.FromString(referral(sender, 910 + n)) for n in range(2)]
        first, second = (m.Header.FromString(payload.header) for payload in payloads)
        second.referral_id = first.referral_id
        payloads[1].header = second.SerializeToString(deterministic=True)
        answers = sender.submit([payload.SerializeToString(deterministic=True)
                                 for payload in payloads])
        self.assertEqual([record.refusal for record, _ in answers], [0, 48])

    def test_second_number_of_a_case_is_refused(self):
        """A party of a case cannot give it a second number: neither one of its own nor one that
        another agency would find taken."""
        sender = self.greeted("procuratorate")
        payloads = [m.Payload.FromString(referral(sender, 920 + n)) for n in range(3)]
        first, own, foreign = (m.Header.FromString(payload.header) for payload in payloads)
        foreign.case_number = foreign.case_number.replace("JZ-", "MZ-")
        foreign.referral_number = foreign.case_number + "-01"
        for payload, header in zip(payloads[1:], (own, foreign)):
            header.case_id = first.case_id
            payload.header = header.SerializeToString(deterministic=True)
        answers = sender.submit([payload.SerializeToString(deterministic=True)
                                 for payload in payloads])
        self.assertEqual([record.refusal for record, _ in answers], [0, 46, 46])

    def test_batch_and_long_poll(self):
        """A FETCH waits and is answered by a batch; a second FETCH ends a first one."""
        sender = self.greeted("procuratorate")
        receiver = self.greeted("education")
        self.drain(receiver)
        answers = []
        thread = threading.Thread(target=lambda: answers.append(receiver.fetch(20000)))
        thread.start()
        payloads = [referral(sender, 100 + n) for n in range(64)]
        results = sender.submit(payloads)
        self.assertEqual([record.refusal for record, _ in results], [0] * 64)
        thread.join(25)
        self.assertFalse(thread.is_alive())
        self.assertTrue(answers and answers[0])
        self.drain(receiver)
        first = self.greeted("education")
        first.counter = receiver.counter + 50
        outcome = []

        def wait():
            try:
                outcome.append(first.fetch(20000))
            except client.Refused as error:
                outcome.append(error.code)

        thread = threading.Thread(target=wait)
        thread.start()
        deadline = time.monotonic() + 15
        while not outcome and time.monotonic() < deadline:
            try:  # until it comes after the other, which may also come between
                receiver.fetch()
            except client.Refused as error:
                self.assertEqual(error.code, 23)
        thread.join(25)
        self.assertEqual(outcome, [23])

    def test_kill(self):
        """After kill -9 the log goes on from what was acknowledged, and receipts are the same."""
        sender = self.greeted("procuratorate")
        payloads = [referral(sender, 1000 + n) for n in range(8)]
        before = [receipt.SerializeToString(deterministic=True)
                  for _, receipt in sender.submit(payloads)]
        self.city.kill()
        self.city.start()
        revived = self.city.agency("procuratorate")
        self.addCleanup(revived.link.close)
        revived.size, revived.root = sender.size, sender.root
        revived.session, revived.counter = sender.session, sender.counter + 1
        self.refused(8, True, revived.submit, payloads)
        revived.hello()
        after = [receipt.SerializeToString(deterministic=True)
                 for _, receipt in revived.submit(payloads)]
        self.assertEqual(after, before)

    def test_registry(self):
        agency = self.greeted("education")
        answer = agency.registry()
        self.assertEqual(answer.keys.decode(), self.city.keys_text)
        self.assertIn(b"id: education", answer.registry)

    def test_tls_needs_a_certificate(self):
        context = client.ssl.create_default_context(cafile=self.city.path("ca.pem"))
        plain = socket.create_connection(("127.0.0.1", self.city.ports[1]), 5)
        with self.assertRaises((OSError, client.Forged)):
            with context.wrap_socket(plain, server_hostname="localhost") as stranger:
                stranger.sendall(b"\0SP\0\0\x30\0\0")
                if stranger.recv(8) == b"":
                    raise ConnectionError("closed")


if __name__ == "__main__":
    unittest.main(verbosity=2)
