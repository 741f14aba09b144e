// The page as a whole: at once, offline, with what goes wrong, and with addresses that have a text.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { tour } from '../../src/tour';
import { fragment, host, loaded, pages, settled } from './page';

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const { address, blank, complaints, ready } = pages();

const candidates = (page: Page) =>
  page.locator('#curve').innerText();

it('shows a recorded step before the engine has started, and the model afterwards', async () => {
  const page = await blank();
  await page.route('**/*.wasm', async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 2000));
    await route.continue();
  });
  await page.goto(address());
  await expect.poll(() => candidates(page)).toContain('␣lord');
  expect(await page.getByText('The engine is starting').isVisible()).toBe(true);
  // What is turned meanwhile is not said of the picture before it shows it.
  await page.getByRole('slider', { name: 'Top-p', exact: true }).press('ArrowLeft');
  expect(await candidates(page)).toContain('p 0.9\n');
  await expect.poll(() => candidates(page), { timeout: 10_000 }).toContain('p 0.89\n');
  await loaded(page);
  await expect.poll(() => page.getByText('The engine is starting').isVisible()).toBe(false);
});

it('makes the text of an address again, whose tokens are those of the command line', async () => {
  const page = await ready('v=1&prompt=ROMEO:&seed=3&temperature=0.8&top_k=50&top_p=0.9&length=40');
  expect(await fragment(page, /length=40/)).not.toContain('forced');
  await page.getByText('Share', { exact: true }).click();
  await page.getByLabel('Form').selectOption('Command line');
  const shown = page.getByRole('region', { name: 'Command line' });
  await expect.poll(() => shown.innerText()).toContain('decant');
  const line = await shown.innerText();
  const native = execFileSync('bash', ['-c', `${line} --quiet --raw`], {
    cwd: fromHere('../../..'),
    encoding: 'utf8',
  });
  const text = await page.getByLabel('The text’s tokens').innerText();
  const visible = native.trimEnd().replaceAll(' ', '␣').replaceAll('\n', '⏎');
  expect(text.replaceAll(/\s/g, '')).toContain(visible);
});

it('keeps the text over a reload, with tokens that were forced', async () => {
  const given = 'v=1&prompt=ROMEO:&seed=3&temperature=0.8&length=30&forced=4:345,20:11';
  const page = await ready(given);
  expect(await fragment(page, /length=30/)).toBe(given);
  const text = await page.getByLabel('The text’s tokens').innerText();
  await page.reload();
  await loaded(page);
  await expect.poll(() => page.getByLabel('The text’s tokens').innerText()).toBe(text);
});

it('names what is nonsense in the address', async () => {
  const page = await ready('v=1&prompt=&temperature=hot&top_p=0.5&hum=1&length=3');
  const alert = page.locator('.messages [role=alert]');
  expect(await alert.innerText()).toContain('temperature=hot, which must be a number, 0 or more');
  expect(await alert.innerText()).toContain('hum');
  expect(await alert.innerText()).toContain('prompt=, which is empty');
  await expect.poll(() => page.getByLabel('The text’s tokens').getByRole('button').count()).toBe(3);
  await alert.getByRole('button', { name: 'Dismiss' }).click();
  expect(await alert.count()).toBe(0);
});

/** Without an engine no knob may say what the picture does not show. */
async function expectRest(page: Page): Promise<void> {
  for (const name of ['Temperature', 'Top-k', 'Top-p', 'Min-p']) {
    expect(await page.getByRole('slider', { name, exact: true }).isDisabled()).toBe(true);
  }
  for (const name of ['greedy', 'New seed', 'Compare']) {
    expect(await page.getByRole('button', { name, exact: true }).isDisabled()).toBe(true);
  }
  const needle = page.getByRole('slider', { name: 'u, the luck of the draw' });
  const u = await needle.getAttribute('aria-valuenow');
  await needle.press('ArrowRight');
  const box = (await page.getByRole('group', { name: 'The draw' }).boundingBox())!;
  await page.mouse.click(box.x + 20, box.y + 30);
  expect(await needle.getAttribute('aria-valuenow')).toBe(u);
}

