import type { Reporter } from './reporter.ts';

/** One JSON object per line on stdout, and nothing else there. */
export const jsonReporter = (): Reporter => ({
  tell(event, fields) {
    const line = JSON.stringify({ event, ...fields }, (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    );
    process.stdout.write(`${line}\n`);
  },
  waiting: () => undefined,
  close: () => undefined,
});
