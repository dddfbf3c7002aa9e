import { expect, test } from '@jest/globals';
import { readEntries } from '../../../core/engines/postgres/choose/archive-list.ts';
import { archiveGraph } from '../../../core/engines/postgres/choose/graph.ts';
import { indexesOfTables } from '../../../core/engines/postgres/restore/indexes/indexes-of-tables.ts';

const catalog = { table: { 'public.orders': '', 'public."Odd Table"': '', 'public.log': '' } };
const indexesOf = (listing: string) => Object.fromEntries(indexesOfTables(archiveGraph(readEntries(listing), catalog)));

test('keys and indexes of a table are its own, where they need nothing else of the archive', () => {
  const listing = `;
217; 1259 16400 TABLE public orders app
218; 1259 16401 TABLE public Odd Table app
300; 2606 16500 CONSTRAINT public orders orders_pkey app
;	depends on: 217 217
301; 1259 16501 INDEX public orders_placed app
;	depends on: 217 9999
302; 2606 16502 CONSTRAINT public Odd Table Odd Table_id_key app
;	depends on: 218
303; 2606 16503 FK CONSTRAINT public Odd Table Odd Table_order_fkey app
;	depends on: 217 300 218
304; 2606 16504 CHECK CONSTRAINT public orders positive app
;	depends on: 217
305; 2620 16505 TRIGGER public orders stamp app
;	depends on: 217
`;

  expect(indexesOf(listing)).toEqual({ '["public","orders"]': ['300', '301'], '["public","Odd Table"]': ['302'] });
});

test('an index that calls a function, one of a view, and one with a comment wait for all rows', () => {
  const listing = `;
200; 1255 16300 FUNCTION public folded(text) app
217; 1259 16400 TABLE public orders app
219; 1259 16402 MATERIALIZED VIEW public best app
;	depends on: 217
300; 1259 16500 INDEX public orders_folded app
;	depends on: 217 200
301; 1259 16501 INDEX public best_id app
;	depends on: 219
302; 1259 16502 INDEX public orders_said app
;	depends on: 217
3500; 0 0 COMMENT public INDEX orders_said app
;	depends on: 302
303; 0 0 INDEX ATTACH public orders_child_idx app
;	depends on: 217
`;

  expect(indexesOf(listing)).toEqual({});
});
