// What a browser must have, and what it can hold.

// A module with one function that makes a vector of 128 bits.
const simd = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0],
  ...[10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
);

/** What is missing to run the engine, and what to do; null where nothing is. */
export function missingFeature(): string | null {
  if (typeof WebAssembly === 'object' && WebAssembly.validate(simd)) return null;
  return (
    'This browser has no WebAssembly with SIMD, which the engine needs, so only a recorded step is ' +
    'shown, and the knobs rest. Chrome and Edge have it from 91 on, Firefox from 89, Safari from 16.4; some browsers ' +
    'switch it off in their strictest mode.'
  );
}

/** What to do with a model that does not fit. */
export const smaller = 'Run it with build/decant, or make it smaller: decant convert --dtype q8.';

/** Why files cannot be a model that a page runs; null where they might. */
export function tooLarge(files: File[]): string | null {
  const size = files.reduce((sum, file) => sum + file.size, 0);
  if (size < 4e9) return null;
  return (
    `${files.map(({ name }) => name).join(', ')}: ${(size / 1e9).toFixed(1)} GB, and a page can hold ` +
    `4 at most. ${smaller}`
  );
}
