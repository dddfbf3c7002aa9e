import * as z from 'zod';

/**
 * Every object of a database by kind and name, with a digest of its definition (the kinds that begin with `database` hold plain values):
 * `{ index: { 'public.orders_pkey': '9f86d081…' } }`. The content of a backup's part `catalog.json`.
 */
export const catalogSchema = z.record(z.string(), z.record(z.string(), z.string()));

export type Catalog = z.infer<typeof catalogSchema>;
