import { jsonReporter } from './jsonReporter.ts';
import { personReporter } from './personReporter.ts';

/** One thing that happened, with the fields of its JSON line: snake_case, amounts as bigint in the unit of the name. */
export type Fields = Readonly<Record<string, string | number | bigint | boolean>>;

export interface Reporter {
  tell(event: string, fields: Fields): void;
  /** Something takes a while: shown to a person only. */
  waiting(what: string): void;
  close(): void;
}

export const reporter = (json: boolean): Reporter => (json ? jsonReporter() : personReporter());
