/** As commander gives them. */
export type RestoreFlags = {
  at?: string;
  to?: string;
  server?: string;
  into?: string;
  table?: string[];
  /** Like `table`, for a folder. */
  path?: string[];
  schemaOnly?: true;
  replace?: true;
  plan?: true;
  /** For one of all databases of a server. */
  ofServer?: true;
  /** For a whole server: what its databases lack now comes with the roles that are restored before them. */
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
