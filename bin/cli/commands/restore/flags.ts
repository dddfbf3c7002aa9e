/** As commander gives them. */
export type RestoreFlags = {
  at?: string;
  to?: string;
  server?: string;
  into?: string;
  table?: string[];
  /** What `table` is, of a folder. */
  path?: string[];
  schemaOnly?: true;
  replace?: true;
  plan?: true;
  /** Of a whole server: what its databases lack by now, the roles before them bring. */
  unforeseen?: true;
  undo?: true;
  dropOld?: true;
  yes?: true;
  owner: boolean;
  proof: boolean;
  tablespaces: boolean;
  keepGoing?: true;
  events?: boolean;
};
