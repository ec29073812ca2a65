// Runs one Lambda function: lambda_nodejs_runtime.js --handler=MODULE.EXPORT
//
// Takes work from the core, calls the handler, posts what came of it, and again. Written in what nodejs8.10 understands.
'use strict';

const { envVars, logging } = require('aws-greengrass-common-js');
const IPCClient = require('aws-greengrass-ipc-sdk-js');
const levelStreams = require('./level_streams');
const handlers = require('./handler');
const invocation = require('./invocation');
const { patiently, mayPass } = require('./retry');

const { Pipe } = logging;
const ipc = new IPCClient(envVars.AUTH_TOKEN);
const arn = envVars.MY_FUNCTION_ARN;
const TELL_MS = 1000; // how long the core may take to hear why there is no handler

let handler;
let finish = null; // finish(error, result) of the item the handler works at

function describe(err) {
    return err && err.stack ? err.stack : String(err);
}

function die(text) {
    Pipe.line('FATAL', text);
    process.exit(1);
}

function posted(err) {
    if (err && mayPass(err)) {
        die(`The result could not be given to the core, the worker ends: ${err.message}`);
    } else if (err) {
        Pipe.line('WARN', `The core does not take the result (the work item has timed out, perhaps): ${err.message}`);
    }
    takeWork();
}

function post(work, err, result) {
    let bytes;
    let failure = err;
    try {
        bytes = failure ? null : invocation.resultBytes(result);
    } catch (e) {
        failure = e;
    }
    if (failure) {
        Pipe.line('ERROR', describe(failure));
    }
    Pipe.line('INFO', `End RequestId: ${work.invocationId}`);
    patiently((done) => {
        if (failure) {
            ipc.postHandlerError(arn, work.invocationId, invocation.errorBody(failure), done);
        } else {
            ipc.postWorkResult(arn, work.invocationId, bytes, done);
        }
    }, posted);
}

// The first of callback, promise, exception and the end of all events is the answer.
function call(work, event, context) {
    finish = (err, result) => {
        finish = null;
        post(work, err, result);
    };
    const own = finish;
    const settle = (err, result) => {
        if (finish === own) {
            finish(err, result);
        }
    };
    try {
        const promise = handler(event, context, settle);
        if (promise && typeof promise.then === 'function') {
            promise.then(result => settle(null, result), err => settle(err || new Error('The promise was rejected')));
        }
    } catch (e) {
        settle(e || new Error('The handler threw nothing'));
    }
}

function take(work) {
    let event;
    let context;
    try {
        context = invocation.context(work);
        event = invocation.event(work);
    } catch (e) {
        if (!(e instanceof invocation.Unreadable)) {
            throw e;
        }
        Pipe.line('ERROR', `${e.message} (RequestId: ${work.invocationId})`);
        takeWork();
        return;
    }
    Pipe.line('INFO', `START RequestId: ${work.invocationId}`);
    call(work, event, context);
}

function takeWork() {
    patiently(done => ipc.getWork(arn, done), (err, work) => {
        if (err) {
            die(`No work can be had from the core, the worker ends: ${err.message}`);
        } else {
            take(work);
        }
    });
}

function watch() {
    process.on('SIGTERM', () => process.nextTick(() => process.exit(0))); // the function's own listeners come before
    process.on('beforeExit', () => finish && finish(null, undefined)); // nothing is left that could call back
    process.on('unhandledRejection', err => Pipe.line('ERROR', `Unhandled promise rejection: ${describe(err)}`)); // nodejs12.x went on, too
    process.on('uncaughtException', (err) => {
        if (process.listenerCount('uncaughtException') === 1) { // otherwise the function has its own way
            die(`Uncaught exception: ${describe(err)}`);
        }
    });
}

function start(text) {
    levelStreams.redirect();
    watch();
    try {
        handler = handlers.load(text);
    } catch (e) {
        const said = `Failed to import handler function "${text}" due to exception: ${describe(e)}`;
        Pipe.line('FATAL', said);
        ipc.putInitializationResult(arn, said, () => process.exit(1)); // so that the deployment can say why
        setTimeout(() => process.exit(1), TELL_MS);
        return;
    }
    takeWork();
}

const said = process.argv.slice(2).find(text => text.startsWith('--handler='));
if (!said || !arn || !envVars.AUTH_TOKEN) {
    die('lambda_nodejs_runtime.js is started by the Greengrass core: --handler=MODULE.EXPORT, MY_FUNCTION_ARN and AWS_CONTAINER_AUTHORIZATION_TOKEN are missing');
}
start(said.slice('--handler='.length));
