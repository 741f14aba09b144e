// The module and the native program are one engine: what one says to the bit, the other says.
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { NodeId, Settings, TextNode } from '../../src/engine/protocol';
import type { Playground } from '../../src/engine/playground';
import { fromHere, instance } from './instance';

const program = fromHere('../../../build/decant');
const off = ['--top-k', '0', '--top-p', '1'];
const neutral = [...off, '--temperature', '1'];
const chapter: Settings = { temperature: 0.8, top_k: 50, top_p: 0.9 };

function native(...options: string[]) {
  const output = execFileSync(program, [...options, '--json', '--quiet'], { encoding: 'utf8' });
  return JSON.parse(output);
}

async function generated(
  playground: Playground,
  from: NodeId,
  settings: Settings,
  count: number,
): Promise<TextNode[]> {
  const nodes: TextNode[] = [];
  const keep = (node: TextNode) => nodes.push(node);
  const finish = await playground.generate(from, settings, 3n, count, keep, async () => {});
  expect(finish).toEqual({ reason: 'length' });
  return nodes;
}

const tokens = (nodes: TextNode[]) => nodes.map(({ token }) => token);

describe.skipIf(!existsSync(program))('as the native program', () => {
  const cases: [string[], Settings, number][] = [
    [[...off, '--temperature', '0'], { temperature: 0 }, 200],
    [['--temperature', '0.8', '--top-k', '50', '--top-p', '0.9'], chapter, 200],
    [[...neutral, '--min-p', '0.05'], { min_p: 0.05 }, 200],
    [
      [...neutral, '--repetition-penalty', '1.3', '--no-repeat-ngram-size', '3'],
      { repetition_penalty: 1.3, no_repeat_ngram_size: 3 },
      200,
    ],
    [['--like', 'llama.cpp'], { like: 'llama.cpp' }, 200],
    [[...neutral, '--context', 'slide'], {}, 600], // past the window, twice
  ];
  it.each(cases)('writes the same text: %j', async (options, settings, count) => {
    const playground = await instance();
    const nodes = await generated(playground, playground.start(playground.encode('ROMEO:')).root.id, settings, count);
    const asked = ['--prompt', 'ROMEO:', '--seed', '3', '--max-new-tokens', `${count}`];
    expect(tokens(nodes)).toEqual(native('generate', ...asked, ...options).tokens);
  });

  it('explains a step with the same numbers', async () => {
    const playground = await instance();
    const { root } = playground.start(playground.encode('KING: What, my'));
    const { trace } = playground.look(root.id, chapter, 2n, null, 12);
    const explained = native('explain', '--prompt', 'KING: What, my', '--seed', '2', '--top', '12');
    // Logits have the same bits; sums of their exponentials are done in another order of lanes.
    expect(trace.candidates.map(({ token, logit }) => [token, logit])).toEqual(
      explained.trace.candidates
        .slice(0, 12)
        .map(({ token, logit }: { token: number; logit: number }) => [token, logit]),
    );
    for (const [i, { probability, logprob, removed_by }] of trace.candidates.entries()) {
      const other = explained.trace.candidates[i];
      expect(probability).toBeCloseTo(other.probability, 12);
      expect(logprob).toBeCloseTo(other.logprob, 12);
      expect(removed_by).toBe(other.removed_by);
    }
    expect(trace.draw!.token).toBe(explained.draw.token);
    expect(trace.draw!.u).toBe(explained.draw.u);
    expect(trace.entropy).toBeCloseTo(explained.trace.entropy, 12);
  });

  it('scores a given text with the same numbers', async () => {
    const playground = await instance();
    const text = 'But, soft! what light through yonder window breaks?';
    const all = playground.encode(text);
    expect(all).toEqual(native('tokenize', '--text', text).tokens);
    const nodes: TextNode[] = [];
    const keep = (node: TextNode) => nodes.push(node);
    const { root } = playground.start(all.slice(0, 1));
    await playground.appendTokens(root.id, all.slice(1), {}, keep, async () => {});
    expect(tokens(nodes)).toEqual(all.slice(1));
    const { steps } = native('score', '--text', text);
    for (const [i, { report }] of nodes.entries()) {
      expect(report!.logprob).toBeCloseTo(steps[i].logprob, 10);
      expect(report!.rank).toBe(steps[i].rank);
      expect(report!.entropy).toBeCloseTo(steps[i].entropy, 10);
    }
  });
});

