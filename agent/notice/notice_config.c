/* See notice_config.h. What a channel may and must say is a table: an option, the kinds that know
 * it, and the kinds that need it. */
#include "agent/notice/notice_config.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/notice/note.h"
#include "agent/notice/template.h"
#include "base/crypto.h"
#include "base/file.h"
#include "model/message.h"

#define RATE_DEFAULT      15u /* of the 20 that robots take */
#define TIMEOUT_MS        20000u
#define CHARACTERS_SMS    70u /* one part of a short message */
#define WECOM_URL         "https://qyapi.weixin.qq.com/cgi-bin/webhook/send"
#define DINGTALK_URL      "https://oapi.dingtalk.com/robot/send"
#define HOOK_NAME         "hook"
#define OFFICE_MORNING    "08:30-12:00"
#define OFFICE_AFTERNOON  "14:30-18:00"
#define TEXT_OPTION_BYTES 64u

const char *const channel_kinds[] = {"smtp", "wecom", "dingtalk", "http", "hook", NULL};
static const char *const encodings[] = {"none", "base64", NULL};
static const char *const role_names[] = {"liaison",        "leader",       "office",
                                         "administrators", "duty-contact", NULL};
static const uint32_t roles[] = {ROLE_LIAISON, ROLE_LEADER, ROLE_OFFICE, ROLE_ADMINISTRATORS,
                                 ROLE_DUTY_CONTACT};

#define CHANNEL_TEXT(key, member)                                                                  \
    {                                                                                              \
        .name = (key), .type = YAML_TEXT, .offset = offsetof(struct notice_channel, member),       \
        .size = sizeof(((struct notice_channel *)0)->member)                                       \
    }
#define CHANNEL_PATH(key, member)                                                                  \
    {                                                                                              \
        .name = (key), .type = YAML_PATH, .offset = offsetof(struct notice_channel, member),       \
        .size = sizeof(((struct notice_channel *)0)->member)                                       \
    }

struct channel_reading { /* a channel, and what of it a table cannot say */
    struct notice_channel channel;
    const struct yaml_node *headers;
};

static const struct yaml_option channel_options[] = {
    {.name = "name",
     .type = YAML_TEXT,
     .offset = offsetof(struct notice_channel, name),
     .size = NOTICE_NAME_BYTES,
     .required = true},
    {.name = "kind",
     .type = YAML_CHOICE,
     .offset = offsetof(struct notice_channel, kind),
     .choices = channel_kinds,
     .required = true},
    CHANNEL_TEXT("url", url),
    CHANNEL_TEXT("user", user),
    CHANNEL_TEXT("from", from),
    CHANNEL_TEXT("proxy", proxy),
    CHANNEL_PATH("tls-authority", authority),
    CHANNEL_PATH("program", program),
    CHANNEL_PATH("password-file", password_file),
    CHANNEL_PATH("token-file", token_file),
    CHANNEL_PATH("key-file", key_file),
    {.name = "rate",
     .type = YAML_UNSIGNED,
     .offset = offsetof(struct notice_channel, rate),
     .min = 1,
     .max = NOTICE_RATE_MAX},
    {.name = "timeout",
     .type = YAML_DURATION,
     .offset = offsetof(struct notice_channel, timeout_ms),
     .min = 1000,
     .max = 600000},
    CHANNEL_TEXT("content-type", content_type),
    {.name = "headers", .type = YAML_NODE, .offset = offsetof(struct channel_reading, headers)},
    CHANNEL_TEXT("body", body),
    {.name = "encode",
     .type = YAML_CHOICE,
     .offset = offsetof(struct notice_channel, encoding),
     .choices = encodings},
    CHANNEL_TEXT("accept", accept),
    {.name = "characters",
     .type = YAML_UNSIGNED,
     .offset = offsetof(struct notice_channel, characters),
     .min = 40,
     .max = 4000},
    {.name = NULL},
};

#define IN(kind) (1u << (kind))
#define WEB      (IN(CHANNEL_SMTP) | IN(CHANNEL_WECOM) | IN(CHANNEL_DINGTALK) | IN(CHANNEL_HTTP))

