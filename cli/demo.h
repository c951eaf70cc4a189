/* The demo city: a broker and the agents of all agencies as real processes on this machine, a story
 * that they play on a laboratory clock, and what is asserted about it. For the files demo*.c only.
 *
 *   demo.c          the command: a supervisor that leaves nothing behind, and the player it starts
 *   demo_city.c     the folder: configurations, keys
 *   demo_process.c  starting, awaiting, stopping, running programs
 *   demo_talk.c     questions over sockets, awaiting rows, moving the clock
 *   demo_story.c    what happens when, as a table; demo_letters/ has the messages
 *   demo_play.c     one function for each act of the table
 *   demo_attach.c   a file that goes with a letter
 *   demo_check.c    expressions over answers, and the assertions' results
 *   demo_forge.c    the attacker
 *   demo_lie.c      an old copy of the broker's store
 *   demo_office.c   officers with inboxes, and the clock after the story
 *
 * The player is one thread. Every function that fails has filled demo->fault: what was awaited,
 * what came, and where to look. */
#ifndef REFERRAL_CLI_DEMO_H
#define REFERRAL_CLI_DEMO_H

#include <sys/types.h>

#include "cli/output.h"
#include "model/registry.h"

#define DEMO_PATH_BYTES    512u
#define DEMO_PROCESSES_MAX 16u
#define DEMO_RESULTS_MAX   128u
#define DEMO_VALUE_BYTES   192u
#define DEMO_LINE_BYTES    (4u * 1024u * 1024u) /* the longest answer */
#define DEMO_CALL_MS       15000u               /* a daemon's answer */
#define DEMO_WAIT_MS       20000u               /* an event that must come */
#define DEMO_START_MS      20000u               /* a daemon that says it is ready */
#define DEMO_ORIGIN        "laboratory/broker"

/* The row of policy.yaml that the mutation no-rung changes. */
#define DEMO_RUNG_ROW "due-2: {offset: 3,"

enum demo_mutation { MUTATION_NONE, MUTATION_NO_RUNG, MUTATION_NO_FLIP };

struct demo_process {
    char id[LIMIT_AGENCY_ID_BYTES]; /* BROKER_ID, or the agency's */
    pid_t pid;                      /* 0: not running */
    int pidfd;
    struct local_stream *watch; /* owned: of an agent that runs; NULL: not yet */
    char web[64];               /* its address, as the agent says it */
    char password[32];          /* of its officer */
};

/* What the supervisor must know of the player, in memory that both see. */
struct demo_shared {
    _Atomic pid_t pids[DEMO_PROCESSES_MAX];
    _Atomic bool played; /* the story ended well: the city stays up */
};

struct demo_result { /* of one assertion */
    const char *name;
    bool ok;
    char answered[DEMO_VALUE_BYTES];
};

struct said {          /* an answer, parsed */
    struct buf text;   /* owned */
    struct json *json; /* owned; NULL: none */
    struct json_value root;
};

struct demo {
    const struct invocation *invocation;
    bool check, json, keep;
    enum demo_mutation mutation;
    char folder[DEMO_PATH_BYTES];   /* of the city */
    char programs[DEMO_PATH_BYTES]; /* where the daemons lie: beside this program */
    char root[DIGEST_TEXT_BYTES];   /* fingerprint of the root that signed the registry */
    uint16_t port;
    unsigned day_seconds; /* a day of the city's, after the story; 0: its clock goes like ours */
    struct registry *registry; /* owned */
    struct demo_shared *shared;
    struct demo_process processes[DEMO_PROCESSES_MAX]; /* the broker first */
    size_t process_count;
    int ready_fd;       /* where the daemons say that they are ready */
    int32_t told_day;   /* the civil day of the last line that was printed */
    uint64_t told_ms;   /* the broker's time then */
    bool frozen;        /* the broker cannot be asked */
    uint64_t offset_ms; /* the laboratory's, as last set: a broker that restarts is told it again */
    char sent[UUID_TEXT_BYTES];       /* the id of the message that was sent last */
    char attached[DIGEST_TEXT_BYTES]; /* of the file that was attached last */
    struct said opened;               /* what its receiver opened, and whether it is the same */
    struct said wire;                 /* the last reply to the attacker */
    struct said verifier;             /* the verifier's last verdict */
    struct demo_result results[DEMO_RESULTS_MAX];
    size_t result_count;
    struct fault fault;
};

