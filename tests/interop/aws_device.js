// npm's `aws-iot-device-sdk` against sedge-cloud: node aws_device.js HOST PORT CA CERT KEY THING. Publish, subscribe, and the shadow.
'use strict';
const assert = require('assert');
const awsIot = require('aws-iot-device-sdk');

const [host, port, caPath, certPath, keyPath, thing] = process.argv.slice(2);
const how = { host, port: Number(port), caPath, certPath, keyPath, clientId: thing, region: 'us-east-1', baseReconnectTimeMs: 100 };

const once = (emitter, event) => new Promise((resolve, reject) => {
    emitter.once(event, (...args) => resolve(args));
    emitter.once('error', reject);
});

async function messages() {
    const device = awsIot.device(how);
    await once(device, 'connect');
    await new Promise((resolve, reject) => device.subscribe('sdk/+', { qos: 1 }, (e, g) => (e ? reject(e) : resolve(g))));
    for (const qos of [0, 1]) {
        const came = once(device, 'message');
        device.publish('sdk/t', JSON.stringify({ qos }), { qos });
        const [topic, payload] = await came;
        assert.deepStrictEqual([topic, JSON.parse(payload)], ['sdk/t', { qos }]);
    }
    await new Promise((resolve) => device.end(false, resolve));
}

async function shadow() {
    const shadows = awsIot.thingShadow(how);
    await once(shadows, 'connect');
    await new Promise((resolve, reject) => shadows.register(thing, { qos: 1 }, (e, failed) => (e || (failed || []).some((f) => f.qos === 128) ? reject(e || failed) : resolve())));
    const status = () => once(shadows, 'status');
    let came = status();
    shadows.update(thing, { state: { reported: { colour: 'red' }, desired: { colour: 'blue' } } });
    let [, verdict] = await came;
    assert.strictEqual(verdict, 'accepted');
    came = status();
    shadows.get(thing);
    const [, second, , document] = await came;
    assert.strictEqual(second, 'accepted');
    assert.deepStrictEqual(document.state.delta, { colour: 'blue' });
    shadows.unregister(thing);
    await new Promise((resolve) => shadows.end(false, resolve));
}

setTimeout(() => { console.error('it hangs'); process.exit(3); }, 60000).unref();
messages().then(shadow).then(() => { console.log('done'); process.exit(0); }, (e) => { console.error(e); process.exit(1); });