static const struct {
    const char *name;
    unsigned known, needed; /* by kinds */
} option_kinds[] = {
    {"url", WEB, IN(CHANNEL_SMTP) | IN(CHANNEL_HTTP)},
    {"user", IN(CHANNEL_SMTP) | IN(CHANNEL_HTTP), 0},
    {"from", IN(CHANNEL_SMTP), IN(CHANNEL_SMTP)},
    {"proxy", WEB, 0},
    {"tls-authority", WEB, 0},
    {"program", IN(CHANNEL_HOOK), IN(CHANNEL_HOOK)},
    {"password-file", IN(CHANNEL_SMTP), 0},
    {"token-file", IN(CHANNEL_WECOM) | IN(CHANNEL_DINGTALK),
     IN(CHANNEL_WECOM) | IN(CHANNEL_DINGTALK)},
    {"key-file", IN(CHANNEL_DINGTALK) | IN(CHANNEL_HTTP), IN(CHANNEL_DINGTALK)},
    {"rate", WEB, 0},
    {"content-type", IN(CHANNEL_HTTP), 0},
    {"headers", IN(CHANNEL_HTTP), 0},
    {"body", IN(CHANNEL_HTTP), IN(CHANNEL_HTTP)},
    {"encode", IN(CHANNEL_HTTP), 0},
    {"accept", IN(CHANNEL_HTTP), 0},
    {"characters", IN(CHANNEL_HTTP), 0},
};

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Lower-case letters, digits and hyphens: it stands in keys of the store and in commands. */
static bool is_name(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

/* No blanks, controls or brackets: nothing that could end a line or an address. */
static bool is_address(const char *text)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        uint8_t byte = (uint8_t)text[i];

        if (byte <= ' ' || byte == 0x7f || strchr("<>\"\\,;", text[i]) != NULL) {
            return false;
        }
    }
    return text[0] != '\0';
}

/* --- channels --- */

static enum err check_options(const struct yaml_node *node, const struct notice_channel *channel,
                              struct fault *fault)
{
    unsigned kind = IN(channel->kind);

    for (size_t i = 0; i < sizeof(option_kinds) / sizeof(option_kinds[0]); i++) {
        const struct yaml_node *value = yaml_find(node, option_kinds[i].name);

        if (value != NULL && (option_kinds[i].known & kind) == 0) {
            return yaml_refuse(value, fault, "config.channel", "a channel of kind %s has no \"%s\"",
                               channel_kinds[channel->kind], option_kinds[i].name);
        }
        if (value == NULL && (option_kinds[i].needed & kind) != 0) {
            return yaml_refuse(node, fault, "config.missing-key",
                               "a channel of kind %s needs \"%s\"", channel_kinds[channel->kind],
                               option_kinds[i].name);
        }
    }
    return OK;
}

static bool is_loopback(const char *url)
{
    return starts_with(url, "http://127.") || starts_with(url, "http://[::1]");
}

static enum err check_url(const struct yaml_node *node, const struct notice_channel *channel,
                          struct fault *fault)
{
    const struct yaml_node *value = yaml_find(node, "url");
    const char *url = channel->url, *host = strstr(url, "://");
    bool right = false;

    if (value == NULL) {
        return OK; /* ours */
    }
    if (host != NULL && memchr(host + 3, '@', strcspn(host + 3, "/?{")) != NULL) {
        (void)yaml_refuse(value, fault, "config.channel",
                          "the address holds a password: write it into a file and name that in "
                          "`password-file`, `token-file` or `key-file`");
        fault_line(fault, "", 0, 1); /* it is not shown again */
        return ERR_INVALID;
    }
    if (channel->kind == CHANNEL_SMTP) {
        right = starts_with(url, "smtp://") || starts_with(url, "smtps://");
    } else {
        right = starts_with(url, "https://") || is_loopback(url) ||
                (channel->kind == CHANNEL_HTTP && starts_with(url, "http://"));
    }
    for (size_t i = 0; right && url[i] != '\0'; i++) {
        right = (uint8_t)url[i] >= ' ' && url[i] != 0x7f;
    }
    return right
               ? OK
               : yaml_refuse(value, fault, "config.channel", "expected %s for a channel of kind %s",
                             channel->kind == CHANNEL_SMTP ? "smtp:// or smtps://"
                             : channel->kind == CHANNEL_HTTP
                                 ? "https:// or http://"
                                 : "https:// (http:// to loopback only)",
                             channel_kinds[channel->kind]);
}