/* Fills the fault and answers ERR_INVALID, so that a caller can `return demo_fail(...)`. */
enum err demo_fail(struct demo *demo, const char *code, const char *place, const char *fmt, ...)
    FORMAT(4, 5);
/* DIR/format. The folder's length was checked, so it fits. */
void demo_path(const struct demo *demo, char out[DEMO_PATH_BYTES], const char *fmt, ...)
    FORMAT(3, 4);
uint64_t demo_machine_ms(void);
bool demo_port_is_free(uint16_t port); /* on 127.0.0.1, now */
uint16_t demo_free_port(void);

/* --- demo_city.c --- */

/* Writes the city's files into its folder, which is empty, and loads the registry. */
enum err city_make(struct demo *demo) MUST_CHECK;
void city_socket(const struct demo *demo, const char *who, char out[DEMO_PATH_BYTES]);
void city_free(struct demo *demo);

/* --- demo_process.c --- */

enum err process_open(struct demo *demo) MUST_CHECK; /* before the first start */
/* Starts these (NULL: all that do not run, the broker first) and waits until they are ready. A
 * daemon that ends instead is named, with the end of its log. */
enum err process_start(struct demo *demo, const char *who) MUST_CHECK;
/* Ends it with this signal and waits for its end; SIGSTOP is sent only. */
enum err process_signal(struct demo *demo, const char *who, int signal_number) MUST_CHECK;
/* All, agents first; kills what does not end in time. */
void process_stop_all(struct demo *demo);
/* Runs a program beside this one to its end: its standard output, and its exit status. */
enum err process_run(struct demo *demo, const char *const *argv, struct buf *ret_out,
                     int *ret_status) MUST_CHECK;
struct demo_process *process_find(struct demo *demo, const char *who); /* NULL: no such agency */

/* --- demo_talk.c --- */

void said_init(struct said *said);
void said_free(struct said *said);
/* Takes the JSON text for the answer. */
enum err said_read(struct demo *demo, const char *source, struct said *said) MUST_CHECK;
/* One JSON line to the socket of the broker or an agent; a refusal is a failure. */
enum err talk_ask(struct demo *demo, const char *who, const char *request,
                  struct said *ret_said) MUST_CHECK;

/* Asks again and again until the answer has at `path` (check_evaluate) one of the values between
 * commas. For what no event tells. */
enum err talk_until(struct demo *demo, const char *who, const char *request, const char *path,
                    const char *values) MUST_CHECK;

struct row_want {    /* NULL: any */
    const char *box; /* "inbox", "outbox" */
    const char *id, *kind, *referral, *rung, *state;
};
/* Waits until an agent has such a row; it is `ret_row` of the answer `ret_said`. */
enum err talk_await(struct demo *demo, const char *who, const struct row_want *want,
                    struct said *ret_said, struct json_value *ret_row) MUST_CHECK;
enum err talk_connected(struct demo *demo, const char *who) MUST_CHECK;
/* Waits until the broker's clock is confirmed (rungs may still wait out the first ten minutes). */
enum err talk_clock_confirmed(struct demo *demo) MUST_CHECK;
/* The broker's wall clock becomes "2026-09-18 09:30" (+08:00), a second later. */
enum err talk_clock_move(struct demo *demo, const char *civil) MUST_CHECK;
/* Tells a broker that was started again where the laboratory's clock is. */
enum err talk_clock_again(struct demo *demo) MUST_CHECK;
/* "2026-09-18 09:30" to UTC milliseconds; asserted to be well formed: the story's own. */
uint64_t civil_instant(const char *civil);

/* --- demo_office.c --- */

/* An officer for each agency; the addresses of their inboxes. */
enum err office_open(struct demo *demo) MUST_CHECK;
void office_print(struct demo *demo);
/* A member `inboxes` in an open object. */
void office_write(struct demo *demo, struct json_writer *out);
int office_read_day(struct demo *demo); /* the option --day; EXIT_OK */
/* The city's clock goes on, a day every demo->day_seconds. Never returns. */
void office_live(struct demo *demo) __attribute__((noreturn));

/* --- demo_story.c, demo_play.c --- */

