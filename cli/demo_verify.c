/* The verifier's part of the demo: the log and an export of it, and the evidence of a case, each as
 * it is and with one letter changed. The judge runs as a process of its own that is given files
 * alone: no socket, no store of an agent. Main thread of the player. See demo.h. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/limits.h"
#include "cli/demo.h"

#define BROKER_KEY       "broker.pub"
#define ALL_KEYS         "public-keys.yaml" /* the agencies' too: for their witness signatures */
#define EXPORT_BYTES_MAX (64u * 1024u * 1024u)
#define EVIDENCE         "case.evidence"
#define CHANGED          "changed.evidence"

static enum err take_verdict(struct demo *demo, const struct buf *out, int status)
{
    struct said *said = &demo->verifier;
    struct json_value report;
    enum err error;

    buf_clear(&said->text);
    error = buf_printf(&said->text, "{\"exit\":%d,\"report\":%.*s}", status, (int)out->len,
                       (const char *)out->data);
    error = error == OK ? said_read(demo, "referral-verify", said) : error;
    report = json_member(&said->root, "report");
    if (error == OK && !json_is_object(&report)) {
        error = demo_fail(demo, "demo.verifier", "referral-verify", "answered no report");
    }
    return error;
}

static enum err verify(struct demo *demo, const char *pin, const char *option, const char *path,
                       const char *written)
{
    char program[DEMO_PATH_BYTES + 32], key[DEMO_PATH_BYTES];
    const char *const argv[] = {
        program, option, path, "--key", key, "--json", written != NULL ? "--write-export" : NULL,
        written, NULL};
    struct buf out;
    int status = 0;
    enum err error;

    (void)snprintf(program, sizeof(program), "%s/referral-verify", demo->programs);
    demo_path(demo, key, "keys/%s", pin);
    buf_init(&out, LIMIT_LOCAL_LINE_BYTES);
    error = process_run(demo, argv, &out, &status);
    error = error == OK ? take_verdict(demo, &out, status) : error;
    buf_free(&out);
    return error;
}

/* Copies the export and changes one letter of the second 督办单's leaf in the copy. */
static enum err tamper(struct demo *demo, const char *from, const char *to)
{
    struct buf bytes;
    uint8_t *at = NULL;
    enum err error;

    buf_init(&bytes, EXPORT_BYTES_MAX);
    error = file_read(from, &bytes, &demo->fault);
    if (error == OK) {
        at = memmem(bytes.data, bytes.len, "due-2", strlen("due-2"));
    }
    if (error == OK && at == NULL) {
        error = demo_fail(demo, "demo.tamper", from, "the export holds no due-2");
    }
    if (error == OK && at != NULL && demo->mutation != MUTATION_NO_FLIP) {
        at[strlen("due-")] ^= 1;
    }
    if (error == OK) {
        error = file_write(to, span_buf(&bytes), 0600, &demo->fault);
    }
    buf_free(&bytes);
    return error;
}

/* --- evidence --- */

static enum err run(struct demo *demo, const char *const *argv)
{
    struct buf out;
    int status = 0;
    enum err error;

    buf_init(&out, LIMIT_LOCAL_LINE_BYTES);
    error = process_run(demo, argv, &out, &status);
    error = error == OK ? take_verdict(demo, &out, status) : error;
    buf_free(&out);
    return error;
}

/* What the agency has of the referral, as its administrator would export it. */
static enum err evidence_export(struct demo *demo, const struct step *step)
{
    char program[DEMO_PATH_BYTES + 32], path[DEMO_PATH_BYTES], at[DEMO_PATH_BYTES];
    const char *const argv[] = {program, "evidence", "export", step->referral, "--socket",
                                at,      "--out",    path,     "--json",       NULL};

    (void)snprintf(program, sizeof(program), "%s/referralctl", demo->programs);
    demo_path(demo, path, EVIDENCE);
    city_socket(demo, step->who, at);
    return run(demo, argv);
}

/* A copy with one letter changed: of the rung of a 督办单. */
static enum err evidence_change(struct demo *demo)
{
    char path[DEMO_PATH_BYTES], changed[DEMO_PATH_BYTES];
    struct buf bytes;
    uint8_t *at = NULL;
    enum err error;

    demo_path(demo, path, EVIDENCE);
    demo_path(demo, changed, CHANGED);
    buf_init(&bytes, LIMIT_EVIDENCE_BYTES);
    error = file_read(path, &bytes, &demo->fault);
    if (error == OK) {
        at = memmem(bytes.data, bytes.len, "due-1", strlen("due-1"));
    }
    if (error == OK && at == NULL) {
        error = demo_fail(demo, "demo.tamper", path, "the evidence holds no due-1");
    }
    if (error == OK && at != NULL) {
        at[strlen("due-")] ^= 3; /* "due-2" */
        error = file_write(changed, span_buf(&bytes), 0600, &demo->fault);
    }
    buf_free(&bytes);
    return error;
}

static enum err judge_file(struct demo *demo, const char *path)
{
    char program[DEMO_PATH_BYTES + 32];
    const char *const argv[] = {program, "--evidence", path, "--root", demo->root, "--json", NULL};

    (void)snprintf(program, sizeof(program), "%s/referral-verify", demo->programs);
    return run(demo, argv);
}

static enum err evidence_judge(struct demo *demo, const char *name)
{
    char path[DEMO_PATH_BYTES];

    demo_path(demo, path, "%s", name);
    return judge_file(demo, path);
}

/* --- a step --- */

static enum err verify_log(struct demo *demo, const char *what)
{
    char store[DEMO_PATH_BYTES], whole[DEMO_PATH_BYTES], copy[DEMO_PATH_BYTES];
    enum err error;

    demo_path(demo, store, "broker/store");
    demo_path(demo, whole, "audit.export");
    demo_path(demo, copy, "audit.copy");
    if (strcmp(what, "store") == 0) {
        return verify(demo, BROKER_KEY, "--store", store, NULL);
    }
    if (strcmp(what, "witnesses") == 0) {
        return verify(demo, ALL_KEYS, "--store", store, NULL);
    }
    if (strcmp(what, "export") == 0) {
        return verify(demo, BROKER_KEY, "--store", store, whole);
    }
    assert(strcmp(what, "tampered") == 0);
    error = tamper(demo, whole, copy);
    return error == OK ? verify(demo, BROKER_KEY, "--export", copy, NULL) : error;
}

enum err verify_step(struct demo *demo, const struct step *step)
{
    enum err error;

    if (strcmp(step->letter, "evidence") == 0) {
        error = evidence_export(demo, step);
        return error == OK ? evidence_judge(demo, EVIDENCE) : error;
    }
    if (strcmp(step->letter, "evidence-changed") == 0) {
        error = evidence_change(demo);
        return error == OK ? evidence_judge(demo, CHANGED) : error;
    }
    if (strcmp(step->letter, "lie") == 0) {
        char path[DEMO_VALUE_BYTES];

        error = lie_evidence(demo, step->who, path);
        return error == OK ? judge_file(demo, path) : error;
    }
    return verify_log(demo, step->letter);
}