static enum err check_template(const struct yaml_node *node, const char *text, struct fault *fault)
{
    char why[TEMPLATE_FAULT_BYTES];

    if (node == NULL || template_check(text, why) == OK) {
        return OK;
    }
    return yaml_refuse(node, fault, "config.template", "%s", why);
}

static enum err read_headers(const struct yaml_node *list, struct notice_channel *channel,
                             struct fault *fault)
{
    enum err error = OK;

    if (list == NULL) {
        return OK;
    }
    if (!yaml_is_sequence(list) || yaml_count(list) > NOTICE_HEADERS_MAX) {
        return yaml_refuse(list, fault, "config.type",
                           "headers: expected a list of at most %u texts \"Name: value\"",
                           NOTICE_HEADERS_MAX);
    }
    for (size_t i = 0; error == OK && i < yaml_count(list); i++) {
        const struct yaml_option option = {
            .name = "headers", .type = YAML_TEXT, .size = sizeof(channel->headers[0])};

        error = yaml_read_value(yaml_item(list, i), &option, channel->headers[i], fault);
        if (error == OK && (strstr(channel->headers[i], ": ") == NULL ||
                            channel->headers[i][strcspn(channel->headers[i], "\r\n")] != '\0')) {
            error = yaml_refuse(yaml_item(list, i), fault, "config.channel",
                                "expected one line \"Name: value\"");
        }
        if (error == OK) {
            error = check_template(yaml_item(list, i), channel->headers[i], fault);
        }
        channel->header_count++;
    }
    return error;
}

/* The file's first line, without its end. */
static enum err read_secret(const struct yaml_node *node, const char *path,
                            char out[NOTICE_SECRET_BYTES], struct fault *fault)
{
    size_t len = 0;
    enum err error;

    if (path[0] == '\0') {
        return OK;
    }
    error = file_read_secret_text(path, out, NOTICE_SECRET_BYTES - 1, &len, fault);
    if (error != OK) {
        return error;
    }
    while (len > 0 && (out[len - 1] == '\n' || out[len - 1] == '\r')) {
        len--;
    }
    out[len] = '\0';
    for (size_t i = 0; i < len; i++) {
        if ((uint8_t)out[i] < ' ') {
            len = 0; /* several lines, or no text at all */
        }
    }
    return len > 0 ? OK
                   : yaml_refuse(node, fault, "config.secret",
                                 "%s: expected one line of text, the secret", path);
}

static enum err read_secrets(const struct yaml_node *node, struct notice_channel *channel,
                             struct fault *fault)
{
    enum err error = read_secret(node, channel->password_file, channel->password, fault);

    if (error == OK) {
        error = read_secret(node, channel->token_file, channel->token, fault);
    }
    return error == OK ? read_secret(node, channel->key_file, channel->key, fault) : error;
}

static enum err check_program(const struct yaml_node *node, const struct notice_channel *channel,
                              struct fault *fault)
{
    if (channel->kind == CHANNEL_HOOK && access(channel->program, X_OK) != 0) {
        return yaml_refuse(yaml_find(node, "program"), fault, "config.hook",
                           "%s is not an executable file", channel->program);
    }
    return OK;
}

static enum err check_channel(const struct yaml_node *node, struct channel_reading *reading,
                              struct fault *fault)
{
    struct notice_channel *channel = &reading->channel;
    enum err error = check_options(node, channel, fault);

    if (error == OK && !is_name(channel->name)) {
        error = yaml_refuse(yaml_find(node, "name"), fault, "config.channel",
                            "a name is of lower-case letters, digits and hyphens");
    }
    if (error == OK && channel->from[0] != '\0' &&
        (!is_address(channel->from) || strchr(channel->from, '@') == NULL)) {
        error = yaml_refuse(yaml_find(node, "from"), fault, "config.channel",
                            "expected a mail address");
    }
    if (error == OK) {
        error = check_url(node, channel, fault);
    }
    if (error == OK && channel->kind == CHANNEL_HTTP) {
        error = check_template(yaml_find(node, "url"), channel->url, fault);
    }
    if (error == OK) {
        error = check_template(yaml_find(node, "body"), channel->body, fault);
    }
    if (error == OK) {
        error = read_headers(reading->headers, channel, fault);
    }
    if (error == OK) {
        error = check_program(node, channel, fault);
    }
    return error == OK ? read_secrets(node, channel, fault) : error;
}

