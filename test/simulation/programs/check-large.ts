import { readFileSync } from 'node:fs';
import { check } from '../../../core/commands/check/check.ts';
import type { SourceName } from '../../../core/domain/keys.ts';
import { openBucket } from '../../../core/vaults/s3/open.ts';
import { openStore } from '../../../core/store/store.ts';
import { watching } from '../../support/vaults/seen.ts';

/** Checks a bucket of so many sources once, and prints what that took. */
const [endpoint = '', count = 0, now = 0] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const { vault, close } = openBucket({
  bucket: 'vault',
  prefix: '',
  endpoint,
  credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
});
const retention = { last: 0, hourly: 0, daily: 60, weekly: 0, monthly: 0, yearly: 0, keepWithinMs: 0 };
const sources = Array.from({ length: count }, (_, index) => ({
  ...watching(),
  source: `source-${String(index).padStart(5, '0')}` as SourceName,
  place: vault.place,
  retention,
}));
const began = performance.now();
const { judgements, failures } = await check(
  sources,
  { whole: true },
  { store: openStore(vault), clock: { now: () => new Date(now) }, notifiers: [], meter: () => {} },
  AbortSignal.timeout(900_000),
);
close();
const states = Object.entries(Object.groupBy(judgements, ({ state }) => state)).map(([state, some]) => [
  state,
  some!.length,
]);
const { userCPUTime, systemCPUTime } = process.resourceUsage();
// the peak that getrusage tells begins with that of whoever has started us
const [, peakKilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
process.stdout.write(
  JSON.stringify({
    states: Object.fromEntries(states),
    failures: failures.map(String),
    seconds: (performance.now() - began) / 1000,
    cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
    peakMegabytes: Number(peakKilobytes) / 1024,
  }),
);
