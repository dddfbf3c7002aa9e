import { afterAll, beforeAll } from '@jest/globals';
import { byTag, nothingTagged } from './by-tag.ts';
import { copies, rotten } from './copies/copies.ts';
import { lasting } from './copies/lasting.ts';
import { forbidden } from './forbidden.ts';
import { limits } from './template/limits.ts';
import { nights } from './nights.ts';
import { afterwards, standing } from './standing.ts';
import { troubles } from './troubles.ts';
import { openWorld, type World } from './world.ts';

let opened: World;
const world = (): World => opened;

beforeAll(async () => {
  opened = await openWorld();
}, 20 * 60_000);
afterAll(() => opened?.close(), 60_000);

// In this order: what was done before is what the next one finds.
standing(world);
nothingTagged(world);
nights(world);
copies(world);
troubles(world);
limits(world);
byTag(world);
rotten(world);
lasting(world);
forbidden(world);
afterwards(world);
