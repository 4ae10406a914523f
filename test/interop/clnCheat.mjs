#!/usr/bin/env node
// Makes an LSP on Core Lightning take more than it promised: runs after its LSPS2 plugin, and changes what that one lets go on. `cheat how=...`
// says which way: `tlv` tells no extra fee, `msat` takes one millisatoshi more and says so, `short` takes a satoshi and does not say so.
import { createInterface } from 'node:readline';

let how = 'not';

/** TLV streams, with lengths and types below 2^16: what the LSP's plugin writes has the record 65537, of 4 bytes. */
function records(hex, offset = 0) {
  const bytes = Buffer.from(hex, 'hex');
  const found = [];
  const number = () => {
    const first = bytes[offset++];
    const length = first === 0xfd ? 2 : first === 0xfe ? 4 : 0;
    const value = length === 0 ? first : bytes.readUIntBE(offset, length);
    offset += length;
    return value;
  };
  if (offset < 0) {
    offset = 0;
    number();
  }
  while (offset < bytes.length) {
    const type = number();
    const length = number();
    found.push([type, bytes.subarray(offset, offset + length)]);
    offset += length;
  }
  return found;
}
const number = (value) => {
  if (value < 0xfd) return [value];
  if (value < 0x10000) return [0xfd, value >> 8, value & 0xff];
  return [0xfe, value >>> 24, (value >> 16) & 0xff, (value >> 8) & 0xff, value & 0xff];
};
const write = (all) =>
  Buffer.concat(
    all.map(([type, value]) => Buffer.concat([Buffer.from([...number(type), ...number(value.length)]), value])),
  ).toString('hex');

function tu64(value) {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
}
const toUint = (bytes) => BigInt(`0x${bytes.toString('hex')}`);

/** The payload begins with its length, and goes back without. */
function lessBy(payload, by) {
  return write(records(payload, -1).map(([type, value]) => [type, type === 2 ? tu64(toUint(value) - by) : value]));
}

function htlcAccepted({ onion, htlc, forward_to: forwardTo }) {
  const fee = records(htlc.extra_tlvs ?? '').find(([type]) => type === 65_537)?.[1];
  if (forwardTo === undefined || !fee || how === 'not') return { result: 'continue' };
  if (how === 'tlv') return { result: 'continue', extra_tlvs: '' };
  if (how === 'short') return { result: 'continue', payload: lessBy(onion.payload, 1_000n) };
  const more = Buffer.from((toUint(fee) + 1n).toString(16).padStart(16, '0'), 'hex');
  return { result: 'continue', payload: lessBy(onion.payload, 1n), extra_tlvs: write([[65_537, more]]) };
}

const METHODS = {
  getmanifest: () => ({
    dynamic: true,
    options: [],
    rpcmethods: [{ name: 'cheat', usage: 'how', description: 'takes too much' }],
    hooks: [{ name: 'htlc_accepted', after: ['cln-lsps-service'] }],
  }),
  init: () => ({}),
  cheat(params) {
    how = params.how;
    return {};
  },
  htlc_accepted: htlcAccepted,
};

let text = '';
for await (const line of createInterface({ input: process.stdin })) {
  text += line;
  if (line !== '' || text === '') continue;
  const { id, method, params } = JSON.parse(text);
  text = '';
  if (id !== undefined)
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result: METHODS[method](params ?? {}) })}\n\n`);
}
