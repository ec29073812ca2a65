// An IPC server that is away for a moment costs no worker: 50 ms, doubling up to 500 ms, 10 attempts or 3 s in all.
'use strict';

const ATTEMPTS = 10;
const TOTAL_MS = 3000;
const FIRST_MS = 50;
const MOST_MS = 500;

// Refusals stay what they are; no answer, or one that says "not now", may get better.
function mayPass(err) {
    const { statusCode } = err;
    return statusCode === undefined || statusCode >= 500 || statusCode === 408 || statusCode === 429;
}

// operation(callback) until it succeeds or patience ends: callback(error, ...values)
function patiently(operation, callback) {
    let attempts = 0;
    let waited = 0;
    let delay = FIRST_MS;
    const attempt = () => operation((err, ...values) => {
        attempts += 1;
        if (!err || !mayPass(err) || attempts >= ATTEMPTS || waited >= TOTAL_MS) {
            callback(err, ...values);
            return;
        }
        const pause = delay * (0.9 + 0.1 * Math.random()); // not all workers in the same moment
        waited += pause;
        delay = Math.min(2 * delay, MOST_MS);
        setTimeout(attempt, pause);
    });
    attempt();
}

module.exports = { patiently, mayPass };
