#!/usr/bin/python3
"""tests/data/vectors.json, made and checked by the Python client. The C side is checked against
the same file by tests/unit/wire/test_vectors.c. `--write` makes it anew: only when the protocol
changes. Without arguments: the file must be exactly what this client computes, and must open."""

import json
import os
import sys

sys.dont_write_bytecode = True

import referral_client as client  # noqa: E402
import referral_recovery  # noqa: E402
from referral_client import a, m, r

FILE = os.path.join(client.ROOT, "tests", "data", "vectors.json")
ORIGIN = "city.example/broker"
AGENCY_SEED = bytes([1]) * 32
BROKER_SEED = bytes([9]) * 32
RECEIVER_SECRET = bytes([5]) * 32
SENDER_SECRET = bytes([6]) * 32
COPY_SECRET = bytes([7]) * 32
COPY_NUMBER = 3  # civil-affairs in the registry
TIME_MS = 1790000000000


def wire(message):
    return message.SerializeToString(deterministic=True)


def public(seed):
    return client.SUITE.sign_public(seed)


def header_of(number):
    return m.Header(version=1, suite=1, message_id=bytes([0x10 + number]) * 16, kind=1,
                    sender="procuratorate", recipient="education",
                    sender_key=client.key_id(public(AGENCY_SEED)), created_ms=TIME_MS + number,
                    case_id=bytes([0x22]) * 16, case_number="JZ-2026-0031",
                    referral_id=bytes([0x33]) * 16,
                    referral_number="JZ-2026-0031-%02d" % number)


def facts_of():
    referral = m.ReferralFacts(ground=401, priority_groups=1 << 63, needs=5, measures=9,
                               urgent=True, minor_marks=3, lead_channel=2, person_count=2)
    referral.materials.add(kind=1, digest=bytes([7]) * 32, sealed_bytes=123456)
    referral.materials.add(kind=2, missing_reason=3)
    return m.Facts(body_fields=3, referral=referral)


def body_of(header):
    body = m.Body(sender=header.sender, recipient=header.recipient, message_id=header.message_id,
                  case_id=header.case_id, officer="officer 7", circumstances="\u60c5\u51b5")
    body.persons.add(name="\u5f20\u4e09", relation=1, needs=5, minor=True)
    return body


def make_sealing():
    header = wire(header_of(1))
    plain = wire(body_of(header_of(1)))
    readers = [("education", client.SUITE.seal_public(RECEIVER_SECRET)),
               ("procuratorate", client.SUITE.seal_public(SENDER_SECRET))]
    entropy = (bytes([0xC1]) * 32, bytes([0xC2]) * 24, [bytes([0xC3]) * 32, bytes([0xC4]) * 32])
    sealed = client.seal(header, plain, readers, entropy)
    return {"header": header, "plain": plain, "receiver_secret": RECEIVER_SECRET,
            "sender_secret": SENDER_SECRET, "content_key": entropy[0], "nonce": entropy[1],
            "ephemeral_1": entropy[2][0], "ephemeral_2": entropy[2][1], "sealed": sealed}


def make_matter():
    """A case conference of the procuratorate with education, and a copy for civil-affairs."""
    header = header_of(4)
    header.kind = 20
    header.referral_number = "JZ-SX-2026-0007"
    conference = m.ConferenceFacts(topic=1, held_ms=TIME_MS - 1, about=bytes([0x33]) * 16)
    conference.promises.add(agency="education", code=1, by_date=20261130)
    conference.promises.add(agency="civil-affairs", code=3, by_date=20261115)
    facts = m.Facts(body_fields=32 + 256, conference=conference,
                    copies=client.copies_of([COPY_NUMBER]))
    body = m.Body(sender=header.sender, recipient=header.recipient, message_id=header.message_id,
                  case_id=header.case_id, officer="officer 7", text="\u65b9\u6848")
    secrets = (RECEIVER_SECRET, SENDER_SECRET, COPY_SECRET)
    readers = [(name, client.SUITE.seal_public(secret)) for name, secret in
               zip(("education", "procuratorate", "civil-affairs"), secrets)]
    entropy = (bytes([0xD1]) * 32, bytes([0xD2]) * 24, [bytes([0xD3 + n]) * 32 for n in range(3)])
    sealed = client.seal(wire(header), wire(body), readers, entropy)
    payload = m.Payload(header=wire(header), facts=wire(facts), body=sealed)
    result = {"header": wire(header), "facts": wire(facts), "plain": wire(body),
              "sealed": sealed, "payload": wire(payload),
              "digest": client.message_digest(payload), "content_key": entropy[0],
              "nonce": entropy[1]}
    for number, secret in enumerate(secrets, 1):
        result["secret_%d" % number] = secret
        result["ephemeral_%d" % number] = entropy[2][number - 1]
    return result


