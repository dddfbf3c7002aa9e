import { postgresReader } from '../../pipeline/rows/postgres.ts';
import { inspecting } from '../inspecting.ts';
import { dataGrammar } from './restore/text/data-grammar.ts';

/** What a restore asks of the content of a backup. */
export const inspection = inspecting(dataGrammar, postgresReader);
