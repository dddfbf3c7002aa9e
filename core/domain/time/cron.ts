import { Cron } from 'croner';

/** The moments of five fields of cron, on the clock of a zone. Throws if they are invalid. */
export function cronOf(schedule: string, timeZone: string): Cron {
  return new Cron(schedule, { timezone: timeZone, mode: '5-part' });
}
