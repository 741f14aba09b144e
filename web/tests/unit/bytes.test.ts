import { describe, expect, it } from 'vitest';
import { visible } from '../../src/bytes';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('a token as the reader sees it', () => {
  it.each([
    [' lord', '␣lord'],
    ['\n', '⏎'],
    ['\t', '⇥'],
    ['é日', 'é日'],
    ['\u0007', '‹07›'],
    ['\u00a0', '‹C2 A0›'], // a space that does not break
    ['\u200b', '‹E2 80 8B›'], // of no width
    ['\u202e', '‹E2 80 AE›'], // turns what follows around
    ['\ufeff', '‹EF BB BF›'], // a byte order mark
    ['a\u00adb', 'a‹C2 AD›b'], // a soft hyphen
  ])('%j is %s', (text, shown) => {
    expect(visible(bytes(text))).toBe(shown);
  });

  it('is its bytes where it is a part of a character', () => {
    expect(visible(Uint8Array.of(0xe2, 0x80))).toBe('‹E2 80›');
  });
});
