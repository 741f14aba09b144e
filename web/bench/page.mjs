// How fast the built page is: npm run bench. Each figure is a median, by the browser's own performance marks.
import { chromium } from 'playwright-core';
import { preview } from 'vite';

const server = await preview({ preview: { port: 0 } });
const address = server.resolvedUrls.local[0];
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  // Frames come when they are done, not sixty times a second, so that waiting for one is not measured.
  args: ['--no-sandbox', '--disable-gpu', '--disable-frame-rate-limit', '--disable-gpu-vsync'],
});

const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
const say = (what, value, unit, goal) =>
  console.log(`${what.padEnd(48)} ${value.toFixed(1).padStart(8)} ${unit.padEnd(8)} goal: ${goal}`);

async function open(fragment) {
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 900 } })).newPage();
  page.setDefaultTimeout(60_000);
  await page.goto(`${address}#v=1&prompt=ROMEO:&${fragment}`);
  await page.locator('main[aria-busy=false]').waitFor();
  return page;
}

/** From what `act` does to the frame that is painted after `region` has changed; once for each value. */
function repaints(page, region, slider, values) {
  return page.evaluate(
    async ([region, slider, values]) => {
      const painted = () =>
        new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
      const control = document.evaluate(slider, document).iterateNext();
      const durations = [];
      for (const value of values) {
        const changed = new Promise((resolve, reject) => {
          setTimeout(() => reject(new Error(`nothing changed at ${value}`)), 2000);
          const observer = new MutationObserver(() => (observer.disconnect(), resolve()));
          const given = { subtree: true, childList: true, characterData: true, attributes: true };
          observer.observe(document.querySelector(region), given);
        });
        performance.mark('turned');
        control.value = value;
        control.dispatchEvent(new Event('input', { bubbles: true }));
        await changed;
        await painted();
        durations.push(performance.measure('repainted', 'turned').duration);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return durations;
    },
    [region, slider, values],
  );
}

const temperature = '//label[text()="Temperature"]/..//input[@type="range"]';
// Far enough from one to the next that something changes each time.
const values = Array.from({ length: 41 }, (_, i) => String(40 + ((i * 37) % 90)));

const first = [];
for (let i = 0; i < 5; ++i) {
  const page = await (await browser.newContext()).newPage();
  await page.goto(address);
  first.push(
    await page.evaluate(async () => {
      while (document.querySelector('#curve svg') === null) await new Promise(requestAnimationFrame);
      const [paint] = performance.getEntriesByName('first-contentful-paint');
      return paint?.startTime ?? performance.now();
    }),
  );
  await page.context().close();
}
say('first picture', median(first), 'ms', 'under 1,000');

{
  const page = await open('temperature=0.8&top_k=50&top_p=0.9');
  // Normal(0, 3), as the native benchmark has them.
  const logits = Array.from({ length: 50257 }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - Math.random()));
    return Number((3 * radius * Math.cos(2 * Math.PI * Math.random())).toFixed(4));
  });
  await page.getByText('Your own logits').click();
  await page.getByLabel(/Or paste them/).fill(JSON.stringify(logits));
  await page.getByRole('button', { name: 'Show these' }).click();
  await page.getByText('50,257').first().waitFor();
  await page.getByText('Your own logits').click();
  const durations = await repaints(page, '#curve dl', temperature, values);
  say('slider to repainted curve, V = 50,257', median(durations), 'ms', 'under 16');
  await page.context().close();
}

{
  const page = await open('temperature=0.8&top_k=50&top_p=0.9&length=200');
  const durations = await repaints(page, '#text .strip', temperature, values);
  say('slider to repainted replay of 200 tokens', median(durations), 'ms', 'under 100');
  await page.context().close();
}

{
  const speeds = [];
  for (let i = 0; i < 3; ++i) {
    const page = await open('temperature=0.8&top_k=50&top_p=0.9');
    const seconds = await page.evaluate(async () => {
      const busy = (is) => document.querySelector(`main[aria-busy=${is}]`) !== null;
      const button = [...document.querySelectorAll('button')].find(
        ({ textContent }) => textContent.trim() === 'Generate',
      );
      performance.mark('asked');
      button.click();
      while (!busy(true)) await new Promise((resolve) => setTimeout(resolve));
      while (!busy(false)) await new Promise((resolve) => setTimeout(resolve, 1));
      return performance.measure('generated', 'asked').duration / 1000;
    });
    speeds.push((await page.getByLabel("The text’s tokens").getByRole('button').count()) / seconds);
    await page.context().close();
  }
  say('the shipped model, one thread, as it is shown', median(speeds), 'tokens/s', '150 or more');
}

await browser.close();
await server.close();