static void set_defaults(struct notice_channel *channel)
{
    if (channel->kind == CHANNEL_WECOM && channel->url[0] == '\0') {
        text_copy(channel->url, sizeof(channel->url), WECOM_URL);
    }
    if (channel->kind == CHANNEL_DINGTALK && channel->url[0] == '\0') {
        text_copy(channel->url, sizeof(channel->url), DINGTALK_URL);
    }
    if (channel->kind == CHANNEL_HTTP && channel->characters == 0) {
        channel->characters = CHARACTERS_SMS;
    }
    if (channel->kind == CHANNEL_HOOK) {
        channel->rate = 0;
    }
}

static const struct notice_channel *find_channel(const struct notice_setup *setup, const char *name)
{
    for (size_t i = 0; i < setup->channel_count; i++) {
        if (strcmp(setup->channels[i].name, name) == 0) {
            return &setup->channels[i];
        }
    }
    return NULL;
}

static enum err read_channel(const struct yaml_node *node, struct notice_setup *setup,
                             struct fault *fault)
{
    struct channel_reading reading = {.channel = {.rate = RATE_DEFAULT,
                                                  .timeout_ms = TIMEOUT_MS,
                                                  .content_type = "application/json"}};
    enum err error = yaml_read(node, channel_options, &reading, fault);

    if (error == OK) {
        error = check_channel(node, &reading, fault);
    }
    if (error == OK && find_channel(setup, reading.channel.name) != NULL) {
        error = yaml_refuse(yaml_find(node, "name"), fault, "config.channel",
                            "there is another channel \"%s\"", reading.channel.name);
    }
    if (error == OK) {
        set_defaults(&reading.channel);
        setup->channels[setup->channel_count++] = reading.channel;
    }
    crypto_wipe(&reading, sizeof(reading));
    return error;
}

static enum err read_channels(const struct yaml_node *list, struct notice_setup *setup,
                              struct fault *fault)
{
    enum err result = OK;
    bool go_on = true;

    if (list == NULL) {
        return OK;
    }
    if (!yaml_is_sequence(list) || yaml_count(list) > NOTICE_CHANNELS_MAX - 1) {
        return yaml_refuse(list, fault, "config.type",
                           "channels: expected a list of at most %u channels",
                           NOTICE_CHANNELS_MAX - 1);
    }
    for (size_t i = 0; go_on && i < yaml_count(list); i++) {
        go_on = fault_go_on(read_channel(yaml_item(list, i), setup, fault), fault, &result);
    }
    return result;
}

/* --- officers --- */

struct officer_reading {
    struct notice_officer officer;
    int role;
    const struct yaml_node *rungs, *to, *messages;
};

static const struct yaml_option officer_options[] = {
    {.name = "id",
     .type = YAML_TEXT,
     .offset = offsetof(struct notice_officer, id),
     .size = NOTICE_NAME_BYTES,
     .required = true},
    {.name = "role",
     .type = YAML_CHOICE,
     .offset = offsetof(struct officer_reading, role),
     .choices = role_names,
     .required = true},
    {.name = "rungs", .type = YAML_NODE, .offset = offsetof(struct officer_reading, rungs)},
    {.name = "messages", .type = YAML_BOOL, .offset = offsetof(struct notice_officer, messages)},
    {.name = "to",
     .type = YAML_NODE,
     .offset = offsetof(struct officer_reading, to),
     .required = true},
    {.name = NULL},
};

static enum err read_rungs(const struct yaml_node *list, struct rung_set *ret_rungs,
                           struct fault *fault)
{
    struct rung_set rungs = {0};

