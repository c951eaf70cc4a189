#!/usr/bin/python3
"""The broker's figures: promtool takes them, they say what happened, and every name that the alert
rules and the dashboard use is among them. The rules fire on what they are for, and on nothing else;
each leads to a chapter that exists."""

import json
import os
import re
import socket
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import status_client  # noqa: E402
from status_client import EDUCATION  # noqa: E402
from support import client, need  # noqa: E402

DEPLOY = os.path.join(client.ROOT, "deploy")


def promtool(*arguments, text=None):
    result = subprocess.run(["promtool", *arguments], input=text, capture_output=True, text=True,
                            timeout=60, check=False, cwd=DEPLOY)
    need(result.returncode == 0, "promtool %s: %s%s" % (arguments, result.stdout, result.stderr))


def samples(text):
    return {name: float(value) for name, value in
            (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))}


def used_names(text):
    """Without what a function of Prometheus makes of a histogram."""
    return set(re.findall(r"\breferral_broker_[a-z_]+", text))


def judge_figures(city):
    before = samples(city.good("metrics")["text"])
    sender = status_client.Sender(city)
    receiver = city.greeted(EDUCATION)
    sender.submit(3)
    waiting = samples(city.good("metrics")["text"])
    receiver.acknowledge(receiver.fetch())
    after = samples(city.good("metrics")["text"])
    for name, of in (("messages_total", waiting), ("commit_seconds_count", waiting),
                     ("requests_total", after)):
        name = "referral_broker_" + name
        need(of[name] > before[name], "%s does not count: %s" % (name, of[name]))
    queue = 'referral_broker_queue_messages{agency="education"}'
    need((before[queue], waiting[queue], after[queue]) == (0, 3, 0), "the queue's depth")
    need(after["referral_broker_delivery_seconds_count"] == 3, "deliveries are not counted")
    need(after['referral_broker_delivery_seconds_bucket{le="+Inf"}'] == 3, "nor their buckets")
    need(after['referral_broker_agency_up{agency="education"}'] == 1 and
         after['referral_broker_agency_up{agency="health"}'] == 0, "who is there")
    sender.close()
    receiver.link.close()


class City(status_client.City):
    """With a port for Prometheus."""

    def make_configuration(self):
        super().make_configuration()
        self.port = status_client.run_client.free_port()
        with open(self.path("broker.yaml"), "a", encoding="utf-8") as file:
            file.write("metrics-listen: 127.0.0.1:%d\n" % self.port)

    def http(self, data, timeout=10):
        """What comes back until the connection ends."""
        with socket.create_connection(("127.0.0.1", self.port), timeout) as raw:
            got = b""
            try:
                raw.sendall(data)
                while piece := raw.recv(65536):
                    got += piece
            except (ConnectionResetError, BrokenPipeError):
                pass
            return got


def judge_port(city):
    """One figure page, and nothing for whoever asks for another thing or will not end."""
    head, text = city.http(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").split(b"\r\n\r\n", 1)
    need(head.startswith(b"HTTP/1.1 200 ") and
         b"Content-Length: %d" % len(text) in head and b"text/plain" in head, head)
    promtool("check", "metrics", text=text.decode())
    for request, status in ((b"GET / HTTP/1.1\r\n\r\n", b"404"),
                            (b"GET /metrics/../x HTTP/1.1\r\n\r\n", b"404"),
                            (b"POST /metrics HTTP/1.1\r\n\r\n", b"405")):
        need(city.http(request).startswith(b"HTTP/1.1 " + status), request)
    for hostile in (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 5000, b"\0" * 100, b"GET\0 /\r\n\r\n"):
        need(city.http(hostile) == b"", hostile[:20])
    idle = [socket.create_connection(("127.0.0.1", city.port), 10) for _ in range(8)]
    need(city.http(b"GET /metrics HTTP/1.1\r\n\r\n") == b"", "a ninth is listened to")
    need(all(raw.recv(1) == b"" for raw in idle), "who says nothing is kept")  # after 5 s
    need(city.http(b"GET /metrics HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 200"), "none after them")
    for raw in idle:
        raw.close()
    need(city.good("status")["ok"], "the broker suffered")


def main():
    city = City()
    try:
        judge_figures(city)
        judge_port(city)
        text = city.good("metrics")["text"]
    finally:
        city.close()
    promtool("check", "metrics", text=text)
    promtool("check", "rules", "alerts.yaml")
    promtool("test", "rules", "alerts_test.yaml")
    known = used_names(text)
    with open(os.path.join(DEPLOY, "alerts.yaml"), encoding="utf-8") as file:
        rules = file.read()
    with open(os.path.join(DEPLOY, "grafana-dashboard.json"), encoding="utf-8") as file:
        dashboard = file.read()
    for panel in json.loads(dashboard)["panels"]:
        need(panel["targets"] and panel["title"], panel)
    # What is told of a configured backup or link alone is there in a city's broker as well.
    missing = (used_names(rules) | used_names(dashboard)) - known
    need(not missing, "used, and not there: %s" % sorted(missing))
    with open(os.path.join(client.ROOT, "docs", "operations.md"), encoding="utf-8") as file:
        anchors = {re.sub(r"[^a-z0-9 -]", "", head.lower()).replace(" ", "-")
                   for head in re.findall(r"^#+ (.*)$", file.read(), re.M)}
    for alert in re.split(r"- alert: ", rules)[1:]:
        need(all(word in alert for word in ("summary: ", "action: ", "severity: ")), alert)
        anchor = re.search(r"runbook: docs/operations\.md#(\S+)", alert)
        need(anchor and anchor.group(1) in anchors, "no such chapter: %s" % alert)
    print("%d figures, %d alerts" % (len(known), rules.count("- alert: ")))


if __name__ == "__main__":
    main()
