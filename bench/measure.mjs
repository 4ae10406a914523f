/** Calls a job again and again for about so long; resolves with calls per second, the best of three rounds. */
export function perSecond(job, ms = 700) {
  let best = 0;
  for (let round = 0; round < 3; round++) {
    const begun = performance.now();
    let calls = 0;
    while (performance.now() - begun < ms) {
      for (let i = 0; i < 20; i++) job();
      calls += 20;
    }
    best = Math.max(best, (calls * 1000) / (performance.now() - begun));
  }
  return best;
}

export async function timed(job) {
  const begun = performance.now();
  await job();
  return performance.now() - begun;
}

export function heapUsed() {
  for (let i = 0; i < 4; i++) globalThis.gc();
  return process.memoryUsage().heapUsed;
}

export const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

const digits = new Intl.NumberFormat('en', { maximumSignificantDigits: 3 });
export const number = (value) => digits.format(value);

export function line(what, value, note = '') {
  process.stdout.write(`  ${what.padEnd(58)} ${value.padStart(14)}  ${note}\n`);
}
export const title = (text) => process.stdout.write(`\n${text}\n`);
