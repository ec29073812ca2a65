// npm's `mqtt` over WebSocket against sedge-cloud: node ws_walk.js URL VERSION. The URL is signed, and good for one connect.
'use strict';
const assert = require('assert');
const mqtt = require('mqtt');

const [url, version] = process.argv.slice(2);
const call = (c, what, ...args) => new Promise((resolve, reject) => c[what](...args, (e, r) => (e ? reject(e) : resolve(r))));

async function walk() {
    const c = mqtt.connect(url, { protocolVersion: Number(version), clientId: 'node-ws', clean: true, reconnectPeriod: 0 });
    await new Promise((resolve, reject) => { c.once('connect', resolve); c.once('error', reject); c.once('close', () => reject(new Error('closed'))); });
    await call(c, 'subscribe', 'ws/#', { qos: 1 });
    for (const payload of ['small', 'x'.repeat(100000)]) {
        const came = new Promise((resolve) => c.once('message', (topic, p) => resolve([topic, p.toString()])));
        await call(c, 'publish', 'ws/t', payload, { qos: 1 });
        assert.deepStrictEqual(await came, ['ws/t', payload]);
    }
    await call(c, 'end', false);
}

setTimeout(() => { console.error('it hangs'); process.exit(3); }, 30000).unref();
walk().then(() => { console.log('done'); process.exit(0); }, (e) => { console.error(e); process.exit(1); });
