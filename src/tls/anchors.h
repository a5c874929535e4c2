/*
 * Whose word counts for origins' certificates: the system's trust anchors, further ones, revocation lists.
 */
#ifndef FRESHET_TLS_ANCHORS_H
#define FRESHET_TLS_ANCHORS_H

#include "base/span.h"

struct x509_store_st;

/*
 * The system's anchors, and those of a PEM file unless its name is empty; revocation lists in that file are heeded.
 * NULL when the file cannot be read (OpenSSL's error queue says why) or memory is out.
 */
struct x509_store_st *anchors_new(const char *trust_file) MUST_CHECK;

#endif
