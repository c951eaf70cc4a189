/* The address of a unix socket, for local_server and local_client. */
#ifndef REFERRAL_IO_LOCAL_INTERNAL_H
#define REFERRAL_IO_LOCAL_INTERNAL_H

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"

/* ERR_INVALID when the path is empty or has more than 107 bytes. */
static inline enum err local_address(const char *path, struct sockaddr_un *ret_address)
{
    size_t len = strlen(path);
    if (len == 0 || len >= sizeof ret_address->sun_path) {
        return ERR_INVALID;
    }
    memset(ret_address, 0, sizeof *ret_address);
    ret_address->sun_family = AF_UNIX;
    memcpy(ret_address->sun_path, path, len);
    return OK;
}

#endif
