/*
 * bound.c - asks the kernel for the TCP sockets that have a port and do not listen.
 *
 * Teaches:  ss(8) reads no file: it sends a question over a netlink socket (sock_diag(7)), with
 *           one bit for each state it wants. Since Linux 6.8 there is a bit for "bound, and nothing
 *           else". The ss of iproute2 6.8 sets it (-a, --bound-inactive), an older one cannot.
 * Run:      ./stage bind 7002 ./bound
 * Leaves out: IPv6, and answers that fail: an older kernel ignores the bit and shows nothing.
 */
#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"

enum { BOUND_INACTIVE = 13 }; /* TCP_BOUND_INACTIVE: the states of tcp(7) end at 12 */

int main(void)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 want;
    } question = {
        .head = {.nlmsg_len = sizeof question,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
        .want = {.sdiag_family = AF_INET,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_states = 1u << BOUND_INACTIVE},
    };
    int kernel = socket(AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG);
    if (send(kernel, &question, sizeof question, 0) < 0)
        lab_die("sock_diag");

    for (;;) { /* the answer is a list, in as many messages as it takes */
        _Alignas(struct nlmsghdr) char answer[16384];
        ssize_t length = recv(kernel, answer, sizeof answer, 0);
        if (length <= 0)
            lab_die("sock_diag");
        for (struct nlmsghdr *one = (struct nlmsghdr *)answer; NLMSG_OK(one, (size_t)length);
             one = NLMSG_NEXT(one, length)) {
            if (one->nlmsg_type != SOCK_DIAG_BY_FAMILY)
                return 0; /* NLMSG_DONE, or an error: the list is over */
            struct inet_diag_msg *it = NLMSG_DATA(one);
            char address[INET_ADDRSTRLEN];
            inet_ntop(AF_INET, it->id.idiag_src, address, sizeof address);
            printf("bound %s:%d inode %u\n", address, ntohs(it->id.idiag_sport), it->idiag_inode);
        }
    }
}
