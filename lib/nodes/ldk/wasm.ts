import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import * as ldk from 'lightningdevkit';

let started: Promise<void> | undefined;

/** Starts the one WASM instance of this process; every node shares it. */
export const startWasm = (): Promise<void> => {
  started ??= start();
  return started;
};

async function start(): Promise<void> {
  const path = createRequire(import.meta.url).resolve('lightningdevkit/liblightningjs.wasm');
  const binary = await readFile(path);
  // The bindings greet on stdout, which belongs to our users' programs.
  const { log } = globalThis.console;
  globalThis.console.log = () => undefined;
  try {
    await ldk.initializeWasmFromBinary(new Uint8Array(binary));
  } finally {
    globalThis.console.log = log;
  }
}
