/* See sender.h. A job is one sending; it belongs to itself until it is done. */
#include "agent/notice/sender.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/notice/forms.h"

struct sender {
    struct loop *loop;                /* borrowed */
    const struct notice_setup *setup; /* borrowed */
    sender_done_fn done;
    void *ctx;
    size_t under_way; /* on the pool */
    atomic_bool stop;
};

struct job { /* one sending, owned by itself until it is done */
    struct sender *sender;
    size_t channel;
    struct form form;
    char address[NOTICE_ADDRESS_BYTES];
    bool decided; /* the outcome is known without asking anybody */
    struct notice_outcome outcome;
};

enum err sender_new(struct loop *loop, const struct notice_setup *setup, sender_done_fn done,
                    void *ctx, struct sender **ret_sender)
{
    struct sender *sender;
    enum err error = web_init();

    if (error != OK) {
        return error;
    }
    sender = calloc(1, sizeof(*sender));
    if (sender == NULL) {
        return ERR_MEMORY;
    }
    sender->loop = loop;
    sender->setup = setup;
    sender->done = done;
    sender->ctx = ctx;
    atomic_init(&sender->stop, false);
    *ret_sender = sender;
    return OK;
}

static void job_free(struct job *job)
{
    form_free(&job->form);
    free(job);
}

static void job_done(struct job *job)
{
    struct sender *sender = job->sender;

    if (!atomic_load(&sender->stop)) {
        sender->done(sender->ctx, job->channel, &job->outcome);
    }
    job_free(job);
}

/* --- on the pool --- */

static void job_work_cb(void *ctx)
{
    struct job *job = ctx;
    const struct notice_channel *channel = &job->sender->setup->channels[job->channel];
    struct web_request request = {.url = (const char *)job->form.url.data,
                                  .user = "",
                                  .password = "",
                                  .proxy = channel->proxy,
                                  .authority = channel->authority,
                                  .body = span_buf(&job->form.body),
                                  .timeout_ms = channel->timeout_ms,
                                  .stop = &job->sender->stop};
    struct web_answer answer;
    size_t count = 0;

    if (job->decided) {
        return;
    }
    if (channel->kind == CHANNEL_SMTP) {
        request.from = channel->from;
        request.to = job->address;
        request.user = channel->user;
        request.password = channel->password;
    }
    for (size_t at = 0; at < job->form.headers.len && count < WEB_HEADERS_MAX; count++) {
        request.headers[count] = (const char *)job->form.headers.data + at;
        at += strlen(request.headers[count]) + 1;
    }
    web_perform(&request, &answer);
    form_judge(channel, &answer, &job->outcome);
}

static void job_work_done_cb(void *ctx)
{
    struct job *job = ctx;

    job->sender->under_way--;
    job_done(job);
}

static enum err start_work(struct job *job, const struct notice_sending *sending)
{
    struct sender *sender = job->sender;
    enum err error;

    if (sender->under_way >= SENDER_AT_ONCE) {
        return ERR_BUSY;
    }
    text_copy(job->address, sizeof(job->address), sending->address);
    error = channel_form_write(&sender->setup->channels[job->channel], sending, &job->form);
    if (error == ERR_INVALID || error == ERR_TOO_LARGE || error == ERR_REFUSED) {
        job->decided = true;
        job->outcome.result = NOTICE_REFUSED;
        (void)snprintf(job->outcome.reason, sizeof(job->outcome.reason),
                       "the template cannot be filled: %s", err_text(error));
        error = OK;
    }
    if (error == OK) {
        error = loop_work(sender->loop, job_work_cb, job_work_done_cb, job);
    }
    if (error == OK) {
        sender->under_way++;
    }
    return error;
}

/* --- a hook --- */

static void hook_cb(void *ctx, const struct loop_child_result *result)
{
    struct job *job = ctx;
    bool told = result->error == OK && result->signal == 0 && result->exit_status == 0;

    job->outcome = (struct notice_outcome){.result = told ? NOTICE_SENT : NOTICE_FAILED};
    if (result->error != OK) {
        (void)snprintf(job->outcome.reason, sizeof(job->outcome.reason), "the program: %s",
                       err_text(result->error));
    } else if (!told) {
        (void)snprintf(job->outcome.reason, sizeof(job->outcome.reason),
                       "the program ended with status %d, signal %d", result->exit_status,
                       result->signal);
    }
    job_done(job);
}

static enum err start_hook(struct job *job, const struct notice_sending *sending)
{
    const struct notice_channel *channel = &job->sender->setup->channels[job->channel];
    const char *const argv[] = {channel->program, NULL};
    const struct loop_child_options options = {.argv = argv,
                                               .input = sending->json,
                                               .timeout_ms = channel->timeout_ms,
                                               .done = hook_cb,
                                               .ctx = job};

    return loop_child_start(job->sender->loop, &options);
}

/* --- both --- */

enum err sender_start(struct sender *sender, size_t channel, const struct notice_sending *sending)
{
    struct job *job = calloc(1, sizeof(*job));
    enum err error;

    assert(channel < sender->setup->channel_count);
    if (job == NULL) {
        return ERR_MEMORY;
    }
    job->sender = sender;
    job->channel = channel;
    form_init(&job->form);
    error = sender->setup->channels[channel].kind == CHANNEL_HOOK ? start_hook(job, sending)
                                                                  : start_work(job, sending);
    if (error != OK) {
        job_free(job);
    }
    return error;
}

void sender_stop(struct sender *sender)
{
    if (sender != NULL) {
        atomic_store(&sender->stop, true);
    }
}

void sender_free(struct sender *sender)
{
    free(sender);
}