def make_request(sealed):
    payloads = [wire(m.Payload(header=wire(header_of(n)), facts=wire(facts_of()),
                               body=sealed if n == 1 else b"")) for n in (1, 2, 3)]
    head = wire(r.RequestHead(version=1, agency="procuratorate", broker=ORIGIN,
                              session=bytes([0x55]) * 16, counter=42, time_ms=TIME_MS,
                              known_size=7, submit=r.Submit(count=3)))
    digests = [client.request_digest(head)]
    digests += [client.message_digest(m.Payload.FromString(payload)) for payload in payloads]
    envelope = r.Envelope(payload=payloads[1], proof=client.make_proof(AGENCY_SEED, digests, 2))
    return {"seed": AGENCY_SEED, "public_key": public(AGENCY_SEED),
            "key_id": client.key_id(public(AGENCY_SEED)), "head": head,
            "payload_1": payloads[0], "payload_2": payloads[1], "payload_3": payloads[2],
            "head_digest": digests[0], "digest_1": digests[1], "digest_2": digests[2],
            "digest_3": digests[3],
            "root": client.tree_root([client.batch_leaf(digest) for digest in digests]),
            "request": client.build_request(AGENCY_SEED, head, payloads),
            "envelope_2": wire(envelope)}


def record_of(number):
    return a.LeafRecord(version=1, kind=1, at_ms=TIME_MS, actor="procuratorate",
                        message_id=bytes([0x10 + number]) * 16, message_digest=bytes([8]) * 32,
                        message_kind=1, recipient="education",
                        stream=a.Stream(lane=1, seq=number + 1, previous=bytes([number]) * 32))


def make_log():
    records = [wire(record_of(n)) for n in range(7)]
    salts = [bytes([0x80 + n]) * 16 for n in range(7)]
    leaves = [client.leaf_hash(salt, record) for salt, record in zip(salts, records)]
    root = client.tree_root(leaves)
    note = client.make_checkpoint(BROKER_SEED, ORIGIN, 7, root, TIME_MS)
    receipt = r.Receipt(message_id=bytes([0x14]) * 16, leaf_index=4, record=records[4],
                        salt=salts[4], path=client.tree_path(4, leaves), checkpoint=note)
    witness = client.SUITE.sign(AGENCY_SEED, client.witness_text(ORIGIN, 7, root))
    result = {"seed": BROKER_SEED, "public_key": public(BROKER_SEED), "origin": ORIGIN.encode(),
              "record_4": records[4], "salt_4": salts[4], "root_3": client.tree_root(leaves[:3]),
              "root_7": root, "consistency_3_7": b"".join(client.consistency_proof(3, leaves)),
              "checkpoint": note, "witness": witness, "receipt_4": wire(receipt)}
    result.update(("leaf_%d" % n, leaf) for n, leaf in enumerate(leaves))
    return result


def make_reply(log, request):
    head = wire(r.ReplyHead(version=1, request_digest=request["head_digest"], time_ms=TIME_MS + 5,
                            laboratory_offset_ms=-60000, checkpoint=log["checkpoint"],
                            hello=r.HelloReply(session=bytes([0x55]) * 16, next_counter=42,
                                               registry_digest=bytes([3]) * 32,
                                               calendar_version="2026.1")))
    digests = [bytes([1]) * 32, client.reply_digest(head), bytes([2]) * 32]
    reply = r.Reply(head=head, proof=client.make_proof(BROKER_SEED, digests, 1))
    return {"head": head, "digest": digests[1], "digest_before": digests[0],
            "digest_after": digests[2], "reply": wire(reply)}


