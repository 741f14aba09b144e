// A token is bytes, and may be a part of a character, or a space: nothing of it may be invisible.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

const encoder = new TextEncoder();

/** What a reader can tell apart: ␣ and ⏎ for white space, ‹E2 80› for a part of a character. */
export function visible(bytes: Uint8Array): string {
  try {
    return decoder
      .decode(bytes)
      .replaceAll(' ', '␣')
      .replaceAll('\n', '⏎')
      .replaceAll('\t', '⇥')
      .replace(/[\p{Cc}\p{Cf}\p{Z}]/gu, (unseen) => hexadecimal(encoder.encode(unseen)));
  } catch {
    return hexadecimal(bytes);
  }
}

function hexadecimal(bytes: Iterable<number>): string {
  return `‹${[...bytes].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ')}›`;
}
