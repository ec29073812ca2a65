/* src/cloud/api/error.h - the errors of the AWS APIs, by name and HTTP status. Pure; any thread.
 *
 * Spec: iot-core reference 4.1, greengrass-v1 reference 7.5.
 */
#pragma once

enum api_error {
    API_OK = 0,
    API_INVALID_REQUEST,
    API_MALFORMED_POLICY,
    API_CERTIFICATE_VALIDATION,
    API_REGISTRATION_CODE,
    API_REGISTRATION_FAILURE,
    API_INVALID_RESPONSE,
    API_THROTTLING,
    API_UNAUTHORIZED,
    API_FORBIDDEN,
    API_ACCESS_DENIED,
    API_MISSING_TOKEN,
    API_INVALID_SIGNATURE,
    API_INCOMPLETE_SIGNATURE,
    API_UNKNOWN_KEY,
    API_EXPIRED_TOKEN,
    API_NOT_FOUND,
    API_NOT_CONFIGURED,
    API_UNKNOWN_OPERATION,
    API_METHOD,
    API_CERTIFICATE_STATE,
    API_EXISTS,
    API_DELETE_CONFLICT,
    API_CERTIFICATE_CONFLICT,
    API_TRANSFER_CONFLICT,
    API_TRANSFER_COMPLETED,
    API_VERSION_CONFLICT,
    API_VERSIONS_LIMIT,
    API_CONFLICT,
    API_CONFLICTING_UPDATE,
    API_LIMIT,
    API_TOO_LARGE,
    API_ENCODING,
    API_INTERNAL,
    API_NOT_IMPLEMENTED,
    API_UNAVAILABLE,
    /* Greengrass */
    API_GG_BAD_REQUEST,
    API_GG_ID_NOT_FOUND,
    API_GG_VERSION_NOT_FOUND,
    API_GG_INVALID_INPUT,
    API_GG_INVALID_CONTAINER,
    API_GG_MISSING_CORE,
    API_GG_CONCURRENT,
    API_GG_400, /* the service's own name for some invalid definitions is "400" */
    /* Lambda */
    API_FUNCTION_PARAMETER,
    API_FUNCTION_CONFLICT,
    API_FUNCTION_PRECONDITION,
    API_ERROR_COUNT,
};

struct api_error_info {
    const char *name; /* for x-amzn-ErrorType */
    int status;
};

const struct api_error_info *api_error_info(enum api_error e);