def make_recovery(log, request):
    """A statement, the reply that tells of it, what an agency hands back, and the records."""
    opened = 1790000100
    now_ms = opened * 1000 + 7
    reason = client.digest_of(b"the disk was lost")
    statement = wire(a.Recovery(version=1, old_origin=ORIGIN,
                                new_origin="%s/%d" % (ORIGIN, opened), anchor=log["checkpoint"],
                                reason=reason, at_ms=now_ms))
    signed = referral_recovery.make_recovery(BROKER_SEED, statement)
    told = r.ReplyHead(version=1, code=client.LOG_OTHER, detail="broker", time_ms=now_ms + 1,
                       request_digest=request["head_digest"], recoveries=[signed])
    items = [r.HandedBack(envelope=request["envelope_2"], receipt=log["receipt_4"]),
             r.HandedBack(envelope=request["envelope_2"])]
    asked = r.RequestHead(version=1, agency="procuratorate", broker="%s/%d" % (ORIGIN, opened),
                          session=bytes([0x55]) * 16, counter=44, time_ms=now_ms + 2,
                          known_size=8, hand_back=r.HandBack(items=items, all=True))
    answered = r.ReplyHead(version=1, request_digest=client.request_digest(wire(asked)),
                           time_ms=now_ms + 3, hand_back=r.HandBackReply(phase=2, codes=[0, 55]))
    anew = record_of(4)
    anew.at_ms = now_ms + 4
    anew.recovered.CopyFrom(a.Recovered(log=opened, leaf=4, at_ms=TIME_MS, late=True, code=48))
    gap = a.Gap(**{"from": 7}, to=300, handed_back=200, applied=199, kept=1, notices_left=2,
                missing=93, ranges=[0, 3, 9, 90], without="health court")
    records = {"leaf_opened": a.LeafRecord(version=1, kind=40, at_ms=now_ms, recovery=signed,
                                           actor="administrator"),
               "leaf_anew": anew,
               "leaf_gap": a.LeafRecord(version=1, kind=41, at_ms=now_ms, actor="broker", gap=gap)}
    result = {"seed": BROKER_SEED, "public_key": public(BROKER_SEED), "anchor": log["checkpoint"],
              "reason": reason, "statement": statement,
              "signed_text": referral_recovery.recovery_text(statement), "key_id": signed.key_id,
              "signature": signed.signature, "told": wire(told), "asked": wire(asked),
              "answered": wire(answered)}
    result.update((name, wire(record)) for name, record in records.items())
    return result


def make_ping():
    head = wire(r.RequestHead(version=1, agency="procuratorate", broker=ORIGIN, time_ms=TIME_MS,
                              ping=r.Ping()))
    request = client.build_request(AGENCY_SEED, head, [])
    body = bytes.fromhex("80000001") + request
    return {"head": head, "head_digest": client.request_digest(head), "request": request,
            "connection": bytes.fromhex("0053500000300000") + len(body).to_bytes(8, "big") + body}


def make_attachment():
    """One that is filled up, and one of two chunks of which only the digest is kept."""
    plain = "\u8bc1\u660e".encode() * 11
    large = bytes(i % 251 for i in range(70000))
    key, sealed = client.attachment_seal(plain, bytes([0xE1]) * 32)
    _, sealed_large = client.attachment_seal(large, bytes([0xE2]) * 32)
    head = wire(r.RequestHead(version=1, agency="procuratorate", broker=ORIGIN,
                              session=bytes([0x55]) * 16, counter=43, time_ms=TIME_MS,
                              blob_put=r.BlobPut(digest=client.digest_of(sealed), size=len(sealed),
                                                 offset=4096, data=sealed[4096:])))
    body = m.Body(message_id=bytes([0x11]) * 16, case_id=bytes([0x22]) * 16, attachments=[
        m.Attachment(material=2, name="\u8bc1\u660e.txt", type=8, plain_bytes=len(plain),
                     key=key)])
    return {"plain": plain, "key": key, "sealed": sealed, "digest": client.digest_of(sealed),
            "large_digest": client.digest_of(sealed_large), "large_key": bytes([0xE2]) * 32,
            "put_head": head, "body": wire(body)}


