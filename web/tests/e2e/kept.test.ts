// What is there stays there: over a reload, a lost worker, another model, and while something is under way.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { fragment, loaded, pages, settled } from './page';

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const { blank, address, complaints, ready } = pages();

const romeo = 'v=1&prompt=ROMEO:&seed=3&temperature=0.8';
const strip = (page: Page) => page.getByLabel('The text’s tokens');
const tokens = (page: Page) => strip(page).getByRole('button');
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });
const prompt = (page: Page) => page.getByRole('textbox', { name: 'Prompt', exact: true });
const alert = (page: Page) => page.locator('.messages [role=alert]');

/** The text's first tokens, without what other settings would have drawn. */
async function beginning(page: Page, count: number): Promise<string> {
  const texts = await tokens(page).allInnerTexts();
  return texts.slice(0, count).map((text) => text.replace(/ → .*/s, '')).join('|');
}

const write = async (page: Page, count: number): Promise<void> => {
  await page.getByLabel('Tokens to generate').fill(`${count}`);
  await button(page, 'Generate').click();
};

// A small model; its tokens are the characters from ! on.
const characters = [...Array(97).keys()].map((i) => String.fromCodePoint(33 + i)).join('');
const openCharacters = async (page: Page): Promise<void> => {
  const buffer = readFileSync(fromHere('../../../tests/fixtures/nanogpt_bias/ckpt.pt'));
  await page.getByLabel('Files of a model').setInputFiles([
    { name: 'ckpt.pt', mimeType: '', buffer },
    { name: 'input.txt', mimeType: '', buffer: Buffer.from(characters) },
  ]);
  await page.locator('summary', { hasText: 'ckpt.pt' }).waitFor();
  await settled(page);
};

const openShipped = async (page: Page): Promise<void> => {
  const names = ['config.json', 'vocab.json', 'merges.txt', 'model.safetensors'];
  const folder = fromHere('../../../models/shakespeare/');
  await page.getByLabel('Files of a model').setInputFiles(names.map((name) => folder + name));
  await page.locator('summary', { hasText: 'model.safetensors' }).waitFor();
  await settled(page);
};

it.each(['a reload', 'a lost worker'])('keeps the text while it grows and a knob moves: %s', async (how) => {
  const page = await ready(romeo);
  await write(page, 2000);
  await tokens(page).nth(40).waitFor();
  await button(page, 'greedy').click();
  await fragment(page, /temperature=0&.*length=/);
  const before = await beginning(page, 40);
  expect(await button(page, 'Pause').isVisible()).toBe(true);
  if (how === 'a reload') {
    await page.reload();
    await loaded(page);
  } else {
    await page.workers()[0]!.evaluate(() => self.close());
    await alert(page).getByRole('button', { name: 'Start again' }).click();
    await alert(page).waitFor({ state: 'detached' });
    await settled(page);
  }
  expect(await beginning(page, 40)).toBe(before);
  expect(await fragment(page, /temperature=0&/)).toContain('drawn=');
});

it('lets the reader write another prompt where a model cannot read the one that is there', async () => {
  const page = await ready('v=1&prompt=ROMEO:+my&seed=3');
  await openCharacters(page);
  await page.getByText('This model cannot read the prompt').waitFor();
  expect(await page.getByRole('button', { name: /^continue with/ }).count()).toBe(0);
  await prompt(page).fill('ROMEO:');
  await page.getByLabel('Tokens to generate').fill('7');
  await button(page, 'Start over').click();
  await expect.poll(() => tokens(page).count()).toBe(7);
});

it('follows the text again after a worker was lost in the midst of making one', async () => {
  const page = await blank({ serviceWorkers: 'block' });
  await page.goto(address(`${romeo}&length=3000`));
  await tokens(page).nth(5).waitFor();
  await page.workers()[0]!.evaluate(() => self.close());
  await alert(page).waitFor();
  expect(await page.evaluate(() => location.hash)).toContain('length=3000');
  await page.route('**/models/**', (route) => route.abort());
  await alert(page).getByRole('button', { name: 'Start again' }).click();
  await page.getByText('cannot be reached').waitFor();
  await openShipped(page);
  await write(page, 3);
  await settled(page);
  expect(await fragment(page, /length=3(&|$)/)).toContain('model=model.safetensors');
  const expected = /ERR_FAILED|Service Worker registration blocked/;
  expect(complaints.splice(0).filter((line) => !expected.test(line))).toEqual([]);
});

it('has what the reader changes beside a text that waits for its model', async () => {
  const page = await ready('v=1&model=ckpt.pt&prompt=a&seed=3&length=5&forced=0:1');
  await button(page, 'greedy').click();
  await prompt(page).fill('b');
  const there = await fragment(page, /prompt=b&seed=3&temperature=0&/);
  expect(there).toContain('model=ckpt.pt');
  expect(there).toContain('length=5&forced=0:1');
  await page.locator('summary', { hasText: 'Your own logits' }).click();
  await page.getByLabel(/Or paste them/).fill('2 1 0');
  await button(page, 'Show these').click();
  await fragment(page, /logits=2,1,0/);
  // The text is made as the address has it.
  await openCharacters(page);
  await expect.poll(() => tokens(page).count()).toBe(5);
  expect(await prompt(page).inputValue()).toBe('b');
  expect(await fragment(page, /logits=2,1,0/)).toContain('prompt=b&seed=3&temperature=0&');
});

it('brings back a tree whose text was undone to its prompt', async () => {
  const page = await ready(romeo);
  await page.getByRole('button', { name: /^continue with/ }).first().click();
  await expect.poll(() => tokens(page).count()).toBe(1);
  const before = await beginning(page, 1);
  await page.getByRole('button', { name: 'Undo' }).click();
  await expect.poll(() => tokens(page).count()).toBe(0);
  await page.getByLabel('Tokens to generate').fill('4');
  await button(page, 'Start over').click();
  await expect.poll(() => tokens(page).count()).toBe(4);
  await settled(page);
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByRole('region', { name: 'Branches' }).getByRole('button').click();
  await expect.poll(() => tokens(page).count()).toBe(1);
  expect(await beginning(page, 1)).toBe(before);
});

it('leaves the knobs to the reader who has left the tour', async () => {
  const page = await ready();
  await button(page, 'Tour').click();
  const panel = page.getByRole('region', { name: 'Guided tour' });
  while (!(await panel.innerText()).includes('The draw')) {
    await panel.getByRole('button', { name: 'Next' }).click();
  }
  // The next step writes a text first, which is soon done.
  await page.evaluate(async () => {
    const press = (name: string) =>
      [...document.querySelectorAll('button')].find((button) => button.innerText === name)!.click();
    press('Next');
    while (document.querySelector('main[aria-busy=true]') === null) {
      await new Promise(requestAnimationFrame);
    }
    press('Leave');
    press('greedy');
  });
  await settled(page);
  await fragment(page, /length=60/);
  expect(await fragment(page, /temperature=/)).toContain('temperature=0&');
});