it('says when the worker is lost, and starts again with the same text', async () => {
  const page = await ready('v=1&prompt=ROMEO:&seed=3&temperature=0.8&length=30&forced=4:345');
  await fragment(page, /length=30/);
  const before = await page.getByLabel('The text’s tokens').innerText();
  await page.workers()[0]!.evaluate(() => self.close());
  const alert = page.locator('.messages [role=alert]');
  await alert.waitFor();
  expect(await alert.innerText()).toContain('ended the worker');
  expect(await page.getByLabel('The text’s tokens').innerText()).toBe(before);
  // The knobs rest, as nothing would follow them; what is typed does not get in the way.
  await expectRest(page);
  await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('KING:');
  await alert.getByRole('button', { name: 'Start again' }).click();
  await alert.waitFor({ state: 'detached' });
  await settled(page);
  const plain = (text: string) => text.replaceAll(/→ \S+/g, '').replaceAll(/\s/g, '');
  const now = page.getByLabel('The text’s tokens');
  await expect.poll(async () => plain(await now.innerText())).toBe(plain(before));
  await page.getByRole('button', { name: 'greedy', exact: true }).click();
  await expect.poll(() => page.locator('#curve dl').innerText()).toMatch(/Survivors\s+1,024 →\s*1\s/);
});

it('says what a browser without SIMD lacks, and still shows the recorded step', async () => {
  const page = await blank();
  await page.addInitScript(() => (WebAssembly.validate = () => false));
  await page.goto(address('v=1&prompt=KING:&seed=2&temperature=1.5&top_p=0.5&length=9'));
  expect(await page.locator('.messages [role=alert]').innerText()).toContain('Firefox from 89');
  expect(await candidates(page)).toContain('␣lord');
  expect(await candidates(page)).toMatch(/p 0.9\n/);
  const knob = page.getByRole('slider', { name: 'Temperature', exact: true });
  expect(await knob.getAttribute('aria-valuetext')).toBe('0.8');
  await expectRest(page);
  // The text of the address waits for another browser.
  await page.waitForTimeout(500);
  expect(await page.evaluate(() => location.hash)).toContain('temperature=1.5&top_p=0.5&length=9');
});

it('opens a model that is dropped, and refuses what is none', async () => {
  const page = await ready();
  const drop = (files: { name: string; bytes: number[] }[]) =>
    page.evaluate((files) => {
      const dataTransfer = new DataTransfer();
      for (const { name, bytes } of files) {
        dataTransfer.items.add(new File([Uint8Array.from(bytes)], name));
      }
      const event = (type: string) => new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true });
      document.body.dispatchEvent(event('dragover'));
      document.body.dispatchEvent(event('drop'));
    }, files);

  await drop([{ name: 'cat.jpg', bytes: [1, 2, 3] }]);
  await expect.poll(() => page.locator('.messages [role=alert]').innerText()).toContain('No checkpoint');
  await drop([{ name: 'broken.pt', bytes: [1, 2, 3] }]);
  await expect.poll(() => page.locator('.messages [role=alert]').innerText()).toContain('broken.pt');
  expect(await page.locator('summary', { hasText: 'Shakespeare' }).isVisible()).toBe(true);

  const names = ['config.json', 'vocab.json', 'merges.txt', 'model.safetensors'];
  const folder = fromHere('../../../models/shakespeare/');
  await page.getByLabel('Files of a model').setInputFiles(names.map((name) => folder + name));
  await page.locator('summary', { hasText: 'model.safetensors' }).waitFor();
  expect(await page.locator('.messages [role=alert]').count()).toBe(0);
  await page.getByText('Share', { exact: true }).click();
  expect(await fragment(page, /model=/)).toContain('model=model.safetensors');
});

it('has a text of another model wait for it', async () => {
  const page = await ready('v=1&model=ckpt.pt&prompt=a&length=5&forced=0:1');
  expect(await page.locator('.messages [role=alert]').innerText()).toContain('drop that file here');
  expect(await page.evaluate(() => location.hash)).toContain('model=ckpt.pt');
});

