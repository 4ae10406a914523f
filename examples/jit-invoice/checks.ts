/** How bad it is: `bad` keeps a wallet from being paid, `risk` may cost something, `unknown` cannot be seen from here. */
type Grade = 'good' | 'risk' | 'bad' | 'unknown';

export type Tell = (check: string, grade: Grade, found: string, mend?: string) => void;

/** Whether a version is at least that one. */
export function isLate(version: string, least: readonly number[]): boolean {
  const numbers = /(\d+)\.(\d+)(?:\.(\d+))?/.exec(version)?.slice(1).map(Number) ?? [];
  const first = least.findIndex((each, i) => (numbers[i] || 0) !== each);
  return first < 0 || (numbers[first] ?? 0) > (least[first] ?? 0);
}

export const tellSynced = (tell: Tell, isSynced: boolean): void =>
  tell('synced', isSynced ? 'good' : 'bad', isSynced ? 'to the chain' : 'not yet to the chain', 'wait until it is');
