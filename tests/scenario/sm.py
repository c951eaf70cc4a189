#!/usr/bin/python3
"""Stories once more under the suite sm: some of them, under REFERRAL_LONG=1 all."""

import glob
import os
import subprocess
import sys

EACH = 1 if os.environ.get("REFERRAL_LONG") else 25


def main():
    player, folder = sys.argv[1:]
    stories = sorted(glob.glob(os.path.join(folder, "*.scn")))[::EACH]
    failed = []
    for story in stories:
        done = subprocess.run([player, story], env={**os.environ, "REFERRAL_SUITE": "sm"},
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            failed.append(story)
            print(done.stdout + done.stderr)
    print("%d stories, %d failed" % (len(stories), len(failed)))
    return 0 if stories and not failed else 1


if __name__ == "__main__":
    sys.exit(main())
