/* The tables of referralctl: every option and every command. See command.h. A command is a row here
 * and a handler in the file of its subject; parse.c and help.c need nothing else. */
#include "cli/command.h"

#define BITS_2(a, b)    (OPTION_BIT(a) | OPTION_BIT(b))
#define BITS_3(a, b, c) (BITS_2(a, b) | OPTION_BIT(c))

#define CHANGE_OPTIONS                                                                             \
    (BITS_3(OPTION_SOCKET, OPTION_REASON, OPTION_REASON_FILE) | OPTION_BIT(OPTION_DRY_RUN))
#define CHANGES                                                                                    \
    "\n"                                                                                           \
    "The log records the change; the reason lies beside it, for auditors. Without --reason it is " \
    "\n"                                                                                           \
    "asked for on the terminal.\n"

#define CALENDARS                                                                                  \
    "\n"                                                                                           \
    "Without --calendars the folder is the first there is of: ../../../config/calendars beside "   \
    "the\n"                                                                                        \
    "program (a built source tree), /etc/referral/calendars, ./config/calendars.\n"
#define VERIFIER                                                                                   \
    "\n"                                                                                           \
    "Runs referral-verify. Exit status 0 PASS, 1 FAIL, 4 unreadable, 5 incomplete. Without --key " \
    "a\n"                                                                                          \
    "PASS does not say whose log it is.\n"

const struct option option_table[OPTION_COUNT + 1] = {
    [OPTION_HELP] = {"help", NULL, "What the command does, with examples"},
    [OPTION_VERSION] = {"version", NULL, "The version of this program"},
    [OPTION_JSON] = {"json", NULL, "Print one JSON object"},
    [OPTION_SOCKET] = {"socket", "PATH", "The daemon's unix socket"},
    [OPTION_CALENDARS] = {"calendars", "DIR", "The folder of calendar files"},
    [OPTION_FROM] = {"from", "DATE", "YYYY-MM-DD: the first day; of a window day 0, not counted"},
    [OPTION_DAYS] = {"days", "N", "How many working days, 1 to 4000"},
    [OPTION_WITHIN] = {"within", "N", "Working days from today, 0 to 400 (3)"},
    [OPTION_REASON] = {"reason", "TEXT", "Why, in a few words for the log; nothing about persons"},
    [OPTION_REASON_FILE] = {"reason-file", "FILE", "The reason in words; - is standard input"},
    [OPTION_CODE] = {"code", "CODE", "A code of the table that the examples name"},
    [OPTION_OFFICER_FILE] = {"officer-file", "FILE",
                             "The officer's name, one line; - is standard input (经办人)"},
    [OPTION_AFTER] = {"after", "SEQ", "Only rows behind this number (0)"},
    [OPTION_ROWS] = {"count", "N", "At most so many rows; left out: all"},
    [OPTION_REGISTRY] = {"registry", "FILE", "The agencies: agencies.yaml"},
    [OPTION_OUT] = {"out", "PATH", "Where to write"},
    [OPTION_ORIGIN] = {"origin", "ORIGIN", "The broker's name in checkpoints (laboratory/broker)"},
    [OPTION_AGENCY] = {"agency", "ID", "The agency's id in agencies.yaml"},
    [OPTION_AUTHORITY] = {"authority", "DIR", "The folder of ca.crt and ca.key, to certify with"},
    [OPTION_STORE] = {"store", "DIR", "The broker's store"},
    [OPTION_EXPORT] = {"export", "FILE", "An audit export"},
    [OPTION_KEY] = {"key", "FILE", "Pins the broker's key: broker.pub or public-keys.yaml"},
    [OPTION_CHECK] = {"check", NULL, "Judge the city by what it answers, then end"},
    [OPTION_KEEP] = {"keep", "DIR", "Keep the city's files in DIR"},
    [OPTION_PORT] = {"port", "BASE", "The first of the city's TCP ports"},
    [OPTION_DAY] = {"day", "SECONDS", "A day of the city's clock after the story (180); 0: a day"},
    [OPTION_MUTATION] = {"mutation", "NAME", "Break the city on purpose; --check must fail"},
    [OPTION_TO] = {"to", "DATE", "YYYY-MM-DD: the last day"},
    [OPTION_CSV] = {"csv", "FILE", "Write a table for a spreadsheet; - is standard output"},
    [OPTION_ENGLISH] = {"english", NULL, "Heads and names in English"},
    [OPTION_DRY_RUN] = {"dry-run", NULL, "Say what would happen, change nothing"},
    [OPTION_YEAR] = {"year", "YEAR", "A year of four digits"},
    [OPTION_FILE] = {"file", "FILE", "A policy file to compare with; - is standard input"},
    [OPTION_OLD] = {"old", "N", "The version before (the newest but one; with --file the newest)"},
    [OPTION_NEW] = {"new", "N", "The version after (the newest)"},
    [OPTION_ROLES] = {"roles", "ROLES", "Of an officer: member, leader, manager; with commas"},
    [OPTION_QUIET] = {"quiet", NULL, "Print only what is wrong, on standard error"},
    [OPTION_EFFECTIVE] = {"effective", NULL, "Every option, those left out as well (always so)"},
    [OPTION_YES] = {"yes", NULL, "Do it without asking on the terminal"},
    [OPTION_ORDER] = {"order", "NUMBER", "The number of the order to erase, for the record"},
    [OPTION_CONTEXT] = {"context", "NAME", "The broker or agent of a saved context"},
    [OPTION_AGENT_SOCKET] = {"agent-socket", "PATH",
                             "An agent's unix socket, for `agent` commands"},
    [OPTION_CONFIG] = {"config", "FILE", "The daemon's configuration file"},
    [OPTION_ONLY] = {"only", "NAME", "Only this check; --help lists them"},
    [OPTION_DISK_PERCENT] = {"disk-percent", "N", "Warn of a disk that is so full (85)"},
    [OPTION_ALL] = {"all", NULL, "Those that are settled, too"},
    [OPTION_TIMEOUT] = {"timeout", "SECONDS", "How long to wait, 1 to 60 (10)"},
    [OPTION_ONCE] = {"once", NULL, "Print one frame and end"},
    [OPTION_FOLLOW] = {"follow", NULL, "Go on until Ctrl-C"},
    [OPTION_RECOVERY_KEY] = {"recovery-key", "FILE", "The secret that opens backups: recovery.key"},
    [OPTION_ATTACHMENTS] = {"attachments", "DIR", "The backups' attachments (beside the file)"},
    [OPTION_WITHOUT_ATTACHMENTS] = {"without-attachments", NULL, "Restore without attachments"},
    [OPTION_KNOWN_SIZE] = {"known-size", "N", "The newest log size that a broker or agent knows"},
    [OPTION_LOST] = {"lost", NULL, "The other broker is lost and has not handed over"},
    [OPTION_PUBLIC_KEYS] = {"keys", "FILE", "The public keys: public-keys.yaml"},
    [OPTION_ROOT_KEY] = {"root-key", "FILE",
                         "The secret root key: root.key, on an offline machine"},
    [OPTION_ROOT] = {"root", "FINGERPRINT", "The root's fingerprint, compared by telephone"},
    [OPTION_PREVIOUS] = {"previous", "FILE", "The signed registry that this one follows"},
    [OPTION_OVERLAP] = {"overlap-days", "N", "Old and new key hold side by side, 0 to 400 (30)"},
    [OPTION_WITH_BODIES] = {"with-bodies", NULL, "Also what opens the bodies: personal data"},
    [OPTION_FORCE] = {"force", NULL, "Write over a file that is there"},
    [OPTION_LANG] = {"lang", "LANG", "The language of a report: zh or en (zh)"},
    [OPTION_SUITE] = {"suite", "NAME", "Of the city: intl, or sm (SM2, SM3, SM4)"},
    [OPTION_COUNT] = {NULL, NULL, NULL},
};

