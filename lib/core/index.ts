export * from './amount.ts';
export * from './bytes.ts';
export * from './errors.ts';
export * from './failureCode.ts';
export * from './ids.ts';
export * from './network.ts';
export * from './scid.ts';
export * from './utf8.ts';
