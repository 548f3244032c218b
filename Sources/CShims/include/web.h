#pragma once
#include <curl/curl.h>
#include <stddef.h>

// curl_easy_setopt and curl_easy_getinfo take any number of arguments, which Swift cannot call.

CURLcode matriarch_curl_set_long(CURL *easy, CURLoption option, long value);
CURLcode matriarch_curl_set_text(CURL *easy, CURLoption option, const char *text);
CURLcode matriarch_curl_set_list(CURL *easy, CURLoption option, struct curl_slist *list);
CURLcode matriarch_curl_get_long(CURL *easy, CURLINFO info, long *value);

/// A copy of `bytes` becomes the request's body.
CURLcode matriarch_curl_set_body(CURL *easy, const void *bytes, size_t count);

/// Where the answer goes: both are called with `context`, and end the transfer by returning
/// something else than size * count.
typedef size_t (*matriarch_curl_sink)(char *bytes, size_t size, size_t count, void *context);
CURLcode matriarch_curl_set_sinks(CURL *easy, matriarch_curl_sink body, matriarch_curl_sink header,
                                  void *context);

/// Where curl writes the reason of a failure: CURL_ERROR_SIZE bytes that outlive the transfer.
CURLcode matriarch_curl_set_error_buffer(CURL *easy, char *buffer);
