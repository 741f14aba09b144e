// What the page is for, done as a reader does it; its numbers are those of the native program.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { Locator, Page } from 'playwright-core';
import { fragment, loaded, pages, settled } from './page';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const { ready } = pages();

function native(...options: string[]) {
  const given = [...options, '--json', '--quiet'];
  return JSON.parse(execFileSync(`${root}/build/decant`, given, { encoding: 'utf8' }));
}

const king = 'v=1&prompt=KING:+What,+my&seed=2';
const kingsOptions = ['--prompt', 'KING: What, my', '--seed', '2'];
const chapter = ['--temperature', '0.8', '--top-k', '50', '--top-p', '0.9'];
const chapterAddress = 'temperature=0.8&top_k=50&top_p=0.9';

const knob = (page: Page, name: string): Locator => page.getByRole('slider', { name, exact: true });
const typed = (page: Page, name: string): Locator =>
  page.getByRole('textbox', { name, exact: true });
const unfold = (page: Page, name: string | RegExp) =>
  page.locator('summary').filter({ hasText: name }).click();
const text = (page: Page) => page.locator('#text');
const strip = (page: Page) => page.getByRole('group', { name: 'The text’s tokens' });
const tokens = (page: Page) => strip(page).getByRole('button');
const needle = (page: Page) => page.getByRole('slider', { name: 'u, the luck of the draw' });

interface Row {
  token: string;
  before: number;
  after: number;
  removedBy: string;
}

const share = (cell: string) => (cell === '–' ? 0 : Number(cell.replace('%', '')) / 100);

/** The table behind the curve. */
async function table(page: Page): Promise<Row[]> {
  const candidates = page.locator('table').filter({ hasText: 'Candidates by rank' });
  if ((await candidates.count()) === 0) await unfold(page, 'The pictures as a table');
  const rows = await candidates.locator('tbody tr').all();
  return Promise.all(
    rows.map(async (row) => {
      const cells = await row.locator('td, th').allInnerTexts();
      const [, token, before, after, removedBy] = cells.map((cell) => cell.trim());
      return {
        token: token!.replace(/, drawn$/, ''),
        before: share(before!),
        after: share(after!),
        removedBy: removedBy!,
      };
    }),
  );
}

interface Candidate {
  text: string;
  logprob: number;
  probability: number;
  removed_by: string | null;
}

/** Three digits are shown. */
function close(shown: number, exact: number): void {
  expect(Math.abs(shown - exact)).toBeLessThanOrEqual(0.0051 * exact + 1e-6);
}

async function expectNumbers(page: Page, options: string[]): Promise<void> {
  const { trace } = native('explain', ...options, '--top', '40');
  const candidates = (trace.candidates as Candidate[]).slice(0, 40);
  await expect
    .poll(async () => (await table(page)).map(({ removedBy }) => removedBy))
    .toEqual(candidates.map(({ removed_by }) => removed_by ?? ''));
  const rows = await table(page);
  for (const [i, { text, logprob, probability }] of candidates.entries()) {
    expect(rows[i]!.token).toBe(text.replaceAll(' ', '␣').replaceAll('\n', '⏎'));
    close(rows[i]!.before, Math.exp(logprob));
    close(rows[i]!.after, probability);
  }
}

it('shows the curve with the numbers of decant explain', async () => {
  const page = await ready(`${king}&${chapterAddress}`);
  await expectNumbers(page, [...kingsOptions, ...chapter]);
  const explained = native('explain', ...kingsOptions, ...chapter);
  const figures = await page.locator('#curve dl').innerText();
  expect(figures).toContain(explained.trace.entropy.toFixed(2));
  expect(figures).toContain(explained.entropy.toFixed(2));
  expect(figures).toContain(`${explained.trace.survivors}`);
  // What was removed stays, with the stage that removed it.
  await page.getByRole('button', { name: 'Show all 40' }).click();
  const bars = page.getByRole('group', { name: 'Candidates by rank' });
  expect(await bars.textContent()).toContain('top_p');
  await page.getByRole('radio', { name: 'log' }).check();
  expect(await bars.locator('g.removed').count()).toBeGreaterThan(10);
  expect(await page.locator('#curve').innerText()).toMatch(/k 50/);
});