def make():
    sealing = make_sealing()
    request = make_request(sealing["sealed"])
    log = make_log()
    groups = {"sealing": sealing, "matter": make_matter(), "request": request, "log": log,
              "attachment": make_attachment(), "ping": make_ping(),
              "recovery": make_recovery(log, request),
              "reply": make_reply(log, request)}
    return {name: {key: value.hex() for key, value in group.items()}
            for name, group in groups.items()}


def check_opens(vectors):
    """What the file holds opens, verifies, and stops doing so when a byte is changed."""
    data = {name: {key: bytes.fromhex(value) for key, value in group.items()}
            for name, group in vectors.items()}
    sealing, log, reply = data["sealing"], data["log"], data["reply"]
    for secret in (sealing["receiver_secret"], sealing["sender_secret"]):
        body = client.unseal(sealing["header"], sealing["sealed"], secret)
        assert wire(body) == sealing["plain"]
    for position in range(0, len(sealing["sealed"]), 97):
        changed = bytearray(sealing["sealed"])
        changed[position] ^= 1
        try:
            client.unseal(sealing["header"], bytes(changed), sealing["receiver_secret"])
        except Exception:  # pylint: disable=broad-except
            continue
        entry = sealing["sealed"].index(client.key_id(
            client.SUITE.seal_public(sealing["sender_secret"])))
        assert position > entry - 40, "byte %d does not count" % position
    matter = data["matter"]
    for number in (1, 2, 3):
        body = client.unseal(matter["header"], matter["sealed"], matter["secret_%d" % number])
        assert wire(body) == matter["plain"]
    attachment = data["attachment"]
    sealed, key = attachment["sealed"], attachment["key"]
    assert client.attachment_open(sealed, key, 66) == attachment["plain"]
    for changed, size in ((sealed[:-1], 66), (sealed, 67), (sealed[:40] + b"!" + sealed[41:], 66)):
        try:
            client.attachment_open(changed, key, size)
            raise AssertionError("a changed attachment opens")
        except client.Forged:
            pass
    facts = m.Facts.FromString(matter["facts"])
    assert client.copy_numbers(facts.copies) == [COPY_NUMBER]
    keys = [log["public_key"]]
    receipt = r.Receipt.FromString(log["receipt_4"])
    client.check_receipt(receipt, ORIGIN, keys)
    receipt.leaf_index = 5
    try:
        client.check_receipt(receipt, ORIGIN, keys)
        raise AssertionError("a receipt at another place")
    except client.Forged:
        pass
    proof = log["consistency_3_7"]
    proof = [proof[i:i + 32] for i in range(0, len(proof), 32)]
    client.check_consistency(3, log["root_3"], 7, log["root_7"], proof)
    recovery = data["recovery"]
    keys = client.Keys("origin: %s\nkeys:\n  - owner: broker\n    use: sign\n    key: \"%s\"\n"
                       % (ORIGIN, recovery["public_key"].hex()))
    for text, signature, good in (
            (recovery["statement"], recovery["signature"], True),
            (recovery["statement"][:-1] + b"!", recovery["signature"], False),
            (recovery["statement"], recovery["signature"][:-1] + b"!", False)):
        signed = a.SignedRecovery(statement=text, key_id=recovery["key_id"], signature=signature)
        try:
            (statement, anchor), = referral_recovery.check_recoveries([signed], keys)
            assert good and anchor.size == 7 and statement.old_origin == ORIGIN
        except client.Forged:
            assert not good
    opened = r.Reply.FromString(reply["reply"])
    client.check_proof(opened.proof, client.reply_digest(opened.head), log["public_key"])


def main():
    made = make()
    if sys.argv[1:] == ["--write"]:
        with open(FILE, "w", encoding="ascii") as file:
            json.dump(made, file, indent=1)
            file.write("\n")
    with open(FILE, encoding="ascii") as file:
        kept = json.load(file)
    for name, group in made.items():
        for key, value in group.items():
            if kept[name][key] != value:
                print("%s.%s differs from tests/data/vectors.json" % (name, key))
                return 1
    check_opens(kept)
    print("%d values agree" % sum(len(group) for group in made.values()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
