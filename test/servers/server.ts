/**
 * A database server of its own for one test: reachable over TCP on this machine, gone when the process that started it
 * is gone.
 */
export type DatabaseServer = {
  host: string;
  port: number;
  user: string;
  /** Has spaces, quotes and other awkward characters on purpose: whoever passes it on must quote it. */
  password: string;
  /**
   * The authority that signed the server's certificate; only where TLS was asked for, and then the server takes no
   * plain connection.
   */
  caFile?: string;
  /** What the server says it is. */
  version: string;
  dataDir: string;
  pid: number;
  /** What the server last wrote to its log. */
  lastWords(): string;
  /** Ends it at once, and removes its folder. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash; the folder stays until `stop`. */
  kill(): Promise<void>;
  /** SIGKILL, as a crash, and a new start with the same data, at the same port. */
  restart(): Promise<void>;
};

/** An S3 server of its own for one test; buckets are addressed by path (`forcePathStyle`). */
export type S3Server = {
  endpoint: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
  createBucket(name: string, options?: { versioned?: boolean; objectLock?: boolean }): Promise<void>;
  pid: number;
  /** What the server last wrote to its log. */
  lastWords(): string;
  stop(): Promise<void>;
  /** SIGKILL, as a crash; the folder stays until `stop`. */
  kill(): Promise<void>;
};

/** Longest that a start may take, the first download of its packages included. */
export const startLimitMs = 20 * 60 * 1000;

/** Where a server's progress goes unless the caller says otherwise: a first start downloads, and must not look hung. */
export function reportToStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}
