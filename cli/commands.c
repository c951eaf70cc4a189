/* The tables of referralctl: every option and every command. See command.h. A command is a row here
 * and a handler in the file of its subject; parse.c and help.c need nothing else. */
#include "cli/command.h"

#define BITS_2(a, b)    (OPTION_BIT(a) | OPTION_BIT(b))
#define BITS_3(a, b, c) (BITS_2(a, b) | OPTION_BIT(c))

const struct option option_table[OPTION_COUNT + 1] = {
    [OPTION_HELP] = {"help", NULL, "What the command does, with examples"},
    [OPTION_VERSION] = {"version", NULL, "The version of this program"},
    [OPTION_JSON] = {"json", NULL, "Print one JSON object"},
    [OPTION_SOCKET] = {"socket", "PATH", "The daemon's unix socket"},
    [OPTION_CALENDARS] = {"calendars", "DIR", "The folder of calendar files"},
    [OPTION_FROM] = {"from", "DATE", "Day 0, YYYY-MM-DD: the day of arrival, not counted"},
    [OPTION_DAYS] = {"days", "N", "How many working days, 1 to 4000"},
    [OPTION_WITHIN] = {"within", "N", "Working days from today, 0 to 400 (3)"},
    [OPTION_REASON] = {"reason", "CODE", "Why: a code of the table `withdrawal` in messages.md"},
    [OPTION_REASON_FILE] = {"reason-file", "FILE", "The reason in words; - is standard input"},
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
    [OPTION_MUTATION] = {"mutation", "NAME", "Break the city on purpose; --check must fail"},
    [OPTION_COUNT] = {NULL, NULL, NULL},
};

const struct command command_table[] = {
    {"keys init", "Make a laboratory set of keys for a whole city.", "", 0,
     BITS_3(OPTION_REGISTRY, OPTION_OUT, OPTION_ORIGIN), BITS_2(OPTION_REGISTRY, OPTION_OUT),
     keys_init_run,
     "  referralctl keys init --registry config/agencies.yaml --out keys\n"
     "  referralctl keys init --registry agencies.yaml --out keys --origin city.example.cn/broker\n"
     "\n"
     "Nothing is overwritten. One machine sees all secrets: for laboratories and trials. In a "
     "city\n"
     "each agency makes its own with `keys generate`.\n"},
    {"keys generate", "Make one agency's own keys, and the rows for everybody's public-keys.yaml.",
     "", 0, BITS_3(OPTION_AGENCY, OPTION_OUT, OPTION_AUTHORITY), BITS_2(OPTION_AGENCY, OPTION_OUT),
     keys_generate_run,
     "  referralctl keys generate --agency education --out /etc/referral/keys/education\n"
     "  referralctl keys generate --agency education --out keys/education --authority authority\n"
     "\n"
     "Nothing is overwritten. Without --authority the TLS certificate comes from the city's own\n"
     "authority.\n"},
    {.path = NULL},
};