it('has own logits and u in the address', async () => {
  const page = await ready();
  const table = page.getByRole('region', { name: 'Tables' });
  const open = async () => {
    await page.locator('summary', { hasText: 'The pictures as a table' }).click();
    await table.waitFor();
  };
  await page.locator('summary', { hasText: 'Your own logits' }).click();
  await page.getByLabel(/Or paste them/).fill('{"yes": 1.5, "no, never": -0.25, "": null}');
  await page.getByRole('button', { name: 'Show these' }).click();
  await page.getByRole('slider', { name: 'logit of yes' }).press('ArrowUp');
  const needle = page.getByRole('slider', { name: 'u, the luck of the draw' });
  await needle.press('PageUp');
  await open();
  const before = await table.innerText();
  expect(before).toContain('no,␣never');
  await fragment(page, /logits=.*1\.6.*u=0\.6/);
  await page.reload();
  await loaded(page);
  await open();
  await expect.poll(() => table.innerText()).toBe(before);
  expect(Number(await needle.getAttribute('aria-valuenow'))).toBeCloseTo(0.6, 12);

  // What is too much for an address is said.
  await page.locator('summary', { hasText: 'Your own logits' }).click();
  await page.getByRole('button', { name: 'Long tail' }).click();
  await page.getByText('Share', { exact: true }).click();
  await page.getByText('It does not hold your 50,257 logits').waitFor();
});

it('opens the step that was shared, with its needle', async () => {
  const page = await ready('v=1&prompt=ROMEO:&seed=3&temperature=0.8&length=30&step=10&u=0.25');
  const current = page.getByLabel('The text’s tokens').locator('[aria-current=step]');
  const strip = page.getByLabel('The text’s tokens').getByRole('button');
  await expect.poll(() => strip.nth(10).getAttribute('aria-current')).toBe('step');
  expect(await current.count()).toBe(1);
  const needle = page.getByRole('slider', { name: 'u, the luck of the draw' });
  await expect.poll(() => needle.getAttribute('aria-valuetext')).toContain('u = 0.250 draws');
  expect(await fragment(page, /step=10/)).toContain('step=10&u=0.25');
});

it('makes a scored text again that begins inside a character, and what was drawn behind it', async () => {
  const page = await ready('v=1&seed=3&prompt=ROMEO:&temperature=0.8');
  const text = '日本 is far';
  await page.locator('summary', { hasText: 'Score a text of your own' }).click();
  await page.getByLabel('Text to score').fill(text);
  await page.getByRole('button', { name: 'Score it' }).click();
  const strip = page.getByLabel('The text’s tokens');
  await expect.poll(() => strip.innerText()).toContain('far');
  await settled(page);
  expect(await strip.innerText()).toMatch(/^‹/); // a part of 日
  const figures = page.locator('[data-figures]');
  const scored = JSON.parse(
    execFileSync(fromHere('../../../build/decant'), ['score', '--text', text, '--json', '--quiet'], {
      encoding: 'utf8',
    }),
  );
  expect(await figures.innerText()).toContain(`log-probability ${scored.logprob.toFixed(2)}`);
  await page.getByLabel('Tokens to generate').fill('12');
  await page.getByRole('button', { name: 'Generate', exact: true }).click();
  await settled(page);
  await strip.getByRole('button').nth(3).click();
  const before = await strip.innerText();
  await fragment(page, /scored=日本.*step=3/);
  await page.reload();
  await loaded(page);
  await expect.poll(() => strip.innerText()).toBe(before);
  await page.getByText('Share', { exact: true }).click();
  await page.getByLabel('Form').selectOption('Command line');
  const line = await page.getByRole('region', { name: 'Command line' }).innerText();
  const native = execFileSync('bash', ['-c', `${line} --quiet --json`], {
    cwd: fromHere('../../..'),
    encoding: 'utf8',
  });
  await page.keyboard.press('Escape');
  await page.getByRole('checkbox', { name: 'as plain text' }).check();
  expect(await page.locator('.plain').textContent()).toBe(text + JSON.parse(native).text);
});

it('scores no text that its address could not make again', async () => {
  const page = await ready('v=1&prompt=ROMEO:&seed=3&length=5');
  await page.locator('summary', { hasText: 'Score a text of your own' }).click();
  await page.getByLabel('Text to score').fill('!'.repeat(10_002));
  await page.getByRole('button', { name: 'Score it' }).click();
  await page.getByText('the page scores at most 10,000').waitFor();
  expect(await page.getByLabel('The text’s tokens').getByRole('button').count()).toBe(5);
});

