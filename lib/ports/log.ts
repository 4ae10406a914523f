/** One thing that happened. Fields hold amounts and identifiers, never secrets or preimages. */
export interface LogEntry {
  readonly level: 'debug' | 'info' | 'warn';
  /** A stable name, as `lsps0.bad_message`. */
  readonly event: string;
  readonly fields?: Readonly<Record<string, string | number | bigint | boolean>>;
}

export type Log = (entry: LogEntry) => void;
