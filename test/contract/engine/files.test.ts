import { engineContract } from './engine-contract.ts';
import { filesUnderTest } from './files-under-test.ts';

engineContract('files', filesUnderTest);
