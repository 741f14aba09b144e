// Each part of the page, by keyboard and by mouse; its numbers are those of `decant explain --json`.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { visible } from '../../src/bytes';
import type { Trace } from '../../src/engine/protocol';
import { count, percent } from '../../src/numbers';
import { pages, settled } from './page';

const { ready } = pages();

const root = fileURLToPath(new URL('../../..', import.meta.url));
const prompt = 'KING: What, my';

function explain(...options: string[]): Trace & { texts: string[] } {
  const always = ['explain', '--prompt', prompt, '--seed', '2', '--top', '40', '--json', '--quiet'];
  const json = execFileSync('build/decant', [...always, ...options], { cwd: root, encoding: 'utf8' });
  const { trace } = JSON.parse(json);
  // Of more survivors than that, the program lists all.
  trace.candidates = trace.candidates.filter(
    ({ token }: { token: number }, i: number) => i < 40 || token === trace.draw.token,
  );
  const texts = trace.candidates.map(({ text }: { text: string }) =>
    visible(new TextEncoder().encode(text)),
  );
  return { ...trace, texts };
}

const open = (settings: string) =>
  ready(`v=1&prompt=${encodeURIComponent(prompt)}&seed=2&${settings}`);

async function table(page: Page): Promise<string[][]> {
  const candidates = page.getByRole('table', { name: 'Candidates by rank' });
  if ((await candidates.count()) === 0) await page.getByText('The pictures as a table').click();
  return candidates.locator('tbody tr').evaluateAll((rows) =>
    rows.map((row) => [...row.children].map((cell) => cell.textContent!.trim())),
  );
}

/** All that the page shows of a step, against the native program's. */
async function compare(page: Page, ...options: string[]): Promise<void> {
  const trace = explain(...options);
  const rows = trace.candidates.map(({ token, rank, logprob, probability, removed_by }, i) => [
    String(rank + 1),
    trace.texts[i]! + (token === trace.draw!.token ? ', drawn' : ''),
    percent(Math.exp(logprob!)),
    percent(probability),
    removed_by ?? '',
  ]);
  await expect.poll(() => table(page)).toEqual(rows);
  const figures = await page.locator('[data-part=curve] dl').first().innerText();
  expect(figures).toContain(trace.entropy.toFixed(2));
  expect(figures).toContain(trace.final_entropy.toFixed(2));
  expect(figures).toContain(count(trace.survivors));
  expect(figures).toContain(percent(trace.mass_kept));
}

const knob = (page: Page, name: string) => page.getByRole('slider', { name, exact: true });
const typed = (page: Page, name: string) => page.getByRole('textbox', { name, exact: true });
const strip = (page: Page) => page.getByLabel("The text's tokens");
const off = ['--temperature', '1', '--top-k', '0', '--top-p', '1'];

describe('the curve', () => {
  it.each([
    ['', off],
    ['temperature=0.8&top_k=50&top_p=0.9', []],
    ['temperature=1.5&min_p=0.05', ['--temperature', '1.5', '--top-k', '0', '--top-p', '1', '--min-p', '0.05']],
    ['temperature=0', ['--temperature', '0', '--top-k', '0', '--top-p', '1']],
    ['like=llama.cpp', null],
  ] as const)('has the numbers of the native program: %s', async (settings, options) => {
    if (options !== null) await compare(await open(settings), ...options);
    else {
      const page = await open('');
      await page.getByRole('button', { name: 'llama.cpp' }).click();
      await compare(page, '--like', 'llama.cpp');
    }
  });

  it('moves the needle by keyboard and by mouse', async () => {
    const page = await open('temperature=0.8&top_k=50&top_p=0.9');
    const needle = page.getByRole('slider', { name: /^u,/ });
    const u = async () => Number(await needle.getAttribute('aria-valuenow'));
    const before = await u();
    await needle.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(u).toBeGreaterThan(before);
    await page.keyboard.press('End');
    const last = explain().candidates.filter(({ probability }) => probability > 0).length - 1;
    await expect.poll(() => needle.getAttribute('aria-valuetext')).toContain(explain().texts[last]!);
    const box = (await page.getByRole('group', { name: 'The draw' }).boundingBox())!;
    await page.mouse.click(box.x + box.width * 0.1, box.y + box.height * 0.7);
    await expect.poll(() => needle.getAttribute('aria-valuetext')).toContain('␣lord');
  });

  it('saves its picture', async () => {
    const page = await open('');
    for (const kind of ['SVG', 'PNG']) {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: `Save ${kind}` }).click(),
      ]);
      expect(download.suggestedFilename()).toMatch(new RegExp(`\\.${kind.toLowerCase()}$`));
    }
  });
});

