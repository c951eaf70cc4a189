#!/usr/bin/python3
"""Group commit, counted: what the kernel saw of a real broker, by strace.

Many requests in flight share a few syncs; one at a time, each acknowledgement has at least one of
its own, and it lies between the last byte of the request and the first of the reply: nothing is
ever acknowledged before it is on disk."""

import os
import re
import secrets
import struct
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import support  # noqa: E402
from support import client, need, run_client  # noqa: E402
from referral_client import m, r, request_digest, build_request, uuid7  # noqa: E402

SINGLE, GROUPED = 40, 256
PIECES, PIECE = 3, 100000  # of an attachment
SYNCS = ("fdatasync", "fsync", "msync")
DISK_US = 5000  # each sync takes at least this long: a group forms while the one before is written
run_client.AGENCIES = ("procuratorate", "education")


class City(support.City):
    """The broker under strace, which is its child's child and so not in the way of signals."""

    def __init__(self):
        self.number = 0
        super().__init__()

    def start(self):
        self.wrapper = ("strace", "-D", "-f", "--seccomp-bpf", "-ttt", "-y", "-o",
                        self.path("calls"), "-e", "trace=readv,sendmsg," + ",".join(SYNCS),
                        "-e", "inject=%s:delay_enter=%d" % (",".join(SYNCS), DISK_US))
        super().start()

    def payload(self, agency):
        self.number += 1
        case = "E-%d-%04d" % (run_client.year_of(agency), self.number)
        case = case.replace("E", support.prefixes()["education"], 1)
        header = m.Header(kind=2, recipient="procuratorate", case_id=secrets.token_bytes(16),
                          case_number=case, referral_id=uuid7(agency.now_ms()),
                          referral_number=case + "-01")
        body = m.Body(officer="officer 7", circumstances="c", reasons="r")
        body.persons.add(name="n")
        facts = m.ReferralFacts(ground=401, person_count=1, relation=1)
        return agency.make_payload(header, m.Facts(body_fields=1 | 2 | 4 | 256, referral=facts),
                                   body)

    def calls(self):
        """(time, name, descriptor's name, result) of each call that ended, in their order; the
        time is that of its beginning."""
        with open(self.path("calls"), encoding="utf-8", errors="replace") as file:
            text = file.read()
        begun, found = {}, []
        for line in text.splitlines():
            match = re.match(r"(\d+) +([0-9.]+) (.*)", line)
            thread, at, rest = match.groups()
            if rest.endswith("<unfinished ...>"):
                begun[thread] = (float(at), rest[:-len("<unfinished ...>")])
                continue
            resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", rest)
            first = float(at)
            if resumed:
                first, start = begun.pop(thread)
                rest = start + resumed.group(1)
            call = re.match(r"(\w+)\((?:\d+<([^>]*)>)?.*\) += (-?\d+)", rest)
            if call:
                found.append((first, float(at), call.group(1), call.group(2), int(call.group(3))))
        return found


def within(calls, begin, end):
    return [call for call in calls if begin <= call[1] <= end]


def syncs(calls):
    return [call for call in calls if call[2] in SYNCS and call[4] == 0]


def sockets(calls):
    return [call for call in calls if call[2] in ("readv", "sendmsg") and call[4] > 0
            and (call[3] or "").startswith("socket:")]


def one_at_a_time(city, agency):
    begin = time.time()
    for _ in range(SINGLE):
        (record, _), = agency.submit([city.payload(agency)])
        need(record is not None and record.refusal == 0, "refused")
    return begin, time.time()


def in_flight(city, agency):
    """All requests leave before the first answer is read."""
    rows = []
    for index in range(GROUPED):
        payload = city.payload(agency)
        head = r.RequestHead(version=1, agency=agency.agency, broker=agency.keys.origin,
                             session=agency.session, counter=agency.counter,
                             time_ms=agency.now_ms(), submit=r.Submit(count=1))
        agency.counter += 1
        head = head.SerializeToString(deterministic=True)
        sent = build_request(agency.sign_seed, head, [payload])
        rows.append((struct.pack(">I", 0x80000000 | index), head, payload, sent))
    begin = time.time()
    agency.link.socket.sendall(b"".join(
        struct.pack(">Q", 4 + len(sent)) + identifier + sent for identifier, _, _, sent in rows))
    agency.size = 0  # the requests name no checkpoint
    for _ in range(GROUPED):
        data = agency.link.read(struct.unpack(">Q", agency.link.read(8))[0])
        _, head, payload, _ = rows[struct.unpack(">I", data[:4])[0] & 0x7FFFFFFF]
        agency.size = 0
        (record, _), = agency.receipts(agency.check_reply(data[4:], request_digest(head)),
                                       [payload])
        need(record is not None and record.refusal == 0, "refused")
    return begin, time.time()


