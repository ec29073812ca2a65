// npm's `aws-iot-device-sdk` over wss with SigV4 against sedge-cloud: node aws_device_wss.js HOST PORT CA KEYID SECRET
'use strict';
const assert = require('assert');
const awsIot = require('aws-iot-device-sdk');

const [host, port, caPath, accessKeyId, secretKey] = process.argv.slice(2);

async function walk() {
    const device = awsIot.device({ protocol: 'wss', host, port: Number(port), caPath, accessKeyId, secretKey, clientId: 'sdk-wss', region: 'us-east-1', baseReconnectTimeMs: 100 });
    await new Promise((resolve, reject) => { device.once('connect', resolve); device.once('error', reject); });
    await new Promise((resolve, reject) => device.subscribe('sdk/+', { qos: 1 }, (e, g) => (e ? reject(e) : resolve(g))));
    const came = new Promise((resolve) => device.once('message', (...m) => resolve(m)));
    device.publish('sdk/t', 'hello', { qos: 1 });
    const [topic, payload] = await came;
    assert.deepStrictEqual([topic, payload.toString()], ['sdk/t', 'hello']);
    await new Promise((resolve) => device.end(false, resolve));
}

setTimeout(() => { console.error('it hangs'); process.exit(3); }, Number(process.env.WAIT_MS || 30000)).unref();
walk().then(() => { console.log('done'); process.exit(0); }, (e) => { console.error(e); process.exit(1); });
