/** The part of hash-wasm that is used: the package's own entry holds two dozen other hashes. */
declare module 'hash-wasm/dist/crc32.umd.min.js' {
  const hashWasm: Pick<typeof import('hash-wasm'), 'createCRC32'>;
  export default hashWasm;
}