it('has the heads that were given by hand in the address, and in what is copied', async () => {
  const page = await ready();
  const fixtures = fromHere('../../../tests/fixtures/nanogpt_bias/');
  const characters = [...Array(97).keys()].map((i) => String.fromCodePoint(33 + i)).join('');
  const open = () =>
    page.getByLabel('Files of a model').setInputFiles([
      { name: 'ckpt.pt', mimeType: '', buffer: readFileSync(`${fixtures}ckpt.pt`) },
      { name: 'input.txt', mimeType: '', buffer: Buffer.from(characters) },
    ]);
  const summary = page.locator('summary', { hasText: 'ckpt.pt' });
  await page.getByLabel('Prompt', { exact: true }).fill('!#"');
  await open();
  await summary.waitFor();
  await summary.click();
  await page.getByLabel('Heads').fill('1');
  await page.getByLabel('Heads').press('Enter');
  await settled(page);
  await page.getByLabel('Tokens to generate').fill('20');
  await page.getByRole('button', { name: 'Generate', exact: true }).click();
  await settled(page);
  const strip = page.getByLabel('The text’s tokens');
  const before = await strip.innerText();
  await fragment(page, /n_head=1&.*length=20/);
  await page.reload();
  await page.getByText('drop that file here').waitFor();
  await open();
  await summary.waitFor();
  await settled(page);
  await expect.poll(() => strip.innerText()).toBe(before);
  expect(await fragment(page, /length=20/)).toContain('n_head=1');

  await page.getByText('Share', { exact: true }).click();
  await page.getByLabel('Form').selectOption('Command line');
  const line = await page.getByRole('region', { name: 'Command line' }).innerText();
  expect(line).toContain('--model ckpt.pt --n-head 1');
  const folder = mkdtempSync(`${tmpdir()}/decant-`);
  try {
    writeFileSync(`${folder}/input.txt`, characters);
    const here = line
      .replace('build/decant', fromHere('../../../build/decant'))
      .replace('ckpt.pt', `${fixtures}ckpt.pt --chars ${folder}/input.txt`);
    const text = execFileSync('bash', ['-c', `${here} --quiet --json`], { encoding: 'utf8' });
    await page.keyboard.press('Escape');
    await page.getByRole('checkbox', { name: 'as plain text' }).check();
    expect(await page.locator('.plain').textContent()).toBe(`!#"${JSON.parse(text).text}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('works offline after the first load', async () => {
  const away = await host();
  const page = await blank();
  await page.goto(away.address);
  await loaded(page);
  await page.evaluate(() => navigator.serviceWorker.ready);
  await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
  await away.close();
  await page.reload();
  await loaded(page);
  // The host really was away; the browser says so by itself.
  expect(complaints.splice(0).filter((line) => !line.includes('ERR_CONNECTION_REFUSED'))).toEqual([]);
});

it('keeps the theme', async () => {
  const page = await ready('', { colorScheme: 'light' });
  const colour = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await colour();
  await page.getByLabel('Theme').selectOption('dark');
  const dark = await colour();
  expect(dark).not.toBe(light);
  await page.reload();
  expect(await colour()).toBe(dark);
});

it('guides through the chapter by keyboard, and can be left at any time', async () => {
  const page = await ready();
  const button = page.getByRole('button', { name: 'Tour' });
  await button.focus();
  await page.keyboard.press('Enter');
  const panel = page.getByRole('region', { name: 'Guided tour' });
  for (const { title } of tour) {
    expect(await panel.getByRole('heading').innerText()).toBe(title);
    await panel.getByRole('button', { name: /Next|Done/ }).focus();
    await page.keyboard.press('Enter');
  }
  expect(await panel.count()).toBe(0);
  await settled(page);
  expect(await fragment(page, /length=60/)).toContain('temperature=0.8&top_k=50&top_p=0.9');

  await page.keyboard.press('Enter'); // the focus is back on the button
  await panel.waitFor();
  await page.keyboard.press('Escape');
  expect(await panel.count()).toBe(0);
});