it('moves u by keyboard and by mouse, and says what it would have drawn', async () => {
  const page = await ready(`${king}&${chapterAddress}`);
  const { draw, final } = native('explain', ...kingsOptions, ...chapter);
  const drawnAt = (u: number): string => {
    let sum = 0;
    for (const { text, probability } of final) {
      sum += probability;
      if (u < sum) return text.replaceAll(' ', '␣');
    }
    throw new Error(`${u}`);
  };
  const says = () => needle(page).getAttribute('aria-valuetext');
  const u = async () => Number(await needle(page).getAttribute('aria-valuenow'));
  expect(await u()).toBe(draw.u);
  expect(await says()).toContain(drawnAt(draw.u));
  await needle(page).focus();
  for (const key of ['PageUp', 'PageUp', 'ArrowRight', 'PageUp', 'PageUp', 'End', 'Home']) {
    const before = await u();
    await page.keyboard.press(key);
    await expect.poll(u).not.toBe(before);
    const now = await u();
    await expect.poll(says).toContain(`draws ${drawnAt(now)}`);
  }
  const box = (await page.getByRole('group', { name: 'The draw' }).boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.2, box.y + 30);
  await page.mouse.down();
  for (const at of [0.4, 0.7, 0.85]) {
    await page.mouse.move(box.x + box.width * at, box.y + 30);
    await expect.poll(u).toBeGreaterThan(at - 0.1);
    const now = await u();
    await expect.poll(says).toContain(`draws ${drawnAt(now)}`);
  }
  await page.mouse.up();
  await page.getByRole('button', { name: 'Back to the seed’s u' }).click();
  await expect.poll(u).toBe(draw.u);
});

it('turns knobs by keyboard, by mouse and by typing', async () => {
  const page = await ready(`${king}&${chapterAddress}`);
  await knob(page, 'Temperature').focus();
  for (let i = 0; i < 5; ++i) await page.keyboard.press('ArrowRight');
  const temperature = await typed(page, 'Temperature').inputValue();
  expect(Number(temperature)).toBeGreaterThan(0.8);
  const rest = ['--top-k', '50', '--top-p', '0.9'];
  await expectNumbers(page, [...kingsOptions, '--temperature', temperature, ...rest]);

  const box = (await knob(page, 'Top-p').boundingBox())!;
  await page.mouse.move(box.x + box.width * 0.9, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.4, box.y + box.height / 2, { steps: 8 });
  await page.mouse.up();
  const p = await typed(page, 'Top-p').inputValue();
  expect(Number(p)).toBeLessThan(0.6);
  const turned = ['--temperature', temperature, '--top-k', '50', '--top-p', p];
  await expectNumbers(page, [...kingsOptions, ...turned]);

  await typed(page, 'Top-k').fill('7');
  await typed(page, 'Min-p').fill('0.02');
  const all = ['--temperature', temperature, '--top-k', '7', '--top-p', p, '--min-p', '0.02'];
  await expectNumbers(page, [...kingsOptions, ...all]);

  await typed(page, 'Top-k').fill('seven');
  expect(await typed(page, 'Top-k').getAttribute('aria-invalid')).toBe('true');
  expect(await typed(page, 'Top-k').inputValue()).toBe('seven');
  await page.getByRole('button', { name: 'Reset all' }).click();
  await expectNumbers(page, [...kingsOptions, '--temperature', '1', '--top-k', '0', '--top-p', '1']);
});

