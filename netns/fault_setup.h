/* fault_setup.h - what fault_setup.c needs of fault_engine.c and nobody else does. */
#ifndef ECHOLAB_FAULT_SETUP_H
#define ECHOLAB_FAULT_SETUP_H

#include "fault_engine.h"

/* Makes the timers. 0, or -ENOMEM. */
int fault_engine_start(struct fault_engine *engine);

/* A place's queue has something to tell; `arg` is the place. */
void fault_engine_on_readable(evutil_socket_t fd, short what, void *arg);

#endif
