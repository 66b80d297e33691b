/*
 * last_words.c - three sends to someone who has closed.
 *
 * Teaches:  a send that succeeds has told nobody anything. The peer's kernel answers it with a
 *           reset, and the *next* send hears of that.
 * Run:      ./last_words close      or      ./last_words reset
 * Leaves out: the peer is this same process, over loopback, so that no second terminal is needed.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

/* Two ends of one TCP connection: ours, and in *theirs the peer's. */
static int connected_pair(int *theirs)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&at, length) < 0 || listen(listener, 1) < 0)
        lab_die("listen");
    getsockname(listener, (struct sockaddr *)&at, &length); /* the port that the kernel chose */

    int ours = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(ours, (struct sockaddr *)&at, length) < 0)
        lab_die("connect");
    *theirs = accept(listener, NULL, NULL);
    close(listener);
    return ours;
}

int main(int argc, char **argv)
{
    bool reset = argc == 2 && strcmp(argv[1], "reset") == 0;
    int theirs, ours = connected_pair(&theirs);

    /* A close(2) that lingers for zero seconds throws the connection away: RST instead of
     * FIN (socket(7)). */
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    if (reset)
        setsockopt(theirs, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(theirs);

    for (int i = 1; i <= 3; i++) {
        ssize_t sent = send(ours, "hello\n", 6, MSG_NOSIGNAL);
        printf("send %d: %s\n", i, sent < 0 ? strerrorname_np(errno) : "6 bytes taken");
    }
    return 0;
}
