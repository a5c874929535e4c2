/*
 * Gives the pages of freed memory back to the kernel.
 *
 * The C library returns only what lies at the end of a heap.  Where short-lived buffers lie between objects that live
 * long, their pages stay with the process until it is asked for them.
 */
#ifndef FRESHET_NET_TRIM_H
#define FRESHET_NET_TRIM_H

/* Begins with it on a thread of its own, as it takes tens of milliseconds; does nothing when that runs already. */
void trim_begin(void);

#endif
