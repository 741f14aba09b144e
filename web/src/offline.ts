/// <reference lib="webworker" />
// The service worker: everything that the page needs, its model too, is kept at the first visit.
export {}; // names of its own
declare const self: ServiceWorkerGlobalScope;
/** Put in place by the build: the files, and what changes whenever one of them does. */
declare const precache: { files: string[]; version: string };

const ours = `decant ${self.registration.scope} `; // other folders of the host have their own
const name = ours + precache.version;

self.addEventListener('install', (event) => {
  event.waitUntil(fill().then(() => self.skipWaiting()));
});

async function fill(): Promise<void> {
  const cache = await caches.open(name);
  await cache.addAll(precache.files);
}

self.addEventListener('activate', (event) => {
  event.waitUntil(dropOthers().then(() => self.clients.claim()));
});

async function dropOthers(): Promise<void> {
  const all = await caches.keys();
  const old = all.filter((other) => other.startsWith(ours) && other !== name);
  await Promise.all(old.map((other) => caches.delete(other)));
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || !request.url.startsWith(self.registration.scope)) return;
  event.respondWith(request.mode === 'navigate' ? freshest(request) : kept(request));
});

// The page itself comes from the host while there is one, so that a new version is seen at once.
async function freshest(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch {
    return (await caches.match('./', { cacheName: name })) ?? Response.error();
  }
}

async function kept(request: Request): Promise<Response> {
  return (await caches.match(request, { cacheName: name, ignoreVary: true })) ?? fetch(request);
}