def attachment(city, agency):
    """Uploaded in pieces, then named by a message."""
    _, sealed = client.attachment_seal(secrets.token_bytes(PIECES * PIECE - 9000))
    digest = client.digest_of(sealed)
    begin = time.time()
    for at in range(0, len(sealed), PIECE):
        have, complete = agency.put(digest, len(sealed), at, sealed[at:at + PIECE])
    need(complete and have == len(sealed), "not complete")
    whole = time.time()
    payload = m.Payload.FromString(city.payload(agency))
    header, facts = m.Header.FromString(payload.header), m.Facts.FromString(payload.facts)
    facts.referral.materials.add(kind=6, digest=digest, sealed_bytes=len(sealed))
    body = client.unseal(payload.header, payload.body, agency.seal_secret)
    (record, _), = agency.submit([agency.make_payload(header, facts, body)])
    need(record is not None and record.refusal == 0, "refused")
    return begin, whole, digest.hex()


def judge_attachment(calls, digest):
    """Each piece is synced before it is answered; then the file and the folder of its new name,
    before the row that says so."""
    part, folder = "attachments/parts/", "attachments/" + digest[:2]
    names = [name or "" for _, _, call, name, _ in syncs(calls)]
    pieces = [at for at, name in enumerate(names) if part in name and digest in name]
    folders = [at for at, name in enumerate(names) if name.endswith(folder)]
    rows = [at for at, name in enumerate(names) if name.endswith("data.mdb")]
    need(len(pieces) >= PIECES + 1, "%d syncs of the part" % len(pieces))
    need(folders and folders[-1] > pieces[-1], "its name is not durable")
    need(rows and rows[-1] > folders[-1], "the row was written before its file was there")


def judge_order(calls):
    """Each reply is sent after a sync that began after the last byte of a request was read."""
    names = [name for _, _, call, name, _ in sockets(calls) if call == "sendmsg"]
    busiest = max(names, key=names.count)  # the agency's; the broker's self-probe has others
    calls = syncs(calls) + [call for call in sockets(calls) if call[3] == busiest]
    read_at, synced, replies = None, False, 0
    for first, at, name, _, _ in sorted(calls, key=lambda call: call[1]):
        if name == "readv":
            read_at, synced = at, False
        elif name in SYNCS:
            synced = read_at is not None and first >= read_at
        else:
            need(synced, "a reply left at %.6f without a sync since its request" % first)
            replies += 1
    return replies


def main():
    city = City()
    try:
        agency = city.speaker("education")
        agency.hello()
        single = one_at_a_time(city, agency)
        grouped = in_flight(city, agency)
        begin, whole, digest = attachment(city, agency)
        status = city.stop()
        need(status == 0, "the broker ended with %d" % status)
        deadline = time.monotonic() + 10
        while b"+++ exited" not in open(city.path("calls"), "rb").read()[-4096:]:
            need(time.monotonic() < deadline, "strace does not end")
            time.sleep(0.05)
        calls = city.calls()
        alone, together = within(calls, *single), within(calls, *grouped)
        uploading = within(calls, begin, whole)
        need(judge_order(uploading) >= PIECES, "pieces were answered that strace did not see")
        judge_attachment(uploading, digest)
        replies = judge_order(alone)
        print("%d requests one at a time: %d syncs, %d replies each behind one; %d in flight: "
              "%d syncs" % (SINGLE, len(syncs(alone)), replies, GROUPED, len(syncs(together))))
        need(replies >= SINGLE, "strace saw %d replies" % replies)
        need(len(syncs(alone)) >= SINGLE, "fewer syncs than acknowledgements")
        need(1 <= len(syncs(together)) <= GROUPED // 4, "the group is not committed together")
        report, _ = city.verify()
        need(report["messages_shown"] == SINGLE + GROUPED + 1, "messages: %s" % report)
    finally:
        city.kill()
        city.folder.cleanup()


if __name__ == "__main__":
    main()
