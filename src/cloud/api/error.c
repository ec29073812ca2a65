#include "cloud/api/error.h"

static const struct api_error_info table[API_ERROR_COUNT] = {
    [API_OK] = { "", 200 },
    [API_INVALID_REQUEST] = { "InvalidRequestException", 400 },
    [API_MALFORMED_POLICY] = { "MalformedPolicyException", 400 },
    [API_CERTIFICATE_VALIDATION] = { "CertificateValidationException", 400 },
    [API_REGISTRATION_CODE] = { "RegistrationCodeValidationException", 400 },
    [API_REGISTRATION_FAILURE] = { "ResourceRegistrationFailureException", 400 },
    [API_THROTTLING] = { "ThrottlingException", 400 },
    [API_UNAUTHORIZED] = { "UnauthorizedException", 401 },
    [API_FORBIDDEN] = { "ForbiddenException", 403 },
    [API_ACCESS_DENIED] = { "AccessDeniedException", 403 },
    [API_MISSING_TOKEN] = { "MissingAuthenticationTokenException", 403 },
    [API_INVALID_SIGNATURE] = { "InvalidSignatureException", 403 },
    [API_INCOMPLETE_SIGNATURE] = { "IncompleteSignatureException", 403 },
    [API_UNKNOWN_KEY] = { "UnrecognizedClientException", 403 },
    [API_NOT_FOUND] = { "ResourceNotFoundException", 404 },
    [API_NOT_CONFIGURED] = { "NotConfiguredException", 404 },
    [API_UNKNOWN_OPERATION] = { "UnknownOperationException", 404 },
    [API_METHOD] = { "MethodNotAllowedException", 405 },
    [API_CERTIFICATE_STATE] = { "CertificateStateException", 406 },
    [API_EXISTS] = { "ResourceAlreadyExistsException", 409 },
    [API_DELETE_CONFLICT] = { "DeleteConflictException", 409 },
    [API_CERTIFICATE_CONFLICT] = { "CertificateConflictException", 409 },
    [API_VERSION_CONFLICT] = { "VersionConflictException", 409 },
    [API_VERSIONS_LIMIT] = { "VersionsLimitExceededException", 409 },
    [API_CONFLICT] = { "ConflictException", 409 },
    [API_CONFLICTING_UPDATE] = { "ConflictingResourceUpdateException", 409 },
    [API_LIMIT] = { "LimitExceededException", 410 },
    [API_TOO_LARGE] = { "RequestEntityTooLargeException", 413 },
    [API_ENCODING] = { "UnsupportedDocumentEncodingException", 415 },
    [API_INTERNAL] = { "InternalFailureException", 500 },
    [API_NOT_IMPLEMENTED] = { "NotImplementedException", 501 },
    [API_UNAVAILABLE] = { "ServiceUnavailableException", 503 },
    [API_GG_BAD_REQUEST] = { "BadRequestException", 400 },
    [API_GG_ID_NOT_FOUND] = { "IdNotFoundException", 404 },
    [API_GG_VERSION_NOT_FOUND] = { "VersionNotFoundException", 404 },
    [API_GG_INVALID_INPUT] = { "InvalidInputException", 400 },
    [API_GG_INVALID_CONTAINER] = { "InvalidContainerDefinitionException", 400 },
    [API_GG_MISSING_CORE] = { "MissingCoreException", 400 },
    [API_GG_CONCURRENT] = { "ConcurrentDeploymentException", 400 },
    [API_GG_400] = { "400", 400 },
};

const struct api_error_info *api_error_info(enum api_error e)
{
    return &table[e];
}
