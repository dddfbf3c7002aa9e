import { engineContract } from './engine-contract.ts';
import { toyUnderTest } from './toy-under-test.ts';

// what simulations take for an engine has to be one
engineContract('in memory', async () => toyUnderTest(new Map()));