    if (!yaml_is_sequence(list)) {
        return yaml_refuse(list, fault, "config.type", "rungs: expected a list of rungs");
    }
    for (size_t i = 0; i < yaml_count(list); i++) {
        const struct yaml_node *item = yaml_item(list, i);
        enum rung rung = RUNG_COUNT;

        if (!yaml_is_scalar(item) || rung_parse(yaml_text(item), &rung) != OK ||
            note_rung(rung) != rung) {
            return yaml_refuse(item, fault, "config.choice",
                               "expected a rung: remind-5, remind-2, due-1, due-2, due-3, "
                               "undelivered-1, undelivered-2, urgent-1, urgent-2, unsigned-1 or "
                               "unsigned-2");
        }
        rungs = rung_set_with(rungs, rung);
    }
    *ret_rungs = rungs;
    return OK;
}

static enum err check_address(const struct yaml_node *node, const struct notice_channel *channel,
                              const char *address, struct fault *fault)
{
    const char *digits = address[0] == '+' ? address + 1 : address;
    bool robot = channel->kind == CHANNEL_WECOM || channel->kind == CHANNEL_DINGTALK;

    if (channel->kind == CHANNEL_HOOK) {
        return yaml_refuse(node, fault, "config.officer",
                           "\"%s\" is a program: it gets every notice by itself", channel->name);
    }
    if (channel->kind == CHANNEL_SMTP && (!is_address(address) || strchr(address, '@') == NULL)) {
        return yaml_refuse(node, fault, "config.officer", "expected a mail address for \"%s\"",
                           channel->name);
    }
    if (robot && (*digits == '\0' || digits[strspn(digits, "0123456789")] != '\0')) {
        return yaml_refuse(node, fault, "config.officer",
                           "expected the mobile number that \"%s\" mentions", channel->name);
    }
    return is_address(address)
               ? OK
               : yaml_refuse(node, fault, "config.officer",
                             "expected an address without blanks for \"%s\"", channel->name);
}

static enum err read_address(const struct yaml_node *key, const struct yaml_node *value,
                             const struct notice_setup *setup, struct notice_officer *officer,
                             struct fault *fault)
{
    const struct notice_channel *channel = find_channel(setup, yaml_text(key));
    const struct yaml_option option = {
        .name = "to", .type = YAML_TEXT, .size = NOTICE_ADDRESS_BYTES};
    char *address;
    enum err error;

    if (channel == NULL) {
        return yaml_refuse(key, fault, "config.officer", "there is no channel \"%.40s\"",
                           yaml_text(key));
    }
    address = officer->addresses[channel - setup->channels];
    error = yaml_read_value(value, &option, address, fault);
    return error == OK ? check_address(value, channel, address, fault) : error;
}

static enum err check_officer(const struct yaml_node *node, const struct notice_setup *setup,
                              struct officer_reading *reading, struct fault *fault)
{
    struct notice_officer *officer = &reading->officer;
    enum err error = OK, result = OK;
    bool go_on = true;

    if (!is_name(officer->id)) {
        error = yaml_refuse(yaml_find(node, "id"), fault, "config.officer",
                            "an id is of lower-case letters, digits and hyphens; no name");
    }
    for (size_t i = 0; error == OK && i < setup->officer_count; i++) {
        if (strcmp(setup->officers[i].id, officer->id) == 0) {
            error = yaml_refuse(yaml_find(node, "id"), fault, "config.officer",
                                "there is another officer \"%s\"", officer->id);
        }
    }
    if (error == OK && reading->rungs != NULL) {
        error = read_rungs(reading->rungs, &officer->rungs, fault);
    }
    if (error == OK && !yaml_is_mapping(reading->to)) {
        error = yaml_refuse(reading->to, fault, "config.type",
                            "to: expected channels with addresses, as {mail: office@city.example}");
    }
    for (size_t i = 0; error == OK && go_on && i < yaml_count(reading->to); i++) {
        go_on = fault_go_on(read_address(yaml_key(reading->to, i), yaml_value(reading->to, i),
                                         setup, officer, fault),
                            fault, &result);
    }
    return error == OK ? result : error;
}

static enum err read_officer(const struct yaml_node *node, struct notice_setup *setup,
                             struct fault *fault)
{
    struct officer_reading reading = {.officer = {.rungs = {.bits = UINT64_MAX}}};
    enum err error = yaml_read(node, officer_options, &reading, fault);

