import { jest } from '@jest/globals';

// Before the tests of a file (jest.config.mjs): what fails beside real servers on a busy machine is tried once more, and
// .ci/unstable.mjs names it at the end. Such a test is a defect, of the test or of Nightjar, but not of the last change.
jest.retryTimes(1, { logErrorsBeforeRetry: true, retryImmediately: true });
