import { expect, test } from '@jest/globals';
import { stateOf } from '../../real/cloud/template/alarms.ts';
import type { Alarm } from '../../real/cloud/template/alarms.ts';
import { lambdaFigures } from '../../real/cloud/template/metrics.ts';
import type { Figure } from '../../real/cloud/template/metrics.ts';
import type { Invocation } from '../../real/lambda/sandbox/function.ts';
import { readable } from '../judges/readable.ts';
import { exampleStack, resourcesOf } from '../synthesis.ts';

const minuteMs = 60_000;
/** CloudWatch has a function's figures some time after it has ended. */
const lateMs = 2 * minuteMs;
const { template } = exampleStack('plain');
const functions = resourcesOf(template, 'AWS::Lambda::Function')
  .map(([, { Properties }]) => ({ name: String(Properties['FunctionName']), seconds: Number(Properties['Timeout']) }))
  .filter(({ name }) => !name.includes('-restore-'));
const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(
  ([, { Properties }]) => readable(Properties, template) as Alarm,
);

/** When an alarm rings of a run of this length that ended so, looked at each minute; seconds after its start. */
function ringing(
  alarm: Alarm,
  name: string,
  seconds: number,
  status: Invocation['status'],
  offsetMs: number,
): number[] {
  const start = new Date(Date.UTC(2026, 10, 20, 2) + offsetMs);
  const end = start.getTime() + seconds * 1000;
  const figures: Figure[] = lambdaFigures(name, { status, durationMs: seconds * 1000 } as Invocation, start);
  return Array.from({ length: 90 }, (_, minute) => new Date(Date.UTC(2026, 10, 20, 2) + minute * minuteMs)).flatMap(
    (now) => {
      const known = now.getTime() >= end + lateMs ? figures : [];
      return stateOf(alarm, known, now) === 'ALARM' ? [(now.getTime() - start.getTime()) / 1000] : [];
    },
  );
}

test.each(functions)(
  'of $name, the longest run that fails or is nearly cut off rings, though Lambda dates its figures to its start',
  ({ name, seconds }) => {
    const own = alarms.filter((alarm) => JSON.stringify(alarm).includes(`"Value":"${name}"`) && 'Namespace' in alarm);
    const of = (metric: string): Alarm[] => own.filter((alarm) => 'MetricName' in alarm && alarm.MetricName === metric);

    expect([of('Errors'), of('Duration')].map(({ length }) => length)).toEqual([1, 1]);
    for (const offsetMs of [0, 1, 61, 150, 299].map((second) => second * 1000)) {
      expect(ringing(of('Errors')[0]!, name, seconds, 'timed-out', offsetMs)).not.toEqual([]);
      expect(ringing(of('Duration')[0]!, name, seconds, 'returned', offsetMs)).not.toEqual([]);
      expect(ringing(of('Errors')[0]!, name, 2, 'failed', offsetMs)).not.toEqual([]);
      expect(ringing(of('Duration')[0]!, name, seconds * 0.5, 'returned', offsetMs)).toEqual([]);
      expect(ringing(of('Errors')[0]!, name, seconds, 'returned', offsetMs)).toEqual([]);
    }
  },
);