it('takes presets, peers, and another order of the stages', async () => {
  const page = await ready(`${king}&${chapterAddress}`);
  await page.getByRole('button', { name: 'greedy', exact: true }).click();
  await expectNumbers(page, [...kingsOptions, '--temperature', '0', '--top-k', '0', '--top-p', '1']);
  for (const name of ['llama.cpp', 'generate.py']) {
    await page.getByRole('button', { name, exact: true }).click();
    await expectNumbers(page, [...kingsOptions, '--like', name]);
  }
  // What that system lacks is refused, and stays off.
  await typed(page, 'Min-p').fill('0.1');
  await expect.poll(() => page.getByRole('alert').allInnerTexts()).toContainEqual(
    expect.stringContaining('min_p'),
  );
  await expect.poll(() => knob(page, 'Min-p').getAttribute('aria-valuetext')).toBe('0, off');
  await expectNumbers(page, [...kingsOptions, '--like', 'generate.py']);
  await page.getByRole('button', { name: 'the chapter’s' }).click();
  await unfold(page, 'All other knobs');
  for (let i = 0; i < 2; ++i) await page.getByRole('button', { name: 'Top-p earlier' }).click();
  const order = 'logit_bias,constraint,penalties,no_repeat_ngram,top_p,temperature,top_k';
  await expectNumbers(page, [...kingsOptions, ...chapter, '--stages', order]);
  await page.getByRole('checkbox', { name: 'Top-k', exact: true }).uncheck();
  const without = order.replace(',top_k', '');
  const noTopK = ['--temperature', '0.8', '--top-p', '0.9'];
  await expectNumbers(page, [...kingsOptions, ...noTopK, '--stages', without]);
  // The same by mouse: the grip of top-p below temperature again.
  const rows = page.getByRole('list', { name: /Stages/ }).getByRole('listitem');
  const grip = (await rows.filter({ hasText: 'Top-p' }).locator('.grip').boundingBox())!;
  const below = (await rows.filter({ hasText: 'Temperature' }).boundingBox())!;
  await page.mouse.move(grip.x + 5, grip.y + 5);
  await page.mouse.down();
  await page.mouse.move(grip.x + 5, below.y + below.height / 2, { steps: 6 });
  await page.mouse.up();
  const again = without.replace('top_p,temperature', 'temperature,top_p');
  await expectNumbers(page, [...kingsOptions, ...noTopK, '--stages', again]);
});

it('writes, pauses, steps, goes on as if it had not paused, and stops', async () => {
  const page = await ready(`v=1&prompt=ROMEO:&seed=3&${chapterAddress}`);
  const asked = ['--prompt', 'ROMEO:', '--seed', '3', ...chapter, '--max-new-tokens', '150'];
  const wanted = native('generate', ...asked).text as string;
  const button = (name: string) => text(page).getByRole('button', { name, exact: true });
  await button('Step').click();
  await expect.poll(() => tokens(page).count()).toBe(1);
  await text(page).getByLabel('Tokens to generate').fill('149');
  await button('Generate').click();
  await button('Pause').click();
  await settled(page);
  const paused = await tokens(page).count();
  expect(paused).toBeLessThan(150);
  expect(await text(page).innerText()).toContain(`${150 - paused} to come`);
  await button('Step').click();
  await expect.poll(() => text(page).innerText()).toContain(`${149 - paused} to come`);
  await button('Go on').click();
  await settled(page);
  await expect.poll(() => tokens(page).count()).toBe(150);
  await text(page).getByRole('checkbox', { name: 'as plain text' }).check();
  expect(await text(page).locator('.plain').textContent()).toBe(`ROMEO:${wanted}`);
  await text(page).getByRole('checkbox', { name: 'as plain text' }).uncheck();

  await text(page).getByLabel('Tokens to generate').fill('500');
  await button('Generate').click();
  await button('Stop').click();
  await settled(page);
  expect(await tokens(page).count()).toBeLessThan(650);
  expect(await button('Generate').isVisible()).toBe(true);
  expect(await text(page).innerText()).not.toContain('to come');
});

it('writes on from the prompt that is in the box, and says when it is not the text’s', async () => {
  const page = await ready('v=1&seed=3');
  const prompt = page.getByRole('textbox', { name: 'Prompt', exact: true });
  await prompt.fill('JULIET:');
  await page.getByRole('button', { name: 'Step', exact: true }).click();
  await expect.poll(() => tokens(page).count()).toBe(1);
  expect((await strip(page).innerText()).replaceAll(/\s/g, '')).toMatch(/^JULIET:/);
  const options = ['--prompt', 'JULIET:', '--seed', '3', ...chapter, '--max-new-tokens', '1'];
  const shown = native('generate', ...options).text.replaceAll('\n', '⏎').replaceAll(' ', '␣');
  expect(await tokens(page).first().innerText()).toBe(shown);
  await prompt.fill('KING:');
  await text(page).getByText('The prompt has changed').waitFor();
  await prompt.fill('JULIET:');
  await text(page).getByText('The prompt has changed').waitFor({ state: 'detached' });
});

