/** The result of an examination: something is as it should be, or what to know or do about it. */
export type Observed = { outcome: 'fine' | 'warning' | 'not tried'; said: string; remedy?: string };
