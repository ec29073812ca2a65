// One work item: what the handler is given, and what its answer is on the wire.
'use strict';

const { envVars, FunctionArnFields } = require('aws-greengrass-common-js');
const { IPCException, payloadBytes } = require('aws-greengrass-ipc-sdk-js');

const BASE64 = /^(?:[0-9a-zA-Z+/]{4})*(?:[0-9a-zA-Z+/]{2}==|[0-9a-zA-Z+/]{3}=)?$/;

// An item that cannot be given to the handler: it is logged and never answered, so that it times out.
class Unreadable extends Error {}

function clientContext(header) {
    let said = {};
    if (header !== '') {
        try {
            said = JSON.parse(BASE64.test(header) ? Buffer.from(header, 'base64').toString() : '');
        } catch (e) {
            said = null;
        }
        if (typeof said !== 'object' || said === null) {
            throw new Unreadable('Cannot parse the client context of this invocation: it is not the base64 of a JSON object');
        }
    }
    return { client: said.client || {}, Custom: said.custom || {}, env: said.env || {} };
}

function context(work) {
    const arn = new FunctionArnFields(envVars.MY_FUNCTION_ARN);
    return {
        invokedFunctionArn: arn.arn,
        awsRequestId: work.invocationId,
        functionName: arn.name,
        functionVersion: arn.qualifier,
        clientContext: clientContext(work.clientContext),
    };
}

function event(work) {
    if (envVars.ENCODING_TYPE === 'binary') {
        return work.payload;
    }
    try {
        return work.payload.length ? JSON.parse(work.payload.toString()) : {};
    } catch (e) {
        throw new Unreadable(`Cannot parse given invoke payload as JSON: ${e.message}`);
    }
}

// The bytes of a result; throws when it has no form in the function's encoding.
function resultBytes(result) {
    if (envVars.ENCODING_TYPE !== 'binary') {
        const text = JSON.stringify(result);
        return Buffer.from(text === undefined ? 'null' : text);
    }
    const bytes = payloadBytes(result);
    if (!bytes) {
        throw new IPCException(`The result of a function with binary encoding must be a Buffer or a string, not ${typeof result}`);
    }
    return bytes;
}

function errorMessage(err) {
    if (err && err.message !== undefined) {
        return String(err.message);
    }
    return typeof err === 'object' ? JSON.stringify(err) : String(err);
}

function errorBody(err) {
    const stack = err && typeof err.stack === 'string' ? err.stack : '';
    return {
        errorMessage: errorMessage(err),
        errorType: err && err.code, // not there: no member
        stackTrace: stack.split('\n').map(line => line.trim()).filter(line => line.startsWith('at ')),
    };
}

module.exports = { Unreadable, context, event, resultBytes, errorBody };
