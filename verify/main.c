/* referral-verify: proves or disproves an audit log, offline, with public keys alone.
 *
 * Reads a broker's store or an export of one, says PASS, FAIL, INCOMPLETE or UNREADABLE, and makes
 * exports. Changes nothing. It shares no code with what it checks: tree, notes, records and exports
 * are parsed here; hashing, signatures and the store's pages are the libraries'. */
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "apart.h"
#include "base/crypto.h"
#include "dossier.h"
#include "store_read.h"

#define EXIT_USAGE 2

struct arguments {
    const char *store, *export_path, *write_export, *key, *evidence, *language;
    const char *calendars, *policy;
    struct digest root; /* of evidence: the office's */
    bool rooted;
    bool json;
    struct letter_report letter; /* what to look for */
    struct known known;          /* once read: keys NULL without --key, basis without --policy */
};

const char *argp_program_version = "referral-verify 0.1.0";

static const char doc[] =
    "Verifies the referral broker's audit log: every record, every checkpoint, order and streams. "
    "Offline; needs public keys only, and changes nothing."
    "\vExit status: 0 PASS; 1 FAIL, naming the first bad record, or the letter is not in the log; "
    "2 wrong usage; 4 unreadable, "
    "empty "
    "or absent; 5 INCOMPLETE: what is there is right, and the end is missing.\n\n"
    "Without --key a PASS says only that the log is whole and signed by the key whose fingerprint "
    "is printed; anybody can make such a log with a key of his own.\n\n"
    "Examples:\n"
    "  referral-verify --store /var/lib/referral-broker/store --key broker.pub\n"
    "  referral-verify --export 2026.audit --key public-keys.yaml --json\n"
    "  referral-verify --export 2026.audit --key broker.pub --letter 06GX-4TSA-...\n"
    "  referral-verify --write-export 2026.audit --store /var/lib/referral-broker/store\n"
    "  referral-verify --evidence 0031-02.evidence --root 5f0c... --lang en\n";

static const struct argp_option options[] = {
    {"store", 's', "DIR", 0, "Read the broker's store in DIR", 0},
    {"export", 'e', "FILE", 0, "Read an audit export", 0},
    {"write-export", 'w', "FILE", 0, "Export the store into FILE, then verify FILE", 0},
    {"key", 'k', "FILE", 0,
     "The broker's key (broker.pub), or public-keys.yaml for the witnesses' keys too", 0},
    {"letter", 'l', "CODE", 0, "Look for the message of a paper letter by the code printed on it",
     0},
    {"calendars", 'c', "DIR", 0, "Count windows and rungs again by these calendar files", 0},
    {"policy", 'p', "FILE", 0, "and by this policy", 0},
    {"evidence", 'v', "FILE", 0, "Judge an evidence file, and report on it", 0},
    {"root", 'r', "FINGERPRINT", 0, "Of evidence: the root key of the joint-meeting office", 0},
    {"lang", 'g', "LANG", 0, "Of evidence: the report's language, zh or en (zh)", 0},
    {"json", 'j', NULL, 0, "Print one JSON object", 0},
    {0},
};

