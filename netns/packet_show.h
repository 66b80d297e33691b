/* packet_show.h - the half of packet_log that reads: see packet_show.c. */
#ifndef ECHOLAB_PACKET_SHOW_H
#define ECHOLAB_PACKET_SHOW_H

/* `packet_log show`; argv[0] is "show". Returns the exit code. */
int packet_show(int argc, char **argv);

#endif
