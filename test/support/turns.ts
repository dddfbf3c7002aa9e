import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Whether what was asked to stop has ended after `turns` turns of 20 ms. Turns are counted, not seconds: on a busy machine
 * they take longer, as what is waited for does.
 */
export async function endsSoon(work: Promise<unknown>, turns = 400): Promise<boolean> {
  let ended = false;
  const done = () => (ended = true);
  work.then(done, done);
  for (let left = turns; left > 0 && !ended; left -= 1) await sleep(20);
  return ended;
}
