import type { Manifest, ManifestPart } from '../../../contract/manifest/manifest.ts';
import { isBackupError, messageOf } from '../../../domain/errors.ts';
import { fewNames } from '../../../domain/lines.ts';
import type { ByteStream, LoadFailure, RestoreFinding, Target } from '../../../ports.ts';
import type { Login } from '../../login.ts';
import { inScratch, makeDefinitions } from '../database/scratch.ts';
import { remedyFor } from '../failures/remedies.ts';
import { withSession } from '../session.ts';
import type { Loading } from '../restore/loading.ts';
import { madeFindings } from './made.ts';

type PostgresTrial = {
  manifest: Manifest;
  /** Whether everything is to be read again and compared. */
  proof: boolean;
  state: Target['state'];
  loading: Pick<Loading, 'user' | 'from' | 'serverMajor'>;
  /** A target that goes on after failures, in a database of this name. */
  open(scratch: Login, signal: AbortSignal): Promise<Target>;
  contents(part: ManifestPart, signal: AbortSignal): ByteStream;
};

/** `held`: the definitions were tried, so their failures are known. */
export type PostgresRehearsal = { held: boolean; findings: RestoreFinding[] };

/**
 * Makes the backup's definitions, without rows, in a scratch database that is dropped again: reports whatever this
 * server and role refuse. A role that may not make a database can't try that.
 */
export async function rehearse(login: Login, trial: PostgresTrial, signal: AbortSignal): Promise<PostgresRehearsal> {
  const { manifest, proof, loading, state, open, contents } = trial;
  let scratch = '';
  const asReal = (text: string) => text.replaceAll(scratch, login.database);
  try {
    const shown = await inScratch(
      login,
      manifest.id,
      async (made) => {
        scratch = made.database;
        const failures = await makeDefinitions(await open(made, signal), contents, signal);
        const expected = { manifest, proof, user: login.user };
        const behind = await withSession(made, signal, (session) => madeFindings(session, expected));
        return { failures, behind };
      },
      signal,
    );
    if (shown === undefined) return untried(`${login.user} may make no database`);
    const real = shown.failures.map((one) => ({ ...one, error: asReal(one.error) }));
    const here = state === 'occupied' ? real : real.filter(({ error }) => !isOfThatName(error, login.database));
    const refused = findingsOf(rootsOf(here), { ...loading, into: login.database });
    return { held: true, findings: [...refused, ...shown.behind] };
  } catch (error) {
    if (signal.aborted || !isBackupError(error, 'restore-failed', 'privilege-missing')) throw error;
    return {
      held: false,
      findings: [
        {
          weight: state === 'empty' ? 'may-fail' : 'fails',
          code: error.code,
          what: `this server does not make such a database: ${asReal(messageOf(error))}`,
          remedy: error.hint,
        },
      ],
    };
  }
}

function untried(why: string): PostgresRehearsal {
  const what = `the definitions could not be tried on this server, for ${why}`;
  return { held: false, findings: [{ weight: 'note', what }] };
}

/** pg_cron can be created in only one database, which has the name that is restored into. */
function isOfThatName(error: string, database: string): boolean {
  return error.includes(`can only create extension in database ${database}`);
}

/**
 * Leaves out failures that follow from others, because what could not be made does not exist. pg_restore names an
 * object without its schema.
 */
function rootsOf(failures: readonly LoadFailure[]): LoadFailure[] {
  const unmade = new Set<string>();
  return failures.filter(({ object, error, statement }) => {
    const missing = missingIn(error);
    if (statement.startsWith('CREATE ')) unmade.add(object.replace(/^[A-Z ]+ /, ''));
    return missing === undefined || ![...unmade].some((name) => name === missing);
  });
}

/** `goods` of `relation "public.goods" does not exist`, `f(integer)` of `function public.f(integer) does not exist`. */
function missingIn(error: string): string | undefined {
  const [, quoted, plain] =
    / (?:"([^"]*)"(?: (?:for|of) \w+ "[^"]*")?|(\S+\(.*\)|\S+)) does not exist/.exec(error) ?? [];
  return (quoted ?? plain)?.replace(/^[^(]*?\.(?=[^.(]+(?:\(|$))/, '');
}

function findingsOf(
  failures: readonly LoadFailure[],
  where: { user: string; into: string; from: string; serverMajor: number },
): RestoreFinding[] {
  return [...Map.groupBy(failures, ({ error }) => error)].map(([error, objects]) => {
    const { code, hint } = remedyFor(error, where, objects[0]!.statement);
    const what = `this server refuses ${fewNames(objects.map(({ object }) => object))}: ${error}`;
    return { weight: 'fails', code, what, remedy: hint };
  });
}
