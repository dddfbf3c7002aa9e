import type { Report, RunEvent } from '../../core/ports.ts';

export type Level = 'INFO' | 'WARN' | 'ERROR';
export type Fields = Readonly<Record<string, unknown>>;
export type Log = (level: Level, message: string, fields?: Fields) => void;

export type LogContext = {
  /** In every line: request, run, source. */
  fields: Fields;
  now: () => Date;
  /** Takes one line. */
  write: (line: string) => void;
  /** Values that no line may contain. */
  secrets: () => readonly string[];
};

/**
 * One JSON object per line, with the field names of Lambda's own JSON logs (`timestamp`, `level`, `requestId`,
 * `message`).
 */
export function jsonLog({ fields: common, now, write, secrets }: LogContext): Log {
  return (level, message, fields = {}) => {
    const line = { timestamp: now().toISOString(), level, message, ...common, ...fields };
    write(
      `${JSON.stringify(line, (_, value: unknown) => (typeof value === 'string' ? without(value, secrets()) : value))}\n`,
    );
  };
}

/** Logs what is planned, each stage, each finished part and each warning; not the progress in bytes. */
export function reportTo(log: Log): Report {
  return (event: RunEvent) => {
    if (event.type === 'progress') return;
    const { type, ...fields } = event;
    if (type === 'warning') log('WARN', 'warning', { warning: event.message });
    else log('INFO', type, fields);
  };
}

const signed = /(X-Amz-(?:Signature|Security-Token)=)[^&\s"']+/gi;

/** A text with every secret removed, and also what makes an address signed, as in an IAM token. */
export function without(text: string, secrets: readonly string[]): string {
  return secrets.reduce(
    (rest, secret) => (secret === '' ? rest : rest.replaceAll(secret, '***')),
    text.replace(signed, '$1***'),
  );
}
