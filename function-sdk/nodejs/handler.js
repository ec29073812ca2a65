// Finds the handler: "folder/module.export", the text behind the last dot names the export.
'use strict';

const path = require('path');
const { envVars } = require('aws-greengrass-common-js');

const SDK = /[\\/]aws-greengrass-core-sdk[\\/]index\.js$/;

function parts(text) {
    const dot = text.lastIndexOf('.');
    if (dot < 1 || dot === text.length - 1) {
        throw new Error('a handler is written MODULE.EXPORT, such as index.handler');
    }
    return { file: path.resolve(process.cwd(), text.slice(0, dot)), name: text.slice(dot + 1) };
}

function version(text) {
    const found = /^([0-9]+)\.([0-9]+)/.exec(text);
    return found ? { major: Number(found[1]), minor: Number(found[2]) } : { major: 1, minor: 0 };
}

// An SDK newer than this core would ask for things the core does not know.
function checkInterface() {
    const most = version(envVars.GGC_MAX_INTERFACE_VERSION || '1.5');
    Object.keys(require.cache).filter(name => SDK.test(name)).forEach((name) => {
        const said = require.cache[name].exports.GreengrassInterfaceVersion || '1.0';
        const has = version(said);
        if (has.major !== most.major || has.minor > most.minor) {
            throw new Error(`${name} speaks interface ${said}, this core at most ${most.major}.${most.minor}: `
                + 'put an older aws-greengrass-core-sdk into the package, or use a newer core');
        }
    });
}

// A function of (event, context, callback).
function load(text) {
    const { file, name } = parts(text);
    const loaded = require(file);
    checkInterface();
    if (typeof loaded[name] !== 'function') {
        throw new Error(`${file} exports no function "${name}"`);
    }
    return (...args) => loaded[name].apply(loaded, args);
}

module.exports = { load };
