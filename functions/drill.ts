import { drill } from '../core/commands/proof/drill.ts';
import { drillEventSchema, readEvent } from '../core/contract/events/requests.ts';
import type { DrillResult } from '../core/contract/events/requests.ts';
import { drillDatabaseName } from '../core/domain/drill-name.ts';
import type { SourceName } from '../core/domain/keys.ts';
import { chooseBackup } from '../core/survey/choose.ts';
import { memoryOf } from '../core/survey/watched.ts';
import { lambdaHandler } from './host/host.ts';
import { workingIn } from './host/working-in.ts';
import { drilledResult } from './host/result.ts';

/** Tries a backup of a source in a scratch database, which it drops: `{ "source": "shop" }`. */
export const handler = lambdaHandler({
  verb: 'drill',
  read: (event) => readEvent(drillEventSchema, event, { source: 'shop', backup: 'latest' }),
  async work({ source, backup, vault, owners, tablespaces }, host, signal): Promise<DrillResult> {
    const nightjar = await workingIn(vault, host, signal);
    const settings = nightjar.settings(source);
    const { manifest, warnings } = await chooseBackup(
      source as SourceName,
      backup,
      memoryOf(settings),
      nightjar,
      signal,
    );
    for (const message of warnings) nightjar.report({ type: 'warning', message });
    const database = drillDatabaseName(manifest.database, Math.random());
    const { engine, parallel } = await nightjar.source(source, { database, drill: true }, signal);
    const { server, assert, owners: usually } = settings.drill;
    const options = { owners: owners && usually, tablespaces: tablespaces && server === undefined, assert };
    const drilled = await drill(manifest, engine, options, { ...nightjar, parallel }, signal);
    return drilledResult(
      drilled,
      { source, place: engine.place, notes: [...warnings, ...nightjar.notes] },
      nightjar.seconds(),
    );
  },
});
