export type * from './data.ts';
export * from './purchase.ts';
export { step } from './step.ts';
export { table } from './table.ts';