it('keeps the end of a text that grows, and the token that is shown, in sight', async () => {
  const page = await ready(`v=1&prompt=ROMEO:&seed=3&${chapterAddress}&length=400`);
  const inSight = (which: Locator) =>
    which.evaluate((token) => {
      const [its, all] = [token, token.closest('.strip')!].map((e) => e.getBoundingClientRect());
      return its!.top >= all!.top - 1 && its!.bottom <= all!.bottom + 1;
    });
  await expect.poll(() => tokens(page).count()).toBe(400);
  await expect.poll(() => inSight(tokens(page).last())).toBe(true);
  expect(await inSight(tokens(page).first())).toBe(false); // the text is longer than its box
  await tokens(page).last().press('Home');
  await expect.poll(() => inSight(tokens(page).first())).toBe(true);
  await page.getByRole('button', { name: 'Generate', exact: true }).click();
  await settled(page);
  await expect.poll(() => inSight(tokens(page).last())).toBe(true);
});

it('opens the step of a token, branches at another, and goes back', async () => {
  const page = await ready(`v=1&prompt=ROMEO:&seed=3&${chapterAddress}&length=30`);
  const before = await tokens(page).allInnerTexts();
  await tokens(page).nth(10).click();
  const asked = ['--prompt', 'ROMEO:', '--seed', '3', ...chapter];
  const { steps } = native('generate', ...asked, '--max-new-tokens', '30', '--logprobs', '5');
  await expect.poll(async () => (await table(page)).length).toBe(40);
  const rows = await table(page);
  for (const [i, { logprob }] of steps[10].top.entries()) close(rows[i]!.before, Math.exp(logprob));
  // By keyboard, too.
  await page.keyboard.press('Tab');
  await tokens(page).nth(10).focus();
  await page.keyboard.press('ArrowRight');
  await expect
    .poll(() => tokens(page).nth(11).getAttribute('aria-current'))
    .toBe('step');
  await tokens(page).nth(10).click();

  const drawn = before[10]!;
  const other = rows.find(({ token }) => token !== drawn)!.token;
  await page.getByRole('button', { name: `continue with ${other}`, exact: true }).first().click();
  await expect.poll(() => tokens(page).count()).toBe(11);
  expect(await tokens(page).nth(10).innerText()).toContain(other);
  await text(page).getByLabel('Tokens to generate').fill('12');
  await text(page).getByRole('button', { name: 'Generate', exact: true }).click();
  await settled(page);
  expect(await tokens(page).count()).toBe(23);
  const branches = page.getByRole('region', { name: 'Branches' }).getByRole('button');
  expect(await branches.count()).toBe(2);
  await branches.first().click();
  await expect.poll(() => tokens(page).allInnerTexts()).toEqual(before);
  await page.keyboard.press('Control+z');
  await expect.poll(() => tokens(page).count()).toBe(23);
  await page.keyboard.press('Control+Shift+z');
  await expect.poll(() => tokens(page).count()).toBe(30);
});

