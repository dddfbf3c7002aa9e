/** What an examination has seen: that something is as it should be, or what to know or do about it. */
export type Observed = { outcome: 'fine' | 'warning' | 'not tried'; said: string; remedy?: string };
