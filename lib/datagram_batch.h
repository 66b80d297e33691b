/*
 * datagram_batch.h - what a batch is made of: shared by datagram.c (in) and datagram_reply.c (out),
 * and by nobody else. Every array has `capacity` elements unless it says so.
 */
#ifndef ECHOLAB_DATAGRAM_BATCH_H
#define ECHOLAB_DATAGRAM_BATCH_H

#include "datagram.h"

/* Room for the control messages of one datagram, aligned as CMSG_FIRSTHDR wants it. */
union in_control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
};
union out_control {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
};

/* How far a reply has come: the next datagram, and with GRO the next byte in it. */
struct position {
    unsigned index;
    size_t offset;
};

/* One message to the kernel: one datagram, or several of `segment` bytes to one peer. */
struct parcel {
    const struct el_datagram *first;
    size_t bytes;
    size_t segment;
    unsigned pieces; /* datagrams in it */
    struct position end;
};

struct el_datagram_batch {
    unsigned capacity;
    unsigned used; /* headers that the last receive wrote to */
    size_t max_datagram;
    size_t stride; /* bytes from one buffer to the next */
    size_t gso_ceiling;
    unsigned char *buffers;
    struct el_datagram *datagrams;
    struct mmsghdr *in, *out; /* headers: what recvmmsg fills, what sendmmsg reads */
    struct iovec *in_parts;   /* one a header */
    struct iovec *out_parts;  /* each starts a message or a datagram: at most two a header */
    union in_control *in_controls;
    union out_control *out_controls;
    struct parcel *parcels;
};

#endif