describe('the tree of texts', () => {
  it('branches as if the branch had been the text from the start', async () => {
    const playground = await instance();
    const { root } = playground.start(playground.encode('ROMEO:'));
    const nodes = await generated(playground, root.id, chapter, 40);
    const branch = playground.append(nodes[20]!.id, 11, chapter);
    expect(branch.forced).toBe(true);
    const behind = await generated(playground, branch.id, chapter, 30);
    // The first text is as it was, and goes on.
    const more = await generated(playground, nodes[39]!.id, chapter, 10);

    const fresh = await instance();
    const again = fresh.start(fresh.encode('ROMEO:'));
    const first = await generated(fresh, again.root.id, chapter, 21);
    expect(tokens(first)).toEqual(tokens(nodes).slice(0, 21));
    const forced = fresh.append(first[20]!.id, 11, chapter);
    expect(forced.report).toEqual(branch.report);
    expect(tokens(await generated(fresh, forced.id, chapter, 30))).toEqual(tokens(behind));

    const whole = await instance();
    const all = await generated(whole, whole.start(whole.encode('ROMEO:')).root.id, chapter, 50);
    expect(tokens(all)).toEqual([...tokens(nodes), ...tokens(more)]);
  });

  it('keeps the tree that is named when another begins, and frees the others', async () => {
    const playground = await instance();
    const first = playground.start(playground.encode('ROMEO:'));
    const nodes = await generated(playground, first.root.id, chapter, 10);
    const second = playground.start(playground.encode('KING: What, my'), first.root.id);
    const others = await generated(playground, second.root.id, chapter, 5);
    // Either goes on as if it were alone.
    const more = await generated(playground, nodes[9]!.id, chapter, 10);
    const alone = await instance();
    const { root } = alone.start(alone.encode('ROMEO:'));
    expect([...tokens(nodes), ...tokens(more)]).toEqual(
      tokens(await generated(alone, root.id, chapter, 20)),
    );
    const third = playground.start(playground.encode('A'), first.root.id);
    expect(() => playground.append(others[0]!.id, 11, {})).toThrow('There is no place');
    expect(playground.append(more[9]!.id, 11, {}).parent).toBe(more[9]!.id);
    expect(new Set([...nodes, ...others, third.root].map(({ id }) => id)).size).toBe(16);
  });

  it('draws again what was drawn, and says what other settings would have', async () => {
    const playground = await instance();
    const { root } = playground.start(playground.encode('ROMEO:'));
    const nodes = await generated(playground, root.id, chapter, 60);
    const ids = nodes.map(({ id }) => id);
    const same = playground.replay(ids, chapter, 3n);
    expect(same.map(({ token }) => token)).toEqual(tokens(nodes));
    const greedy = playground.replay(ids, { temperature: 0 }, 3n);
    for (const [i, { token, report }] of greedy.entries()) {
      // Greedy takes the most probable: the text's own token exactly where its rank is 0.
      expect(token === nodes[i]!.token).toBe(nodes[i]!.report!.rank === 0);
      expect(report.logprob).toBe(nodes[i]!.report!.logprob);
    }
  });

  it('pauses between two tokens, and then goes on as if it had not', async () => {
    const playground = await instance();
    const { root } = playground.start(playground.encode('ROMEO:'));
    const nodes: TextNode[] = [];
    const pauseAtFive = (node: TextNode) => {
      if (nodes.push(node) === 5) playground.pause();
    };
    const finish = await playground.generate(root.id, chapter, 3n, 20, pauseAtFive, async () => {});
    expect(finish).toEqual({ reason: 'paused' });
    expect(nodes).toHaveLength(5);
    const rest = await generated(playground, nodes[4]!.id, chapter, 15);
    const whole = await instance();
    const all = await generated(whole, whole.start(whole.encode('ROMEO:')).root.id, chapter, 20);
    expect(tokens(all)).toEqual([...tokens(nodes), ...tokens(rest)]);
  });
});

describe('logits of the reader', () => {
  it('are a distribution by its definition', async () => {
    const playground = await instance();
    const values = Float32Array.of(2, 1, 0, -1, -Infinity);
    const view = playground.lookAt(values, { top_k: 2 }, 0.9, 5);
    const weights = [...values].map(Math.exp);
    const sum = weights.reduce((one, other) => one + other);
    expect([...view.raw.ranks]).toEqual([0, 1, 2, 3]);
    weights.slice(0, 4).forEach((weight, rank) => {
      expect(view.raw.probabilities[rank]).toBeCloseTo(weight / sum, 12);
    });
    expect(view.raw.cumulative[3]).toBeCloseTo(1, 12);
    expect(view.final.size).toBe(2);
    expect(view.final.probabilities[0]).toBeCloseTo(1 / (1 + Math.exp(-1)), 12);
    expect(view.trace.draw!.token).toBe(1);
    expect(view.trace.candidates[2]!.removed_by).toBe('top_k');
  });

  it('are refused where none is finite, or one is no number', async () => {
    const playground = await instance();
    expect(() => playground.lookAt(Float32Array.of(1, NaN), {}, 0.5, 5)).toThrow(
      'logits[1] is NaN',
    );
    expect(() => playground.lookAt(Float32Array.of(-Infinity), {}, 0.5, 5)).toThrow('finite');
    expect(playground.lookAt(Float32Array.of(1, 2), {}, 0.5, 5).trace.possible).toBe(2);
  });
});
