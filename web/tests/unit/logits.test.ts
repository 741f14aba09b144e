import { describe, expect, it } from 'vitest';
import { InputError, parseLogits, shaped, shapes, writeLogits } from '../../src/logits';

describe('logits of the reader', () => {
  it.each([
    ['3 2.5\n-1e1', [3, 2.5, -10]],
    ['3, 2.5,-10', [3, 2.5, -10]],
    ['[3, null, -inf]', [3, -Infinity, -Infinity]],
  ])('reads %j', (text, values) => {
    expect(parseLogits(text)).toEqual({ logits: Float32Array.from(values), labels: null });
  });

  it('reads an object of tokens, with white space to be seen', () => {
    const { logits, labels } = parseLogits('{" lord": 2, "x": null}');
    expect([...logits]).toEqual([2, -Infinity]);
    expect(labels).toEqual(['␣lord', 'x']);
  });

  it('writes as many as there are, also where labels look alike', () => {
    const own = parseLogits('{" a": 1, "␣a": 2, "b": null}');
    expect(own.labels).toEqual(['␣a', '␣a', 'b']);
    expect(parseLogits(writeLogits(own)).logits).toEqual(own.logits);
    const other = parseLogits('{" a": 1, "b": null}');
    expect(parseLogits(writeLogits(other))).toEqual(other);
  });

  it.each([
    ['', 'no numbers yet'],
    ['[]', 'no numbers yet'],
    ['[1, 2', 'does not end with ]'],
    ['1 NaN', 'Number 2, “NaN”, is not a number'],
    ['1,,2', 'Number 2 is missing'],
    ['1 2 1e39', 'Number 3, “1e39”, is too large'],
    ['{"a": "b"}', 'a, “"b"”, is not a number'],
    ['{"a": ', 'not valid JSON'],
    ['-inf', 'Every logit is -inf'],
    ['1 '.repeat(1_000_001), '1,000,001 numbers'],
  ])('refuses %.20j', (text, message) => {
    expect(() => parseLogits(text)).toThrow(InputError);
    expect(() => parseLogits(text)).toThrow(message);
  });

  it('has shapes of finite logits', () => {
    for (const shape of shapes) expect(shaped(shape).every(Number.isFinite), shape.name).toBe(true);
  });
});
