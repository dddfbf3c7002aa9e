// Makes one part in a process of its own, which knows the login by itself and of the plan what JSON brings:
// LOGIN='{…}' node make-part.ts postgres /layer < part.json > content 3> what-was-told.json
import { writeSync } from 'node:fs';
import { json } from 'node:stream/consumers';
import { isBackupError } from '../../../core/domain/errors.ts';
import { mariadbEngine } from '../../../core/engines/mariadb/index.ts';
import { postgresEngine } from '../../../core/engines/postgres/index.ts';
import type { Login } from '../../../core/engines/login.ts';
import type { PlannedPart } from '../../../core/ports.ts';
import { openTools } from '../../../core/tools.ts';
import { asJson } from './as-json.ts';

const part = (await json(process.stdin)) as PlannedPart;
const openEngine = process.argv[2] === 'postgres' ? postgresEngine : mariadbEngine;
const engine = openEngine(JSON.parse(process.env['LOGIN']!) as Login, await openTools(process.argv[3]!));
const tell = (told: object) => void writeSync(3, asJson(told));
try {
  const { content, reader, notes } = engine.open(part, AbortSignal.timeout(60_000));
  for await (const chunk of content) {
    reader?.write(chunk);
    await new Promise((written) => process.stdout.write(chunk, written));
  }
  tell({ ...(reader && { tally: reader.end() }), notes: await notes() });
} catch (error) {
  const { code, message, hint = '' } = isBackupError(error) ? error : { code: 'internal', message: String(error) };
  tell({ error: { code, message, hint } });
}
