import { mariadbReader } from '../../pipeline/rows/mariadb.ts';
import { inspecting } from '../inspecting.ts';
import { dataGrammar } from './restore/text/data-grammar.ts';

/** How a restore judges the content of a backup. */
export const inspection = inspecting(dataGrammar, mariadbReader);
