// npm's `mqtt` against the bare broker: node mqtt_walk.js PORT VERSION. Throws (exit code not 0) at the first thing that is not as it should be.
'use strict';
const assert = require('assert');
const mqtt = require('mqtt');

const [port, version] = process.argv.slice(2).map(Number);

function connect(clientId, more) {
    return new Promise((resolve, reject) => {
        const c = mqtt.connect({ host: '127.0.0.1', port, protocolVersion: version, clientId, clean: true, reconnectPeriod: 0, ...more });
        const waiting = [], came = [];
        c.on('message', (topic, payload, packet) => {
            const m = { topic, text: payload.toString(), qos: packet.qos, retain: packet.retain, properties: packet.properties };
            waiting.length ? waiting.shift()(m) : came.push(m);
        });
        c.next = () => (came.length ? Promise.resolve(came.shift()) : new Promise((r) => waiting.push(r)));
        c.once('connect', (connack) => resolve(Object.assign(c, { connack })));
        c.once('error', reject);
    });
}

const call = (c, what, ...args) => new Promise((resolve, reject) => c[what](...args, (e, r) => (e ? reject(e) : resolve(r))));

async function messages() {
    const s = await connect('s'), p = await connect('p');
    const granted = await call(s, 'subscribe', { 'a/+': { qos: 2 }, 'b/#': { qos: 1 } });
    assert.deepStrictEqual(granted.map((g) => g.qos), [2, 1]);
    for (const qos of [0, 1, 2]) {
        await call(p, 'publish', 'a/x', `q${qos}`, { qos });
        const m = await s.next();
        assert.deepStrictEqual([m.topic, m.text, m.qos, m.retain], ['a/x', `q${qos}`, qos, false]);
    }
    for (let i = 0; i < 300; i++) await call(p, 'publish', 'b/n', String(i), { qos: 1 + (i % 2) });
    for (let i = 0; i < 300; i++) assert.strictEqual((await s.next()).text, String(i));
    await call(s, 'unsubscribe', ['a/+', 'b/#']);
    await call(p, 'publish', 'r', 'kept', { qos: 1, retain: true });
    await call(s, 'subscribe', 'r', { qos: 1 });
    const kept = await s.next();
    assert.deepStrictEqual([kept.text, kept.retain], ['kept', true]);
    await call(s, 'end', false);
    await call(p, 'end', false);
}

async function sessions() {
    const stay = version === 5 ? { clean: false, properties: { sessionExpiryInterval: 600 } } : { clean: false };
    const first = await connect('keeper', stay);
    assert.strictEqual(first.connack.sessionPresent, false);
    await call(first, 'subscribe', 'k', { qos: 2 });
    await call(first, 'end', false);
    const p = await connect('p');
    for (const qos of [1, 2]) await call(p, 'publish', 'k', `stored ${qos}`, { qos });
    const again = await connect('keeper', stay);
    assert.strictEqual(again.connack.sessionPresent, true);
    assert.deepStrictEqual([(await again.next()).text, (await again.next()).text], ['stored 1', 'stored 2']);
    const w = await connect('w');
    await call(w, 'subscribe', 'will', { qos: 1 });
    const dying = await connect('dying', { will: { topic: 'will', payload: 'gone', qos: 1 } });
    dying.stream.destroy();
    assert.strictEqual((await w.next()).text, 'gone');
    for (const c of [again, p, w]) await call(c, 'end', false);
}

async function properties() {
    const s = await connect('s5', { topicAliasMaximum: 4, properties: { receiveMaximum: 5 } });
    const p = await connect('p5', { autoAssignTopicAlias: true });
    await call(s, 'subscribe', 'v5/t', { qos: 1, nl: false, rap: true, rh: 1, properties: { subscriptionIdentifier: 7 } });
    const sent = { contentType: 'text/plain', responseTopic: 'v5/answer', correlationData: Buffer.from([0, 255]), messageExpiryInterval: 60,
        userProperties: { k: ['1', '2'] } };
    for (let i = 0; i < 3; i++) {
        await call(p, 'publish', 'v5/t', 'x', { qos: 1, properties: sent });
        const { topic, properties: got } = await s.next();
        assert.strictEqual(topic, 'v5/t'); // from an alias but for the first time
        assert.deepStrictEqual([got.contentType, got.responseTopic, got.correlationData, got.userProperties.k],
            [sent.contentType, sent.responseTopic, sent.correlationData, sent.userProperties.k]);
        assert.strictEqual(got.subscriptionIdentifier, 7);
        assert(got.messageExpiryInterval > 55);
    }
    await assert.rejects(connect('intruder'), /Not authorized/);
    for (const c of [s, p]) await call(c, 'end', false);
}

setTimeout(() => { console.error('it hangs'); process.exit(3); }, 30000).unref();
(async () => {
    await messages();
    await sessions();
    if (version === 5) await properties();
    console.log('done');
})().catch((e) => { console.error(e); process.exit(1); });
