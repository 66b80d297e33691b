/*
 * callers.c - many clients at once, and what each believes about its connection.
 *
 * Teaches:  "connected" is what one end believes. The other end may believe otherwise.
 * Run:      ./callers 10.77.0.2 7007 8    ADDRESS PORT HOW-MANY; they stay until it is killed
 * Partner:  lazy.c
 * Leaves out: reading. Each client that believes in its connection says one letter: a, b, c ...
 * Next:     queue.c, which is yours.
 */
#include "lab.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST = 26, QUIET_MS = 500 };

/* What the kernel says of this socket (tcp(7), TCP_INFO): a state of RFC 9293, as ss prints it. */
static const char *state_of(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
        return "?";
    return info.tcpi_state == TCP_ESTABLISHED ? "ESTABLISHED"
           : info.tcpi_state == TCP_SYN_SENT  ? "SYN_SENT"
                                              : "CLOSED";
}

int main(int argc, char **argv)
{
    struct sockaddr_in server = {.sin_family = AF_INET};
    int count = argc == 4 ? atoi(argv[3]) : 0;
    if (count < 1 || count > MOST || inet_pton(AF_INET, argv[1], &server.sin_addr) != 1) {
        fprintf(stderr, "usage: callers ADDRESS PORT HOW-MANY   (1 to %d)\n", MOST);
        return 2;
    }
    server.sin_port = htons(lab_port(argv[2]));
    setvbuf(stdout, NULL, _IOLBF, 0);

    struct pollfd wait[MOST];
    for (int i = 0; i < count; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
            lab_die("socket");
        /* EINPROGRESS is the expected answer: the SYN has left, and nothing is known yet
         * (connect(2)). */
        if (connect(fd, (struct sockaddr *)&server, sizeof server) < 0 && errno != EINPROGRESS)
            lab_die("connect");
        wait[i] = (struct pollfd){.fd = fd, .events = POLLOUT};
    }

    /* Writable means: the handshake is over, well or badly. Go on until nothing has happened for a
     * while. */
    while (poll(wait, (nfds_t)count, QUIET_MS) > 0)
        for (int i = 0; i < count; i++)
            if (wait[i].revents != 0) {
                char letter = (char)('a' + i);
                if (send(wait[i].fd, &letter, 1, MSG_NOSIGNAL) < 0)
                    printf("callers: %c was thrown out: %s\n", letter, strerror(errno));
                wait[i].events = 0; /* only an error is news from here on */
                wait[i].fd = wait[i].revents & (POLLERR | POLLHUP) ? ~wait[i].fd : wait[i].fd;
            }

    int believe = 0;
    for (int i = 0; i < count; i++) {
        int fd = wait[i].fd < 0 ? ~wait[i].fd : wait[i].fd; /* ~: poll(2) skips a negative one */
        const char *state = state_of(fd);
        believe += strcmp(state, "ESTABLISHED") == 0;
        printf("callers: %c %s\n", 'a' + i, state);
    }
    printf("callers: %d of %d believe they are connected\n", believe, count);
    for (;;)
        pause();
}
