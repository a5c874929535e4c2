/*
 * What freshet answers where service-workers = kill: a service worker that takes the old one's place, removes all that
 * it stored with the Cache API, and then itself.  Pages that the old one handed out are loaded again, without any.
 *
 * A page that registers its worker at every visit gets this one each time.  It then controls no page, so it loads
 * none again: there is no loop.
 */
"use strict";

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", event => event.waitUntil(leave()));

async function leave() {
	const pages = await self.clients.matchAll({ type: "window" });
	const names = await self.caches.keys();

	await Promise.allSettled(names.map(name => self.caches.delete(name)));
	await self.registration.unregister();
	for (const page of pages)
		page.navigate(page.url).catch(() => {}); /* it is not waited for: the page may be gone */
}
