/*
 * What of a request its signature covers: fields, and the URL.  Changing it would make the origin refuse the request.
 *
 * Reads AWS Signature Version 4 and 4A and all that borrow its SignedHeaders (Google, Alibaba, Huawei, Tencent,
 * Azure's newer services), in Authorization and in the query; Azure's Shared Key; HTTP Message Signatures
 * (RFC 9421) and the draft by Cavage before it.  Verifies nothing.  Junk names nothing, in linear time.
 */
#ifndef FRESHET_POLICY_SIGNATURE_H
#define FRESHET_POLICY_SIGNATURE_H

#include "http/message.h"

/* Sets the bits of the known fields that are named; leaves the other bits as they are. */
void signature_fields(const struct message *request, uint64_t fields[2]);

/*
 * Why the URL must not be written differently, not even equivalently or with one more parameter: a constant, worded for
 * the operator; NULL when nothing speaks against it.  Looks at the target, Authorization, Cookie, and message signatures.
 */
const char *signature_forbids_url(const struct message *request) MUST_CHECK;

#endif
