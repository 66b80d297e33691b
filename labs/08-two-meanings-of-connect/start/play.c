/*
 * play.c - three hosts on one stage: each line of the play is one system call of one of them.
 *
 * Teaches:  the order of calls is the whole story. Write your own plays.
 * Run:      labs/lab run client -- labs/work/08/play 'client connect 10.77.0.2:7007' 'client send hi'
 * Lines:    ACTOR bind PORT            ACTOR connect ADDRESS:PORT    ACTOR forget   (AF_UNSPEC)
 *           ACTOR send TEXT            ACTOR sendto ADDRESS:PORT TEXT
 *           ACTOR recv                 waits 300 ms at most
 *           ACTOR poll                 waits for news, 1 s at most, and takes nothing
 *           ACTOR name                 getsockname(2)      ACTOR close
 *           ACTOR state                what ss(8) says of the sockets on that host
 *           ACTOR dial ADDRESS:PORT    connect(2) on a TCP socket of its own
 *           An actor (client, server, stranger) is a host. Its socket, UDP, is made when it first acts.
 * How:      a socket belongs for ever to the network namespace in which it was made. So this one
 *           process visits each actor's host, setns(2), opens a socket there, and keeps them all.
 * Leaves out: more than one socket an actor; lines that are not understood end the play.
 */
#include "lab.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static struct actor {
    const char *name;
    int fd; /* -1: not on stage */
} actors[] = {{"client", -1}, {"server", -1}, {"stranger", -1}};

__attribute__((noreturn)) static void misread(const char *line)
{
    fprintf(stderr, "play: I do not understand: %s (the words: head of play.c)\n", line);
    exit(2);
}

/* From here on this process makes its sockets on the actor's host. Those that it has stay where they are. */
static void visit(const struct actor *actor)
{
    char path[64];
    snprintf(path, sizeof path, "/run/netns/%s", actor->name);
    int host = open(path, O_RDONLY | O_CLOEXEC);
    if (host < 0 || setns(host, CLONE_NEWNET) < 0)
        lab_die("play: run it inside the lab network (labs/lab run client -- ...): setns");
    close(host);
}

/* Brings the actor on stage: a UDP socket on that host. */
static void enter(struct actor *actor)
{
    struct timeval patience = {.tv_usec = 300000};
    visit(actor);
    actor->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (actor->fd < 0 ||
        setsockopt(actor->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
        lab_die("play: socket");
}

static struct sockaddr_in address(char *text, const char *line)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    char *colon = strchr(text, ':');
    if (colon == NULL)
        misread(line);
    *colon = '\0';
    a.sin_port = htons(lab_port(colon + 1));
    if (inet_pton(AF_INET, text, &a.sin_addr) != 1)
        misread(line);
    *colon = ':';
    return a;
}

/* The end of a line: what the kernel returned. */
static void result(long value)
{
    if (value < 0)
        printf(" = -1 %s\n", strerrorname_np(errno));
    else
        printf(" = %ld\n", value);
}

static void receive(int fd)
{
    char letter[256], from[INET_ADDRSTRLEN];
    struct sockaddr_in a = {0};
    socklen_t length = sizeof a;
    ssize_t got = recvfrom(fd, letter, sizeof letter, 0, (struct sockaddr *)&a, &length);
    printf("recv()");
    if (got < 0 && errno == EAGAIN) {
        puts(" = -1 EAGAIN: nothing came in 300 ms");
    } else if (got < 0) {
        result(got);
    } else {
        printf(" = %zd \"%.*s\" from %s:%d\n", got, (int)got, letter,
               inet_ntop(AF_INET, &a.sin_addr, from, sizeof from), ntohs(a.sin_port));
    }
}

static void wait_for_news(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};
    int n = poll(&wait, 1, 1000);
    printf("poll() = %d%s%s\n", n, wait.revents & POLLIN ? " POLLIN" : "",
           wait.revents & POLLERR ? " POLLERR" : "");
}

static void print_name(int fd)
{
    char text[INET_ADDRSTRLEN];
    struct sockaddr_in a = {0};
    socklen_t length = sizeof a;
    getsockname(fd, (struct sockaddr *)&a, &length);
    printf("getsockname() = %s:%d\n", inet_ntop(AF_INET, &a.sin_addr, text, sizeof text),
           ntohs(a.sin_port));
}

/* The other meaning of connect(2): a TCP socket, made here, for this one call. */
static void dial(const struct actor *actor, const struct sockaddr_in *peer)
{
    visit(actor);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        lab_die("play: socket");
    result(connect(fd, (const struct sockaddr *)peer, sizeof *peer));
    close(fd);
}

static void act(struct actor *actor, const char *verb, char *object, const char *text,
                const char *line)
{
    int fd = actor->fd;
    printf("%-9s ", actor->name);
    if (strcmp(verb, "bind") == 0 && object != NULL) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(lab_port(object))};
        printf("bind(%s)", object);
        result(bind(fd, (struct sockaddr *)&a, sizeof a));
    } else if (strcmp(verb, "connect") == 0 && object != NULL) {
        struct sockaddr_in a = address(object, line);
        printf("connect(%s)", object);
        result(connect(fd, (struct sockaddr *)&a, sizeof a));
    } else if (strcmp(verb, "dial") == 0 && object != NULL) {
        struct sockaddr_in a = address(object, line);
        printf("TCP connect(%s)", object);
        dial(actor, &a);
    } else if (strcmp(verb, "forget") == 0) {
        struct sockaddr_in a = {.sin_family = AF_UNSPEC};
        printf("connect(AF_UNSPEC)");
        result(connect(fd, (struct sockaddr *)&a, sizeof a));
    } else if (strcmp(verb, "send") == 0 && object != NULL) {
        printf("send(\"%s\")", object);
        result(send(fd, object, strlen(object), 0));
    } else if (strcmp(verb, "sendto") == 0 && object != NULL && text != NULL) {
        struct sockaddr_in a = address(object, line);
        printf("sendto(\"%s\", %s)", text, object);
        result(sendto(fd, text, strlen(text), 0, (struct sockaddr *)&a, sizeof a));
    } else if (strcmp(verb, "recv") == 0) {
        receive(fd);
    } else if (strcmp(verb, "poll") == 0) {
        wait_for_news(fd);
    } else if (strcmp(verb, "name") == 0) {
        print_name(fd);
    } else if (strcmp(verb, "state") == 0) {
        visit(actor);
        puts("state:");
        fflush(stdout); /* before another process writes there too */
        /* NOLINTNEXTLINE(cert-env33-c): the command is our own */
        if (system("ss -Huan | awk '{print \"          \", $1, $4, $5}'") != 0)
            lab_die("play: ss");
    } else if (strcmp(verb, "close") == 0) {
        printf("close()");
        result(close(fd));
        actor->fd = -1;
    } else {
        misread(line);
    }
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int i = 1; i < argc; i++) {
        char words[300], *rest = words;
        struct actor *actor = NULL;
        snprintf(words, sizeof words, "%s", argv[i]);
        const char *name = strtok_r(rest, " ", &rest), *verb = strtok_r(NULL, " ", &rest);
        char *object = strtok_r(NULL, " ", &rest);
        const char *text = strtok_r(NULL, "", &rest);
        for (size_t k = 0; name != NULL && k < sizeof actors / sizeof actors[0]; k++)
            if (strcmp(name, actors[k].name) == 0)
                actor = &actors[k];
        if (actor == NULL || verb == NULL)
            misread(argv[i]);
        if (actor->fd < 0)
            enter(actor);
        act(actor, verb, object, text, argv[i]);
    }
    return 0;
}