it('says which tokens would have flipped, and regenerates from the first', async () => {
  const page = await ready(`v=1&prompt=ROMEO:&seed=3&${chapterAddress}&length=60`);
  await expect.poll(() => text(page).innerText()).toContain('draw every one of the 60 drawn tokens');
  const asked = ['--prompt', 'ROMEO:', '--seed', '3', '--max-new-tokens', '60'];
  const { steps } = native('generate', ...asked, ...chapter, '--logprobs', '1');
  const flips = (steps as { rank: number }[]).filter(({ rank }) => rank !== 0).length;
  await page.getByRole('button', { name: 'greedy', exact: true }).click();
  await expect
    .poll(() => text(page).innerText())
    .toContain(`${flips} of 60 drawn tokens would have been others`);
  // The other token of a flip is told of the one that is chosen, by whatever means.
  const first = tokens(page).nth((steps as { rank: number }[]).findIndex(({ rank }) => rank !== 0));
  await first.focus();
  await first.press('ArrowRight');
  await page.keyboard.press('ArrowLeft');
  const other = (await first.innerText()).split(' → ')[1]!;
  await expect.poll(() => text(page).locator('.told').innerText()).toContain(`these settings draw ${other}`);
  // They are flips in the address, too, and not the reader's choice.
  const there = await fragment(page, /drawn=.*step=/);
  expect(there).not.toContain('forced');
  await page.reload();
  await loaded(page);
  await expect
    .poll(() => text(page).innerText())
    .toContain(`${flips} of 60 drawn tokens would have been others`);
  await page.getByRole('button', { name: 'Regenerate from the first flip' }).click();
  await expect.poll(() => text(page).innerText()).toContain('draw every one of the 60 drawn tokens');
  await text(page).getByRole('checkbox', { name: 'as plain text' }).check();
  const greedy = native('generate', ...asked, '--temperature', '0', '--top-k', '0', '--top-p', '1');
  expect(await text(page).locator('.plain').textContent()).toBe(`ROMEO:${greedy.text}`);
});

it('shows logits of the reader’s, pasted and pulled', async () => {
  const page = await ready();
  await unfold(page, 'Your own logits');
  const box = page.getByLabel(/Or paste them/);
  await box.fill('[2, 1, 0, -1]');
  await page.getByRole('button', { name: 'Show these' }).click();
  await page.getByRole('button', { name: 'Reset all' }).click();
  const softmax = (logits: number[]) => {
    const weights = logits.map(Math.exp);
    return weights.map((weight) => weight / weights.reduce((one, other) => one + other));
  };
  const expectShares = async (logits: number[]) => {
    const wanted = softmax(logits).sort((one, other) => other - one);
    await expect.poll(async () => (await table(page)).length).toBe(logits.length);
    await expect
      .poll(async () =>
        (await table(page)).every(({ before }, i) => Math.abs(before - wanted[i]!) < 0.006 * wanted[i]!),
      )
      .toBe(true);
  };
  await expectShares([2, 1, 0, -1]);
  const bar = page.getByRole('slider', { name: 'logit of #3' });
  await bar.focus();
  await page.keyboard.press('PageUp');
  await page.keyboard.press('ArrowUp');
  await expectShares([2, 1, 0, 0.1]);
  const area = (await page.getByRole('group', { name: /Logits, to be pulled/ }).boundingBox())!;
  const [x, y] = [area.x + area.width * 0.9, area.y + area.height * 0.6];
  await page.mouse.move(x, y);
  await page.mouse.down();
  await page.mouse.move(x, area.y + 12, { steps: 5 });
  await page.mouse.up();
  const pulled = Number(await bar.getAttribute('aria-valuetext'));
  expect(pulled).toBeGreaterThan(2);
  await expectShares([2, 1, 0, pulled]);

  await box.fill('{"yes": 1.5, "no": -0.5}');
  await page.getByRole('button', { name: 'Show these' }).click();
  await expectShares([1.5, -0.5]);
  expect((await table(page)).map(({ token }) => token)).toEqual(['yes', 'no']);
  for (const [nonsense, said] of [
    ['1 2 three', 'three'],
    ['[1, 2', ''],
    ['', ''],
  ]) {
    await box.fill(nonsense!);
    await page.getByRole('button', { name: 'Show these' }).click();
    const alert = page.locator('#own-logits-wrong');
    await expect.poll(async () => (await alert.innerText()).length).toBeGreaterThan(10);
    expect(await alert.innerText()).toContain(said);
    expect(await box.inputValue()).toBe(nonsense);
  }
  await expectShares([1.5, -0.5]);
  await page.getByRole('button', { name: 'Back to the text' }).click();
  await expect.poll(async () => (await table(page)).length).toBe(40);
});

