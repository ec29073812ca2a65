// npm's `aws-iot-device-sdk` joins a fleet: node fleet_join.js HOST PORT CA CLAIM-CERT CLAIM-KEY TEMPLATE json|cbor SERIAL. It asks for keys, has
// the certificate provisioned, and connects with it. The CBOR is written here.
'use strict';
const assert = require('assert');
const awsIot = require('aws-iot-device-sdk');

const [host, port, caPath, certPath, keyPath, template, form, serial] = process.argv.slice(2);
const common = { host, port: Number(port), caPath, region: 'us-east-1', baseReconnectTimeMs: 100 };

function head(major, n) {
    return n < 24 ? Buffer.from([major << 5 | n]) : n < 256 ? Buffer.from([major << 5 | 24, n]) : Buffer.from([major << 5 | 25, n >> 8, n & 255]);
}
function encode(v) {
    if (typeof v === 'string') {
        return Buffer.concat([head(3, Buffer.byteLength(v)), Buffer.from(v)]);
    }
    const pairs = Object.entries(v);
    return Buffer.concat([head(5, pairs.length), ...pairs.flatMap(([k, x]) => [encode(k), encode(x)])]);
}
function decode(bytes) {
    let at = 0;
    const item = () => {
        const [major, low] = [bytes[at] >> 5, bytes[at++] & 31];
        let n = low;
        if (low >= 24) {
            const size = 1 << (low - 24);
            n = bytes.readUIntBE(at, size);
            at += size;
        }
        if (major === 0) {
            return n;
        }
        if (major === 3) {
            at += n;
            return bytes.toString('utf8', at - n, at);
        }
        assert.strictEqual(major, 5);
        return Object.fromEntries(Array.from({ length: n }, () => [item(), item()]));
    };
    const v = item();
    assert.strictEqual(at, bytes.length);
    return v;
}
const write = (v) => (form === 'json' ? JSON.stringify(v) : encode(v));
const read = (b) => (form === 'json' ? JSON.parse(b) : decode(b));

const once = (emitter, event) => new Promise((resolve, reject) => {
    emitter.once(event, (...args) => resolve(args));
    emitter.once('error', reject);
});

async function ask(device, topic, payload) {
    const topics = [`${topic}/${form}/accepted`, `${topic}/${form}/rejected`];
    await new Promise((resolve, reject) => device.subscribe(topics, { qos: 1 }, (e, g) => (e ? reject(e) : resolve(g))));
    const came = once(device, 'message');
    device.publish(`${topic}/${form}`, payload, { qos: 1 });
    const [where, answer] = await came;
    assert.strictEqual(where, topics[0], String(answer));
    return read(answer);
}

async function join() {
    const claim = awsIot.device({ ...common, certPath, keyPath, clientId: `joining-${serial}` });
    await once(claim, 'connect');
    const made = await ask(claim, '$aws/certificates/create', '');
    const done = await ask(claim, `$aws/provisioning-templates/${template}/provision`,
        write({ certificateOwnershipToken: made.certificateOwnershipToken, parameters: { SerialNumber: serial } }));
    assert.strictEqual(done.thingName, `d-${serial}`);
    await new Promise((resolve) => claim.end(false, resolve));
    const own = awsIot.device({ ...common, clientCert: Buffer.from(made.certificatePem), privateKey: Buffer.from(made.privateKey), clientId: done.thingName });
    await once(own, 'connect');
    await new Promise((resolve) => own.end(false, resolve));
}

setTimeout(() => { console.error('it hangs'); process.exit(3); }, 60000).unref();
join().then(() => { console.log('done'); process.exit(0); }, (e) => { console.error(e); process.exit(1); });
