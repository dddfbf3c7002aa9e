/** A rotation comes this long after a backup begins: one Lambda run is over by then, and so are its retries. */
const laterHours = 3;

/** When the backups of a source are rotated that says nothing of it: once a day, some hours after the (first) backup of the day; its time zone. */
export function rotationScheduleOf(schedule: string): string {
  const [minute = '', hour = ''] = schedule.trim().split(/ +/);
  const [first = ''] = hour.split(/[,-]/);
  if (!/^\d+$/.test(minute) || !/^\d+$/.test(first)) return '30 5 * * *';
  return `${minute} ${(Number(first) + laterHours) % 24} * * *`;
}