it('scores a given text as decant score does', async () => {
  const page = await ready();
  await unfold(page, 'Score a text of your own');
  const given = 'To be, or not to be: that is the question.';
  await page.getByLabel('Text to score').fill(given);
  await page.getByRole('button', { name: 'Score it' }).click();
  const scored = native('score', '--text', given);
  await expect.poll(() => tokens(page).count()).toBe(scored.steps.length);
  await settled(page);
  const figures = await text(page).locator('[data-figures]').innerText();
  expect(figures).toContain(`log-probability ${scored.logprob.toFixed(2)}`);
  await unfold(page, 'The text as a table');
  const behind = page.getByRole('region', { name: 'The text as a table' });
  await behind.waitFor();
  const rows = await behind.locator('tbody tr').all();
  expect(rows).toHaveLength(scored.steps.length);
  for (const [i, { logprob, entropy, rank }] of scored.steps.entries()) {
    const cells = await rows[i]!.locator('td').allInnerTexts();
    const told = [`${(-logprob).toFixed(2)} nats`, `${entropy.toFixed(2)} nats`, `${rank + 1}`];
    expect(cells.slice(0, 3)).toEqual(told);
  }
});

it('brings back the text that a scored one, or another prompt, took the place of', async () => {
  const page = await ready(`v=1&prompt=ROMEO:&seed=3&${chapterAddress}&length=30`);
  const before = await tokens(page).allInnerTexts();
  await unfold(page, 'Score a text of your own');
  await page.getByLabel('Text to score').fill('Good night, good night!');
  await page.getByRole('button', { name: 'Score it' }).click();
  await expect.poll(() => strip(page).innerText()).toContain('night');
  await settled(page);
  const scored = await tokens(page).allInnerTexts();
  const undo = text(page).getByRole('button', { name: 'Undo' });
  await undo.click();
  await expect.poll(() => tokens(page).allInnerTexts()).toEqual(before);
  // It is not only seen again: its steps can be opened, and it goes on.
  await tokens(page).nth(4).click();
  await text(page).getByRole('button', { name: 'Step', exact: true }).click();
  await expect.poll(() => tokens(page).count()).toBe(31);
  await text(page).getByRole('button', { name: 'Redo' }).click();
  await expect.poll(() => tokens(page).allInnerTexts()).toEqual(scored);
  await undo.click();
  await page.getByLabel('Prompt', { exact: true }).fill('KING:');
  await text(page).getByLabel('Tokens to generate').fill('5');
  await text(page).getByRole('button', { name: 'Start over' }).click();
  await expect.poll(() => strip(page).innerText()).toContain('KING:');
  await settled(page);
  await undo.click();
  await expect.poll(async () => (await tokens(page).allInnerTexts()).slice(0, 30)).toEqual(before);
});

it('shows every strategy on the same logits, and two settings side by side', async () => {
  const page = await ready(`${king}&${chapterAddress}`);
  await unfold(page, 'Every strategy');
  const cell = (name: string) => page.locator('#more .cells button', { hasText: name }).first();
  const drawn = (...options: string[]) =>
    native('explain', ...kingsOptions, ...options).draw.text.replaceAll(' ', '␣');
  const cases: [string, string[]][] = [
    ['Greedy', ['--temperature', '0', '--top-k', '0', '--top-p', '1']],
    ['The chapter’s', chapter],
    ['Top-p 0.5', ['--temperature', '1', '--top-k', '0', '--top-p', '0.5']],
    ['Min-p 0.05', ['--temperature', '1', '--top-k', '0', '--top-p', '1', '--min-p', '0.05']],
  ];
  for (const [name, options] of cases) {
    await expect.poll(() => cell(name).innerText()).toContain(`draws ${drawn(...options)}`);
  }
  // Its table has the numbers of the pictures.
  await unfold(page, 'The strategies as a table');
  const behind = page.getByRole('region', { name: 'The strategies as a table' });
  for (const [name, options] of cases) {
    const { trace, entropy } = native('explain', ...kingsOptions, ...options, '--top', '5');
    const row = behind.locator('tr').filter({ has: page.getByRole('rowheader', { name, exact: true }) });
    const [token, count, nats, ...shares] = await row.locator('td').allInnerTexts();
    expect(token).toBe(drawn(...options));
    expect(count).toBe(trace.survivors.toLocaleString('en-US'));
    expect(nats).toBe(entropy.toFixed(2));
    shares.forEach((cell, rank) => close(share(cell), trace.candidates[rank].probability));
  }
  // They follow the luck.
  const seeded = (seed: number) =>
    native('explain', ...kingsOptions.slice(0, 3), `${seed}`, ...chapter).draw.text as string;
  const seed = [3, 4, 5, 6, 7, 8].find((seed) => seeded(seed) !== seeded(2))!;
  await typed(page, 'Seed').fill(`${seed}`);
  await expect.poll(() => cell('The chapter’s').innerText()).toContain(seeded(seed).replaceAll(' ', '␣'));
  await typed(page, 'Seed').fill('2');
  await expect.poll(() => cell('The chapter’s').innerText()).toContain(drawn(...chapter));
  await page.getByRole('button', { name: 'Compare', exact: true }).click();
  await cell('Greedy').click();
  await unfold(page, 'The pictures as a table');
  const header = page.locator('table', { hasText: 'Candidates by rank' }).locator('thead');
  await expect.poll(() => header.innerText()).toContain('after, A');
  const sentence = page.locator('#curve').getByText(/the same u draws/);
  expect(await sentence.innerText()).toContain(drawn(...chapter));
  await page.getByRole('button', { name: 'Back to A' }).click();
  await page.getByRole('button', { name: 'End comparison' }).click();
  await expectNumbers(page, [...kingsOptions, ...chapter]);
});

