// libcurl behind prefixed symbols: one blocking HTTP request at a time, over TLS too.
#ifndef CCURL_H
#define CCURL_H

#include <stddef.h>
#include <stdint.h>

/// Keeps a connection open between requests. Not for two threads at once.
typedef struct CCurl_session CCurl_session;
/// NULL when memory is short.
CCurl_session *CCurl_session_create(void);
void CCurl_session_destroy(CCurl_session *session);

typedef struct {
    /// With `http://` or `https://`.
    const char *url;
    /// `Name: value` each.
    const char *const *headers;
    size_t header_count;
    /// NULL for a GET, else what is posted.
    const void *body;
    size_t body_count;
    /// A file of certificates to trust in place of the system's, or NULL.
    const char *authorities;
    /// Limits in milliseconds; 0 is none.
    long connect_milliseconds;
    long total_milliseconds;
    /// How long the server may send nothing, in seconds; 0 is for ever.
    long silent_seconds;
} CCurl_request;

/// Takes a piece of the answer's body. 0 ends the transfer.
typedef int (*CCurl_receiver)(void *context, long status, const void *bytes, size_t count);

/// What came of a request.
enum CCurl_outcome {
    CCurl_answered,
    CCurl_unknown_host,
    CCurl_refused_connection,
    CCurl_no_connection,
    CCurl_timed_out,
    /// The connection is there, but the server is not who it should be, or speaks no TLS.
    CCurl_no_tls,
    /// The server ended the connection, or did not speak HTTP.
    CCurl_broken_off,
    /// The receiver wanted no more.
    CCurl_stopped,
    CCurl_failed,
};

enum { CCurl_reason_bytes = 256 };

/// Performs a request on this thread.
/// `status` is that of the answer, 0 when none began; `reason` is libcurl's own text of what went wrong.
enum CCurl_outcome CCurl_perform(
    CCurl_session *session, const CCurl_request *request, CCurl_receiver receiver, void *context, long *status,
    char reason[CCurl_reason_bytes]);

#endif
