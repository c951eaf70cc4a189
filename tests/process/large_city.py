#!/usr/bin/python3
"""More agencies than eleven by configuration alone: a twelfth, and the units of nine banners, 110
in all. The shipped programs read a generated registry; referrals travel between its agencies."""

import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from agent_city import CONFIG, City, outbound  # noqa: E402

KINDS = (("procuratorate", "P", "judicial-assistance"), ("education", "S", "student-aid"),
         ("civil-affairs", "S", "temporary-aid"), ("justice", "S", "legal-aid"),
         ("human-resources", "S", "employment"), ("health", "S", "urgent-treatment"),
         ("rural-revitalization", "S", "poverty-monitoring"),
         ("veterans-affairs", "S", "veterans-support"), ("youth-league", "S", "youth-care"),
         ("womens-federation", "S", "womens-rights"),
         ("disabled-federation", "S", "assistive-devices"))
ROW = """  - id: %s
    number: %d
    class: %s
    prefix: %s
    name: {zh: %s, en: %s}
    office: {zh: 联络科, en: Liaison}
    duties: [%s]
"""


def with_twelfth():
    with open(os.path.join(CONFIG, "agencies.yaml"), encoding="utf-8") as file:
        return file.read() + "\n" + ROW % ("agriculture", 12, "S", "NM", "农牧局", "Agriculture",
                                           "student-aid")


def with_banners():
    text, number = "agencies:\n", 0
    for level in range(10):
        for kind, letter, duty in KINDS:
            number += 1
            prefix = chr(ord("E") + number // 26) + chr(ord("A") + number % 26)
            name = "%s-%d" % (kind, level)
            text += ROW % (name, number, letter, prefix, name, name, duty)
            if number == 1:
                text += "    joint_meeting_office: true\n"
    return text


class MoreAgencies(unittest.TestCase):
    def play(self, registry, count, referrer, receiver):
        city = City(registry=registry)
        try:
            city.start_broker()
            self.assertEqual(len(city.status.ask(cmd="agencies")["agencies"]), count)
            one, two = city.agent(referrer), city.agent(receiver)
            number = one.must("send", message=outbound(receiver))["messages"][0]["referral"]
            two.wait_row("inbox", "the referral",
                         lambda row: row.get("referral") == number)
            two.must("send", kind="feedback", referral=number, message={
                "facts": {"outcome": "granted", "measures": [
                    {"measure": "student-aid", "shape": "money", "amount_fen": 120000,
                     "unit": "term"}]},
                "body": {"officer": "经办人"}})
            one.wait_row("inbox", "the answer", lambda row: row.get("kind") == "outbound-feedback")
            shown = one.must("show", id=number)["referral"]
            self.assertEqual((shown["state"], shown["outcome"]), ("answered", "granted"))
        finally:
            statuses = city.close()
        self.assertEqual({name: 0 for name in statuses}, statuses)

    def test_a_twelfth_agency(self):
        self.play(with_twelfth(), 12, "procuratorate", "agriculture")

    def test_the_units_of_nine_banners(self):
        self.play(with_banners(), 110, "procuratorate-3", "education-3")


if __name__ == "__main__":
    unittest.main(verbosity=2)
