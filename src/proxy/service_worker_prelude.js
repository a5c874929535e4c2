/*
 * What freshet puts in front of a service worker's script where service-workers = wrap.
 *
 * What the worker takes out of the Cache API is asked of the origin first; the stored copy is used where the network is
 * down, the origin too slow, or its answer an error.  What the worker fetches goes past the browser's HTTP cache.  And
 * it takes over at once, instead of waiting until all pages of its predecessor are closed.
 *
 * Runs in classic and module workers, strict or not, and leaves no name behind.  What is not a copy of something that
 * the origin has, it leaves alone: answers that the site's own code made, and what is asked for without GET.
 */
(() => {
	"use strict";

	const PATIENCE_MS = 5000; /* how long the origin may take, where there is a copy */
	const BUSY = [408, 429];
	const GONE = [404, 410];

	const native = {
		fetch: self.fetch,
		match: CacheStorage.prototype.match,
		matchIn: Cache.prototype.match,
		matchAllIn: Cache.prototype.matchAll,
		addTo: Cache.prototype.add,
		addAllTo: Cache.prototype.addAll,
	};

	/* ---- past the HTTP cache */

	/* A navigation may not be changed without ceasing to be one, and only-if-cached means what it says. */
	function mayComeFromCache(request) {
		return ["GET", "HEAD"].includes(request.method) && /^https?:/.test(request.url) &&
			request.mode !== "navigate" && ["default", "force-cache"].includes(request.cache);
	}

	/* The referrer would else become this script. */
	function pastCache(request) {
		if (!mayComeFromCache(request))
			return request;
		const { referrer, referrerPolicy } = request;
		return new Request(request, { cache: "no-store", referrer, referrerPolicy });
	}

	/* The same for whatever fetch() and its like accept; what they would refuse is left to them to refuse. */
	function asRequest(input, init) {
		const method = String((init && init.method) || (input && input.method) || "GET").toUpperCase();

		if (method !== "GET" && method !== "HEAD")
			return null; /* its body can be read once only */
		try {
			return new Request(input, init);
		} catch (refusal) {
			return null;
		}
	}

	function fetchPastCache(input, init) {
		const request = asRequest(input, init);

		if (!request || !mayComeFromCache(request))
			return native.fetch.call(self, input, init);
		return native.fetch.call(self, pastCache(request));
	}

	function inputPastCache(input) {
		const request = asRequest(input);

		return request ? pastCache(request) : input;
	}

	/* ---- stored copies */

	/* Not what the site's code put together itself: the origin may know nothing of it. */
	function isCopy(response) {
		return response.type === "opaque" || (["basic", "cors"].includes(response.type) && response.url !== "");
	}

	/* Asked anew in such a way that the answer is of the same type as the stored one, or none. */
	function likeStored(request, stored) {
		if (stored.type === "opaque" && request.mode === "cors")
			return new Request(request, { mode: "no-cors" });
		if (stored.type === "cors" && request.mode === "no-cors")
			return new Request(request, { mode: "cors", credentials: "same-origin" });
		return request;
	}

	/* Part of a file is cut out of the stored one by the site's code. */
	function canBeAsked(request) {
		return request !== null && request.method === "GET" && /^https?:/.test(request.url) &&
			request.cache !== "only-if-cached" && !request.headers.has("range");
	}

	/* A page that is still open may need a file that newer pages do without. */
	function belongsToPage(asked) {
		return !(asked instanceof Request) || (asked.destination !== "" && asked.mode !== "navigate");
	}

	function isBetter(response, stored, asked) {
		if (!response)
			return false;
		if (response.type === "opaqueredirect")
			return true;
		if (response.type !== stored.type || response.status === 304 || response.status >= 500)
			return false;
		return !BUSY.includes(response.status) && !(GONE.includes(response.status) && belongsToPage(asked));
	}

	/* A navigation may not be answered by what came after a redirect. */
	function withoutRedirect(response, stored) {
		if (!response.redirected || stored.redirected)
			return response;
		const { status, statusText, headers } = response;
		return new Response(response.body, { status, statusText, headers });
	}

	function fetchInTime(request) {
		const late = new Promise(resolve => setTimeout(resolve, PATIENCE_MS, null));

		return Promise.race([native.fetch.call(self, request), late]).catch(() => null);
	}

	async function renewed(asked, stored) {
		const request = stored && isCopy(stored) && navigator.onLine !== false ? asRequest(asked) : null;

		if (!canBeAsked(request))
			return stored;
		const response = await fetchInTime(pastCache(likeStored(request, stored)));
		return isBetter(response, stored, asked) ? withoutRedirect(response, stored) : stored;
	}

	/* Several hits: each by its own address, where it tells that. */
	function allRenewed(asked, stored) {
		if (asked === undefined)
			return stored; /* all there is, to look through */
		if (stored.length === 1)
			return Promise.all([renewed(asked, stored[0])]);
		return Promise.all(stored.map(one => one.url ? renewed(one.url, one) : one));
	}

	/* ---- in place of the browser's own */

	function replace(owner, functions) {
		for (const name of Object.keys(functions)) {
			const { enumerable, writable, configurable } = Object.getOwnPropertyDescriptor(owner, name) ||
				{ enumerable: true, writable: true, configurable: true };

			Reflect.defineProperty(owner, name, { value: functions[name], enumerable, writable, configurable });
		}
	}

	replace(self, {
		fetch(input, init) {
			return fetchPastCache(input, init);
		},
	});
	replace(CacheStorage.prototype, {
		async match(asked, options) {
			return renewed(asked, await native.match.apply(this, arguments));
		},
	});
	replace(Cache.prototype, {
		async match(asked, options) {
			return renewed(asked, await native.matchIn.apply(this, arguments));
		},
		async matchAll(asked, options) {
			return allRenewed(asked, await native.matchAllIn.apply(this, arguments));
		},
		async add(input) {
			return native.addTo.call(this, inputPastCache(input));
		},
		async addAll(inputs) {
			return native.addAllTo.call(this, Array.from(inputs, inputPastCache));
		},
	});

	/* ---- at once */

	self.addEventListener("install", () => {
		self.skipWaiting();
	});
	self.addEventListener("activate", event => {
		event.waitUntil(self.clients.claim().catch(() => {}));
	});
})();
