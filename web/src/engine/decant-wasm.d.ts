declare module 'decant-wasm' {
  import type { Module } from './decant';
  /** Makes an instance; `wasmBinary` in place of fetching decant.wasm from beside the script. */
  export default function instantiate(given?: { wasmBinary?: Uint8Array }): Promise<Module>;
}