enum act {
    ACT_END,
    ACT_SCENE,     /* a heading */
    ACT_TELL,      /* a line */
    ACT_CLOCK,     /* move the clock to `at` */
    ACT_CONFIRMED, /* wait until the clock is confirmed */
    ACT_SEND,      /* `who` sends the letter; until all recipients have it */
    ACT_QUEUE,     /* the same, until the broker has it */
    ACT_POST,      /* the same, until the agent has it */
    ACT_ATTACH,    /* `who` attaches the file `letter` under the name `value` */
    ACT_OPEN,      /* until `who` has it; opens it */
    ACT_ACCEPTED,  /* until what `who` sent about the referral is accepted */
    ACT_NOTICE,    /* until `who` has received a message about the referral, of this rung or kind */
    ACT_UNTIL,     /* until the answer is one of the values between commas */
    ACT_STOP,      /* an agent ends */
    ACT_START,     /* an agent or the broker starts again */
    ACT_FREEZE,    /* the broker answers nothing any more */
    ACT_KILL,      /* kill -9 */
    ACT_FORGE,     /* an attack, by name */
    ACT_VERIFY,    /* the verifier judges, by name of what */
    ACT_STORE,     /* the broker goes on with this one of its stores, `letter` */
    ACT_EXPECT,    /* an assertion */
    ACT_COUNT
};

struct step {
    enum act act;
    const char *at;       /* civil time */
    const char *who;      /* an agency, "broker"; of an assertion also "wire", "verifier", "file" */
    const char *letter;   /* a file of demo_letters/; the name of an attack; a message's kind */
    const char *referral; /* that a notice is about */
    const char *rung;     /* of a notice; NULL: any */
    const char *text;     /* Chinese: the line that is printed; NULL: none */
    const char *article;  /* "第九条" */
    const char *name;     /* of an assertion */
    const char *ask;      /* its question; "{sent}" in it is the message that was sent last */
    const char *path;     /* where in the answer */
    const char *value;    /* what must stand there; "*": anything */
};

extern const struct step story[]; /* ends with ACT_END */

enum err story_play(struct demo *demo) MUST_CHECK;

/* --- demo_verify.c --- */

/* The verifier judges what the step's letter names; demo->verifier is its verdict. */
enum err verify_step(struct demo *demo, const struct step *step) MUST_CHECK;

/* --- demo_lie.c --- */

/* The broker ends, and starts again: its store was "copied" in between, or the "old" copy was put
 * in its place, or its "own" one again. */
enum err lie_store(struct demo *demo, const char *what) MUST_CHECK;
/* The file in which the agent keeps what it caught the broker with. */
enum err lie_evidence(struct demo *demo, const char *who, char out[DEMO_VALUE_BYTES]) MUST_CHECK;

/* --- demo_check.c --- */

/* Evaluates a path in an answer, as text:
 *   name            a member; texts as they are, numbers, "true"; "absent" for none; of an array
 *                   that a member of it follows, the first item
 *   name[key=value] the items of an array whose member is this; further brackets narrow it; the
 *                   first of them is gone on with
 *   #               at the end: how many items there are
 *   @               at the end: milliseconds as "2026-09-18 09:30" (+08:00)
 * An array of texts is joined by commas. Pure. */
void check_evaluate(const struct json_value *root, const char *path, char out[DEMO_VALUE_BYTES]);
/* Is the answer what the story expects? */
bool check_fits(const char *value, const char *answered);
/* Records the result; a failure names the assertion, what was expected and what was answered. */
enum err check_record(struct demo *demo, const struct step *step, const char *answered) MUST_CHECK;
/* Members `assertions` and `passed` of the command's answer. */
void check_write(const struct demo *demo, struct json_writer *out);

/* --- demo_files.c: made by demo.cmake from config/ and demo_letters/ --- */

struct demo_file {
    const char *name; /* "policy.yaml", "calendars/2026.json", "letters/minor.json" */
    const unsigned char *bytes;
    size_t size;
};
extern const struct demo_file demo_files[]; /* ends with a NULL name */

/* --- demo_attach.c --- */

/* "minor.json", "household.pdf"; asserted to be there. */
const struct demo_file *demo_letter(const char *file_name);
enum err attach_file(struct demo *demo, const struct step *step) MUST_CHECK; /* demo->attached */
enum err attach_open(struct demo *demo, const struct step *step) MUST_CHECK; /* demo->opened */

/* --- demo_forge.c --- */

/* Sends what the attack is about over the wire; demo->wire is what came back. */
enum err forge_send(struct demo *demo, const char *attack) MUST_CHECK;

#endif
