/* A city for measuring: fresh keys and certificates for the agencies of the registry, and a real
 * referral-broker process in a temporary folder, with a new store for each case.
 *
 * What goes wrong here ends the program with a message: a benchmark that cannot be trusted must not
 * print a figure. One thread. */
#ifndef REFERRAL_BENCH_CITY_H
#define REFERRAL_BENCH_CITY_H

#include <sys/types.h>

#include "io/link.h"
#include "model/registry.h"
#include "wire/keyring.h"

#define CITY_PATH_BYTES 256

struct loop;

struct city_options {
    const char *broker; /* program; NULL: referral-broker beside this executable */
    const char *config; /* folder with agencies.yaml, policy.yaml and calendars */
    const char *folder; /* where the temporary folder is made: the disk that is measured */
    bool mbedtls;       /* tls-engine, at both ends */
    bool sm;            /* suite */
};

struct city_agency {
    const struct agency *agency; /* borrowed from the registry */
    struct sign_key sign;
    struct seal_key seal;
    struct link_client *link; /* while the broker runs */
    uint8_t session[16];
    uint64_t counter;
};

struct city {
    char folder[CITY_PATH_BYTES];
    char broker[CITY_PATH_BYTES];
    char config[CITY_PATH_BYTES];
    char url[2 * CITY_PATH_BYTES];
    struct buf registry_text;
    struct registry *registry;
    struct keyring *keyring;
    struct city_agency *agencies; /* owned, in the order of the registry */
    size_t agency_count;
    struct loop *loop;
    pid_t process; /* 0: no broker runs */
    bool mbedtls;
    bool interrupted;
};

struct city_usage { /* of the broker's process, since its start */
    double cpu_seconds;
    double system_seconds; /* the kernel's part, in clock ticks */
    unsigned long commits; /* as its status socket says */
};

double bench_seconds(void); /* monotonic */
/* Ends the program (and the broker) unless `error` is OK. */
void city_need(struct city *city, enum err error, const char *what);
/* Kills the broker, removes the folder, ends the program. */
void city_abandon(struct city *city, int status) __attribute__((noreturn));
/* Zeroed, never NULL; free() it. */
void *city_memory(struct city *city, size_t count, size_t size);

/* Keys, certificates and folder; no process yet. */
void city_open(const struct city_options *options, struct city *ret_city);
void city_close(struct city *city);

/* The program that city_start starts from now on; as city_options.broker. */
void city_use(struct city *city, const char *broker);
/* A broker on "ipc", "tcp" or "tls" with an empty store, a link for each agency that carries so
 * many requests at once. */
void city_start(struct city *city, const char *transport, size_t requests_each);
/* Ends the links and the broker, which must stop well; removes the store. */
void city_stop(struct city *city);
void city_measure(struct city *city, struct city_usage *ret_usage);
/* Lets the loop run for one event; ends the program when it was interrupted. */
void city_turn(struct city *city);

#endif