/* Which options go together. */
static void check_together(const struct arguments *arguments, struct argp_state *state)
{
    if ((arguments->store != NULL) + (arguments->export_path != NULL) +
            (arguments->evidence != NULL) !=
        1) {
        argp_error(state, "give either --store DIR, --export FILE or --evidence FILE");
    } else if ((arguments->calendars != NULL) != (arguments->policy != NULL)) {
        argp_error(state, "--calendars DIR and --policy FILE go together");
    } else if ((arguments->evidence != NULL) != arguments->rooted) {
        argp_error(state, "--evidence FILE and --root FINGERPRINT go together");
    } else if (arguments->evidence != NULL &&
               (arguments->key != NULL || arguments->letter.asked ||
                arguments->write_export != NULL || arguments->policy != NULL)) {
        argp_error(state, "--evidence goes with --root, --lang and --json only");
    } else if (arguments->language != NULL && arguments->evidence == NULL) {
        argp_error(state, "--lang is of --evidence");
    } else if (arguments->write_export != NULL && arguments->store == NULL) {
        argp_error(state, "--write-export needs --store DIR");
    }
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct arguments *arguments = state->input;

    switch (key) {
    case 's':
        arguments->store = value;
        return 0;
    case 'e':
        arguments->export_path = value;
        return 0;
    case 'w':
        arguments->write_export = value;
        return 0;
    case 'k':
        arguments->key = value;
        return 0;
    case 'l':
        arguments->letter.asked = true;
        if (letter_code_parse(value, &arguments->letter.code) != OK) {
            argp_error(state, "\"%s\" is no letter's code: 12 groups of 4; is one mistyped?",
                       value);
        }
        return 0;
    case 'c':
        arguments->calendars = value;
        return 0;
    case 'p':
        arguments->policy = value;
        return 0;
    case 'v':
        arguments->evidence = value;
        return 0;
    case 'r':
        arguments->rooted = true;
        if (strlen(value) != 2 * DIGEST_BYTES ||
            hex_decode(value, arguments->root.bytes, DIGEST_BYTES) != OK) {
            argp_error(state, "\"%s\" is no fingerprint: 64 hexadecimal digits", value);
        }
        return 0;
    case 'g':
        arguments->language = value;
        if (strcmp(value, "zh") != 0 && strcmp(value, "en") != 0) {
            argp_error(state, "\"%s\" is no language: zh or en", value);
        }
        return 0;
    case 'j':
        arguments->json = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "unexpected \"%s\"", value);
        return 0;
    case ARGP_KEY_END:
        check_together(arguments, state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Judges in a process of its own, which prints; whatever in the file crashes it, there is an
 * answer. */
static int judge_evidence(void *ctx)
{
    const struct arguments *arguments = ctx;
    bool english = arguments->language != NULL && strcmp(arguments->language, "en") == 0;
    enum dossier_language language = english ? LANGUAGE_ENGLISH : LANGUAGE_CHINESE;
    struct dossier *dossier = calloc(1, sizeof *dossier);
    struct buf out;
    enum err error = ERR_MEMORY;
    int status = VERDICT_UNREADABLE;

    buf_init(&out, LIMIT_EVIDENCE_BYTES);
    if (dossier != NULL) {
        dossier_judge(dossier, arguments->evidence, &arguments->root);
        error = arguments->json ? dossier_write_json(dossier, language, &out)
                                : dossier_write_text(dossier, language, &out);
        status = dossier->verdict == VERDICT_FAIL ? VERDICT_UNREADABLE : (int)dossier->verdict;
        dossier_free(dossier);
    }
    if (error != OK || fwrite(out.data, 1, out.len, stdout) != out.len ||
        (arguments->json && putchar('\n') == EOF) || fflush(stdout) != 0) {
        status = VERDICT_UNREADABLE;
    }
    buf_free(&out);
    free(dossier);
    return status;
}

static void verify_store(void *ctx, struct report *report)
{
    const struct arguments *arguments = ctx;

    report->letter = arguments->letter;
    store_verify(arguments->store, &arguments->known, report);
    report_judge_letter(report);
}

static void write_export(void *ctx, struct report *report)
{
    const struct arguments *arguments = ctx;

    store_export(arguments->store, arguments->write_export, report);
}

static void verify_export(void *ctx, struct report *report)
{
    const struct arguments *arguments = ctx;
    const char *path = arguments->write_export;

    report->letter = arguments->letter;
    export_verify(path != NULL ? path : arguments->export_path, &arguments->known, report);
    report_judge_letter(report);
}

static void run(struct arguments *arguments, struct report *report)
{
    if (arguments->write_export != NULL) {
        apart_run(write_export, arguments, report);
        if (report->verdict == VERDICT_PASS) {
            apart_run(verify_export, arguments, report);
        }
    } else if (arguments->store != NULL) {
        apart_run(verify_store, arguments, report);
    } else {
        apart_run(verify_export, arguments, report);
    }
}

/* What the caller brings and cannot be read is the caller's mistake, not the log's. */
static int refuse_file(const struct arguments *arguments, const char *what,
                       const struct fault *fault)
{
    struct report report;

    fprintf(stderr, "referral-verify: %s: %s%s%s\n", fault->place, fault->message,
            fault->hint[0] != '\0' ? "; " : "", fault->hint);
    if (arguments->json) {
        report_init(&report);
        report_find(&report, VERDICT_UNREADABLE, NO_INDEX, "the %s is not usable: %s", what,
                    fault->message);
        (void)report_print(&report, true);
    }
    return VERDICT_UNREADABLE;
}

static void print_written(const char *path)
{
    struct stat written;

    if (stat(path, &written) == 0) {
        printf("  written    %s, %lld bytes\n", path, (long long)written.st_size);
    }
}

static int run_and_print(struct arguments *arguments, struct report *report)
{
    int status;

    run(arguments, report);
    status = report_print(report, arguments->json);
    if (arguments->write_export != NULL && status == VERDICT_PASS && !arguments->json) {
        print_written(arguments->write_export);
    }
    return status;
}

static int load_and_run(struct arguments *arguments, struct report *report)
{
    struct keys keys = {.keyring = NULL};
    struct basis basis = {.days = {.rows = NULL}};
    struct fault fault = {.code = ""};
    int status = VERDICT_UNREADABLE;

    if (arguments->key != NULL && keys_load(arguments->key, &keys, &fault) != OK) {
        return refuse_file(arguments, "key file", &fault);
    }
    if (arguments->policy != NULL &&
        basis_load(arguments->calendars, arguments->policy, &basis, &fault) != OK) {
        status = refuse_file(arguments, "calendar or policy", &fault);
    } else {
        arguments->known.keys = arguments->key != NULL ? &keys : NULL;
        arguments->known.basis = arguments->policy != NULL ? &basis : NULL;
        status = run_and_print(arguments, report);
        basis_free(&basis);
    }
    keys_free(&keys);
    return status;
}

int main(int argc, char **argv)
{
    static const struct argp argp = {.options = options, .parser = parse_option, .doc = doc};
    struct arguments arguments = {0};
    struct report report;
    int status;

    argp_err_exit_status = EXIT_USAGE;
    if (argp_parse(&argp, argc, argv, 0, NULL, &arguments) != 0) {
        return EXIT_USAGE;
    }
    if (crypto_init() != OK) {
        fprintf(stderr, "referral-verify: no cryptography on this machine\n");
        return VERDICT_UNREADABLE;
    }
    if (arguments.evidence != NULL) {
        return apart_print(judge_evidence, &arguments, arguments.json);
    }
    status = load_and_run(&arguments, &report);
    return fflush(stdout) == 0 ? status : VERDICT_UNREADABLE;
}
