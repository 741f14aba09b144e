// axe finds no violation, at three sizes, light and dark, whatever is open.
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { pages } from './page';

const { ready } = pages();

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const { violations } = await page.evaluate(() =>
    (window as unknown as { axe: typeof axe }).axe.run({ resultTypes: ['violations'] }),
  );
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} at ${target.join(' ')}: ${failureSummary}`),
  );
}

const sizes = [
  { width: 360, height: 800 },
  { width: 1280, height: 900 },
  { width: 3840, height: 2160 },
];
const text = 'v=1&prompt=ROMEO:&seed=3&temperature=0.8&top_k=50&length=30&forced=4:345&hum=1';

describe.each(['light', 'dark'] as const)('%s', (colorScheme) => {
  it.each(sizes)('axe finds nothing at $width', async (viewport) => {
    const page = await ready(text, { colorScheme, viewport });
    expect(await violations(page)).toEqual([]);
    // Every fold of the page, and all strategies with something to show.
    const folds = page.locator('main details:not([open]) > summary');
    while ((await folds.count()) > 0) await folds.first().click();
    await page.locator('.cells .drawn').last().waitFor();
    await page.getByRole('button', { name: 'Compare', exact: true }).click();
    await page.getByRole('button', { name: 'greedy', exact: true }).click();
    await page.getByText('would have been others').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByText('Share', { exact: true }).click();
    await page.getByLabel('Form').selectOption('C++');
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Escape');
    await page.locator('summary', { hasText: 'Shakespeare' }).click();
    await page.getByRole('button', { name: 'Tour' }).click();
    expect(await violations(page)).toEqual([]);
    const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    expect(wider, 'nothing is wider than the page').toBeLessThanOrEqual(0);
  });
});
