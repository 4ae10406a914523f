import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** A JSON line of `jit-invoice`. */
type Line = Record<string, string>;

export interface Running {
  readonly child: ChildProcess;
  /** Resolves with the first line of this event. Rejects when the process ends before. */
  line(event: string): Promise<Line>;
  /** All so far. */
  lines(): readonly Line[];
  /** Its exit code; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  stop(signal: NodeJS.Signals): Promise<number | null>;
}

/** The built `jit-invoice` as somebody at a terminal runs it, for as long as the test. */
export function running(...args: readonly string[]): Running {
  const main = fileURLToPath(new URL('../../dist/jit-invoice/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, ...args]);
  onTestFinished(() => void child.kill('SIGKILL'));
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  const seen: Line[] = [];
  const waiting = new Map<string, (line: Line) => void>();
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = JSON.parse(text) as Line;
    seen.push(line);
    waiting.get(line['event'] ?? '')?.(line);
  });
  let words = '';
  child.stderr.on('data', (data) => {
    words += String(data);
  });
  return {
    child,
    line: (event) =>
      new Promise((resolve, reject) => {
        const found = seen.find((each) => each['event'] === event);
        if (found) resolve(found);
        waiting.set(event, resolve);
        child.once('exit', (code) => reject(new Error(`jit-invoice ended with ${code}: ${words}`)));
      }),
    lines: () => seen,
    ended,
    stop(signal) {
      child.kill(signal);
      return ended;
    },
  };
}
