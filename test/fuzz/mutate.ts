import type { Dice } from '../random.ts';

/** Damages bytes and JSON in the ways of a hostile or broken peer, the same way for the same dice. */
export interface Mutator {
  bytes(bytes: Uint8Array): Uint8Array;
  json(value: unknown): unknown;
  /** The text of a JSON value, with what JSON.stringify never writes. */
  text(value: unknown): string;
}

const NUMBERS = [0, -0, -1, 1e21, 1.5, 2 ** 53, 2 ** 64, -(2 ** 63), 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000];
const TEXTS = ['', '0', '-1', '01', '1e3', '0x10', ' 1', '1 ', '18446744073709551615', '18446744073709551616', '1x2x3'];
const NAMES = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'then', 'length', ''];
const DEEP = 2_000;

export function mutator(roll: Dice): Mutator {
  const strange = (): unknown =>
    roll.pick<() => unknown>([
      () => null,
      () => true,
      () => roll.pick(NUMBERS),
      () => roll.pick(TEXTS),
      () => String.fromCharCode(...roll.bytes(8)),
      () => 'x'.repeat(roll.upTo(3_000)),
      () => [],
      () => ({}),
      () => [strange()],
      () => ({ [roll.pick(NAMES)]: { polluted: true } }),
      () => JSON.parse(`{"__proto__":{"polluted":true}}`) as unknown,
    ])();

  function json(value: unknown): unknown {
    if (roll.chance(0.15)) return strange();
    if (Array.isArray(value)) {
      const items = value.map((item: unknown) => (roll.chance(0.5) ? json(item) : item));
      if (roll.chance(0.2)) items.push(...items);
      return items;
    }
    if (typeof value === 'object' && value !== null) {
      const entries = Object.entries(value).map(([name, item]): [string, unknown] => [
        roll.chance(0.05) ? roll.pick(NAMES) : name,
        roll.chance(0.4) ? json(item) : item,
      ]);
      if (roll.chance(0.2)) entries.splice(roll.upTo(entries.length + 1), 1);
      if (roll.chance(0.2)) entries.push([roll.pick(NAMES), strange()]);
      if (roll.chance(0.1)) entries.reverse();
      return Object.fromEntries(entries);
    }
    return roll.chance(0.3) ? strange() : value;
  }

  function bytes(given: Uint8Array): Uint8Array {
    const out = [...given];
    for (let i = 1 + roll.upTo(4); i > 0; i--) {
      const at = roll.upTo(out.length + 1);
      roll.pick([
        () => (out[at] = roll.upTo(256)),
        () => out.splice(at, 1 + roll.upTo(8)),
        () => out.splice(at, 0, ...roll.bytes(1 + roll.upTo(8))),
        () => out.splice(at),
        () => out.splice(at, 0, ...out.slice(roll.upTo(out.length + 1), roll.upTo(out.length + 1))),
      ])();
    }
    return Uint8Array.from(out, (byte) => byte ?? 0);
  }

  return {
    bytes,
    json,
    text(value) {
      const text = JSON.stringify(value) ?? 'undefined';
      return roll.pick([
        () => text,
        () => text,
        () => text.replace('{', () => `{${text.slice(1, 1 + roll.upTo(40))},`),
        () => text.replace(/"(\w)/, (_, letter: string) => `"\\u00${letter.charCodeAt(0).toString(16)}`),
        () => text + roll.pick(['\0', ' ', '{}', ',', '\ufeff']),
        () => `${'['.repeat(roll.upTo(DEEP))}${text}`,
        () => text.slice(0, roll.upTo(text.length)),
        () => text.replace(/:(\d+)/, ':0$1'),
        () => text.replace(/:(\d+)/, ':$1.0e0'),
      ])();
    },
  };
}
