import type { Settings } from '../../contract/config/settings/settings.ts';
import { drillDatabaseName } from '../../domain/drill-name.ts';
import { newDatabaseName } from '../../domain/keys.ts';
import type { SourceName } from '../../domain/keys.ts';
import type { Clock, Examination, ListKeys, Observed, RestoreFinding, Source } from '../../ports.ts';
import type { Store } from '../../store/store.ts';
import { chooseBackup } from '../../survey/choose.ts';
import { memoryOf } from '../../survey/watched.ts';
import { hindrance, planRestore } from '../restore/plan.ts';
import type { RestorePlan } from '../restore/plan.ts';
import { ofBackup } from './examine.ts';

export type ExaminedDeps = {
  clock: Clock;
  random: () => number;
  store: Store;
  listKeys?: ListKeys | undefined;
  source(name: string, options: { database?: string; drill?: boolean }, signal: AbortSignal): Promise<Source>;
};

/** Beyond this many, only their number is shown. */
const shown = 6;

/**
 * Whether the newest good backup could be restored with the configured logins: the owners and definers it names,
 * extensions, the right to make a database. Writes nothing. For a source with drills a hindrance is a failure;
 * otherwise it is a warning, because a backup user may rightly lack the right to restore.
 */
export function restoreExamination(name: SourceName, settings: Settings, deps: ExaminedDeps): Examination {
  const isDrilled = settings.watch.drillEveryMs !== undefined;
  return {
    what: isDrilled ? 'drill' : 'restore',
    look: (signal) =>
      ofBackup('there is no backup yet that could be restored', async () => {
        const plan = await planned(name, settings, deps, isDrilled, signal);
        await plan.target.close();
        const failure = isDrilled ? hindrance(plan) : undefined;
        if (failure !== undefined) throw failure;
        return observed(plan);
      }),
  };
}

async function planned(
  name: SourceName,
  settings: Settings,
  deps: ExaminedDeps,
  drill: boolean,
  signal: AbortSignal,
): Promise<RestorePlan> {
  const { manifest } = await chooseBackup(name, 'latest', memoryOf(settings), deps, signal);
  const database = drill ? drillDatabaseName(manifest.database, deps.random()) : newDatabaseName(manifest);
  const { engine } = await deps.source(name, { database, drill }, signal);
  const { owners, assert } = settings.drill;
  const asked = drill ? { owners, drill: { assert } } : { owners: true };
  return planRestore(manifest, engine, { replace: false, proof: true, foresee: 'reading', ...asked }, deps, signal);
}

function observed({ manifest: { id }, engine: { place }, findings }: RestorePlan): Observed[] {
  const against = findings.filter(({ weight }) => weight !== 'note');
  if (against.length === 0) return [{ outcome: 'fine', said: `nothing speaks against a restore of ${id} as ${place}` }];
  const more = against.length - shown;
  return [
    ...against.slice(0, shown).map(warning),
    ...(more > 0
      ? [warning({ weight: 'may-fail', what: `and ${more} more: nightjar restore --plan lists them` })]
      : []),
  ];
}

function warning({ weight, what, remedy }: RestoreFinding): Observed {
  const said = `${weight === 'fails' ? 'with this login, a restore would fail' : 'a restore may fail'}: ${what}`;
  return { outcome: 'warning', said, ...(remedy !== undefined && { remedy }) };
}
