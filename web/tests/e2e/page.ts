// The built page in Debian's Chromium, from a sub-path of a small host.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';

const built = fileURLToPath(new URL('../../../build/web', import.meta.url));
const folder = '/some/where';
const types: Record<string, string> = {
  '.css': 'text/css',
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
};

export interface Host {
  address: string;
  close(): Promise<void>;
}

export async function host(): Promise<Host> {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url!, 'http://host').pathname));
    const name = path.endsWith('/') ? `${path}index.html` : path;
    try {
      if (!name.startsWith(`${folder}/`)) throw new Error('outside');
      const bytes = await readFile(join(built, name.slice(folder.length)));
      const type = types[extname(name)] ?? 'application/octet-stream';
      response.writeHead(200, { 'content-type': type, 'content-length': bytes.length }).end(bytes);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}${folder}/`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** For a file of tests: a browser, a host, and pages on which nothing may go wrong unnoticed. */
export function pages() {
  let browser: Browser;
  let here: Host;
  const complaints: string[] = [];
  const open: Page[] = [];

  beforeAll(async () => {
    here = await host();
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking'],
    });
  });
  afterAll(async () => {
    await browser?.close();
    await here?.close();
  });
  afterEach(async () => {
    for (const page of open.splice(0)) await page.context().close();
    expect(complaints.splice(0), 'what the console had to complain of').toEqual([]);
  });

  async function blank(options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    open.push(page);
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('request', (request) => {
      const { protocol, hostname } = new URL(request.url());
      if (protocol.startsWith('http') && hostname !== '127.0.0.1') {
        complaints.push(`asked ${request.url()}`);
      }
    });
    return page;
  }

  const address = (fragment = '') => here.address + (fragment === '' ? '' : `#${fragment}`);

  return {
    blank,
    address,
    complaints,
    /** The page with its model loaded, and the text of its address made. */
    async ready(fragment = '', options: BrowserContextOptions = {}): Promise<Page> {
      const page = await blank(options);
      await page.goto(address(fragment));
      await loaded(page);
      return page;
    },
  };
}

export async function loaded(page: Page): Promise<void> {
  await page.locator('summary', { hasText: 'Shakespeare' }).waitFor();
  await settled(page);
}

/** Once nothing is loaded or generated any more. */
export async function settled(page: Page): Promise<void> {
  await page.locator('main[aria-busy=false]').waitFor();
}

/** The fragment of the address, once it is the one that is waited for. */
export async function fragment(page: Page, wanted: RegExp): Promise<string> {
  await page.waitForFunction(
    ([source]) => new RegExp(source!).test(decodeURIComponent(location.hash)),
    [wanted.source],
  );
  return page.evaluate(() => location.hash.slice(1));
}