describe('the knobs', () => {
  it('turn by keyboard', async () => {
    const page = await open('');
    await knob(page, 'Temperature').focus();
    for (let i = 0; i < 3; ++i) await page.keyboard.press('ArrowLeft');
    const temperature = await typed(page, 'Temperature').inputValue();
    expect(Number(temperature)).toBeLessThan(1);
    await compare(page, '--temperature', temperature, '--top-k', '0', '--top-p', '1');
    await typed(page, 'Top-k').fill('7');
    await compare(page, '--temperature', temperature, '--top-k', '7', '--top-p', '1');
  });

  it('turn by mouse', async () => {
    const page = await open('');
    const slider = knob(page, 'Top-p');
    await slider.scrollIntoViewIfNeeded();
    const box = (await slider.boundingBox())!;
    await page.mouse.move(box.x + box.width - 8, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 5 });
    await page.mouse.up();
    const top_p = await typed(page, 'Top-p').inputValue();
    expect(Number(top_p)).toBeLessThan(1);
    await compare(page, '--temperature', '1', '--top-k', '0', '--top-p', top_p);
  });

  it('say what is no value, and keep the last', async () => {
    const page = await open('');
    await typed(page, 'Top-p').fill('2');
    await page.getByText(/Top-p must be/).waitFor();
    await compare(page, ...off);
  });

  it('put the stages into another order', async () => {
    const page = await open('temperature=2&top_k=0&top_p=0.8');
    await page.getByText('All other knobs').click();
    for (let i = 0; i < 2; ++i) await page.getByRole('button', { name: 'Temperature later' }).press('Enter');
    const stages = 'logit_bias,constraint,penalties,no_repeat_ngram,top_k,top_p,temperature,min_p,' +
      'typical_p,epsilon_cutoff,eta_cutoff,top_n_sigma';
    await compare(page, '--temperature', '2', '--top-k', '0', '--top-p', '0.8', '--stages', stages);
  });
});

describe('the text', () => {
  it('is generated, stepped, branched and taken back', async () => {
    const page = await open('temperature=0.8&top_k=50&top_p=0.9');
    await page.getByLabel('Tokens to generate').fill('20');
    await page.getByRole('button', { name: 'Generate', exact: true }).click();
    await expect.poll(() => strip(page).getByRole('button').count()).toBe(20);
    await settled(page);
    await page.getByRole('button', { name: /Step/ }).click();
    await expect.poll(() => strip(page).getByRole('button').count()).toBe(21);
    await settled(page);
    const before = await strip(page).innerText();

    await strip(page).getByRole('button').first().click();
    await compare(page);
    await page.getByRole('button', { name: 'continue with ␣brother' }).press('Enter');
    await expect.poll(() => strip(page).innerText()).toContain('␣brother');
    await page.getByRole('heading', { name: /branches/ }).waitFor();
    await page.getByRole('button', { name: 'Undo' }).click();
    await expect.poll(() => strip(page).innerText()).toBe(before);
  });

  it('is replayed through other settings, and regenerated from the first flip', async () => {
    const page = await open('temperature=0.8&top_k=50&top_p=0.9&length=60');
    await page.getByText('draw every one of the 60 tokens again').waitFor();
    await knob(page, 'Temperature').press('End');
    await page.getByText(/\d+ of 60 tokens would have been others/).waitFor();
    await page.getByRole('button', { name: /Regenerate/ }).click();
    await page.getByText('draw every one of the 60 tokens again').waitFor();
  });
});

describe('logits of one’s own', () => {
  const probabilities = [0.7, 0.2, 0.1];

  it('are pasted, and need no model', async () => {
    const page = await open('');
    await page.getByText('Your own logits').click();
    await page.getByLabel(/Or paste them/).fill(JSON.stringify(probabilities.map(Math.log)));
    await page.getByRole('button', { name: 'Show these' }).click();
    await expect
      .poll(async () => (await table(page)).map(([, , raw]) => raw))
      .toEqual(probabilities.map(percent));
  });

  it('that are nonsense are named', async () => {
    const page = await open('');
    await page.getByText('Your own logits').click();
    await page.getByLabel(/Or paste them/).fill('1, two, 3');
    await page.getByRole('button', { name: 'Show these' }).click();
    await page.getByText(/two/).last().waitFor();
    await compare(page, ...off);
  });
});

it('shows every strategy on the same logits', async () => {
  const page = await open('');
  await page.getByText('Every strategy on these logits').click();
  const cells = page.locator('[data-part=curve] .cells button');
  await expect.poll(() => cells.filter({ hasText: 'draws' }).count()).toBe(await cells.count());
  expect(await cells.count()).toBeGreaterThan(5);
});
