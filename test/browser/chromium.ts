import { execFileSync } from 'node:child_process';

/** Debian calls it chromium, others differently. */
const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** The path of a browser of Chromium's family: $CHROMIUM, or what is on the PATH; undefined, and said so, when none runs. */
export function findChromium(): string | undefined {
  const given = process.env['CHROMIUM'];
  const candidates = given ? [given] : NAMES;
  for (const name of candidates) {
    try {
      execFileSync(name, ['--version'], { stdio: 'ignore', timeout: 20_000 });
      return name.includes('/') ? name : execFileSync('which', [name], { encoding: 'utf8' }).trim();
    } catch {
      // The next one.
    }
  }
  process.stderr.write('no chromium on the PATH ($CHROMIUM): the tests in a browser are skipped\n');
  return undefined;
}

/** Root may not have Chromium's sandbox; in a container /dev/shm is often too small. */
export const CHROMIUM_ARGUMENTS = ['--no-sandbox', '--disable-dev-shm-usage'];
