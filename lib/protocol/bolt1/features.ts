/** Feature bits (BOLT 9). An even bit is compulsory, the odd one after it optional. */
export const FEATURE = {
  dataLossProtect: 0,
  varOnionOptin: 8,
  staticRemotekey: 12,
  paymentSecret: 14,
  basicMpp: 16,
  anchors: 22,
  channelType: 44,
  scidAlias: 46,
  zeroConf: 50,
  /** bLIP-50: set by LSPs that speak LSPS0. Optional to set, so never required of a peer. */
  lsps: 728,
} as const;

/** A feature vector: big-endian bytes, bit 0 is the lowest bit of the last byte. */
export function encodeFeatures(bits: readonly number[]): Uint8Array {
  if (bits.length === 0) return new Uint8Array(0);
  const bytes = new Uint8Array(Math.floor(Math.max(...bits) / 8) + 1);
  for (const bit of bits) {
    const index = bytes.length - 1 - Math.floor(bit / 8);
    bytes[index] = (bytes[index] ?? 0) | (1 << (bit % 8));
  }
  return bytes;
}

/** The bits that are set, in rising order. */
export function decodeFeatures(bytes: Uint8Array): readonly number[] {
  const bits: number[] = [];
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    if ((bytes[bytes.length - 1 - Math.floor(bit / 8)] ?? 0) & (1 << (bit % 8))) bits.push(bit);
  }
  return bits;
}

/** Whether a feature, named by its even bit, is set in either form. */
export const hasFeature = (bits: readonly number[], even: number): boolean =>
  bits.includes(even) || bits.includes(even + 1);

/** The features that BOLT 9 names, by their even bits. */
const BOLT_9 = [0, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 34, 36, 38, 42, 44, 46, 48, 50, 60, 62];
const KNOWN_FEATURES: ReadonlySet<number> = new Set([...BOLT_9, FEATURE.lsps]);

/** The first compulsory feature that is unknown: BOLT 1 has us close the connection. */
export const unknownCompulsory = (bits: readonly number[]): number | undefined =>
  bits.find((bit) => bit % 2 === 0 && !KNOWN_FEATURES.has(bit));

/** What BOLT 9 says of features, by their even bits, that need another; those that every node is assumed to have are left out. */
const DEPENDS: readonly (readonly [feature: number, on: number])[] = [
  [FEATURE.basicMpp, FEATURE.paymentSecret],
  [FEATURE.zeroConf, FEATURE.scidAlias],
  [60, 26], // option_simple_close, option_shutdown_anysegwit
];

/** The first feature that is missing beside one that depends on it: BOLT 1 has us close the connection. */
export const missingDependency = (bits: readonly number[]): number | undefined =>
  DEPENDS.find(([feature, on]) => hasFeature(bits, feature) && !hasFeature(bits, on))?.[1];
