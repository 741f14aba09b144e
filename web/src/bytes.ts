// A token is bytes, and may be a part of a character, or a space: nothing of it may be invisible.
const decoder = new TextDecoder('utf-8', { fatal: true });

/** What a reader can tell apart: ␣ and ⏎ for white space, ‹E2 80› for a part of a character. */
export function visible(bytes: Uint8Array): string {
  try {
    return decoder
      .decode(bytes)
      .replaceAll(' ', '␣')
      .replaceAll('\n', '⏎')
      .replaceAll('\t', '⇥')
      .replace(/[\u0000-\u001f\u007f]/g, (control) => hexadecimal([control.charCodeAt(0)]));
  } catch {
    return hexadecimal(bytes);
  }
}

function hexadecimal(bytes: Iterable<number>): string {
  return `‹${[...bytes].map((byte) => byte.toString(16).toUpperCase().padStart(2, '0')).join(' ')}›`;
}
