// What a function prints goes to the pipe of its level: console.debug to DEBUG, console.log and process.stdout to INFO,
// console.warn to WARN, console.error and process.stderr to ERROR.
'use strict';

const { Console } = require('console');
const { Writable } = require('stream');
const { logging } = require('aws-greengrass-common-js');

const { Pipe, descriptor } = logging;

function stream(level) {
    const made = new Writable({
        decodeStrings: false,
        write(chunk, encoding, callback) {
            Pipe.write(level, chunk, encoding === 'buffer' ? undefined : encoding);
            callback();
        },
    });
    made.fd = descriptor(level);
    return made;
}

// Each call is a line, also behind text without a newline.
function lines(level) {
    return new Writable({
        decodeStrings: false,
        write(chunk, encoding, callback) {
            Pipe.line(level, String(chunk).replace(/\n$/, ''));
            callback();
        },
    });
}

function redirect() {
    Object.defineProperty(process, 'stdout', { configurable: true, enumerable: true, value: stream('INFO') });
    Object.defineProperty(process, 'stderr', { configurable: true, enumerable: true, value: stream('ERROR') });
    const main = new Console(lines('INFO'), lines('ERROR'));
    const debug = new Console(lines('DEBUG'), lines('DEBUG'));
    const warn = new Console(lines('WARN'), lines('WARN'));
    const trace = new Console(lines('TRACE'), lines('TRACE'));
    Object.keys(console).filter(name => typeof main[name] === 'function').forEach((name) => {
        console[name] = main[name];
    });
    console.debug = debug.log;
    console.warn = warn.warn;
    console.trace = trace.trace;
    process.on('exit', () => ['INFO', 'ERROR'].forEach(Pipe.endLine));
}

module.exports = { redirect };
