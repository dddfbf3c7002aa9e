import { scanWasm } from './scan.wasm.ts';

/** Rows found since `start`; `sum` is the sum of their hashes modulo 2^64. */
export type Counted = { rows: number; bytes: number; sum: bigint };

/**
 * The row scanner, with its own memory (128 KiB). Positions are in `text`, where `load` puts a piece of the dump; the
 * bytes before `first` are the last ones of the previous piece.
 */
export type Scanner = {
  readonly text: Buffer;
  readonly first: number;
  readonly capacity: number;
  /** Takes a piece of at most `capacity` bytes and returns the position after it. */
  load(piece: Uint8Array): number;
  /** Begins a table. */
  start(): void;
  /** Takes rows of COPY text; returns the position after the line `\.`, or -1 if the table goes on. */
  lines(from: number, to: number): number;
  /** Takes tuples of an INSERT; returns the position after its `;`, or -1 if it goes on. */
  tuples(from: number, to: number): number;
  counted(): Counted;
  rows(): number;
  /** Begins a hash with a short text; not while a table is open. */
  beginHash(text: string): void;
  hash(from: number, to: number): void;
  digest(): bigint;
};

/** The part of the global that is used; its full types come only with those of a browser. */
declare namespace WebAssembly {
  class Module {
    constructor(bytes: Uint8Array);
  }
  class Instance {
    constructor(module: Module);
    exports: unknown;
  }
}

export type ScanExports = {
  memory: { buffer: ArrayBuffer };
  input: { value: number };
  capacity: { value: number };
  start(): void;
  rowCount(): number;
  rowBytes(): number;
  fingerprint(): bigint;
  lines(from: number, to: number): number;
  tuples(from: number, to: number): number;
  stopped: { value: number };
  unframe(from: number, to: number): number;
  begin(): void;
  update(from: number, to: number): void;
  digest(): bigint;
};

const margin = 64;
let compiled: WebAssembly.Module | undefined;

/** The module with its own memory and state; it is compiled once. */
export function newInstance(): ScanExports {
  compiled ??= new WebAssembly.Module(Buffer.from(scanWasm, 'base64'));
  return new WebAssembly.Instance(compiled).exports as ScanExports;
}

export function newScanner(): Scanner {
  const wasm = newInstance();
  const capacity = wasm.capacity.value;
  const base = wasm.input.value - margin;
  const text = Buffer.from(wasm.memory.buffer, base, margin + capacity + margin);
  let loaded = 0;
  const position = (address: number) => (address === 0 ? -1 : address - base);
  return {
    text,
    first: margin,
    capacity,
    load(piece) {
      text.copyWithin(0, loaded, loaded + margin);
      text.set(piece, margin);
      loaded = piece.length;
      return margin + loaded;
    },
    start: wasm.start,
    lines: (from, to) => position(wasm.lines(base + from, base + to)),
    tuples: (from, to) => position(wasm.tuples(base + from, base + to)),
    counted: () => ({ rows: wasm.rowCount(), bytes: wasm.rowBytes(), sum: BigInt.asUintN(64, wasm.fingerprint()) }),
    rows: wasm.rowCount,
    beginHash(opening) {
      const end = text.write(opening, margin + capacity, 'latin1') + margin + capacity;
      wasm.begin();
      wasm.update(base + margin + capacity, base + end);
    },
    hash: (from, to) => wasm.update(base + from, base + to),
    digest: () => BigInt.asUintN(64, wasm.digest()),
  };
}
