#!/usr/bin/python3
"""What was captured, or is sent twice at once, at a real broker.

A request again on its own and on another connection, after kill -9, and as somebody else's; a
payload again to another agency; the same referral under a new message id; two bodies under one id
at the same instant on two connections, many times: one is recorded, the other refused, each once.
In the end the log is counted and the verifier passes."""

import os
import sys
import tempfile
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import support  # noqa: E402
from support import need, run_client  # noqa: E402
from run_client import client  # noqa: E402
from referral_client import m, r  # noqa: E402

RACES = 200 if support.LONG else 40
REPLAYED, SESSION, CERTIFICATE, SENDER, ID_REUSED, EXISTS = 9, 8, 14, 41, 45, 48


class Recorded:
    """A link that keeps what was sent last."""

    def __init__(self, link):
        self.link, self.sent = link, None

    def call(self, body):
        self.sent = body
        return self.link.call(body)


def again(link, sent):
    """The code of the answer to captured bytes."""
    reply = r.Reply.FromString(link.call(sent))
    return r.ReplyHead.FromString(reply.head).code


def captured(city):
    agency = city.speaker("procuratorate")
    agency.hello()
    agency.link = Recorded(agency.link)
    payload = run_client.referral(agency, 1)
    (record, receipt), = agency.submit([payload])
    need((record.kind, record.refusal) == (1, 0), receipt)
    sent = agency.link.sent
    for kind in ("tcp", "tls", "ipc"):
        need(again(city.link(kind, agency="procuratorate"), sent) == REPLAYED,
             "a replay on " + kind)
    before = city.command("status")["log"]["size"]
    for _ in range(2):  # by another agency, over its own certificate: a leaf for each
        need(again(city.link("tls", agency="education"), sent) == CERTIFICATE,
             "a replay by another agency")
    leaves = city.command("audit-tail", count=20)["leaves"]
    told = [row for row in leaves if row["position"] >= before and row["event"] == "refused"]
    need([(row["from"], row["code"]) for row in told] ==
         [("procuratorate", "request.certificate")] * 2, "its leaves: %r" % leaves)
    # another session of the same agency does not make the old counter good
    city.speaker("procuratorate").hello()
    need(again(city.link("tcp"), sent) == REPLAYED, "a replay after another HELLO")
    city.kill()
    city.start()
    for _ in range(2):
        need(again(city.link("tcp"), sent) == SESSION, "a replay after kill -9")
    # its message in somebody else's request, though he signs it well
    other = city.speaker("education")
    other.hello()
    head = other.ask("submit", r.Submit(count=1), [payload])
    receipt = client.expand(head.submit.receipts[0], head.submit.nodes, head.checkpoint)
    record = client.check_receipt(receipt, other.keys.origin, other.keys.all("broker", "sign"))
    need((record.kind, record.refusal) == (support.LEAF_REFUSED, SENDER), record)
    # and again by its sender: the receipt of before, under which nothing is done twice
    agency = city.speaker("procuratorate")
    agency.hello()
    (record, _), = agency.submit([payload])
    need((record.kind, record.refusal) == (1, 0), "the same message is the same message")
    (record, _), = agency.submit([under_a_new_id(agency, payload)])
    need((record.kind, record.refusal) == (2, EXISTS), record)
    return 3


def under_a_new_id(agency, text):
    """The same content, sealed anew."""
    payload = m.Payload.FromString(text)
    header = m.Header.FromString(payload.header)
    body = client.unseal(payload.header, payload.body, agency.seal_secret)
    header.ClearField("message_id")
    return agency.make_payload(header, m.Facts.FromString(payload.facts), body)


def race(city):
    """Two bodies under one id, at once, on two connections of one agency."""
    speakers = [city.speaker("procuratorate", kind) for kind in ("tcp", "ipc")]
    speakers[0].hello()
    speakers[1].session, speakers[1].counter = speakers[0].session, 1 << 20
    speakers[0].counter = (1 << 20) + (1 << 10)  # counters of both, out of order, all in the window
    gate = threading.Barrier(2)
    found = [[], []]

    def run(which, payloads):
        for payload in payloads:
            gate.wait(30)
            found[which] += speakers[which].submit([payload])

    pairs = []
    for number in range(RACES):
        first = run_client.referral(speakers[0], 100 + number, "one")
        payload = m.Payload.FromString(first)
        header = m.Header.FromString(payload.header)
        body = client.unseal(payload.header, payload.body, speakers[0].seal_secret)
        body.circumstances = "two"
        pairs.append((first, speakers[0].make_payload(header, m.Facts.FromString(payload.facts),
                                                      body)))
    threads = [threading.Thread(target=run, args=(i, [pair[i] for pair in pairs]))
               for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    need([len(each) for each in found] == [RACES, RACES], "all are answered")
    won = [0, 0]
    for one, two in zip(*found):
        outcomes = [(record.kind, record.refusal) for record, _ in (one, two)]
        need(sorted(outcomes) == [(1, 0), (2, ID_REUSED)], outcomes)
        won[outcomes.index((1, 0))] += 1
    return won


def main():
    log = tempfile.TemporaryFile()
    support.City.stderr = log
    city = support.City()
    try:
        refused = captured(city)
        won = race(city)
        need(city.stop() == 0, "the broker stops well")
        report, records = city.verify()
        need(report["verdict"] in ("PASS", "pass") or report.get("ok"), report)
        kinds = [record.kind for record in records]
        accepted = sum(1 for record in records
                       if record.kind == support.LEAF_MESSAGE and record.actor == "procuratorate")
        need(accepted == 1 + RACES, "%d leaves of accepted messages" % accepted)
        need(kinds.count(support.LEAF_REFUSED) == RACES + 4,
             "%d leaves of refusals" % kinds.count(support.LEAF_REFUSED))
        print("captured: %d ways refused; %d races, won by %d and %d" % (refused, RACES, *won))
    finally:
        if city.process.poll() is None:
            city.kill()
        city.folder.cleanup()
    return 0


if __name__ == "__main__":
    sys.exit(main())
