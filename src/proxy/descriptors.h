/*
 * How many descriptors the process may have, and for how many clients they suffice.
 */
#ifndef FRESHET_PROXY_DESCRIPTORS_H
#define FRESHET_PROXY_DESCRIPTORS_H

#include "config/config.h"

/*
 * Raises the limit as far as the system lets us, and warns when that is too little for max-clients.  Returns for how
 * many clients it suffices: each is to find a descriptor for its origin, or a flood of clients that want nothing would
 * leave those that ask without.
 */
unsigned descriptors_raise(const struct config *c, unsigned workers);

#endif
