import { workerData } from 'node:worker_threads';

// A thread of its own: a mutant that never returns gives the main one no turn to look. Its time is the processor's, for
// on a busy machine a minute of the clock may be a second of that.
const mostBytes = 2_000_000_000;
const longestTurnMs = 5000;
const turns = workerData as Int32Array;
let last = { turn: -1, at: 0 };
setInterval(() => {
  if (process.memoryUsage.rss() > mostBytes) process.kill(process.pid, 'SIGKILL');
  const at = process.cpuUsage().user / 1000;
  if (turns[0] !== last.turn) last = { turn: turns[0]!, at };
  if (at - last.at > longestTurnMs) process.kill(process.pid, 'SIGALRM');
}, 50);
