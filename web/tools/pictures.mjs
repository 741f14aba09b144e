// The pictures of docs/playground.md, of the page as it is built: npm run pictures.
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { preview } from 'vite';

const folder = fileURLToPath(new URL('../../docs/playground/', import.meta.url));
const server = await preview({ preview: { port: 0 } });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
const text =
  '#v=1&prompt=ROMEO:&seed=3&temperature=0.8&top_k=50&top_p=0.9&length=120&forced=0:198&step=20';
const sizes = { phone: [360, 800], desk: [1440, 1080], large: [3840, 2160] };

for (const [name, [width, height]] of Object.entries(sizes)) {
  for (const colorScheme of ['light', 'dark']) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme });
    const page = await context.newPage();
    await page.goto(server.resolvedUrls.local[0] + text);
    await page.locator('main[aria-busy=false]').waitFor();
    const temperature = page.getByRole('slider', { name: 'Temperature', exact: true });
    await temperature.focus();
    for (let i = 0; i < 10; ++i) await page.keyboard.press('ArrowRight');
    await page.getByText(/drawn tokens would have been others/).waitFor();
    await page.evaluate(() => (document.activeElement.blur(), scrollTo(0, 0)));
    await page.mouse.move(0, 0);
    await page.waitForTimeout(500); // for the last repaint
    const path = `${folder}${name}_${colorScheme}.png`;
    await page.screenshot({ path });
    await context.close();
  }
}
await browser.close();
await server.close();
