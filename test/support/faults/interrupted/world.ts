/** A server with a database `shop`, as its own tools see it. */
export type InterruptedWorld = {
  /** What stands below `sources.shop` in the configuration, and the password that it names. */
  source: object;
  password: string;
  /** Checksums of all rows by the server; `undefined` where there is no such database. */
  rows(database: string): Promise<string | undefined>;
  /** The same database as the server's own dump program prints it, rows and all. */
  dumped(database: string): Promise<string | undefined>;
  /** Every database of a user. */
  databases(): Promise<string[]>;
  makeEmpty(database: string): Promise<void>;
  drop(database: string): Promise<void>;
  /** The application writes: another row each time. */
  write(word: string): Promise<void>;
  /** Whether the application could work: leaves nothing. */
  use(): Promise<void>;
  killServer(): Promise<void>;
  /** Once the server answers, and nothing of a run is at work there. */
  settled(): Promise<void>;
};
