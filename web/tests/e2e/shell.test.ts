// The page as a whole: at once, offline, with what goes wrong, and with addresses that have a text.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { tour } from '../../src/tour';
import { fragment, host, loaded, pages, settled } from './page';

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const { address, blank, complaints, ready } = pages();

const candidates = (page: import('playwright-core').Page) =>
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
  expect(await alert.innerText()).toContain('temperature=hot is not a number from 0');
  expect(await alert.innerText()).toContain('hum');
  expect(await alert.innerText()).toContain('prompt=, which is empty');
  await expect.poll(() => page.getByLabel('The text’s tokens').getByRole('button').count()).toBe(3);
  await alert.getByRole('button', { name: 'Dismiss' }).click();
  expect(await alert.count()).toBe(0);
});

it('says when the worker is lost, and starts again with the same text', async () => {
  const page = await ready('v=1&prompt=ROMEO:&seed=3&temperature=0.8&length=30&forced=4:345');
  await fragment(page, /length=30/);
  const before = await page.getByLabel('The text’s tokens').innerText();
  await page.workers()[0]!.evaluate(() => self.close());
  const alert = page.locator('.messages [role=alert]');
  await alert.waitFor();
  expect(await alert.innerText()).toContain('ended the worker');
  expect(await page.getByLabel('The text’s tokens').innerText()).toBe(before);
  // Neither what is turned meanwhile nor what is typed may get in the way.
  await page.getByRole('slider', { name: 'Temperature', exact: true }).press('ArrowRight');
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
  await page.goto(address());
  expect(await page.locator('.messages [role=alert]').innerText()).toContain('Firefox from 89');
  expect(await candidates(page)).toContain('␣lord');
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