    if (error == OK) {
        reading.officer.role = roles[reading.role];
        if (yaml_find(node, "messages") == NULL) {
            reading.officer.messages = reading.officer.role == ROLE_LIAISON;
        }
        error = check_officer(node, setup, &reading, fault);
    }
    if (error == OK) {
        setup->officers[setup->officer_count++] = reading.officer;
    }
    return error;
}

static enum err read_officers(const struct yaml_node *list, struct notice_setup *setup,
                              struct fault *fault)
{
    enum err result = OK;
    bool go_on = true;

    if (list == NULL) {
        return OK;
    }
    if (!yaml_is_sequence(list) || yaml_count(list) > NOTICE_OFFICERS_MAX) {
        return yaml_refuse(list, fault, "config.type",
                           "officers: expected a list of at most %u officers", NOTICE_OFFICERS_MAX);
    }
    for (size_t i = 0; go_on && i < yaml_count(list); i++) {
        go_on = fault_go_on(read_officer(yaml_item(list, i), setup, fault), fault, &result);
    }
    return result;
}

/* --- office hours --- */

static enum err read_hours(const struct yaml_node *list, struct office_hours *hours,
                           struct fault *fault)
{
    if (list == NULL) {
        enum err error = office_hours_add(hours, OFFICE_MORNING);

        return error == OK ? office_hours_add(hours, OFFICE_AFTERNOON) : error;
    }
    if (!yaml_is_sequence(list) || yaml_count(list) > OFFICE_SPANS_MAX) {
        return yaml_refuse(list, fault, "config.type",
                           "office-hours: expected a list of at most %u spans, [] for any time",
                           OFFICE_SPANS_MAX);
    }
    for (size_t i = 0; i < yaml_count(list); i++) {
        const struct yaml_node *item = yaml_item(list, i);

        if (!yaml_is_scalar(item) || office_hours_add(hours, yaml_text(item)) != OK) {
            return yaml_refuse(item, fault, "config.office-hours",
                               "expected \"HH:MM-HH:MM\", later than the one before");
        }
    }
    return OK;
}

/* --- all of it --- */

static enum err add_hook(const struct notice_nodes *nodes, struct notice_setup *setup,
                         struct fault *fault)
{
    struct notice_channel *hook = &setup->channels[setup->channel_count];

    if (nodes->hook[0] == '\0') {
        return OK;
    }
    if (access(nodes->hook, X_OK) != 0) {
        fault_set(fault, "config.hook", nodes->hook, "is not an executable file");
        fault_hint(fault, "correct `notice-hook`, or chmod +x");
        return ERR_INVALID;
    }
    if (find_channel(setup, HOOK_NAME) != NULL) {
        fault_set(fault, "config.hook", nodes->hook,
                  "`notice-hook` is the channel \"%s\", and `channels` has another of that name",
                  HOOK_NAME);
        return ERR_INVALID;
    }
    text_copy(hook->name, sizeof(hook->name), HOOK_NAME);
    text_copy(hook->program, sizeof(hook->program), nodes->hook);
    hook->kind = CHANNEL_HOOK;
    hook->timeout_ms = nodes->hook_timeout_ms;
    setup->channel_count++;
    return OK;
}

enum err notice_config_read(const struct notice_nodes *nodes, struct notice_setup **ret_setup,
                            struct fault *fault)
{
    struct notice_setup *setup = calloc(1, sizeof(*setup));
    enum err error, result = OK;

    if (setup == NULL) {
        return ERR_MEMORY;
    }
    error = read_channels(nodes->channels, setup, fault);
    if (error == OK) {
        error = add_hook(nodes, setup, fault);
    }
    if (error == OK) { /* it names channels: without them nothing of it can be judged */
        error = read_officers(nodes->officers, setup, fault);
    }
    if (fault_go_on(error, fault, &result)) {
        (void)fault_go_on(read_hours(nodes->office_hours, &setup->hours, fault), fault, &result);
    }
    if (result != OK) {
        notice_setup_free(setup);
        return result;
    }
    *ret_setup = setup;
    return OK;
}

void notice_setup_free(struct notice_setup *setup)
{
    if (setup != NULL) {
        crypto_wipe(setup, sizeof(*setup));
        free(setup);
    }
}