const struct command command_table[] = {
    {"status", "The broker's state; warns when its clock is held or its store nearly full.", "", 0,
     OPTION_BIT(OPTION_SOCKET), 0, broker_status_run,
     "  referralctl status\n"
     "  referralctl --socket /run/referral-broker/status.sock status --json\n"
     "\n"
     "Exit status 5: the clock is held (reminders and escalations wait), the store is at 80 % or\n"
     "more, or from 1 November on next year's holiday notice is missing.\n"},
    {"watch",
     "The broker on one page that is always new; without a terminal one page, and the end.", "", 0,
     BITS_3(OPTION_SOCKET, OPTION_ONCE, OPTION_FOLLOW) | OPTION_BIT(OPTION_AFTER), 0, watch_run,
     "  referralctl watch\n"
     "  referralctl watch --once --json | jq '.lights[] | select(.light != \"ok\")'\n"
     "  referralctl watch --follow --json --after 4711   events as lines, from a position on\n"
     "\n"
     "Keys: q quits, ? explains the page. NO_COLOR is heeded; the light is also a word. --follow "
     "has\n"
     "lines of its own, `lost` and `reached`, for the way to the broker.\n"},
    {"doctor", "What needs attention on the broker's host: a light, its evidence, the next step.",
     "", 0, BITS_3(OPTION_SOCKET, OPTION_CONFIG, OPTION_ONLY) | OPTION_BIT(OPTION_DISK_PERCENT), 0,
     doctor_run,
     "  referralctl doctor\n"
     "  referralctl doctor --only certificates\n"
     "  referralctl doctor --json | jq '.checks[] | select(.light != \"ok\")'\n"
     "\n"
     "A broker that is down is examined, too: by /etc/referral/broker.yaml, or --config FILE.\n"
     "Checks: reach, configuration, port, rights, keys, certificates, calendar, clock, disk, "
     "store,\n"
     "agencies, witnesses, queues, dead, backup, standby. Exit status 3: the broker is not "
     "reached;\n"
     "5: something needs attention.\n"},
    {"agency ls", "The agencies: when each was last heard, and what waits for it.", "", 0,
     OPTION_BIT(OPTION_SOCKET), 0, agency_list_run,
     "  referralctl agency ls\n"
     "  referralctl agency ls --json | jq -r '.agencies[] | select(.heard_ms == 0) | .id'\n"},
    {"agency suspend", "Take nothing new from an agency, and keep what is for it.", "AGENCY", 1,
     CHANGE_OPTIONS | OPTION_BIT(OPTION_YES), 0, agency_suspend_run,
     "  referralctl agency suspend education --dry-run\n"
     "  referralctl agency suspend education --yes --reason 'its host is being examined'\n"
     "\n"
     "Its agent keeps what it has and tries again; clocks and rungs go on. It lasts until "
     "resumed.\n" CHANGES},
    {"agency resume", "Take messages of a suspended agency again.", "AGENCY", 1, CHANGE_OPTIONS, 0,
     agency_resume_run,
     "  referralctl agency resume education --reason 'the host is clean'\n" CHANGES},
    {"ping", "A signed message to an agency's agent and back.", "AGENCY", 1,
     BITS_2(OPTION_SOCKET, OPTION_TIMEOUT), 0, ping_run,
     "  referralctl ping education\n"
     "  referralctl ping education --json | jq .round_trip_ms\n"
     "\n"
     "Exit status 3: no answer in time, and why.\n"},
    {"dead ls", "Messages that will not reach their receiver by themselves.", "", 0,
     BITS_2(OPTION_SOCKET, OPTION_ALL), 0, dead_list_run,
     "  referralctl dead ls\n"
     "  referralctl dead ls --all --json | jq '.dead[] | select(.settled == \"dropped\")'\n"},
    {"dead show", "One of them: why, and what can be done.", "ID", 1, OPTION_BIT(OPTION_SOCKET), 0,
     dead_show_run, "  referralctl dead show 4711\n"},
    {"dead retry", "Offer a dead letter to its receiver again.", "ID", 1, CHANGE_OPTIONS, 0,
     dead_retry_run, "  referralctl dead retry 4711 --reason 'its key is back'\n" CHANGES},
    {"dead drop", "Move a dead letter aside; its sender is told. Nothing is erased.", "ID", 1,
     CHANGE_OPTIONS | OPTION_BIT(OPTION_YES), 0, dead_drop_run,
     "  referralctl dead drop 4711 --dry-run\n"
     "  referralctl dead drop 4711 --yes --reason 'sent anew under another number'\n" CHANGES},
    {"queue", "How old is what waits, by agency.", "", 0, OPTION_BIT(OPTION_SOCKET), 0,
     broker_queue_run,
     "  referralctl queue\n"
     "  referralctl --socket /run/referral-broker/status.sock queue --json\n"},
    {"late", "Which clock is late, and who holds it: of a case, or of all.", "[CASE]", 0,
     OPTION_BIT(OPTION_SOCKET), 0, broker_late_run,
     "  referralctl late\n"
     "  referralctl late JZ-2026-0031\n"
     "  referralctl late --json | jq -r '.late[] | select(.holder == \"education\") | .number'\n"},
    {"documents", "Numbered documents (督办单) that are open: replied to or not, on the agenda.",
     "", 0, OPTION_BIT(OPTION_SOCKET), 0, broker_documents_run,
     "  referralctl documents\n"
     "  referralctl documents --json | jq -r '.documents[] | select(.agenda) | .number'\n"},
    {"voids", "Numbers that agencies gave and that belong to nothing: refused, or left out.", "", 0,
     OPTION_BIT(OPTION_SOCKET), 0, broker_voids_run,
     "  referralctl voids\n"
     "\n"
     "Computed from what the broker saw: the numbers taken, and the newest 20,000 leaves.\n"},
    {"due", "Open windows, tasks and duties whose last day is near or past.", "", 0,
     BITS_2(OPTION_SOCKET, OPTION_WITHIN), 0, broker_due_run,
     "  referralctl due                 within 3 working days, and what is past\n"
     "  referralctl due --within 400    all that is open\n"},
    {"case", "A case, referral or matter: its clocks, and the trail of its log leaves.", "ID", 1,
     OPTION_BIT(OPTION_SOCKET), 0, broker_case_run,
     "  referralctl case JZ-2026-0031\n"
     "  referralctl case JZ-2026-0031-02 --json\n"
     "  referralctl case JZ-SX-2026-0007\n"},
    {"why", "Why a date is what it is, or why a message was refused.", "ID", 1,
     OPTION_BIT(OPTION_SOCKET), 0, broker_why_run,
     "  referralctl why JZ-2026-0031-02    day 0, skipped days, make-up workdays\n"
     "  referralctl why JZ-SX-2026-0007    the same of the duties of a matter\n"
     "  referralctl why 4711               the leaf of a refusal: rule, article, next step\n"
     "  referralctl why 0198c1f2-7c00-7a10-8000-0123456789ab    the message that was refused\n"},
    {"policy list", "The policies that the broker worked by, and since when.", "", 0,
     OPTION_BIT(OPTION_SOCKET), 0, policy_list_run, "  referralctl policy list\n"},
    {"policy diff", "What changed between two policies of the broker, or would with a file.", "", 0,
     BITS_3(OPTION_SOCKET, OPTION_OLD, OPTION_NEW) | BITS_2(OPTION_FILE, OPTION_REGISTRY), 0,
     policy_diff_run,
     "  referralctl policy diff                       the two newest\n"
     "  referralctl policy diff --old 3 --new 5\n"
     "  referralctl policy diff --file policy.yaml    before the broker is restarted with it\n"
     "\n"
     "Without --registry the agencies are those of ../../../config beside the program, of\n"
     "/etc/referral, or of ./config.\n"},
    {"stats", "What each agency received and how it answered, by direction, in a period.", "", 0,
     BITS_3(OPTION_SOCKET, OPTION_FROM, OPTION_TO) |
         BITS_3(OPTION_AGENCY, OPTION_CSV, OPTION_ENGLISH),
     0, stats_run,
     "  referralctl stats\n"
     "  referralctl stats --from 2026-01-01 --to 2026-06-30 --csv half-year.csv\n"
     "  referralctl stats --agency education --json\n"
     "\n"
     "The period is that of the days on which the broker accepted the referrals, and on which\n"
     "duties fall due; without --from and --to the year so far. docs/statistics.md defines each\n"
     "figure.\n"},
    {"clock show", "The broker's clocks, and why escalations are held, if they are.", "", 0,
     OPTION_BIT(OPTION_SOCKET), 0, broker_clock_show_run,
     "  referralctl clock show\n"
     "\n"
     "Exit status 5: held.\n"},
    {"config check", "Everything that is wrong with a daemon's configuration and its files.",
     "FILE", 1, 0, 0, config_check_run,
     "  referralctl config check /etc/referral/broker.yaml\n"
     "  referralctl config check /etc/referral/agent-education.yaml\n"
     "\n"
     "Runs the daemon's own --check, as root where it is to read the keys. A `credential:NAME` is\n"
     "looked for in keys/broker or keys/AGENCY beside the file, where the units take it from.\n"},
    {"config show", "Every option, its value, and where that comes from.", "[FILE]", 0,
     BITS_2(OPTION_SOCKET, OPTION_EFFECTIVE), 0, config_show_run,
     "  referralctl config show --effective              of the broker that runs\n"
     "  referralctl config show /etc/referral/agent.yaml of a file\n"
     "\n"
     "Of secrets only the paths are shown.\n"},
    {"config reload", "Let the broker take all files anew, or none of them.", "", 0, CHANGE_OPTIONS,
     0, config_reload_run,
     "  referralctl config reload --dry-run\n"
     "  referralctl config reload --reason 'the tax office joins'\n"
     "\n"
     "Any mistake, or an option that needs a restart, and nothing is changed: all of them are "
     "named.\n" CHANGES},
    {"metrics", "The broker's figures as Prometheus reads them.", "", 0, OPTION_BIT(OPTION_SOCKET),
     0, metrics_run,
     "  referralctl metrics | promtool check metrics\n"
     "\n"
     "Prometheus itself asks the port of `metrics-listen`.\n"},
    {"clock confirm", "Confirm that the wall clock is right.", "", 0, CHANGE_OPTIONS, 0,
     broker_clock_confirm_run,
     "  referralctl clock confirm --reason 'compared with the time service'\n"
     "  referralctl clock confirm --reason-file reason.txt\n" CHANGES},
    {"clock reset", "Set broker time back to the wall clock.", "", 0,
     CHANGE_OPTIONS | OPTION_BIT(OPTION_YES), 0, broker_clock_reset_run,
     "  referralctl clock reset --dry-run\n"
     "  referralctl clock reset --yes --reason 'the machine was set to 2027 by mistake'\n"
     "\n"
     "Only when broker time is ahead (`clock show`).\n" CHANGES},
    {"agent send", "Send a message of docs/messages.md from a file.", "FILE.json", 1,
     OPTION_BIT(OPTION_SOCKET), 0, agent_send_run,
     "  referralctl agent --socket /run/referral-agent/agent.sock send referral.json\n"
     "  make-referral | referralctl agent send -\n"
     "\n"
     "Exit status 0: the messages are durable in the agent, and leave as soon as the broker can "
     "be\n"
     "reached; warnings do not change it. 4: refused, with the field, the reason and what is\n"
     "allowed; nothing was sent.\n"},
    {"agent attach", "Attach a file: checked, sealed, and named by the digest that is printed.",
     "FILE", 1, OPTION_BIT(OPTION_SOCKET), 0, agent_attach_run,
     "  referralctl agent attach scan.pdf\n"
     "  referralctl agent attach scan.pdf --json | jq -r .attachment.digest\n"
     "\n"
     "Put the digest into facts.materials of a referral, or facts.attachments of any other "
     "message;\n"
     "`agent send` does the rest. PDF, JPEG, PNG, OFD, DOCX, XLSX, ZIP and plain text, at most 20\n"
     "MiB; the name's ending says which. One that no message names is forgotten after 31 days.\n"},
    {"agent attachments", "The attachments of a message or referral, and whether they are here.",
     "ID", 1, OPTION_BIT(OPTION_SOCKET), 0, agent_attachments_run,
     "  referralctl agent attachments JZ-2026-0031-02\n"},
    {"agent fetch", "Open an attachment and write its plain bytes to a new file.", "DIGEST", 1,
     BITS_2(OPTION_SOCKET, OPTION_OUT), OPTION_BIT(OPTION_OUT), agent_fetch_run,
     "  referralctl agent fetch "
     "$(jq -r .attachment.digest attached.json) --out scan.pdf\n"
     "\n"
     "The file is readable for its owner only. Exit status 4: it is on the way still, or does not\n"
     "open.\n"},
    {"agent inbox", "The messages that this agency received.", "", 0,
     BITS_3(OPTION_SOCKET, OPTION_AFTER, OPTION_ROWS), 0, agent_inbox_run,
     "  referralctl agent inbox\n"
     "  referralctl agent inbox --after 120 --json    one answer: at most 500 rows and \"more\"\n"},
    {"agent outbox", "The messages that this agency sent, and what became of them.", "", 0,
     BITS_3(OPTION_SOCKET, OPTION_AFTER, OPTION_ROWS), 0, agent_outbox_run,
     "  referralctl agent outbox\n"
     "  referralctl agent outbox --json | jq '.rows[] | select(.state == \"refused\")'\n"},
    {"agent show", "A message with its opened body, a referral, a matter, or a case.", "ID", 1,
     OPTION_BIT(OPTION_SOCKET), 0, agent_show_run,
     "  referralctl agent show JZ-2026-0031-02\n"
     "  referralctl agent show JZ-SX-2026-0007\n"
     "  referralctl agent show 0198c1f2-7c00-7a10-8000-0123456789ab --json\n"
     "\n"
     "Prints personal data.\n"},
    {"agent sign-for", "Sign for a referral; the agent gives the register number.", "ID", 1,
     BITS_2(OPTION_SOCKET, OPTION_OFFICER_FILE), 0, agent_sign_for_run,
     "  referralctl agent sign-for JZ-2026-0031-02\n"
     "  referralctl agent sign-for JZ-2026-0031-02 --officer-file officer.txt\n"
     "\n"
     "Without --officer-file the message names the officer as 经办人, the one in charge.\n"},
    {"agent feedback", "Answer a referral with the feedback in a file.", "ID FILE.json", 2,
     OPTION_BIT(OPTION_SOCKET), 0, agent_feedback_run,
     "  referralctl agent feedback JZ-2026-0031-02 feedback.json\n"
     "  referralctl agent feedback JZ-2026-0031-02 - < feedback.json\n"
     "\n"
     "The file has `facts` and `body` as in docs/messages.md; `kind` and `referral` may be left "
     "out.\n"},
    {"agent withdraw", "Withdraw a referral that is not answered yet.", "ID", 1,
     BITS_2(OPTION_SOCKET, OPTION_OFFICER_FILE) | BITS_2(OPTION_CODE, OPTION_REASON_FILE),
     OPTION_BIT(OPTION_CODE), agent_withdraw_run,
     "  referralctl agent withdraw JZ-2026-0031-03 --code duplicate\n"
     "  referralctl agent withdraw JZ-2026-0031-03 --code other --reason-file why.txt\n"
     "\n"
     "CODE is of the table `withdrawal` in messages.md.\n"
     "Without --officer-file the message names the officer as 经办人, the one in charge.\n"},
    {"agent reply", "Answer a numbered document (督办单) that asks this agency.", "DOCUMENT", 1,
     BITS_2(OPTION_SOCKET, OPTION_OFFICER_FILE) | BITS_2(OPTION_CODE, OPTION_REASON_FILE),
     OPTION_BIT(OPTION_CODE), agent_reply_run,
     "  referralctl agent reply DB-2026-0012 --code waits-for-papers\n"
     "  referralctl agent reply DB-2026-0012 --code other --reason-file why.txt\n"
     "\n"
     "CODE is of the table `escalation-answer` in messages.md.\n"
     "It goes to the agency that waits. Without --reason-file the text is the code's name. The\n"
     "document stays open until its cause is gone.\n"},
    {"agent officer add", "Let an officer use the inbox; prints the first password.", "NAME", 1,
     BITS_2(OPTION_SOCKET, OPTION_ROLES), OPTION_BIT(OPTION_ROLES), agent_officer_add_run,
     "  referralctl agent officer add gaowa --roles member\n"
     "  referralctl agent officer add baoyin --roles leader\n"
     "  referralctl agent officer add admin --roles manager\n"},
    {"agent officer reset", "Give an officer a new password; unlocks.", "NAME", 1,
     OPTION_BIT(OPTION_SOCKET), 0, agent_officer_reset_run,
     "  referralctl agent officer reset gaowa\n"},
    {"agent officer disable", "Shut an officer out of the inbox.", "NAME", 1,
     OPTION_BIT(OPTION_SOCKET), 0, agent_officer_disable_run,
     "  referralctl agent officer disable gaowa\n"},
    {"agent officer enable", "Let an officer in again.", "NAME", 1, OPTION_BIT(OPTION_SOCKET), 0,
     agent_officer_enable_run, "  referralctl agent officer enable gaowa\n"},
    {"agent officer list", "Who may use this agency's inbox.", "", 0, OPTION_BIT(OPTION_SOCKET), 0,
     agent_officer_list_run,
     "  referralctl agent officer list\n"
     "  referralctl agent officer list --json\n"},
    {"agent late", "The clocks that this agency holds and that are late or near.", "", 0,
     BITS_2(OPTION_SOCKET, OPTION_WITHIN), 0, agent_late_run,
     "  referralctl agent late\n"
     "  referralctl agent late --within 10 --json\n"
     "\n"
     "Of referrals and of matters. Exit status 5: one is late.\n"},
    {"agent erase",
     "Erase a case at this agency by a lawful order: what its messages and attachments say.", "ID",
     1, CHANGE_OPTIONS | BITS_2(OPTION_YES, OPTION_ORDER), 0, agent_erase_run,
     "  referralctl agent erase JZ-2026-0031 --dry-run\n"
     "  referralctl agent erase JZ-2026-0031 --order '(2026)内0102法删1号' --reason '删除令' "
     "--yes\n"
     "\n"
     "The case's key is destroyed: its bodies and attachments open neither here nor from a "
     "backup,\n"
     "however old. What was sent when, by whom and to whom, deadlines and signatures stay. "
     "Nothing\n"
     "brings it back. The broker and the other agencies erase their copies by an order to them.\n"
     "Copies of the file `case-keys-...` that were carried away from the backups open it still:\n"
     "replace them by the new one. Refused while a message or attachment of the case is on its "
     "way.\n"
     "Exit status 5: it is erased here, and something is left to do, which is printed.\n"},
    {"agent distrust show", "Why this agent does not believe the broker, and what was before.", "",
     0, OPTION_BIT(OPTION_SOCKET), 0, agent_distrust_show_run,
     "  referralctl agent distrust show\n"
     "  referralctl agent distrust show --json | jq -r '.rows[].message'\n"
     "\n"
     "Exit status 5: it does not.\n"},
    {"agent distrust clear", "Believe the broker again, once it is known what happened.", "", 0,
     CHANGE_OPTIONS | BITS_2(OPTION_YES, OPTION_QUIET), 0, agent_distrust_clear_run,
     "  referralctl agent distrust clear --reason 'the broker was set up anew on 2 March' --yes\n"
     "  referralctl agent distrust clear --dry-run\n"
     "\n"
     "Of what only a broker that signs falsehoods can have told; all else ends by itself. The\n"
     "reason is kept in this agent's store. The broker is asked at once; its log must still "
     "extend\n"
     "all that this agent knows, and the evidence file stays.\n"},
    {"agent checkpoint show", "What this agent knows of the broker's log, for other agencies.", "",
     0, BITS_3(OPTION_SOCKET, OPTION_OUT, OPTION_FORCE), 0, agent_checkpoint_show_run,
     "  referralctl agent checkpoint show --out education.checkpoint\n"
     "\n"
     "Signed by the broker; it says nothing about persons or cases, and may be sent by mail.\n"},
    {"agent checkpoint compare", "Is what another agency was shown the log that this one is shown?",
     "FILE", 1, OPTION_BIT(OPTION_SOCKET), 0, agent_checkpoint_compare_run,
     "  referralctl agent checkpoint compare education.checkpoint\n"
     "\n"
     "FILE is what `referralctl agent checkpoint show` wrote there; - is standard input. The "
     "broker\n"
     "has to prove it. Exit status 1: two logs, or the broker is not believed, which is "
     "printed;\n"
     "3: not connected; 5: not known, try again.\n"},
    {"agent notify test", "Tries a channel of notices: each of its officers is told so.", "CHANNEL",
     1, OPTION_BIT(OPTION_SOCKET), 0, agent_notify_test_run,
     "  referralctl agent notify test mail\n"
     "\n"
     "At once, whatever the hour, and only once. Exit status 5: somebody was not reached; the "
     "reason\n"
     "is printed.\n"},
    {"agent notify dead", "The notices that were given up, and why.", "", 0,
     OPTION_BIT(OPTION_SOCKET), 0, agent_notify_dead_run,
     "  referralctl agent notify dead\n"
     "  referralctl agent notify dead --json | jq '.rows[].reason'\n"},
    {"agent notify retry", "Sends a notice again that was given up.", "ID", 1,
     OPTION_BIT(OPTION_SOCKET), 0, agent_notify_retry_run, "  referralctl agent notify retry 17\n"},
    {"agent status", "The agent's state; warns of what somebody should look at.", "", 0,
     OPTION_BIT(OPTION_SOCKET), 0, agent_status_run,
     "  referralctl agent status\n"
     "\n"
     "Exit status 5: an alarm, no connection, a held clock, another registry or calendar, notices\n"
     "that cannot be delivered, or a store at 80 % or more.\n"},
    {"agent doctor", "What needs attention on an agency's host: a light, evidence, the next step.",
     "", 0, BITS_3(OPTION_SOCKET, OPTION_CONFIG, OPTION_ONLY) | OPTION_BIT(OPTION_DISK_PERCENT), 0,
     agent_doctor_run,
     "  referralctl agent doctor\n"
     "  referralctl agent doctor --config /etc/referral/agent-education.yaml --only connection\n"
     "\n"
     "Without --config the only file /etc/referral/agent-*.yaml. Checks: reach, configuration,\n"
     "connection, trust, registry, rights, keys, certificates, calendar, clock, disk, store,\n"
     "witness, notices, backup, outbox. Exit status 3: the agent is not reached; 5: something "
     "needs\n"
     "attention.\n"},
    {"agent backup show", "The backup that an agent is making, its last one, and what failed.", "",
     0, OPTION_BIT(OPTION_SOCKET), 0, agent_backup_show_run,
     "  referralctl agent backup show\n"
     "  referralctl agent backup show --json | jq .backup.last.made_ms\n"
     "\n"
     "Exit status 5: the last one failed.\n"},
    {"agent backup", "Have an agent make a backup of its store, while it works, and wait for it.",
     "", 0, BITS_3(OPTION_SOCKET, OPTION_OUT, OPTION_DRY_RUN), 0, agent_backup_run,
     "  referralctl agent backup\n"
     "  referralctl agent backup --out /mnt/disk/referral --json\n"
     "\n"
     "Without --out into `backup-folder` of its configuration. `backup ls`, `backup verify` and\n"
     "`restore` read it. Exit status 0: it is durable, read back and compared; 1: it failed, and\n"
     "nothing is left of it.\n"},
    {"agent reload", "Take the calendar files anew, as SIGHUP does; a bad file changes nothing.",
     "", 0, OPTION_BIT(OPTION_SOCKET), 0, agent_reload_run,
     "  referralctl agent reload\n"
     "\n"
     "Exit status 4: a file is wrong (it says where), and the calendar in use stays.\n"},
    {"calendar due", "The last day of a window: day 0 is not counted, N working days follow.", "",
     0, BITS_3(OPTION_FROM, OPTION_DAYS, OPTION_CALENDARS) | OPTION_BIT(OPTION_SUITE),
     BITS_2(OPTION_FROM, OPTION_DAYS), calendar_due_run,
     "  referralctl calendar due --from 2026-09-24 --days 20\n"
     "  referralctl calendar due --from 2026-09-24 --days 20 --json | jq -r .due\n" CALENDARS},
    {"calendar show", "A year's holidays and make-up workdays, and where they come from.", "YEAR",
     1, BITS_2(OPTION_CALENDARS, OPTION_SUITE), 0, calendar_show_run,
     "  referralctl calendar show 2026\n" CALENDARS},
    {"calendar check", "Read the calendar files, say what is wrong or missing.", "", 0,
     BITS_2(OPTION_CALENDARS, OPTION_SUITE), 0, calendar_check_run,
     "  referralctl calendar check --calendars /etc/referral/calendars\n"
     "  referralctl calendar check --suite sm\n"
     "\n"
     "Exit status 4: a file is wrong, with its place. 5: a year is missing, or today depends on a\n"
     "notice that is not there.\n" CALENDARS},
    {"calendar import", "Put a calendar file into the folder; say which days and deadlines move.",
     "FILE.json", 1,
     BITS_3(OPTION_CALENDARS, OPTION_DRY_RUN, OPTION_SOCKET) | BITS_2(OPTION_STORE, OPTION_SUITE),
     0, calendar_import_run,
     "  referralctl calendar import 2027.json --dry-run\n"
     "  referralctl calendar import local-2027-league.json --calendars /etc/referral/calendars\n"
     "  referralctl calendar import 2027.json --dry-run --store /var/lib/referral-broker/store\n"
     "\n"
     "The broker is asked for its open deadlines (--socket, or the usual one when it is there), "
     "or\n"
     "its store is read (--store). A file that is replaced is kept beside the new one. The broker\n"
     "takes the new calendar when it is reloaded, and tells both sides of each "
     "deadline.\n" CALENDARS},
    {"calendar ics", "Write a year for the calendars of desks and phones (iCalendar).", "", 0,
     BITS_3(OPTION_YEAR, OPTION_OUT, OPTION_CALENDARS), BITS_2(OPTION_YEAR, OPTION_OUT),
     calendar_ics_run, "  referralctl calendar ics --year 2026 --out 2026.ics\n" CALENDARS},
    {"context add", "Save a broker (and an agent) under a name, for --context.", "NAME", 1,
     BITS_3(OPTION_SOCKET, OPTION_AGENT_SOCKET, OPTION_CONFIG) | OPTION_BIT(OPTION_DRY_RUN), 0,
     context_add_run,
     "  referralctl context add city --socket /run/referral-broker/status.sock\n"
     "  referralctl context add trial --socket /tmp/city/status.sock --agent-socket "
     "/tmp/city/agent.sock\n"
     "\n"
     "Saved in $XDG_CONFIG_HOME/referralctl/contexts.yaml. A broker on another host is reached "
     "by\n"
     "forwarding its socket: ssh -N -L /run/user/1000/far.sock:/run/referral-broker/status.sock "
     "HOST\n"},
    {"context ls", "The saved contexts, and the one in use.", "", 0, 0, 0, context_list_run,
     "  referralctl context ls\n"},
    {"context use", "Ask this one from now on, where neither --context nor --socket is given.",
     "NAME", 1, OPTION_BIT(OPTION_DRY_RUN), 0, context_use_run, "  referralctl context use city\n"},
    {"context rm", "Forget a saved context.", "NAME", 1, OPTION_BIT(OPTION_DRY_RUN), 0,
     context_remove_run, "  referralctl context rm trial\n"},
    {"completion", "Completion of commands and options for a shell.", "SHELL", 1, 0, 0,
     completion_run,
     "  referralctl completion bash >/etc/bash_completion.d/referralctl\n"
     "  source <(referralctl completion bash)\n"},
    {"audit verify", "Prove or disprove the audit log of a store or an export, offline.", "", 0,
     BITS_3(OPTION_STORE, OPTION_EXPORT, OPTION_KEY) | BITS_2(OPTION_CALENDARS, OPTION_FILE), 0,
     audit_verify_run,
     "  referralctl audit verify --store /var/lib/referral-broker/store --key broker.pub\n"
     "  referralctl audit verify --export 2026.audit --key public-keys.yaml --json\n"
     "  referralctl audit verify --export 2026.audit --key broker.pub \\\n"
     "      --calendars /etc/referral/calendars --file /etc/referral/policy.yaml\n"
     "\n"
     "With --calendars and --file each window and rung of the log is counted again." VERIFIER},
    {"audit tail", "The newest leaves of the log, with the reasons of what administrators did.", "",
     0, BITS_3(OPTION_SOCKET, OPTION_ROWS, OPTION_FOLLOW), 0, audit_tail_run,
     "  referralctl audit tail\n"
     "  referralctl audit tail --count 200 --json | jq '.leaves[] | select(.event == "
     "\"command\")'\n"
     "  referralctl audit tail --follow\n"
     "\n"
     "For auditors. 20 leaves, at most 200, the newest last (with --json first); --follow goes on "
     "with\n"
     "events, which have no reasons.\n"},
    {"audit export", "Write the audit log into one file that anybody can verify.", "", 0,
     BITS_3(OPTION_STORE, OPTION_OUT, OPTION_KEY), BITS_2(OPTION_STORE, OPTION_OUT),
     audit_export_run,
     "  referralctl audit export --store /var/lib/referral-broker/store --out "
     "2026.audit\n" VERIFIER},
    {"evidence export",
     "Write what this agency has of a case into one file that anybody can judge.", "REFERRAL", 1,
     BITS_3(OPTION_SOCKET, OPTION_OUT, OPTION_WITH_BODIES) | OPTION_BIT(OPTION_FORCE),
     OPTION_BIT(OPTION_OUT), evidence_export_run,
     "  referralctl evidence export JZ-2026-0031-02 --out 0031-02.evidence\n"
     "  referralctl evidence export JZ-2026-0031 --out 0031.evidence --with-bodies\n"
     "\n"
     "REFERRAL is the number or id of a referral or matter, or a case's number: then all of it. "
     "Asked\n"
     "of an agent. Messages, receipts, the signed registry, calendar and policy; without\n"
     "--with-bodies no personal data. Nothing is overwritten without --force.\n"},
    {"evidence verify", "Judge an evidence file with the office's root alone, and report on it.",
     "FILE", 1, BITS_2(OPTION_ROOT, OPTION_LANG), OPTION_BIT(OPTION_ROOT), evidence_verify_run,
     "  referralctl evidence verify 0031-02.evidence --root 5f0c...\n"
     "  referralctl evidence verify 0031-02.evidence --root 5f0c... --lang en --json\n"
     "\n"
     "Needs neither broker nor agent; runs referral-verify. Exit status 0 PASS, 4 FAIL or "
     "unreadable,\n"
     "5 INCOMPLETE: what is there is right, and the report says what is missing. Also of what an\n"
     "agent caught the broker with: PASS, it is proven.\n"},
    {"recovery show", "After the loss of a store: what agencies have handed back, and who has not.",
     "", 0, OPTION_BIT(OPTION_SOCKET), 0, recovery_show_run,
     "  referralctl recovery show\n"
     "  referralctl recovery show --json | jq -r '.agencies[] | select(.hand_back == \"awaited\") "
     "| "
     ".id'\n"
     "\n"
     "Exit status 5: agencies are awaited, or something was lost for good.\n"},
    {"recovery go-on", "After the loss of a store: do not wait for an agency any longer.", "AGENCY",
     1, CHANGE_OPTIONS | OPTION_BIT(OPTION_YES), 0, recovery_go_on_run,
     "  referralctl recovery go-on education --dry-run\n"
     "  referralctl recovery go-on education --yes --reason 'its host is being repaired'\n"
     "\n"
     "It hands back when it comes: what it has is late then, and not lost.\n" CHANGES},
    {"standby show", "How far the standby is: asked of the broker, or of the standby itself.", "",
     0, OPTION_BIT(OPTION_SOCKET), 0, standby_show_run,
     "  referralctl standby show\n"
     "  referralctl --context standby standby show --json\n"
     "\n"
     "Exit status 5: it is away, copying, or cannot go on.\n"},
    {"standby hand-over", "Stop this broker for good and let its standby go on with the log.", "",
     0,
     BITS_3(OPTION_SOCKET, OPTION_REASON, OPTION_REASON_FILE) | BITS_2(OPTION_DRY_RUN, OPTION_YES),
     0, standby_hand_over_run,
     "  referralctl standby hand-over --reason \"a new machine\"\n"
     "\n"
     "Refused unless a standby follows. This store starts no broker again.\n"},
    {"standby promote", "Asked of a standby: make it the broker.", "", 0,
     BITS_3(OPTION_SOCKET, OPTION_REASON, OPTION_REASON_FILE) |
         BITS_3(OPTION_DRY_RUN, OPTION_YES, OPTION_LOST),
     0, standby_promote_run,
     "  referralctl --socket /run/referral-broker/status.sock standby promote --reason \"as "
     "planned\"\n"
     "  referralctl --context standby standby promote --lost --reason \"its disk died\"\n"
     "\n"
     "Refused unless the other broker handed over, or is said to be --lost: then agencies may "
     "hold\n"
     "receipts of messages that this copy lacks (docs/operations.md, \"The broker is lost\").\n"},
    {"backup show", "The backup that is being made, the last one, and what failed.", "", 0,
     OPTION_BIT(OPTION_SOCKET), 0, backup_show_run,
     "  referralctl backup show\n"
     "  referralctl backup show --json | jq .backup.last.made_ms\n"
     "\n"
     "Exit status 5: the last one failed.\n"},
    {"backup ls", "The backups in a folder, the newest first.", "DIR", 1, 0, 0, backup_list_run,
     "  referralctl backup ls /var/backups/referral\n"
     "  referralctl backup ls /var/backups/referral --json | jq -r '.backups[0].name'\n"
     "\n"
     "Reads heads and feet only. Exit status 5: files there cannot be read.\n"},
    {"store check", "Look through every page and row of a daemon's store for damage.", "FILE", 1, 0,
     0, store_check_run,
     "  referralctl store check /etc/referral/broker.yaml\n"
     "  referralctl store check /etc/referral/agent-education.yaml --json | jq .damages\n"
     "\n"
     "FILE is the daemon's configuration; run it as the daemon's user, or root. The daemon may be\n"
     "running. Nothing is changed. Exit status 4: damaged (table and key, or page), or "
     "unreadable.\n"},
    {"backup verify",
     "Prove that a backup is what was written; with the secret, all that is in it.", "FILE", 1,
     BITS_2(OPTION_RECOVERY_KEY, OPTION_KEY), 0, backup_verify_run,
     "  referralctl backup verify broker-20260302T093000000.backup --key broker.pub\n"
     "  referralctl backup verify broker-20260302T093000000.backup --recovery-key recovery.key\n"
     "\n"
     "Without --recovery-key: every bit of the file, by its signature. With it also every record,\n"
     "the log's root, and its attachments beside it. With --key: that its owner wrote it.\n"},
    /* Behind those whose path goes on from it: completion takes the first that fits. */
    {"backup", "Have the broker make a backup of its store, while it works, and wait for it.", "",
     0,
     BITS_3(OPTION_SOCKET, OPTION_OUT, OPTION_DRY_RUN) | BITS_2(OPTION_REASON, OPTION_REASON_FILE),
     0, backup_run,
     "  referralctl backup\n"
     "  referralctl backup --out /mnt/disk/referral --reason \"before the upgrade\" --json\n"
     "\n"
     "Without --out into `backup-folder` of broker.yaml; without a reason it is a regular one.\n"
     "Exit status 0: it is durable, read back and compared; 1: it failed, and nothing is left of "
     "it.\n"},
    {"restore", "Restore a backup of a broker or an agent into an empty folder, and verify it.",
     "FILE", 1,
     BITS_3(OPTION_RECOVERY_KEY, OPTION_OUT, OPTION_DRY_RUN) |
         BITS_3(OPTION_KEY, OPTION_ATTACHMENTS, OPTION_WITHOUT_ATTACHMENTS) |
         OPTION_BIT(OPTION_KNOWN_SIZE),
     BITS_2(OPTION_RECOVERY_KEY, OPTION_OUT), restore_run,
     "  referralctl restore FILE --recovery-key recovery.key --out /srv/restored --dry-run\n"
     "  referralctl restore FILE --recovery-key recovery.key --out /srv/restored --key broker.pub\n"
     "\n"
     "Never writes over anything, and leaves nothing behind when it fails. Exit status 5: "
     "restored,\n"
     "but without attachments, or older than --known-size.\n"},
    {"registry sign", "Sign the agencies and their public keys as one registry.", "", 0,
     BITS_3(OPTION_REGISTRY, OPTION_PUBLIC_KEYS, OPTION_ROOT_KEY) |
         BITS_3(OPTION_PREVIOUS, OPTION_OUT, OPTION_DRY_RUN) | OPTION_BIT(OPTION_OVERLAP),
     BITS_3(OPTION_REGISTRY, OPTION_PUBLIC_KEYS, OPTION_ROOT_KEY) | OPTION_BIT(OPTION_OUT),
     registry_sign_run,
     "  referralctl registry sign --registry agencies.yaml --keys public-keys.yaml \\\n"
     "      --root-key root.key --out registry-1.signed\n"
     "  referralctl registry sign --registry agencies.yaml --keys public-keys.yaml \\\n"
     "      --root-key root.key --previous 1.signed --out 2.signed --dry-run\n"
     "\n"
     "On the joint-meeting office's offline machine. Without --previous it is version 1. Every\n"
     "agency and key of the version before must still be there, and a key that ends needs one "
     "that\n"
     "has been in force beside it for 30 days, unless --overlap-days says less. Nothing is\n"
     "overwritten.\n"},
    {"registry verify", "Prove who signed a registry, and show what it is.", "FILE", 1,
     BITS_2(OPTION_ROOT, OPTION_PREVIOUS), 0, registry_verify_run,
     "  referralctl registry verify registry-2.signed --root 5f0c...\n"
     "  referralctl registry verify registry-2.signed --root 5f0c... --previous registry-1.signed\n"
     "\n"
     "Exit status 5: whole, but without --root nobody compared who signed; 4: it is not.\n"},
    {"registry diff", "What differs between two signed registries.", "OLD NEW", 2, 0, 0,
     registry_diff_run,
     "  referralctl registry diff registry-1.signed registry-2.signed\n"
     "  referralctl registry diff registry-1.signed registry-2.signed --json | jq .changes\n"
     "\n"
     "Both must be whole; who signed says `registry verify`.\n"},
    {"registry publish", "Put a signed registry into force at the broker of this host.", "FILE", 1,
     CHANGE_OPTIONS, 0, registry_publish_run,
     "  referralctl registry publish registry-2.signed --dry-run\n"
     "  referralctl registry publish registry-2.signed --reason 'the tax office joins'\n"
     "\n"
     "Replaces the file that `registry` of broker.yaml names, and reloads; what the broker "
     "refuses\n"
     "is taken back. Agents fetch the new version within a minute.\n" CHANGES},
    {"registry revoke", "Have the broker record that an agency's key is revoked, from here on.",
     "FILE", 1, CHANGE_OPTIONS, 0, registry_revoke_run,
     "  referralctl registry revoke revoked.statement --dry-run\n"
     "  referralctl registry revoke revoked.statement --reason 'a lost laptop'\n"
     "\n"
     "FILE is what `keys revoke` wrote. Agents know it within a minute. Messages of the key that\n"
     "still wait are held until the agency signs them anew, for 72 hours at the most.\n" CHANGES},
    {"keys revoke", "Say by an agency's root that one of its keys is revoked.", "KEY-ID", 1,
     BITS_2(OPTION_PUBLIC_KEYS, OPTION_ROOT_KEY) | BITS_2(OPTION_OUT, OPTION_DRY_RUN),
     BITS_3(OPTION_PUBLIC_KEYS, OPTION_ROOT_KEY, OPTION_OUT), keys_revoke_run,
     "  referralctl keys revoke 834750f98bd59fcf --keys registry.signed \\\n"
     "      --root-key root/root.key --out revoked.statement\n"
     "\n"
     "On the agency's offline machine. It takes effect where the broker records it: `registry\n"
     "revoke`. A key cannot be un-revoked. Nothing is overwritten.\n"},
    {"keys endorse", "Say by an agency's root that these keys are its own.", "ROWS", 1,
     BITS_2(OPTION_ROOT_KEY, OPTION_OUT) | BITS_2(OPTION_FROM, OPTION_TO),
     BITS_2(OPTION_ROOT_KEY, OPTION_OUT), keys_endorse_run,
     "  referralctl keys endorse education/public-keys-rows.yaml --root-key root/root.key \\\n"
     "      --from 2027-01-04 --to 2027-12-31 --out education-rows.yaml\n"
     "\n"
     "On the agency's offline machine; ROWS is what `keys generate` wrote. Once an agency's root\n"
     "stands in the public keys, no key of it without this is taken. Nothing is overwritten.\n"},
    {"keys root",
     "Make an offline root key: the joint-meeting office's, or with --agency an agency's.", "", 0,
     BITS_3(OPTION_OUT, OPTION_AGENCY, OPTION_SUITE), OPTION_BIT(OPTION_OUT), keys_root_run,
     "  referralctl keys root --out /media/safe/root\n"
     "  referralctl keys root --out /media/safe/root --agency education\n"
     "\n"
     "On a machine without network. Nothing is overwritten. The fingerprint is what broker and\n"
     "agents pin as `registry-root`; say it by telephone, do not send it with the file. The root "
     "of\n"
     "an agency revokes the agency's keys: its row goes into the public keys.\n"},
    {"keys recovery", "Make the pair of keys that seals and opens backups.", "", 0,
     BITS_2(OPTION_OUT, OPTION_SUITE), OPTION_BIT(OPTION_OUT), keys_recovery_run,
     "  referralctl keys recovery --out recovery\n"
     "\n"
     "Nothing is overwritten. The secret belongs into a safe, not on a server.\n"},
    {"keys init", "Make a laboratory set of keys for a whole city.", "", 0,
     BITS_3(OPTION_REGISTRY, OPTION_OUT, OPTION_ORIGIN) | OPTION_BIT(OPTION_SUITE),
     BITS_2(OPTION_REGISTRY, OPTION_OUT), keys_init_run,
     "  referralctl keys init --registry config/agencies.yaml --out keys\n"
     "  referralctl keys init --registry agencies.yaml --out keys --origin city.example.cn/broker\n"
     "\n"
     "Nothing is overwritten. One machine sees all secrets: for laboratories and trials. In a "
     "city\n"
     "each agency makes its own with `keys generate`.\n"},
    {"keys generate",
     "Make one agency's (or the broker's) keys, and the rows for public-keys.yaml.", "", 0,
     BITS_3(OPTION_AGENCY, OPTION_OUT, OPTION_AUTHORITY) | OPTION_BIT(OPTION_SUITE),
     BITS_2(OPTION_AGENCY, OPTION_OUT), keys_generate_run,
     "  referralctl keys generate --agency education --out /etc/referral/keys/education\n"
     "  referralctl keys generate --agency education --out keys/education --authority authority\n"
     "  referralctl keys generate --agency broker --out /etc/referral/keys/broker\n"
     "\n"
     "Nothing is overwritten. Without --authority the TLS certificate comes from the city's own\n"
     "authority.\n"},
    {"demo",
     "Play a city of eleven agencies on this machine, in Chinese; it stays up until Ctrl-C.", "", 0,
     BITS_3(OPTION_CHECK, OPTION_KEEP, OPTION_PORT) | OPTION_BIT(OPTION_MUTATION) |
         OPTION_BIT(OPTION_DAY),
     0, demo_run,
     "  referralctl demo\n"
     "  referralctl demo --check\n"
     "  referralctl demo --keep /tmp/city --port 17000\n"
     "  referralctl demo --check --mutation no-rung   must fail: a rung is suppressed\n"
     "\n"
     "Twelve real processes on loopback, made-up cases, a laboratory clock. --check ends with 0\n"
     "when every assertion about what sockets, stores and verifier answer holds.\n"},
    {.path = NULL},
};