it('begins with luck that strategies make different things of', async () => {
  const page = await ready();
  await unfold(page, 'Every strategy');
  const cells = page.locator('#more .cells button');
  await expect.poll(() => cells.first().innerText()).toContain('draws');
  const drawn = (await cells.locator('.drawn').allInnerTexts()).map((token) => token.trim());
  expect(new Set(drawn).size).toBeGreaterThanOrEqual(6);
  const seed = await typed(page, 'Seed').inputValue();
  const { draw } = native('explain', '--prompt', 'ROMEO: my', '--seed', seed, ...chapter);
  expect(await needle(page).getAttribute('aria-valuenow')).toBe(String(draw.u));
  expect(drawn[2]).toBe(draw.text.replaceAll(' ', '␣'));
});

it.each([
  { width: 360, height: 800 },
  { width: 1280, height: 900 },
])('shows curve and text together at $width', async (viewport) => {
  const page = await ready(`v=1&prompt=ROMEO:&seed=3&${chapterAddress}&length=60`, { viewport });
  /** How much of it is on the screen, and not below what sticks to its edge. */
  const seen = async (part: Locator, below = viewport.height) => {
    const { y, height } = (await part.boundingBox())!;
    return Math.min(y + height, below) - Math.max(y, 0);
  };
  const bars = page.getByRole('group', { name: 'Candidates by rank' });
  const edge = viewport.width < 960 ? (await text(page).boundingBox())!.y : viewport.height;
  expect(await seen(bars, edge)).toBeGreaterThan(180);
  expect(await seen(strip(page))).toBeGreaterThan(viewport.width < 960 ? 100 : 220);
  // And while a knob is turned, too.
  await knob(page, 'Top-p').scrollIntoViewIfNeeded();
  await knob(page, 'Top-p').press('ArrowLeft');
  expect(await seen(strip(page))).toBeGreaterThan(100);
});

it('saves the picture as SVG and as PNG', async () => {
  const page = await ready(`${king}&${chapterAddress}&top_p_rule=exclusive&stages=top_k,top_p,temperature`);
  for (const [kind, begins] of [
    ['SVG', '<svg'],
    ['PNG', '\x89PNG'],
  ]) {
    const coming = page.waitForEvent('download');
    await page.getByRole('button', { name: `Save ${kind}` }).click();
    const download = await coming;
    expect(download.suggestedFilename()).toBe(`decant.${kind!.toLowerCase()}`);
    const bytes = readFileSync(await download.path(), 'latin1');
    expect(bytes).toContain(begins);
    expect(bytes.length).toBeGreaterThan(5000);
    if (kind !== 'SVG') continue;
    // It says all that makes it, and not only what are numbers.
    for (const said of ['top_p_rule exclusive', 'stages top_k,top_p,temperature', 'seed 2']) {
      expect(bytes).toContain(said);
    }
  }
});
