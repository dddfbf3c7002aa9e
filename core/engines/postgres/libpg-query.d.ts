declare module 'libpg-query' {
  export function parse(statement: string): Promise<unknown>;
}
