// libcurl behind prefixed symbols: one blocking HTTP request at a time, over TLS too.
#include "CCurl.h"

#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(CCurl_reason_bytes >= CURL_ERROR_SIZE, "libcurl writes its reasons there");

struct CCurl_session {
    CURL *handle;
    CCurl_receiver receiver;
    void *context;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void begin(void) { curl_global_init(CURL_GLOBAL_DEFAULT); }

CCurl_session *CCurl_session_create(void) {
    pthread_once(&once, begin);
    CCurl_session *session = calloc(1, sizeof *session);
    if (session == NULL) return NULL;
    session->handle = curl_easy_init();
    if (session->handle == NULL) {
        free(session);
        return NULL;
    }
    return session;
}

void CCurl_session_destroy(CCurl_session *session) {
    if (session == NULL) return;
    curl_easy_cleanup(session->handle);
    free(session);
}

static size_t receive(char *bytes, size_t size, size_t count, void *argument) {
    CCurl_session *session = argument;
    long status = 0;
    curl_easy_getinfo(session->handle, CURLINFO_RESPONSE_CODE, &status);
    return session->receiver(session->context, status, bytes, size * count) ? size * count : 0;
}

static enum CCurl_outcome outcome(CURL *handle, CURLcode code, long status) {
    long number = 0;
    switch (code) {
    case CURLE_OK: return CCurl_answered;
    case CURLE_COULDNT_RESOLVE_HOST: return CCurl_unknown_host;
    case CURLE_COULDNT_CONNECT:
        curl_easy_getinfo(handle, CURLINFO_OS_ERRNO, &number);
        return number == ECONNREFUSED ? CCurl_refused_connection : CCurl_no_connection;
    case CURLE_OPERATION_TIMEDOUT: return status != 0 ? CCurl_broken_off : CCurl_timed_out;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE: return CCurl_no_tls;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY: return CCurl_broken_off;
    case CURLE_WRITE_ERROR: return CCurl_stopped;
    default: return status != 0 ? CCurl_broken_off : CCurl_failed;
    }
}

// Settings that fail are those of a libcurl without the feature; the request then fails with its reason.
static void set_up(CURL *handle, const CCurl_request *request, struct curl_slist *headers) {
    curl_easy_setopt(handle, CURLOPT_URL, request->url);
    curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
    // A server on one's own machine is not reached through a proxy.
    curl_easy_setopt(handle, CURLOPT_PROXY, "");
    curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, request->connect_milliseconds);
    curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, request->total_milliseconds);
    if (request->silent_seconds > 0) {
        curl_easy_setopt(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(handle, CURLOPT_LOW_SPEED_TIME, request->silent_seconds);
    }
    if (request->authorities != NULL) curl_easy_setopt(handle, CURLOPT_CAINFO, request->authorities);
    if (request->body != NULL) {
        curl_easy_setopt(handle, CURLOPT_POST, 1L);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDS, request->body);
        curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_count);
    }
    curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, receive);
}

enum CCurl_outcome CCurl_perform(
    CCurl_session *session, const CCurl_request *request, CCurl_receiver receiver, void *context, long *status,
    char reason[CCurl_reason_bytes]) {
    *status = 0;
    reason[0] = 0;
    struct curl_slist *headers = NULL;
    for (size_t index = 0; index < request->header_count; index++) {
        struct curl_slist *longer = curl_slist_append(headers, request->headers[index]);
        if (longer == NULL) {
            curl_slist_free_all(headers);
            strcpy(reason, "memory is short");
            return CCurl_failed;
        }
        headers = longer;
    }
    session->receiver = receiver;
    session->context = context;
    CURL *handle = session->handle;
    // The connection stays.
    curl_easy_reset(handle);
    set_up(handle, request, headers);
    curl_easy_setopt(handle, CURLOPT_WRITEDATA, session);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, reason);
    CURLcode code = curl_easy_perform(handle);
    curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, status);
    if (code != CURLE_OK && reason[0] == 0) strncat(reason, curl_easy_strerror(code), CCurl_reason_bytes - 1);
    enum CCurl_outcome result = outcome(handle, code, *status);
    curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, NULL);
    curl_slist_free_all(headers);
    return result;
}
